//! Where each value of a document stands in its text, in bytes.

use std::ops::Range;

use serde_saphyr::granit_parser::{self, Event, Parser, Span};

use crate::document::{Content, Document, MAX_DEPTH, NodeId};

/// The text of a document and where its values are in it.
pub(super) struct Places<'s> {
    pub(super) source: &'s str,
    /// By the number of the node.
    places: Vec<Place>,
}

/// Where one value stands.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    /// Its key, if it is a member of an object.
    pub(super) key: Option<Range<usize>>,
    /// The value itself; a collection in block style ends with its last member.
    pub(super) value: Range<usize>,
    /// Whether it is a collection in brackets.
    pub(super) is_flow: bool,
}

/// A collection that is still open: its number, whether it is an object, its key that waits for a value.
struct Open {
    number: usize,
    is_map: bool,
    key: Option<Range<usize>>,
}

// === impl Places ===

impl<'s> Places<'s> {
    /// Nothing for a text with anchors or aliases: one place in it is several values.
    pub(super) fn of(source: &'s str, document: &Document) -> Option<Self> {
        let options = granit_parser::options! {
            emit_comments: false,
            flow_nesting_limit: MAX_DEPTH + 2,
            block_nesting_limit: 2 * MAX_DEPTH,
            simple_key_max_lookahead: 4096,
        };
        let mut reading = Reading { source, places: Vec::new(), open: Vec::new() };
        for next in Parser::new_from_str_with_options(source, options) {
            let (event, span) = next.ok()?;
            reading.accept(&event, span)?;
        }
        (reading.places.len() == document.len()).then_some(Self { source, places: reading.places })
    }

    pub(super) fn place(&self, id: NodeId) -> &Place {
        &self.places[id.number()]
    }

    /// Whether a value is a collection in brackets.
    pub(super) fn is_flow(&self, document: &Document, id: NodeId) -> bool {
        matches!(document.content(id), Content::List(_) | Content::Map(_)) && self.place(id).is_flow
    }
}

struct Reading<'s> {
    source: &'s str,
    places: Vec<Place>,
    open: Vec<Open>,
}

// === impl Reading ===

impl Reading<'_> {
    fn accept(&mut self, event: &Event<'_>, span: Span) -> Option<()> {
        match event {
            Event::Scalar(_, _, anchor, tag) => {
                if *anchor != 0 || tag.is_some() {
                    return None;
                }
                let range = bytes(span)?;
                if let Some(open) = self.open.last_mut()
                    && open.is_map
                    && open.key.is_none()
                {
                    open.key = Some(range);
                    return Some(());
                }
                self.add(range);
            }
            Event::SequenceStart(_, anchor, tag) | Event::MappingStart(_, anchor, tag) => {
                if *anchor != 0 || tag.is_some() {
                    return None;
                }
                let range = bytes(span)?;
                let number = self.add(range);
                let is_map = matches!(event, Event::MappingStart(..));
                self.open.push(Open { number, is_map, key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let open = self.open.pop()?;
                let end = bytes(span)?.end;
                let place = &mut self.places[open.number];
                place.is_flow = self.source[place.value.start..].starts_with(['{', '[']);
                if place.is_flow {
                    place.value.end = end;
                }
                let end = place.value.end;
                self.extend(end);
            }
            Event::Alias(_) => return None,
            _ => {}
        }
        Some(())
    }

    fn add(&mut self, range: Range<usize>) -> usize {
        let key = self.open.last_mut().and_then(|open| open.key.take());
        self.extend(range.end);
        self.places.push(Place { key, value: range, is_flow: false });
        self.places.len() - 1
    }

    /// The collection around reaches as far as its last member.
    fn extend(&mut self, end: usize) {
        if let Some(open) = self.open.last() {
            let place = &mut self.places[open.number];
            place.value.end = place.value.end.max(end);
        }
    }
}

fn bytes(span: Span) -> Option<Range<usize>> {
    Some(span.start.byte_offset()?..span.end.byte_offset()?)
}
