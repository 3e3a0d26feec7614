//! Lowers a checked document to a [`Program`].
//!
//! The checker has proved the shape and compiled every expression; what is left is to resolve names to indexes
//! and to put things where the interpreter finds them. So nothing here can fail, and nothing here judges: a
//! rule that refuses documents belongs in the table of shapes or in the checker. One file per kind of task.

mod call_http;
mod do_block;
mod emit;
mod for_each;
mod parts;
mod raise;
mod set;
mod switch;
mod try_catch;
mod wait;
mod workflow;

use std::collections::HashMap;
use std::sync::Arc;

use crate::check::{Compiled, Piece, examine};
use crate::diagnostic::Diagnostic;
use crate::document::{Document, NodeId};
use crate::program::{Action, Block, BlockId, Program, Task, TaskId};

/// Checks a document and compiles it. The error has everything that is wrong with it, or, if it is valid, every
/// part that this version of Tenon cannot execute yet; it is never empty.
pub fn compile(document: &Document) -> Result<Program, Vec<Diagnostic>> {
    let checked = examine(document);
    if !checked.findings.is_empty() {
        return Err(checked.findings);
    }
    if !checked.later.is_empty() {
        return Err(checked.later);
    }
    let lowering = Lowering {
        document,
        compiled: checked.compiled,
        site: document.root(),
        tasks: Vec::new(),
        blocks: Vec::new(),
    };
    Ok(lowering.workflow())
}

struct Lowering<'d> {
    document: &'d Document,
    compiled: Compiled,
    /// The reference through which definitions are reached, or the root.
    site: NodeId,
    /// `None` while a task's own blocks are being lowered.
    tasks: Vec<Option<Task>>,
    blocks: Vec<Block>,
}

/// A task and the list that it stands in.
struct Spot<'a> {
    id: NodeId,
    block: BlockId,
    position: usize,
    /// Name of each task of the list to its position.
    names: &'a HashMap<&'a str, usize>,
}

/// Why the compiled piece of a node is there.
const CHECKED: &str = "the checker compiled every part that the table of shapes says is executable";

// === impl Lowering ===

impl Lowering<'_> {
    /// A list of tasks.
    fn block(&mut self, list: NodeId) -> BlockId {
        let document = self.document;
        let entries = || document.items(list).iter().filter_map(|item| document.entries(*item).first());
        let names: HashMap<&str, usize> =
            entries().enumerate().map(|(position, entry)| (&*entry.key, position)).collect();
        let block = BlockId(self.blocks.len() as u32);
        self.blocks.push(Block { tasks: Vec::new() });
        for (position, entry) in entries().enumerate() {
            let spot = Spot { id: entry.value, block, position, names: &names };
            let task = self.task(&entry.key, &spot);
            self.blocks[block.0 as usize].tasks.push(task);
        }
        block
    }

    fn task(&mut self, name: &str, spot: &Spot<'_>) -> TaskId {
        let id = TaskId(self.tasks.len() as u32);
        self.tasks.push(None);
        let action = self.action(spot);
        let node = spot.id;
        let task = Task {
            id,
            name: name.to_owned(),
            pointer: self.document.pointer(node),
            block: spot.block,
            position: spot.position,
            definition: Arc::new(self.document.value_of(node)),
            condition: self.expr(node, "if"),
            input: self.input(node),
            output: self.output(node),
            export: self.export(node),
            timeout: self.timeout(node),
            then: self.then(node, spot).unwrap_or(crate::Then::Continue),
            action,
        };
        self.tasks[id.0 as usize] = Some(task);
        id
    }

    fn action(&mut self, spot: &Spot<'_>) -> Action {
        let has = |key: &str| self.document.get(spot.id, key).is_some();
        if has("call") {
            self.call_http(spot.id)
        } else if has("emit") {
            self.emit(spot.id)
        } else if has("for") {
            self.for_each(spot.id)
        } else if has("raise") {
            self.raise(spot.id)
        } else if has("set") {
            self.set(spot.id)
        } else if has("switch") {
            self.switch(spot)
        } else if has("try") {
            self.try_catch(spot)
        } else if has("wait") {
            self.wait(spot.id)
        } else {
            self.do_block(spot.id)
        }
    }

    fn take(&mut self, node: NodeId) -> Option<Piece> {
        self.compiled.remove(&(self.site, node))
    }
}
