//! A document as it was written: an ordered tree in which every value knows its line and column.
//!
//! It is lossless: key order, the spelling of numbers, and everything below `metadata` stay. It knows nothing
//! of the language; [`check`](crate::check) does. Nodes live in one arena, so that a hostile document costs a
//! bounded amount of memory and dropping it cannot overflow the stack.

mod parse;
mod scalar;
mod write;

use serde_json::{Number, Value};

use crate::Diagnostic;

/// Longest source text.
pub const MAX_SOURCE_BYTES: usize = 4 << 20;
/// Most values in one document, aliases expanded.
pub const MAX_NODES: usize = 50_000;
/// Deepest nesting of values. Below the 112 levels that expressions may build.
pub const MAX_DEPTH: usize = 100;
/// Longest key.
pub const MAX_KEY_BYTES: usize = 255;

/// A parsed workflow document.
#[derive(Debug, Clone)]
pub struct Document {
    nodes: Vec<Node>,
    root: NodeId,
}

/// Index of a node in its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(u32);

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) content: Content,
    pub(crate) line: u32,
    pub(crate) column: u32,
    parent: Option<NodeId>,
    /// Which member of the parent this is.
    slot: u32,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    Null,
    Bool(bool),
    Number { value: Number, written: Box<str> },
    Text(Box<str>),
    List(Vec<NodeId>),
    Map(Vec<Entry>),
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Box<str>,
    pub(crate) value: NodeId,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

// === impl NodeId ===

impl NodeId {
    /// Its place among all values, in the order of the text.
    pub(crate) fn number(self) -> usize {
        self.0 as usize
    }
}

// === impl Document ===

impl Document {
    /// Reads YAML 1.2 or JSON. On failure all that is wrong with the text, at least one finding.
    pub fn parse(source: &str) -> Result<Self, Vec<Diagnostic>> {
        parse::parse(source)
    }

    /// The whole document as a value; key order is kept.
    pub fn value(&self) -> Value {
        self.value_of(self.root)
    }

    /// YAML that parses to the same document. Comments and anchors are not in it.
    pub fn to_yaml(&self) -> String {
        write::to_yaml(self)
    }

    /// JSON that parses to the same document, in two-space indentation.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(&self.value()).expect("a value of text keys and finite numbers is JSON")
    }

    /// How many values it has.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The collection that a value is in.
    pub(crate) fn parent(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).parent
    }

    pub(crate) fn root(&self) -> NodeId {
        self.root
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    pub(crate) fn content(&self, id: NodeId) -> &Content {
        &self.node(id).content
    }

    /// The members of an object; nothing for other values.
    pub(crate) fn entries(&self, id: NodeId) -> &[Entry] {
        match self.content(id) {
            Content::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; nothing for other values.
    pub(crate) fn items(&self, id: NodeId) -> &[NodeId] {
        match self.content(id) {
            Content::List(items) => items,
            _ => &[],
        }
    }

    pub(crate) fn get(&self, id: NodeId, key: &str) -> Option<NodeId> {
        self.entries(id).iter().find(|entry| &*entry.key == key).map(|entry| entry.value)
    }

    /// Follows keys of nested objects.
    pub(crate) fn at(&self, id: NodeId, path: &[&str]) -> Option<NodeId> {
        path.iter().try_fold(id, |id, key| self.get(id, key))
    }

    pub(crate) fn text(&self, id: NodeId) -> Option<&str> {
        match self.content(id) {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn value_of(&self, id: NodeId) -> Value {
        match self.content(id) {
            Content::Null => Value::Null,
            Content::Bool(value) => Value::Bool(*value),
            Content::Number { value, .. } => Value::Number(value.clone()),
            Content::Text(text) => Value::String(text.to_string()),
            Content::List(items) => items.iter().map(|item| self.value_of(*item)).collect(),
            Content::Map(entries) => {
                entries.iter().map(|entry| (entry.key.to_string(), self.value_of(entry.value))).collect()
            }
        }
    }

    /// JSON Pointer from the root.
    pub(crate) fn pointer(&self, id: NodeId) -> String {
        let mut path = Vec::new();
        let mut current = id;
        while let Some(parent) = self.node(current).parent {
            path.push((parent, self.node(current).slot as usize));
            current = parent;
        }
        let mut pointer = String::new();
        for (parent, slot) in path.into_iter().rev() {
            match self.content(parent) {
                Content::Map(entries) => push_segment(&mut pointer, &entries[slot].key),
                _ => push_segment(&mut pointer, &slot.to_string()),
            }
        }
        pointer
    }

    /// How many bytes [`Document::pointer`] has, about.
    pub(crate) fn pointer_length(&self, id: NodeId) -> usize {
        let mut length = 0;
        let mut current = id;
        while let Some(parent) = self.node(current).parent {
            length += match self.content(parent) {
                Content::Map(entries) => 1 + entries[self.node(current).slot as usize].key.len(),
                _ => 4,
            };
            current = parent;
        }
        length
    }

    /// Line and column, from 1, of what a JSON Pointer names, as far as it can be followed.
    pub fn place_of(&self, pointer: &str) -> (usize, usize) {
        self.place(self.descend(self.root, pointer))
    }

    /// Line and column where a reader looks for this value: a member's key if the value is a collection.
    pub(crate) fn place(&self, id: NodeId) -> (usize, usize) {
        let node = self.node(id);
        if let (Content::List(_) | Content::Map(_) | Content::Null, Some(parent)) =
            (&node.content, node.parent)
            && let Content::Map(entries) = self.content(parent)
        {
            let entry = &entries[node.slot as usize];
            return (entry.line as usize, entry.column as usize);
        }
        (node.line as usize, node.column as usize)
    }

    /// The node below `id` that a JSON Pointer names, as far as it can be followed.
    pub(crate) fn descend(&self, id: NodeId, pointer: &str) -> NodeId {
        let mut current = id;
        for segment in pointer.split('/').skip(1) {
            let name = segment.replace("~1", "/").replace("~0", "~");
            let next = match self.content(current) {
                Content::Map(_) => self.get(current, &name),
                Content::List(items) => name.parse().ok().and_then(|index: usize| items.get(index).copied()),
                _ => None,
            };
            let Some(next) = next else { return current };
            current = next;
        }
        current
    }
}

/// Appends `/name`, escaped as RFC 6901 says.
pub(crate) fn push_segment(pointer: &mut String, name: &str) {
    pointer.push('/');
    for letter in name.chars() {
        match letter {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}
