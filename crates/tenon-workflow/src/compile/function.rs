//! `use.functions`: each lowered once, and once more if extensions call it, whose tasks are not extended

use super::{CHECKED, Lowering};
use crate::program::BlockId;

impl Lowering<'_> {
    /// The block of a function. Its task is made by [`Lowering::fill_functions`].
    pub(super) fn function(&mut self, name: &str) -> BlockId {
        let node = *self.defined.get(name).expect(CHECKED);
        let key = (node, self.inside_extension);
        if let Some(block) = self.functions.get(&key) {
            return *block;
        }
        let block = self.empty_block();
        self.functions.insert(key, block);
        self.pending.push((name.to_owned(), block));
        block
    }

    /// Makes the tasks of all functions that were called, and of those that they call.
    pub(super) fn fill_functions(&mut self) {
        while let Some((name, block)) = self.pending.pop() {
            let node = *self.defined.get(name.as_str()).expect(CHECKED);
            self.fill(block, &name, node);
        }
    }
}
