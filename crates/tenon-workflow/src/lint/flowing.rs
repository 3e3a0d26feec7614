//! What is known of each task's data: what it gets from the task before it, and what it gives.

use std::collections::{HashMap, HashSet};

use tenon_expr::runtime_expression;

use super::infer::{Inference, Variables};
use super::kinds::{Kinds, Known};
use super::site::Site;
use crate::document::{Content, NodeId};
use crate::outline::{BlockNo, Kind, Outline, Role, Task, TaskNo};
use crate::program::Then;

/// What is known of a task's data.
#[derive(Debug, Clone)]
struct Data {
    raw_input: Known,
    input: Known,
    raw_output: Known,
    output: Known,
}

/// What is known of the data of all tasks.
pub(super) struct Flowing<'a> {
    outline: &'a Outline<'a>,
    sites: &'a [Site<'a>],
    by_node: HashMap<NodeId, usize>,
    by_name: HashMap<&'a str, Vec<TaskNo>>,
    targets: HashSet<(BlockNo, usize)>,
    /// What the workflow gets.
    root: Known,
    tasks: Vec<Data>,
}

// === impl Flowing ===

impl<'a> Flowing<'a> {
    pub(super) fn new(outline: &'a Outline<'a>, sites: &'a [Site<'a>]) -> Self {
        Self::with_input(outline, sites, Known::any())
    }

    /// With what the workflow gets.
    pub(super) fn with_input(outline: &'a Outline<'a>, sites: &'a [Site<'a>], root: Known) -> Self {
        let by_node = sites.iter().enumerate().map(|(at, site)| (site.id, at)).collect();
        let mut by_name: HashMap<&str, Vec<TaskNo>> = HashMap::new();
        for task in &outline.tasks {
            by_name.entry(task.name).or_default().push(task.no);
        }
        let targets = targets(outline);
        let mut flowing = Self { outline, sites, by_node, by_name, targets, root, tasks: Vec::new() };
        for task in &outline.tasks {
            let data = flowing.data(task);
            flowing.tasks.push(data);
        }
        flowing
    }

    /// What `.` is in an expression.
    pub(super) fn dot(&self, site: &Site<'_>) -> Known {
        let Some(task) = site.task.filter(|_| !site.is_foreign) else { return Known::any() };
        let data = &self.tasks[task.index()];
        match site.field {
            "if" | "input" => data.raw_input.clone(),
            "output" => data.raw_output.clone(),
            "export" => data.output.clone(),
            _ => data.input.clone(),
        }
    }

    /// The variables of an expression.
    pub(super) fn variables<'f>(&'f self, site: &Site<'_>) -> Scope<'f, 'a> {
        Scope { flowing: self, task: site.task, is_foreign: site.is_foreign }
    }

    /// Tasks come after those before them and around them in the outline, so what they build on is there.
    fn data(&self, task: &Task<'_>) -> Data {
        let outline = self.outline;
        let raw_input = self.raw_input(task);
        let open =
            Data { input: raw_input.clone(), raw_input, raw_output: Known::any(), output: Known::any() };
        let from = outline.at(task, &["input", "from"]);
        let input = from.map_or_else(|| open.input.clone(), |from| self.known(from, &open.input, None));
        let raw_output = self.raw_output(task, &input);
        let made = outline.at(task, &["output", "as"]);
        let output = made.map_or_else(|| raw_output.clone(), |made| self.known(made, &raw_output, None));
        Data { input, raw_output, output, ..open }
    }

    fn raw_input(&self, task: &Task<'_>) -> Known {
        let outline = self.outline;
        let block = outline.block_of(task.block);
        if block.role == Role::Branches {
            return block.owner.map_or_else(Known::any, |owner| self.tasks[owner.index()].input.clone());
        }
        if self.targets.contains(&(task.block, task.position)) {
            return Known::any();
        }
        if let Some(before) = task.position.checked_sub(1) {
            let before = outline.task(block.tasks[before]);
            let data = &self.tasks[before.no.index()];
            return match outline.at(before, &["if"]) {
                Some(_) => data.output.clone().join(data.raw_input.clone()),
                None => data.output.clone(),
            };
        }
        match (block.role, block.owner) {
            (Role::Do | Role::Try | Role::Catch, Some(owner)) => self.tasks[owner.index()].input.clone(),
            (Role::Workflow, _) => {
                let from = outline.document.at(outline.document.root(), &["input", "from"]);
                from.map_or_else(|| self.root.clone(), |from| self.known(from, &self.root, None))
            }
            _ => Known::any(),
        }
    }

    fn raw_output(&self, task: &Task<'_>, input: &Known) -> Known {
        let outline = self.outline;
        let text = |path: &[&str]| outline.text_at(task, path);
        match task.kind {
            Kind::Set => outline
                .at(task, &["set"])
                .map_or_else(Known::any, |set| self.known(set, input, Some(task.no))),
            Kind::Wait | Kind::Switch => input.clone(),
            Kind::Listen => Known::only(Kinds::LIST),
            Kind::Fork if !self.is_true(task, &["fork", "compete"]) => Known::only(Kinds::LIST),
            Kind::Call if text(&["call"]) == Some("http") => match text(&["with", "output"]) {
                Some("raw") => Known::only(Kinds::TEXT),
                Some("response") => {
                    let members = ["request", "statusCode", "headers", "content"];
                    Known::object(members.map(|name| (name.to_owned(), Known::any())).into())
                }
                _ => Known::any(),
            },
            _ => Known::any(),
        }
    }

    fn is_true(&self, task: &Task<'_>, path: &[&str]) -> bool {
        self.outline
            .at(task, path)
            .is_some_and(|id| matches!(self.outline.document.content(id), Content::Bool(true)))
    }

    /// What a value of the document gives, its expressions filled in. `task` is whose variables they read, once
    /// its input is known. As deep as the document.
    fn known(&self, id: NodeId, dot: &Known, task: Option<TaskNo>) -> Known {
        let document = self.outline.document;
        if let Some(site) = self.by_node.get(&id) {
            let scope = Scope { flowing: self, task, is_foreign: true };
            return Inference::new(&scope).infer(&self.sites[*site].tree, dot);
        }
        match document.content(id) {
            Content::List(_) => Known::only(Kinds::LIST),
            Content::Map(entries) if entries.iter().any(|entry| &*entry.key == "$variable") => Known::any(),
            Content::Map(entries) => {
                let members =
                    entries.iter().map(|entry| (entry.key.to_string(), self.known(entry.value, dot, task)));
                Known::object(members.collect())
            }
            // An expression that does not parse.
            Content::Text(text) if runtime_expression(text).is_some() => Known::any(),
            _ => Known::value(&document.value_of(id)),
        }
    }
}

