//! Events: how they are read, and workflows that start themselves.

use std::collections::HashMap;

use regex::{Regex, RegexBuilder};
use tenon_expr::runtime_expression;
use tenon_expr::tree::{Part, Tree};

use super::Linter;
use super::expressions::meanings;
use super::flowing::Flowing;
use super::infer::Sort;
use super::kinds::{Kinds, Known};
use crate::check::is_pattern;
use crate::codes;
use crate::diagnostic::quote;
use crate::document::NodeId;
use crate::outline::{Kind, Task};

/// More filters than these are not looked at.
const MAX_TRIGGERS: usize = 100;
/// Largest compiled pattern, as for the checker.
const MAX_PATTERN: usize = 128 << 10;

/// A filter that starts the workflow.
struct Trigger {
    /// What the event must be; without it, anything.
    with: Option<NodeId>,
    /// Its `type`, if that is a pattern.
    pattern: Option<Regex>,
}

impl Linter<'_> {
    pub(super) fn events(&mut self) {
        self.lists_of_events();
        let outline = self.outline;
        let triggers = self.triggers();
        for task in &outline.tasks {
            match task.kind {
                Kind::Emit => self.emit(task, &triggers),
                Kind::Run => self.run(task),
                Kind::Listen => self.correlations(task),
                _ => {}
            }
        }
    }

    /// What an event starts gets a list of events, each read as its data.
    fn lists_of_events(&mut self) {
        let document = self.document;
        let root = document.root();
        if document.at(root, &["schedule", "on"]).is_none() {
            return;
        }
        let read = document.at(root, &["schedule", "read"]).and_then(|read| document.text(read));
        let flowing = Flowing::with_input(self.outline, self.sites, Known::only(Kinds::LIST));
        let with_list = meanings(&flowing, self.sites);
        for (at, site) in self.sites.iter().enumerate() {
            let fails = |sort: Sort| matches!(sort, Sort::Fails | Sort::Unfit | Sort::MayFail);
            let before = self.meanings[at].troubles.iter().filter(|trouble| fails(trouble.sort)).count();
            let after = with_list[at].troubles.iter().filter(|trouble| fails(trouble.sort)).count();
            if after > before || reads_member_of_input(&site.tree) {
                let message =
                    "a job that an event starts gets the list of its events, so this fails".to_owned();
                let hint = "take the first one: `.[0]`; or make it the input: `input: { from: '${ .[0] }' }`";
                self.report(site.id, codes::LINT_EVENTS_ARE_A_LIST, message, hint);
            } else if read != Some("envelope") {
                let is_list = flowing.dot(site).kinds == Kinds::LIST && site.task.is_some();
                if reads_data_of_event(&site.tree, is_list) {
                    let message =
                        "each event is already read as its data, so this is the member `data` of the data"
                            .to_owned();
                    let hint = "leave `.data` out, or say `read: envelope` in the `schedule`";
                    self.report(site.id, codes::LINT_EVENT_DATA_TWICE, message, hint);
                }
            }
        }
    }

    /// The filters under `schedule.on`, so far as there are not too many.
    fn triggers(&self) -> Vec<Trigger> {
        let document = self.document;
        let Some(on) = document.at(document.root(), &["schedule", "on"]) else { return Vec::new() };
        let one = document.get(on, "one");
        let lists = ["any", "all"].into_iter().filter_map(|key| document.get(on, key));
        let filters = one.into_iter().chain(lists.flat_map(|list| document.items(list)).copied());
        let trigger = |filter: NodeId| {
            let with = document.get(filter, "with");
            let kind = with.and_then(|with| document.text(document.get(with, "type")?));
            let pattern = kind.filter(|kind| is_pattern(kind)).map(|kind| format!("^(?:{kind})$"));
            let pattern =
                pattern.and_then(|pattern| RegexBuilder::new(&pattern).size_limit(MAX_PATTERN).build().ok());
            Trigger { with, pattern }
        };
        let mut triggers: Vec<Trigger> = filters.take(MAX_TRIGGERS).map(trigger).collect();
        if document.get(on, "any").is_some_and(|any| document.items(any).is_empty()) {
            triggers.push(Trigger { with: None, pattern: None });
        }
        triggers
    }

    /// An event that starts the workflow that emits it.
    fn emit(&mut self, task: &Task<'_>, triggers: &[Trigger]) {
        let document = self.document;
        let Some(with) = self.outline.at(task, &["emit", "event", "with"]) else { return };
        let Some(kind) = document.get(with, "type") else { return };
        let is_literal = |text: &&str| runtime_expression(text).is_none();
        let Some(emitted) = document.text(kind).filter(is_literal) else { return };
        if triggers.iter().any(|trigger| self.may_take(trigger, emitted, with)) {
            let message = format!("this event of type `{}` starts this workflow again", quote(emitted));
            let hint = "emit another type, or let the filter under `schedule.on` tell the two apart";
            self.report(kind, codes::LINT_EMIT_LOOP, message, hint);
        }
    }

    /// Whether a filter lets an event of this type pass, as far as its literal attributes say.
    fn may_take(&self, trigger: &Trigger, emitted: &str, with: NodeId) -> bool {
        let document = self.document;
        // Without a filter every event passes.
        let Some(wanted) = trigger.with else { return true };
        document.entries(wanted).iter().all(|entry| match (&*entry.key, document.text(entry.value)) {
            // An expression over the data decides: whether it holds is not known.
            ("data", _) => false,
            ("type", Some(text)) => {
                text == emitted || trigger.pattern.as_ref().is_some_and(|pattern| pattern.is_match(emitted))
            }
            (key, Some(text)) => {
                let own = document.get(with, key).and_then(|own| document.text(own));
                own.is_none_or(|own| runtime_expression(own).is_some() || is_pattern(text) || own == text)
            }
            _ => true,
        })
    }

    /// A workflow that runs itself.
    fn run(&mut self, task: &Task<'_>) {
        let (document, outline) = (self.document, self.outline);
        let Some(workflow) = outline.at(task, &["run", "workflow"]) else { return };
        let same = |key: &str| {
            let own = document.at(document.root(), &["document", key]).and_then(|own| document.text(own));
            own.is_some() && own == document.get(workflow, key).and_then(|other| document.text(other))
        };
        if same("namespace") && same("name") {
            let message =
                "this workflow runs itself; more than 32 jobs inside each other are an error".to_owned();
            let hint = "use a `for`, or `then` to go round";
            self.report(workflow, codes::LINT_RUN_ITSELF, message, hint);
        }
    }

    /// A key that is given by one event only relates nothing.
    fn correlations(&mut self, task: &Task<'_>) {
        let document = self.document;
        let Some(to) = self.outline.at(task, &["listen", "to"]) else { return };
        let one = document.get(to, "one");
        let lists = ["any", "all"].into_iter().filter_map(|key| document.get(to, key));
        let filters = one.into_iter().chain(lists.flat_map(|list| document.items(list)).copied());
        let mut keys: HashMap<&str, Vec<NodeId>> = HashMap::new();
        for filter in filters {
            let correlate = document.get(filter, "correlate");
            for entry in correlate.map_or(&[][..], |correlate| document.entries(correlate)) {
                keys.entry(&entry.key).or_default().push(entry.value);
            }
        }
        // Of `any` with `until`, several events of one filter may come, and must agree.
        if document.get(to, "until").is_some() {
            return;
        }
        let mut alone: Vec<_> = keys
            .into_iter()
            .filter(|(_, places)| places.len() == 1 && document.get(places[0], "expect").is_none())
            .collect();
        alone.sort_unstable_by_key(|(_, places)| places[0]);
        for (key, places) in alone {
            let message = format!(
                "only one event has the key `{}`, so there is nothing it must agree with",
                quote(key)
            );
            let hint = "add `expect: ${ … }`, or the same key to another event";
            self.report(places[0], codes::LINT_CORRELATION_ALONE, message, hint);
        }
    }
}

