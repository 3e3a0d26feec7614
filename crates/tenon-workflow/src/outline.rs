//! The tasks of a document as a tree of lists: what the linter and the plain-English view walk.
//!
//! Made from the document alone, so that it exists for documents that are valid but cannot be executed, too. It
//! expects a document that the checker accepts; of others it shows what it understands. It judges nothing.

use std::collections::HashMap;
use std::time::Duration;

use tenon_expr::runtime_expression;

use crate::document::{Content, Document, NodeId};
use crate::program::{Then, parse_duration};
use crate::shape::{CALLS, CUSTOM_CALL, Object, TASK_KINDS};

/// All tasks of a document.
pub(crate) struct Outline<'d> {
    pub(crate) document: &'d Document,
    pub(crate) tasks: Vec<Task<'d>>,
    /// The first one is the workflow's `do`.
    pub(crate) blocks: Vec<Block<'d>>,
    definitions: HashMap<(&'static str, &'d str), NodeId>,
}

/// Index of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TaskNo(usize);

/// Index of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct BlockNo(usize);

/// One task.
pub(crate) struct Task<'d> {
    pub(crate) no: TaskNo,
    pub(crate) name: &'d str,
    pub(crate) node: NodeId,
    pub(crate) kind: Kind,
    /// The list it stands in, and where in it.
    pub(crate) block: BlockNo,
    pub(crate) position: usize,
    /// The lists inside it, in the order of the text.
    pub(crate) inner: Vec<BlockNo>,
}

/// A list of tasks.
pub(crate) struct Block<'d> {
    pub(crate) tasks: Vec<TaskNo>,
    pub(crate) role: Role,
    /// The task that it is a part of; none for the workflow, functions and extensions.
    pub(crate) owner: Option<TaskNo>,
    /// The list; of a function, its task.
    pub(crate) node: NodeId,
    names: HashMap<&'d str, usize>,
}

/// What a list of tasks is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Workflow,
    Do,
    Loop,
    Try,
    Catch,
    /// Of a `fork`: they run at the same time.
    Branches,
    /// `foreach` of a `listen` or a subscription.
    Foreach,
    Before,
    After,
    Function,
}

/// What a task does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Call,
    Do,
    Emit,
    For,
    Fork,
    Listen,
    Raise,
    Run,
    Set,
    Switch,
    Try,
    Wait,
}

/// `for` comes before `do`, which it contains.
const KINDS: [(&str, Kind); 12] = [
    ("call", Kind::Call),
    ("emit", Kind::Emit),
    ("for", Kind::For),
    ("fork", Kind::Fork),
    ("listen", Kind::Listen),
    ("raise", Kind::Raise),
    ("run", Kind::Run),
    ("set", Kind::Set),
    ("switch", Kind::Switch),
    ("try", Kind::Try),
    ("wait", Kind::Wait),
    ("do", Kind::Do),
];

/// Where the lists of tasks inside a task are.
const INNER: [(Kind, &[&str], Role); 7] = [
    (Kind::Do, &["do"], Role::Do),
    (Kind::For, &["do"], Role::Loop),
    (Kind::Try, &["try"], Role::Try),
    (Kind::Try, &["catch", "do"], Role::Catch),
    (Kind::Fork, &["fork", "branches"], Role::Branches),
    (Kind::Listen, &["foreach", "do"], Role::Foreach),
    (Kind::Call, &["with", "subscription", "foreach", "do"], Role::Foreach),
];

/// Sections of `use` that are referred to by name.
const SECTIONS: [&str; 5] = ["authentications", "errors", "functions", "retries", "timeouts"];

// === impl TaskNo ===

impl TaskNo {
    /// Its place in [`Outline::tasks`].
    pub(crate) fn index(self) -> usize {
        self.0
    }
}

// === impl Outline ===

