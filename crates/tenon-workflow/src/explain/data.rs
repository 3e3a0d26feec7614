//! Values of the document in words: expressions, literal data, durations.

use tenon_expr::runtime_expression;

use crate::document::{Content, Entry, NodeId};
use crate::program::parse_duration;
use crate::words::duration as spoken;

use super::narrator::Narrator;
use super::part::Part;
use super::words::{Words, one_line, shortened, text};

/// How much of a collection is shown on one line, in characters.
const ONE_LINE: usize = 100;

// === impl Narrator ===

impl<'d> Narrator<'d> {
    /// An expression, bare or wrapped.
    pub(super) fn expression(&self, id: NodeId) -> Words {
        match self.document.text(id).filter(|_| !self.is_hidden(id)) {
            Some(source) => Words::default().code(one_line(runtime_expression(source).unwrap_or(source))),
            None => self.value(id),
        }
    }

    /// What `from`, `as` and `in` hold: a text is an expression, anything else is data.
    pub(super) fn transform(&self, id: NodeId) -> Words {
        if self.document.text(id).is_some() { self.expression(id) } else { self.value(id) }
    }

    /// Data on one line: `a = 1, b = .x`.
    pub(super) fn value(&self, id: NodeId) -> Words {
        match self.document.content(id) {
            Content::Map(entries) if !entries.is_empty() && !self.is_variable(id) => self.members_of(id),
            _ => self.nested(id),
        }
    }

    /// Data inside of data: `{a = 1, b = .x}`.
    fn nested(&self, id: NodeId) -> Words {
        let document = self.document;
        match document.content(id) {
            Content::Null => Words::default().literal("null"),
            Content::Bool(value) => Words::default().literal(value.to_string()),
            Content::Number { written, .. } => Words::default().literal(written.to_string()),
            Content::Text(_) if self.is_hidden(id) => text("a credential that the document spells out"),
            Content::Text(written) => match runtime_expression(written) {
                Some(source) => Words::default().code(one_line(source)),
                None => Words::default().literal(quoted(written)),
            },
            Content::List(items) if items.is_empty() => Words::default().literal("[]"),
            Content::List(items) => {
                let items = items.iter().map(|item| self.nested(*item));
                joined(items, text("[")).text("]")
            }
            Content::Map(entries) if entries.is_empty() => Words::default().literal("{}"),
            Content::Map(entries) if self.is_variable(id) => {
                let name = document.text(entries[0].value).unwrap_or_default();
                text("the variable ").literal(name)
            }
            Content::Map(_) => text("{").words(self.members_of(id)).text("}"),
        }
    }

    fn members_of(&self, id: NodeId) -> Words {
        let member = |entry: &Entry| {
            Words::default().literal(shortened(&entry.key)).text(" = ").words(self.nested(entry.value))
        };
        joined(self.document.entries(id).iter().map(member), Words::default())
    }

    /// `{"$variable": "name"}`
    fn is_variable(&self, id: NodeId) -> bool {
        matches!(self.document.entries(id), [only] if &*only.key == "$variable")
    }

    /// A literal text as it stands, without quotes; anything else as data.
    pub(super) fn plain(&self, id: NodeId) -> Words {
        match self.document.text(id) {
            Some(written) if runtime_expression(written).is_none() && !self.is_hidden(id) => {
                Words::default().literal(one_line(written))
            }
            _ => self.value(id),
        }
    }

    /// `, key = value` for all that nobody has spoken of.
    pub(super) fn rest_of(&self, part: &Part<'d>) -> Words {
        let member = |entry: &Entry| {
            text(", ").literal(shortened(&entry.key)).text(" = ").words(self.nested(entry.value))
        };
        part.rest().map(member).fold(Words::default(), Words::words)
    }

    /// A bullet for each member that nobody has spoken of.
    pub(super) fn rest(&mut self, part: &Part<'d>) {
        for entry in part.rest() {
            self.item(Words::default().literal(shortened(&entry.key)), entry.value);
        }
    }

    /// A bullet for a member that may be long, if it is there.
    pub(super) fn member(&mut self, part: &mut Part<'d>, key: &'static str, label: &str) {
        if let Some(id) = part.take(key) {
            self.item(text(label), id);
        }
    }

    /// `label: data` on one line, or with a bullet for each part of the data below it.
    pub(super) fn item(&mut self, label: Words, id: NodeId) {
        let document = self.document;
        if self.fits_one_line(id) {
            let words = label.text(": ").words(self.value(id));
            return self.bullet(words);
        }
        self.bullet(label.text(":"));
        self.below(|narrator| {
            for entry in document.entries(id) {
                narrator.item(Words::default().literal(shortened(&entry.key)), entry.value);
            }
            for (index, item) in document.items(id).iter().enumerate() {
                narrator.item(text((index + 1).to_string()), *item);
            }
        });
    }

    /// Whether data is no collection, or short enough for one line.
    pub(super) fn fits_one_line(&self, id: NodeId) -> bool {
        let mut room = ONE_LINE;
        self.fits(id, &mut room)
    }

    fn fits(&self, id: NodeId, room: &mut usize) -> bool {
        let document = self.document;
        let needed = match document.content(id) {
            Content::Map(entries) if !entries.is_empty() => {
                return entries
                    .iter()
                    .all(|entry| take(room, entry.key.len() + 4) && self.part_fits(entry.value, room));
            }
            Content::List(items) if !items.is_empty() => {
                return items.iter().all(|item| take(room, 2) && self.part_fits(*item, room));
            }
            _ => 0,
        };
        take(room, needed)
    }

    fn part_fits(&self, id: NodeId, room: &mut usize) -> bool {
        match self.document.content(id) {
            Content::Map(_) | Content::List(_) => self.fits(id, room),
            Content::Text(written) => take(room, written.len()),
            _ => take(room, 5),
        }
    }

    /// A duration: `2 s`, or the expression that gives it.
    pub(super) fn duration(&self, id: NodeId) -> Words {
        match parse_duration(&self.document.value_of(id)) {
            Ok(duration) => text(spoken(duration)),
            Err(_) => self.plain(id),
        }
    }

    /// A name or a value that is a list of texts: `a, b`.
    pub(super) fn texts(&self, id: NodeId) -> Words {
        match self.document.content(id) {
            Content::List(items) if !items.is_empty() => {
                joined(items.iter().map(|item| self.plain(*item)), Words::default())
            }
            _ => self.plain(id),
        }
    }
}

fn take(room: &mut usize, needed: usize) -> bool {
    let left = room.checked_sub(needed);
    *room = left.unwrap_or_default();
    left.is_some()
}

fn joined(items: impl Iterator<Item = Words>, start: Words) -> Words {
    let with_comma = |words: Words, (index, item): (usize, Words)| {
        if index == 0 { words.words(item) } else { words.text(", ").words(item) }
    };
    items.enumerate().fold(start, with_comma)
}

/// As JSON writes it, shortened.
fn quoted(written: &str) -> String {
    let json = serde_json::Value::from(shortened(written));
    json.to_string()
}
