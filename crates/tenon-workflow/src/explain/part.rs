//! An object of the document that remembers which of its members were spoken of, so that none is forgotten.

use crate::document::{Document, Entry, NodeId};

pub(super) struct Part<'d> {
    pub(super) document: &'d Document,
    pub(super) node: NodeId,
    taken: Vec<&'static str>,
}

// === impl Part ===

impl<'d> Part<'d> {
    pub(super) fn new(document: &'d Document, node: NodeId) -> Self {
        Self { document, node, taken: Vec::new() }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.document.get(self.node, key).is_some()
    }

    /// A member that the caller speaks of; nothing if somebody has spoken of it already.
    pub(super) fn take(&mut self, key: &'static str) -> Option<NodeId> {
        let found = self.document.get(self.node, key).filter(|_| !self.taken.contains(&key))?;
        self.taken.push(key);
        Some(found)
    }

    pub(super) fn take_text(&mut self, key: &'static str) -> Option<&'d str> {
        let text = self.document.text(self.document.get(self.node, key)?)?;
        self.take(key).map(|_| text)
    }

    pub(super) fn take_part(&mut self, key: &'static str) -> Option<Self> {
        self.take(key).map(|node| Self::new(self.document, node))
    }

    /// What nobody has spoken of.
    pub(super) fn rest(&self) -> impl Iterator<Item = &'d Entry> + use<'d> {
        let taken = self.taken.clone();
        self.document.entries(self.node).iter().filter(move |entry| !taken.contains(&&*entry.key))
    }
}