impl<'d> Outline<'d> {
    pub(crate) fn new(document: &'d Document) -> Self {
        let mut outline =
            Self { document, tasks: Vec::new(), blocks: Vec::new(), definitions: HashMap::new() };
        let root = document.root();
        outline.block(document.get(root, "do").unwrap_or(root), Role::Workflow, None);
        if let Some(used) = document.get(root, "use") {
            outline.definitions(used);
        }
        outline
    }

    fn definitions(&mut self, used: NodeId) {
        let document = self.document;
        for section in SECTIONS {
            let entries = document.get(used, section).map_or(&[][..], |defined| document.entries(defined));
            self.definitions.extend(entries.iter().map(|entry| ((section, &*entry.key), entry.value)));
            if section == "functions" {
                for entry in entries {
                    self.function(&entry.key, entry.value);
                }
            }
        }
        for (_, extension) in self.extensions() {
            for (key, role) in [("before", Role::Before), ("after", Role::After)] {
                if let Some(list) = document.get(extension, key) {
                    self.block(list, role, None);
                }
            }
        }
    }

    fn function(&mut self, name: &'d str, node: NodeId) {
        let block = self.open(node, Role::Function, None);
        self.add(name, node, block, 0);
    }

    fn open(&mut self, node: NodeId, role: Role, owner: Option<TaskNo>) -> BlockNo {
        let no = BlockNo(self.blocks.len());
        self.blocks.push(Block { tasks: Vec::new(), role, owner, node, names: HashMap::new() });
        no
    }

    /// As deep as the document, which the parser bounds.
    fn block(&mut self, list: NodeId, role: Role, owner: Option<TaskNo>) -> BlockNo {
        let document = self.document;
        let no = self.open(list, role, owner);
        let entries = document.items(list).iter().filter_map(|item| document.entries(*item).first());
        for (position, entry) in entries.enumerate() {
            self.blocks[no.0].names.insert(&entry.key, position);
            self.add(&entry.key, entry.value, no, position);
        }
        no
    }

    fn add(&mut self, name: &'d str, node: NodeId, block: BlockNo, position: usize) {
        let document = self.document;
        let no = TaskNo(self.tasks.len());
        let kind = KINDS.iter().find(|(key, _)| document.get(node, key).is_some());
        let kind = kind.map_or(Kind::Do, |(_, kind)| *kind);
        self.tasks.push(Task { no, name, node, kind, block, position, inner: Vec::new() });
        self.blocks[block.0].tasks.push(no);
        for (_, path, role) in INNER.iter().filter(|(owner, ..)| *owner == kind) {
            if let Some(list) = document.at(node, path) {
                let inner = self.block(list, *role, Some(no));
                self.tasks[no.0].inner.push(inner);
            }
        }
    }

