//! `do`

use super::{CHECKED, Lowering};
use crate::document::NodeId;
use crate::program::Action;

impl Lowering<'_> {
    pub(super) fn do_block(&mut self, task: NodeId) -> Action {
        let list = self.document.get(task, "do").expect(CHECKED);
        Action::Do(self.block(list))
    }
}
