//! Tasks: what kind they are, their names, and where they jump to.

use std::collections::HashSet;

use super::Checker;
use crate::codes;
use crate::diagnostic::{nearest, quote, suggest};
use crate::document::{Content, Entry, NodeId};
use crate::shape::{CALLS, CUSTOM_CALL, Object, Shape, TASK_KINDS};

/// Most bytes of JSON Pointers of all tasks.
const MAX_POINTER_BYTES: usize = 8 << 20;

/// A list of tasks.
pub(super) struct Siblings<'d> {
    names: HashSet<&'d str>,
    /// They run at the same time.
    are_branches: bool,
}

impl<'d> Checker<'d> {
    pub(super) fn tasks(&mut self, id: NodeId) {
        let items = self.single_entries(id);
        let names = items.iter().map(|entry| &*entry.key).collect();
        self.siblings.push(Siblings { names, are_branches: false });
        for entry in items {
            self.shape(entry.value, &Shape::Task);
        }
        self.siblings.pop();
    }

    /// Tasks that run at the same time: none can be jumped to.
    pub(super) fn branches(&mut self, id: NodeId) {
        self.at_least(id, self.document.items(id).len(), 1);
        let items = self.single_entries(id);
        let names = items.iter().map(|entry| &*entry.key).collect();
        self.siblings.push(Siblings { names, are_branches: true });
        for entry in items {
            self.shape(entry.value, &Shape::Task);
        }
        self.siblings.pop();
    }

    pub(super) fn named(&mut self, id: NodeId, shape: &'static Shape, least: usize) {
        self.at_least(id, self.document.items(id).len(), least);
        for entry in self.single_entries(id) {
            self.shape(entry.value, shape);
        }
    }

