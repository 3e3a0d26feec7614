//! The standard definitions: jaq's, less those that are natives here or have no place in a workflow.

use crate::term::{Definition, Param};
use crate::{lower, native};
use jaq_core::load;
use std::collections::HashMap;
use std::sync::LazyLock;

/// What jaq lacks, or does unlike jq's manual.
const OWN: &str = include_str!("standard.jq");

#[derive(Debug)]
pub(crate) struct Standard {
    pub(crate) definitions: Vec<Definition>,
    entries: HashMap<&'static str, Vec<Entry>>,
}

/// A standard definition that expressions can call.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) params: Vec<Param>,
    pub(crate) definition: usize,
    pub(crate) single: bool,
}

/// Parsed and lowered once per process.
pub(crate) fn standard() -> &'static Standard {
    static STANDARD: LazyLock<Standard> = LazyLock::new(Standard::new);
    &STANDARD
}

impl Standard {
    fn new() -> Self {
        let own = load::parse(OWN, |parser| parser.defs()).expect("standard.jq is tested to parse");
        let replaced: Vec<_> = own.iter().map(|def| (def.name, def.args.len())).collect();
        let jaq = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
        let kept = jaq.filter(|def| {
            let arity = def.args.len();
            native::find(def.name, arity).is_none()
                && native::refusal(def.name).is_none()
                && !replaced.contains(&(def.name, arity))
        });
        let (definitions, entries) =
            lower::definitions(kept.chain(own)).expect("the standard definitions only use each other");
        let mut table: HashMap<_, Vec<_>> = HashMap::new();
        for entry in entries {
            table.entry(entry.name).or_default().push(entry);
        }
        Self { definitions, entries: table }
    }

    pub(crate) fn find(&self, name: &str, arity: usize) -> Option<&Entry> {
        let mut entries = self.entries.get(name)?.iter().rev();
        entries.find(|entry| entry.params.len() == arity)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = (&'static str, usize)> {
        let entries = self.entries.values().flatten();
        entries.map(|entry| (entry.name, entry.params.len()))
    }
}