    pub(crate) fn task(&self, no: TaskNo) -> &Task<'d> {
        &self.tasks[no.0]
    }

    pub(crate) fn block_of(&self, no: BlockNo) -> &Block<'d> {
        &self.blocks[no.0]
    }

    /// All blocks with their numbers.
    pub(crate) fn all_blocks(&self) -> impl Iterator<Item = (BlockNo, &Block<'d>)> {
        self.blocks.iter().enumerate().map(|(no, block)| (BlockNo(no), block))
    }

    /// The tasks of a block.
    pub(crate) fn tasks_of<'o>(&'o self, block: &'o Block<'d>) -> impl Iterator<Item = &'o Task<'d>> {
        block.tasks.iter().map(|no| self.task(*no))
    }

    /// All tasks in a block and in the blocks inside it; functions that they call are not among them.
    pub(crate) fn tasks_below(&self, block: BlockNo) -> Vec<&Task<'d>> {
        let mut found = Vec::new();
        let mut open = vec![block];
        while let Some(block) = open.pop() {
            for task in self.tasks_of(self.block_of(block)) {
                found.push(task);
                open.extend(&task.inner);
            }
        }
        found
    }

    /// The tasks around a task, innermost first.
    pub(crate) fn around(&self, task: TaskNo) -> impl Iterator<Item = &Task<'d>> {
        let owner = |no: TaskNo| self.block_of(self.task(no).block).owner;
        std::iter::successors(owner(task), move |no| owner(*no)).map(|no| self.task(no))
    }

    pub(crate) fn extensions(&self) -> Vec<(&'d str, NodeId)> {
        let document = self.document;
        let list = document.at(document.root(), &["use", "extensions"]);
        let items = list.map_or(&[][..], |list| document.items(list));
        let entries = items.iter().filter_map(|item| document.entries(*item).first());
        entries.map(|entry| (&*entry.key, entry.value)).collect()
    }

    // --- parts of tasks ---

    pub(crate) fn at(&self, task: &Task<'_>, path: &[&str]) -> Option<NodeId> {
        self.document.at(task.node, path)
    }

    /// The fields that this task may have.
    pub(crate) fn shape(&self, task: &Task<'_>) -> &'static Object {
        if let Some(called) = self.called(task) {
            return CALLS.iter().find(|(name, _)| *name == called).map_or(&CUSTOM_CALL, |(_, object)| object);
        }
        let (key, _) = KINDS[KINDS.iter().position(|(_, kind)| *kind == task.kind).unwrap_or_default()];
        TASK_KINDS.iter().find(|(keyword, _)| *keyword == key).map_or(&CUSTOM_CALL, |(_, object)| object)
    }

    pub(crate) fn text_at(&self, task: &Task<'_>, path: &[&str]) -> Option<&'d str> {
        self.at(task, path).and_then(|id| self.document.text(id))
    }

    /// Where flow goes after a task; `continue` where nothing is said.
    pub(crate) fn then(&self, task: &Task<'_>) -> Then {
        let then = self.text_at(task, &["then"]);
        then.map_or(Then::Continue, |then| self.direction(task.block, then))
    }

    /// What a flow directive means in a block.
    pub(crate) fn direction(&self, block: BlockNo, directive: &str) -> Then {
        match directive {
            "exit" => Then::Exit,
            "end" => Then::End,
            name => match self.block_of(block).names.get(name) {
                Some(position) if name != "continue" => Then::Jump(*position),
                _ => Then::Continue,
            },
        }
    }

    /// The cases of a `switch`: names, nodes, directions.
    pub(crate) fn cases(&self, task: &Task<'d>) -> Vec<(&'d str, NodeId, Then)> {
        let document = self.document;
        let cases = self.at(task, &["switch"]).map_or(&[][..], |cases| document.items(cases));
        let entries = cases.iter().filter_map(|item| document.entries(*item).first());
        let case = |entry: &'d crate::document::Entry| {
            let then = document.get(entry.value, "then").and_then(|then| document.text(then));
            let then = then.map_or(Then::Continue, |then| self.direction(task.block, then));
            (&*entry.key, entry.value, then)
        };
        entries.map(case).collect()
    }

    /// What a call calls; nothing for other tasks.
    pub(crate) fn called(&self, task: &Task<'_>) -> Option<&'d str> {
        self.text_at(task, &["call"])
    }

    /// The definition that stands here or is named here.
    pub(crate) fn resolve(&self, section: &'static str, id: NodeId) -> Option<NodeId> {
        match self.document.text(id) {
            Some(name) => self.definitions.get(&(section, name)).copied(),
            None => Some(id),
        }
    }

    /// `timeout.after` of a task or the workflow, named or inline.
    pub(crate) fn timeout(&self, owner: NodeId) -> Option<NodeId> {
        let timeout = self.resolve("timeouts", self.document.get(owner, "timeout")?)?;
        self.document.get(timeout, "after")
    }

    /// A duration that is known without running.
    pub(crate) fn duration(&self, id: NodeId) -> Option<Duration> {
        let literal = match self.document.content(id) {
            Content::Text(text) => runtime_expression(text).is_none(),
            Content::Map(_) => true,
            _ => false,
        };
        literal.then(|| parse_duration(&self.document.value_of(id)).ok()).flatten()
    }
}