    /// The one entry of each item; items with none or several, and names that come again, are reported.
    fn single_entries(&mut self, id: NodeId) -> Vec<&'d Entry> {
        let document = self.document;
        let mut entries: Vec<&'d Entry> = Vec::with_capacity(document.items(id).len());
        let mut names = HashSet::new();
        for item in document.items(id) {
            if self.is_full() {
                break;
            }
            let [entry, rest @ ..] = document.entries(*item) else {
                let message = "each item is one name with its value, e.g. `- first: …`".to_owned();
                self.report(*item, codes::TASK_ITEM, message);
                continue;
            };
            if let Some(second) = rest.first() {
                let message = format!("a second name `{}` in the same list item", quote(&second.key));
                let hint = format!("start a new item with `- {}:`, or indent it", quote(&second.key));
                self.report_with(second.value, codes::TASK_ITEM, message, Some(hint));
            }
            if !names.insert(&*entry.key) {
                let first = entries.iter().find(|first| first.key == entry.key).map_or(0, |first| first.line);
                let message = format!("the name `{}` is taken, on line {first}", quote(&entry.key));
                let hint = Some("names are unique in a list; rename one".to_owned());
                self.report_with(entry.value, codes::DUPLICATE_TASK, message, hint);
            }
            entries.push(entry);
        }
        entries
    }

    pub(super) fn task(&mut self, id: NodeId) {
        let Some((keyword, object)) = self.kind_of_task(id) else { return };
        if !self.afford_pointer(id) {
            return;
        }
        let until = self.document.at(id, &["metadata", "tenon", "until"]);
        match (keyword, until) {
            ("wait", Some(_)) => {
                let wait = self.document.get(id, "wait");
                let empty = |wait: &NodeId| matches!(self.document.content(*wait), Content::Map(entries) if entries.is_empty());
                self.exempt = wait.filter(empty);
            }
            (_, Some(until)) => {
                self.report(until, codes::NOT_ALLOWED, "`until` is only for `wait`".to_owned());
            }
            _ => {}
        }
        self.object(id, object);
        if keyword == "switch" {
            self.one_default(id);
        }
    }

    /// A `switch` has one case without a condition, at most.
    fn one_default(&mut self, id: NodeId) {
        let document = self.document;
        let Some(switch) = document.get(id, "switch") else { return };
        let cases = document.items(switch).iter().filter_map(|item| document.entries(*item).first());
        let is_case = |id: NodeId| matches!(document.content(id), Content::Map(_));
        let mut defaults =
            cases.filter(|case| is_case(case.value) && document.get(case.value, "when").is_none());
        let (Some(first), Some(second)) = (defaults.next(), defaults.next()) else { return };
        let message = format!("a second case without `when`; `{}` is one already", quote(&first.key));
        let hint = Some("give it a condition, or remove it: only one case can be the default".to_owned());
        self.report_with(second.value, codes::COMBINATION, message, hint);
    }

    /// Each task has an address, which grows with every level around it.
    fn afford_pointer(&mut self, id: NodeId) -> bool {
        self.pointer_bytes += self.document.pointer_length(id);
        if self.pointer_bytes <= MAX_POINTER_BYTES {
            return true;
        }
        let (line, _) = self.document.place(id);
        let message = format!("the addresses of its tasks have more than {MAX_POINTER_BYTES} bytes");
        let hint = format!("give tasks shorter names, or nest less; reached on line {line}");
        self.report_with(self.document.root(), codes::TOO_LARGE, message, Some(hint));
        false
    }

    fn kind_of_task(&mut self, id: NodeId) -> Option<(&'static str, &'static Object)> {
        let document = self.document;
        let mut kinds: Vec<_> =
            TASK_KINDS.iter().filter(|(keyword, _)| document.get(id, keyword).is_some()).collect();
        if kinds.iter().any(|(keyword, _)| *keyword == "for") {
            kinds.retain(|(keyword, _)| *keyword != "do");
        }
        let (keyword, object) = match kinds[..] {
            [] => {
                self.no_kind(id);
                return None;
            }
            [kind] => *kind,
            [(first, _), (second, _), ..] => {
                let message =
                    format!("a task is of one kind, but this one has both `{first}` and `{second}`");
                let hint = Some("make two tasks of it".to_owned());
                let second = document.get(id, second).expect("it was found above");
                self.report_with(second, codes::TASK_KIND, message, hint);
                return None;
            }
        };
        if keyword != "call" {
            return Some((keyword, object));
        }
        let called = document.get(id, "call").and_then(|called| document.text(called));
        let built_in = CALLS.iter().find(|(name, _)| Some(*name) == called);
        Some((keyword, built_in.map_or(&CUSTOM_CALL, |(_, object)| object)))
    }

    fn no_kind(&mut self, id: NodeId) {
        let keywords = TASK_KINDS.iter().map(|(keyword, _)| *keyword);
        let keys = self.document.entries(id).iter().filter(|entry| CUSTOM_CALL.field(&entry.key).is_none());
        let mut keys = keys.map(|entry| (entry, nearest(&entry.key, keywords.clone())));
        let near = keys.find_map(|(entry, near)| near.map(|near| (entry, near)));
        if let Some((entry, near)) = near {
            let message = format!("unknown field `{}`, did you mean `{near}`?", quote(&entry.key));
            let hint = Some(format!("did you mean `{near}`?"));
            return self.report_with(entry.value, codes::UNKNOWN_FIELD, message, hint);
        }
        let all: Vec<String> = keywords.map(|keyword| format!("`{keyword}`")).collect();
        let message = format!("a task needs one of {}", all.join(", "));
        self.report(id, codes::TASK_KIND, message);
    }

    pub(super) fn flow(&mut self, id: NodeId) {
        let target = self.document.text(id).expect("a flow directive is text");
        if matches!(target, "continue" | "exit" | "end") {
            return;
        }
        let siblings = self.siblings.last();
        let is_sibling = siblings.is_some_and(|siblings| siblings.names.contains(target));
        if siblings.is_some_and(|siblings| siblings.are_branches) {
            let message = if is_sibling {
                format!("`{}` is another branch, which runs at the same time", quote(target))
            } else {
                format!("a branch cannot jump to `{}`", quote(target))
            };
            let hint = "`then` of a branch is `continue`, `exit` or `end`; put tasks that follow one another into a `do`";
            return self.report_with(id, codes::JUMP, message, Some(hint.to_owned()));
        }
        if is_sibling {
            return;
        }
        let mut names: Vec<&str> =
            siblings.into_iter().flat_map(|siblings| &siblings.names).copied().collect();
        names.sort_unstable();
        names.extend(["continue", "exit", "end"]);
        let elsewhere = self.siblings.iter().any(|siblings| siblings.names.contains(target));
        let message = if elsewhere {
            format!("`{}` is not in the same list of tasks, so it cannot be jumped to", quote(target))
        } else {
            format!("there is no task `{}` in this list to jump to", quote(target))
        };
        let hint = suggest(target, names);
        self.report_with(id, codes::JUMP, message, hint);
    }
}
