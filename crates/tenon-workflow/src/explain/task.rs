//! Tasks: their numbers, what all kinds share, and the kinds that are only about flow.

use crate::document::{Entry, NodeId};
use crate::shape::TASK_KINDS;

use super::narrator::{List, Narrator, Role};
use super::part::Part;
use super::words::{Mark, Words, one_line, text};

// === impl Narrator ===

impl<'d> Narrator<'d> {
    /// The workflow's own tasks.
    pub(super) fn body(&mut self) {
        if let Some(list) = self.document.get(self.document.root(), "do") {
            self.tasks(list, Role::Workflow);
        }
    }

    /// A list of tasks, below the task that owns it if there is one. As deep as the document, which the parser bounds.
    pub(super) fn tasks(&mut self, list: NodeId, role: Role) {
        let document = self.document;
        let entries = document.items(list).iter().filter_map(|item| document.entries(*item).first());
        let entries: Vec<&'d Entry> = entries.collect();
        let counted = self.counted.last().copied().unwrap_or_default();
        let numbers = entries.iter().enumerate();
        let numbers = numbers.map(|(index, entry)| (&*entry.key, self.number(counted + index + 1))).collect();
        self.lists.push(List { numbers, role });
        for entry in entries {
            self.task(&entry.key, entry.value);
        }
        self.lists.pop();
    }

    fn number(&self, last: usize) -> String {
        let outer = self.counted.iter().rev().skip(1).rev().map(|count| format!("{count}."));
        format!("{}{}{last}", self.series, outer.collect::<String>())
    }

    pub(super) fn task(&mut self, name: &'d str, node: NodeId) {
        let last = self.counted.last_mut().expect("there is always a level to count at");
        *last += 1;
        let last = *last;
        let number = self.number(last);
        let mut part = self.part(node);
        let mut metadata = part.take_part("metadata");
        let title = metadata.as_mut().and_then(|metadata| metadata.take_text("title"));
        let mut words = match title.map(one_line).filter(|title| !title.is_empty()) {
            Some(title) => text("").strong(title).text(" (").name(shown_name(name)).text("): "),
            None => text("").strong(shown_name(name)).text(": "),
        };
        if let Some(condition) = part.take("if") {
            words = words.text("if ").words(self.expression(condition)).text(", ");
        }
        let at = self.lines.len();
        let pointer = self.document.pointer(node);
        self.line(Mark::Task { number, pointer }, Words::default());
        self.counted.push(0);
        let action = self.below(|narrator| {
            narrator.before(&mut part, metadata);
            let action = narrator.action(&mut part);
            narrator.after(&mut part);
            action
        });
        self.counted.pop();
        self.lines[at].words = words.words(action);
    }

    /// What is said of a task before what it does.
    fn before(&mut self, part: &mut Part<'d>, metadata: Option<Part<'d>>) {
        let description = metadata.and_then(|mut metadata| metadata.take_text("description")).map(one_line);
        if let Some(description) = description.filter(|description| !description.is_empty()) {
            self.bullet(text(description));
        }
        if let Some(mut input) = part.take_part("input") {
            if let Some(schema) = input.take("schema") {
                let words = text("its input must be ").words(self.schema(schema));
                self.bullet(words);
            }
            if let Some(from) = input.take("from") {
                self.transformed("its input is", from);
            }
            self.rest(&input);
        }
        if let Some(timeout) = part.take("timeout") {
            let words = text("gives up with a timeout error after ").words(self.timeout_words(timeout));
            self.bullet(words);
        }
    }

    /// What is said of a task after what it does.
    fn after(&mut self, part: &mut Part<'d>) {
        self.output(part);
        self.export(part);
        if let Some(then) = part.take("then") {
            let words = text("then ").words(self.flow(then));
            self.bullet(words);
        }
        self.rest(part);
    }

    pub(super) fn output(&mut self, part: &mut Part<'d>) {
        let Some(mut output) = part.take_part("output") else { return };
        if let Some(transform) = output.take("as") {
            self.transformed("its output becomes", transform);
        }
        if let Some(schema) = output.take("schema") {
            let words = text("its output must be ").words(self.schema(schema));
            self.bullet(words);
        }
        self.rest(&output);
    }

    pub(super) fn export(&mut self, part: &mut Part<'d>) {
        let Some(mut export) = part.take_part("export") else { return };
        if let Some(transform) = export.take("as") {
            self.transformed("the context becomes", transform);
        }
        if let Some(schema) = export.take("schema") {
            let words = text("the context must then be ").words(self.schema(schema));
            self.bullet(words);
        }
        self.rest(&export);
    }

    /// What a flow directive means here.
    pub(super) fn flow(&self, id: NodeId) -> Words {
        let list = self.lists.last();
        match self.document.text(id) {
            Some("continue") if list.is_some_and(|list| list.role == Role::Branches) => {
                text("end this branch")
            }
            Some("continue") => text("go on with the next task"),
            Some("exit") => text(list.map_or("leave the function", |list| list.role.exit())),
            Some("end") => text("end the workflow"),
            Some(name) => {
                let number = list.and_then(|list| list.numbers.get(name));
                let words = text("go to ").name(name);
                number.map_or(words.clone(), |number| words.text(format!(" ({number})")))
            }
            None => self.value(id),
        }
    }

    // --- what a task does ---

