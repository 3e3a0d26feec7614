//! Lowers a checked document to a [`Program`].
//!
//! The checker has proved the shape and compiled every expression; what is left is to resolve names to indexes
//! and to put things where the interpreter finds them. So nothing here can fail, and nothing here judges: a
//! rule that refuses documents belongs in the table of shapes or in the checker. One file per kind of task.

mod authentication;
mod call;
mod do_block;
mod emit;
mod event;
mod extension;
mod for_each;
mod fork;
mod function;
mod listen;
mod parts;
mod raise;
mod run;
mod set;
mod switch;
mod try_catch;
mod wait;
mod workflow;

use std::collections::HashMap;

use crate::check::{Compiled, Piece, examine};
use crate::diagnostic::Diagnostic;
use crate::document::{Document, NodeId};
use crate::program::{Action, Block, BlockId, Extends, Files, Program, Task, TaskId};

/// As [`compile_with`], with no files.
pub fn compile(document: &Document) -> Result<Program, Vec<Diagnostic>> {
    compile_with(document, &Files::new())
}

/// Checks a document and compiles it, with the files that it refers to as they were pinned. The error has
/// everything that is wrong with it, or, if it is valid, every part that this version of Tenon cannot execute
/// yet; it is never empty. A file that is missing or cannot be read is no error of the document: what needs it
/// carries the reason.
pub fn compile_with(document: &Document, files: &Files) -> Result<Program, Vec<Diagnostic>> {
    let checked = examine(document);
    if !checked.findings.is_empty() {
        return Err(checked.findings);
    }
    if !checked.later.is_empty() {
        return Err(checked.later);
    }
    let lowering = Lowering {
        document,
        files,
        compiled: checked.compiled,
        variables: checked.variables.into_iter().collect(),
        site: document.root(),
        defined: defined_functions(document),
        functions: HashMap::new(),
        pending: Vec::new(),
        extends: Vec::new(),
        inside_extension: false,
        tasks: Vec::new(),
        blocks: Vec::new(),
    };
    Ok(lowering.workflow())
}

fn defined_functions(document: &Document) -> HashMap<&str, NodeId> {
    let functions = document.at(document.root(), &["use", "functions"]);
    let functions = functions.map_or(&[][..], |functions| document.entries(functions));
    functions.iter().map(|entry| (&*entry.key, entry.value)).collect()
}

struct Lowering<'d> {
    document: &'d Document,
    files: &'d Files,
    compiled: Compiled,
    /// Names of configuration variables that are read.
    variables: Vec<String>,
    /// The reference through which definitions are reached, or the root.
    site: NodeId,
    /// Functions by name.
    defined: HashMap<&'d str, NodeId>,
    /// Functions that are lowered: for tasks of the workflow, and for those of extensions, which are not extended.
    functions: HashMap<(NodeId, bool), BlockId>,
    /// Functions that have a block, but no task in it yet: a long row of calls costs no stack.
    pending: Vec<(String, BlockId)>,
    /// What each extension surrounds.
    extends: Vec<Extends>,
    inside_extension: bool,
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
    fn empty_block(&mut self) -> BlockId {
        let block = BlockId(self.blocks.len() as u32);
        self.blocks.push(Block { tasks: Vec::new() });
        block
    }

    /// Makes the one task of a branch or a function.
    fn fill(&mut self, block: BlockId, name: &str, task: NodeId) {
        let spot = Spot { id: task, block, position: 0, names: &HashMap::new() };
        let task = self.task(name, &spot);
        self.blocks[block.0 as usize].tasks.push(task);
    }

    /// A list of tasks.
    fn block(&mut self, list: NodeId) -> BlockId {
        let document = self.document;
        let entries = || document.items(list).iter().filter_map(|item| document.entries(*item).first());
        let names: HashMap<&str, usize> =
            entries().enumerate().map(|(position, entry)| (&*entry.key, position)).collect();
        let block = self.empty_block();
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
            condition: self.expr(node, "if"),
            input: self.input(node),
            output: self.output(node),
            export: self.export(node),
            timeout: self.timeout(node),
            then: self.then(node, spot).unwrap_or(crate::Then::Continue),
            extensions: self.extensions_of(&action),
            action,
        };
        self.tasks[id.0 as usize] = Some(task);
        id
    }

    fn action(&mut self, spot: &Spot<'_>) -> Action {
        let has = |key: &str| self.document.get(spot.id, key).is_some();
        if has("call") {
            self.call(spot.id)
        } else if has("emit") {
            self.emit(spot.id)
        } else if has("for") {
            self.for_each(spot.id)
        } else if has("fork") {
            self.fork(spot.id)
        } else if has("listen") {
            self.listen(spot.id)
        } else if has("raise") {
            self.raise(spot.id)
        } else if has("run") {
            self.run(spot.id)
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

    /// What the checker compiled. A copy, since a function is lowered twice if extensions call it too; all of it is
    /// shared below.
    fn take(&self, node: NodeId) -> Option<Piece> {
        self.compiled.get(&(self.site, node)).cloned()
    }
}
