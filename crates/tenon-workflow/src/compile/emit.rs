//! `emit`

use super::{CHECKED, Lowering};
use crate::document::NodeId;
use crate::program::{Action, Emit};

impl Lowering<'_> {
    pub(super) fn emit(&mut self, task: NodeId) -> Action {
        let with = self.document.at(task, &["emit", "event", "with"]).expect(CHECKED);
        Action::Emit(Emit { event: self.template_of(with) })
    }
}