/// `$workflow.input.x`
fn reads_member_of_input(tree: &Tree) -> bool {
    let own = match tree {
        Tree::Path(head, steps) => {
            let parts: Vec<&Part> = steps.iter().map(|step| &step.part).collect();
            matches!(&**head, Tree::Variable(name) if name == "workflow")
                && matches!(parts[..], [Part::Member(input), Part::Member(_), ..] if input == "input")
        }
        _ => false,
    };
    own || tree.children().into_iter().any(reads_member_of_input)
}

/// `$workflow.input[0].data`, or `.[0].data` where `.` is the list of events.
fn reads_data_of_event(tree: &Tree, is_list: bool) -> bool {
    let data = |part: &Part| matches!(part, Part::Member(name) if name == "data");
    let own = match tree {
        Tree::Path(head, steps) => {
            let parts: Vec<&Part> = steps.iter().map(|step| &step.part).collect();
            match (&**head, &parts[..]) {
                (Tree::Variable(name), [Part::Member(input), Part::Index(_) | Part::Each, member, ..]) => {
                    name == "workflow" && input == "input" && data(member)
                }
                (Tree::Identity, [Part::Index(_), member, ..]) => is_list && data(member),
                _ => false,
            }
        }
        _ => false,
    };
    // Behind a pipe and in arguments `.` is something else.
    let inner = match tree {
        Tree::Pair(tenon_expr::tree::Operator::Pipe, ..) | Tree::Call(..) => false,
        _ => is_list,
    };
    own || tree.children().into_iter().any(|child| reads_data_of_event(child, inner))
}
