//! `use.extensions`, and which tasks they surround

use super::{CHECKED, Lowering};
use crate::document::{Entry, NodeId};
use crate::program::{Action, Extends, Extension};

impl<'d> Lowering<'d> {
    fn declared_extensions(&self) -> impl Iterator<Item = &'d Entry> + use<'d> {
        let document = self.document;
        let list = document.at(document.root(), &["use", "extensions"]);
        let items = list.map_or(&[][..], |list| document.items(list));
        items.iter().filter_map(|item| document.entries(*item).first())
    }

    /// Must come before any task is lowered.
    pub(super) fn note_extensions(&mut self) {
        self.extends = self.declared_extensions().map(|entry| self.extends(entry.value)).collect();
    }

    pub(super) fn extensions(&mut self) -> Vec<Extension> {
        self.inside_extension = true;
        let extensions = self.declared_extensions().map(|entry| {
            let before = self.document.get(entry.value, "before");
            let after = self.document.get(entry.value, "after");
            Extension {
                name: entry.key.to_string(),
                extends: self.extends(entry.value),
                when: self.expr(entry.value, "when"),
                before: before.map(|list| self.block(list)),
                after: after.map(|list| self.block(list)),
            }
        });
        let extensions = extensions.collect();
        self.fill_functions();
        self.inside_extension = false;
        extensions
    }

    /// The extensions that surround a task; tasks of extensions have none.
    pub(super) fn extensions_of(&self, action: &Action) -> Vec<usize> {
        if self.inside_extension {
            return Vec::new();
        }
        let fitting = self.extends.iter().enumerate().filter(|(_, extends)| extends.includes(action));
        fitting.map(|(index, _)| index).collect()
    }

    fn extends(&self, extension: NodeId) -> Extends {
        match self.text(extension, "extend").expect(CHECKED).as_str() {
            "call" => Extends::Call,
            "composite" => Extends::Composite,
            "emit" => Extends::Emit,
            "for" => Extends::For,
            "listen" => Extends::Listen,
            "raise" => Extends::Raise,
            "run" => Extends::Run,
            "set" => Extends::Set,
            "switch" => Extends::Switch,
            "try" => Extends::Try,
            "wait" => Extends::Wait,
            _ => Extends::All,
        }
    }
}
