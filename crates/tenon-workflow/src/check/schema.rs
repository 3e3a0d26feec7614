//! Inline JSON Schemas: valid in themselves, and cheap enough to compile.

use super::{Checker, Piece};
use crate::codes;
use crate::diagnostic::quote;
use crate::document::{Content, NodeId};
use crate::program::Schema;

impl Checker<'_> {
    pub(super) fn json_schema(&mut self, id: NodeId) {
        if !self.afford_patterns(id, self.patterns_in(id)) {
            return;
        }
        let value = self.document.value_of(id);
        let Err(error) = Schema::compile(&value).map(|schema| self.keep(id, Piece::Schema(schema))) else {
            return;
        };
        let (place, error) = match jsonschema::meta::validate(&value) {
            Err(broken) => {
                let pointer = broken.instance_path().to_string();
                (self.document.descend(id, &pointer), broken.to_string())
            }
            Ok(()) => (id, error),
        };
        self.report(place, codes::SCHEMA, format!("not a valid JSON Schema: {}", quote(&error)));
    }

    /// How many regular expressions a schema has.
    fn patterns_in(&self, id: NodeId) -> usize {
        let document = self.document;
        match document.content(id) {
            Content::List(items) => items.iter().map(|item| self.patterns_in(*item)).sum(),
            Content::Map(entries) => {
                let own = entries.iter().map(|entry| match &*entry.key {
                    "pattern" => 1,
                    "patternProperties" => document.entries(entry.value).len(),
                    _ => 0,
                });
                own.sum::<usize>() + entries.iter().map(|entry| self.patterns_in(entry.value)).sum::<usize>()
            }
            _ => 0,
        }
    }
}
