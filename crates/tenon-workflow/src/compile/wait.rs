//! `wait`, for a time or (ours) until a moment

use super::{CHECKED, Lowering};
use crate::document::NodeId;
use crate::program::{Action, Wait};

impl Lowering<'_> {
    pub(super) fn wait(&mut self, task: NodeId) -> Action {
        let tenon = self.document.at(task, &["metadata", "tenon"]);
        let until = tenon.and_then(|tenon| self.expr(tenon, "until"));
        Action::Wait(match until {
            Some(until) => Wait::Until(until),
            None => Wait::For(self.span(task, "wait").expect(CHECKED)),
        })
    }
}
