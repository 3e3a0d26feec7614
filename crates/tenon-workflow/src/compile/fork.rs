//! `fork`

use super::{CHECKED, Lowering};
use crate::document::NodeId;
use crate::program::{Action, BlockId, Fork};

impl Lowering<'_> {
    pub(super) fn fork(&mut self, task: NodeId) -> Action {
        let document = self.document;
        let fork = document.get(task, "fork").expect(CHECKED);
        let branches = document.get(fork, "branches").expect(CHECKED);
        let entries = document.items(branches).iter().filter_map(|item| document.entries(*item).first());
        Action::Fork(Fork {
            branches: entries.map(|entry| self.branch(&entry.key, entry.value)).collect(),
            compete: self.flag(fork, "compete"),
        })
    }

    fn branch(&mut self, name: &str, task: NodeId) -> BlockId {
        let block = self.empty_block();
        self.fill(block, name, task);
        block
    }
}
