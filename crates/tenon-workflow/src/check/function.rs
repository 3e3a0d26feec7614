//! Functions of the document: which there are, who calls whom, and that no one ends up calling itself; and how
//! many extensions there can be.

use std::collections::{HashMap, HashSet};

use super::Checker;
use crate::codes;
use crate::diagnostic::{quote, suggest};
use crate::document::{Document, NodeId};
use crate::shape::{CALLS, Shape, later};

/// Most extensions of one document.
const MAX_EXTENSIONS: usize = 50;

/// Who calls whom.
pub(super) struct Functions<'d> {
    /// Names of all that are defined.
    defined: HashSet<&'d str>,
    /// The function whose definition is being walked.
    current: Option<&'d str>,
    /// By caller: whom it calls, and where.
    calls: HashMap<&'d str, Vec<(&'d str, NodeId)>>,
}

/// How far the search has come with a function.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    Open,
    Done,
}

// === impl Functions ===

impl<'d> Functions<'d> {
    pub(super) fn of(document: &'d Document) -> Self {
        let defined = document.at(document.root(), &["use", "functions"]);
        let defined = defined.map_or(&[][..], |defined| document.entries(defined));
        let defined = defined.iter().map(|entry| &*entry.key).collect();
        Self { defined, current: None, calls: HashMap::new() }
    }
}

// === impl Checker ===

impl Checker<'_> {
    /// `use.functions`
    pub(super) fn functions(&mut self, id: NodeId) {
        let document = self.document;
        for entry in document.entries(id) {
            if CALLS.iter().any(|(name, _)| *name == &*entry.key) {
                let message =
                    format!("`call: {0}` is the language's own, so no function can be `{0}`", entry.key);
                let hint = Some("give the function another name".to_owned());
                self.report_with(entry.value, codes::NOT_ALLOWED, message, hint);
            }
            self.functions.current = Some(&entry.key);
            self.shape(entry.value, &Shape::Task);
            self.functions.current = None;
        }
    }

    /// `call: <name>`
    pub(super) fn function_name(&mut self, id: NodeId) {
        let document = self.document;
        let name = document.text(id).expect("the shape asks for text");
        if self.functions.defined.contains(name) {
            if let Some(caller) = self.functions.current {
                self.functions.calls.entry(caller).or_default().push((name, id));
            }
            return;
        }
        if name.contains(['/', '@', ':', '.']) {
            return self.report_later(id, &later::CATALOG_FUNCTION);
        }
        let mut defined: Vec<&str> = self.functions.defined.iter().copied().collect();
        defined.sort_unstable();
        let known: Vec<&str> = CALLS.iter().map(|(name, _)| *name).chain(defined).collect();
        let message = format!("there is no function `{}` to call", quote(name));
        self.report_with(id, codes::REFERENCE, message, suggest(name, known));
    }

    /// Refuses functions that end up calling themselves.
    pub(super) fn check_function_calls(&mut self) {
        let calls = std::mem::take(&mut self.functions.calls);
        let mut visits: HashMap<&str, Visit> = HashMap::new();
        let mut callers: Vec<&&str> = calls.keys().collect();
        callers.sort_unstable();
        for start in callers {
            let mut path = vec![(*start, 0_usize)];
            while let Some((caller, next)) = path.last_mut() {
                visits.entry(caller).or_insert(Visit::Open);
                let callees = calls.get(caller).map_or(&[][..], Vec::as_slice);
                let Some((callee, place)) = callees.get(*next) else {
                    visits.insert(*caller, Visit::Done);
                    path.pop();
                    continue;
                };
                *next += 1;
                match visits.get(callee) {
                    Some(Visit::Open) => self.calls_itself(callee, *place),
                    Some(Visit::Done) => {}
                    None => path.push((callee, 0)),
                }
            }
        }
    }

    /// Every task has a list of the extensions that surround it.
    pub(super) fn check_extension_count(&mut self) {
        let document = self.document;
        let Some(list) = document.at(document.root(), &["use", "extensions"]) else { return };
        let count = document.items(list).len();
        if count > MAX_EXTENSIONS {
            let message = format!("{count} extensions, more than {MAX_EXTENSIONS}");
            let hint = Some("put the tasks of several extensions into one".to_owned());
            self.report_with(list, codes::RANGE, message, hint);
        }
    }

    fn calls_itself(&mut self, function: &str, place: NodeId) {
        let message = format!("the function `{}` ends up calling itself here", quote(function));
        let hint = Some("repeat tasks with `for`, or with a `then` that goes back".to_owned());
        self.report_with(place, codes::FUNCTION_CALLS, message, hint);
    }
}