/// Tasks that something jumps to.
fn targets(outline: &Outline<'_>) -> HashSet<(BlockNo, usize)> {
    let mut targets = HashSet::new();
    for task in &outline.tasks {
        let catch = outline.text_at(task, &["catch", "then"]).map(|then| outline.direction(task.block, then));
        let cases = if task.kind == Kind::Switch { outline.cases(task) } else { Vec::new() };
        let all = cases.into_iter().map(|(_, _, then)| then).chain(catch).chain([outline.then(task)]);
        targets.extend(all.filter_map(|then| match then {
            Then::Jump(position) => Some((task.block, position)),
            _ => None,
        }));
    }
    targets
}

/// The variables that an expression sees.
pub(super) struct Scope<'f, 'a> {
    flowing: &'f Flowing<'a>,
    task: Option<TaskNo>,
    is_foreign: bool,
}

// === impl Scope ===

impl Scope<'_, '_> {
    /// A loop or catch variable of this task or one around it.
    fn local(&self, name: &str) -> Option<Known> {
        let outline = self.flowing.outline;
        let task = self.task?;
        let around = std::iter::once(outline.task(task)).chain(outline.around(task));
        let declared = around.flat_map(|task| super::variables::declared(outline, task));
        let found = declared.into_iter().find(|declared| declared.name == name)?;
        Some(if found.is_index { Known::only(Kinds::NUMBER) } else { Known::any() })
    }
}

impl Variables for Scope<'_, '_> {
    fn known(&self, name: &str) -> Known {
        if let Some(local) = self.local(name) {
            return local;
        }
        match (name, self.task) {
            ("workflow", _) => {
                let members = ["id", "definition", "input", "startedAt"];
                Known::object(members.map(|name| (name.to_owned(), Known::any())).into())
            }
            ("input", Some(task)) if !self.is_foreign => {
                let data = self.flowing.tasks.get(task.index());
                data.map_or_else(Known::any, |data| data.input.clone())
            }
            _ => Known::any(),
        }
    }

    fn step(&self, name: &str) -> Known {
        let flowing = self.flowing;
        match flowing.by_name.get(name).map(Vec::as_slice) {
            Some([only]) => {
                let data = flowing.tasks.get(only.index());
                data.map_or_else(Known::any, |data| data.output.clone().join(Known::only(Kinds::NULL)))
            }
            _ => Known::any(),
        }
    }
}