    fn action(&mut self, part: &mut Part<'d>) -> Words {
        let kind = TASK_KINDS.iter().map(|(kind, _)| *kind).find(|kind| part.has(kind));
        match kind {
            Some("call") => self.call(part),
            Some("do") => self.block(part),
            Some("emit") => self.emit(part),
            Some("for") => self.for_each(part),
            Some("fork") => self.fork(part),
            Some("listen") => self.listen(part),
            Some("raise") => self.raise(part),
            Some("run") => self.run(part),
            Some("set") => self.set(part),
            Some("switch") => self.switch(part),
            Some("try") => self.attempt(part),
            Some("wait") => self.wait(part),
            _ => text("nothing that is known here"),
        }
    }

    fn block(&mut self, part: &mut Part<'d>) -> Words {
        self.inner(part, "do", Role::Block);
        text("one after another:")
    }

    /// The tasks in this member, below the current task.
    pub(super) fn inner(&mut self, part: &mut Part<'d>, key: &'static str, role: Role) {
        if let Some(list) = part.take(key) {
            self.tasks(list, role);
        }
    }

    fn set(&mut self, part: &mut Part<'d>) -> Words {
        let Some(data) = part.take("set") else { return Words::default() };
        if self.fits_one_line(data) {
            return text("set the data to ").words(self.value(data));
        }
        for entry in self.document.entries(data) {
            self.item(Words::default().literal(&*entry.key), entry.value);
        }
        text("set the data to:")
    }

    fn for_each(&mut self, part: &mut Part<'d>) -> Words {
        let Some(mut over) = part.take_part("for") else { return Words::default() };
        let mut words = text("for each ").words(variable(over.take_text("each").unwrap_or("item")));
        if let Some(at) = over.take_text("at") {
            words = words.text(" (counted by ").words(variable(at)).text(")");
        }
        words = words.text(" of ");
        words = match over.take("in") {
            Some(list) if self.fits_one_line(list) => words.words(self.transform(list)),
            Some(list) => {
                self.item(text("the list"), list);
                words.text("the list")
            }
            None => words,
        };
        if let Some(condition) = part.take("while") {
            words = words.text(", while ").words(self.expression(condition));
        }
        self.rest(&over);
        self.inner(part, "do", Role::Iteration);
        words.text(", one after another:")
    }

    fn fork(&mut self, part: &mut Part<'d>) -> Words {
        let Some(mut fork) = part.take_part("fork") else { return Words::default() };
        let competes = fork.take("compete").is_some_and(|compete| self.is_true(compete));
        self.inner(&mut fork, "branches", Role::Branches);
        self.rest(&fork);
        text(if competes {
            "all of these at the same time; the first to finish wins, the others are cancelled:"
        } else {
            "all of these at the same time:"
        })
    }

    pub(super) fn is_true(&self, id: NodeId) -> bool {
        self.document.value_of(id) == serde_json::Value::Bool(true)
    }

    fn switch(&mut self, part: &mut Part<'d>) -> Words {
        let document = self.document;
        let Some(cases) = part.take("switch") else { return Words::default() };
        let mut is_complete = false;
        for entry in document.items(cases).iter().filter_map(|item| document.entries(*item).first()) {
            let mut case = self.part(entry.value);
            let mut words = Words::default().name(one_line(&entry.key)).text(": ");
            let condition = case.take("when");
            is_complete |= condition.is_none();
            words = match condition {
                Some(condition) => words.text("if ").words(self.expression(condition)).text(", "),
                None => words.text("otherwise "),
            };
            if let Some(then) = case.take("then") {
                words = words.words(self.flow(then));
            }
            let rest = self.rest_of(&case);
            self.bullet(words.words(rest));
        }
        // A case without a condition leaves nothing to the task's own `then`.
        match part.take("then") {
            Some(then) if !is_complete => {
                let words = text("otherwise ").words(self.flow(then));
                self.bullet(words);
            }
            Some(then) => {
                let words = text("never reached: then ").words(self.flow(then));
                self.bullet(words);
            }
            None if !is_complete => self.bullet(text("otherwise go on with the next task")),
            None => {}
        }
        text("choose the first that holds:")
    }

    fn wait(&mut self, part: &mut Part<'d>) -> Words {
        let until = self.document.at(part.node, &["metadata", "tenon", "until"]);
        match (part.take("wait"), until) {
            (_, Some(until)) => text("wait until ").words(self.expression(until)),
            (Some(time), None) => text("wait ").words(self.duration(time)),
            (None, None) => text("wait"),
        }
    }
}

// === impl Role ===

impl Role {
    /// What `then: exit` does in a list of this role.
    fn exit(self) -> &'static str {
        match self {
            Self::Workflow => "leave the workflow's tasks, which ends it",
            Self::Block => "leave this list of tasks",
            Self::Iteration => "end this iteration",
            Self::Try => "leave the try",
            Self::Handler => "end the handling of the error",
            Self::Branches => "end this branch",
            Self::Before => "leave out the task itself; this output takes its place",
            Self::After => "leave the extension",
        }
    }
}

/// Names are free texts, so there may be nothing to see.
fn shown_name(name: &str) -> String {
    let name = one_line(name);
    if name.is_empty() { "(no name)".to_owned() } else { name }
}

/// A variable, as expressions write it.
pub(super) fn variable(name: &str) -> Words {
    Words::default().code(format!("${name}"))
}
