//! `set`

use super::{CHECKED, Lowering};
use crate::document::NodeId;
use crate::program::Action;

impl Lowering<'_> {
    pub(super) fn set(&mut self, task: NodeId) -> Action {
        Action::Set(self.template(task, "set").expect(CHECKED))
    }
}
