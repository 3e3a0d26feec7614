//! `raise`

use super::{CHECKED, Lowering};
use crate::document::NodeId;
use crate::program::{Action, Raise};
use crate::shape::Section;

impl Lowering<'_> {
    pub(super) fn raise(&mut self, task: NodeId) -> Action {
        let error = self.document.at(task, &["raise", "error"]).expect(CHECKED);
        Action::Raise(self.resolved(error, Section::Errors, |lowering, error| Raise {
            r#type: lowering.template(error, "type").expect(CHECKED),
            status: lowering.template(error, "status").expect(CHECKED),
            title: lowering.template(error, "title"),
            detail: lowering.template(error, "detail"),
            instance: lowering.template(error, "instance"),
        }))
    }
}
