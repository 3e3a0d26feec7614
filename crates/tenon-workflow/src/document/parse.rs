//! From text to nodes: the events of the YAML parser, with a bound on everything.
//!
//! The parser is an event parser without recursion, and so is this: nesting costs heap, never stack. Aliases
//! are expanded by copying, each copied value counted, so an alias bomb ends at the same limit as any other
//! large document.

use std::collections::{HashMap, HashSet};

use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::scalar::{self, Scalar};
use super::{Content, Document, Entry, MAX_DEPTH, MAX_KEY_BYTES, MAX_NODES, MAX_SOURCE_BYTES, Node, NodeId};
use crate::codes;
use crate::diagnostic::{Diagnostic, MAX_DIAGNOSTICS, Severity, quote};

pub(super) fn parse(source: &str) -> Result<Document, Vec<Diagnostic>> {
    if source.len() > MAX_SOURCE_BYTES {
        let message = format!("the document has {} bytes, more than {MAX_SOURCE_BYTES}", source.len());
        return Err(vec![finding(codes::TOO_LARGE, (1, 1), message)]);
    }
    let mut builder = Builder::default();
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH + 2,
        block_nesting_limit: 2 * MAX_DEPTH,
        simple_key_max_lookahead: 4096,
    };
    for next in Parser::new_from_str_with_options(source, options) {
        let step = match next {
            Ok((event, span)) => builder.accept(event, span),
            Err(error) => Err(syntax(&error)),
        };
        if let Err(fatal) = step {
            builder.findings.push(fatal);
            return Err(builder.findings);
        }
    }
    builder.finish()
}

type Place = (u32, u32);

fn place(span: Span) -> Place {
    (span.start.line() as u32, span.start.col() as u32 + 1)
}

fn finding(code: &'static str, (line, column): Place, message: String) -> Diagnostic {
    Diagnostic {
        code,
        severity: Severity::Error,
        pointer: String::new(),
        line: line as usize,
        column: column as usize,
        message,
        hint: codes::explanation(code),
    }
}

fn syntax(error: &ScanError) -> Diagnostic {
    let at = (error.marker().line() as u32, error.marker().col() as u32 + 1);
    let info = error.info();
    if info.contains("nesting") || info.contains("recursion") {
        return finding(codes::TOO_DEEP, at, format!("more than {MAX_DEPTH} levels of nesting"));
    }
    finding(codes::SYNTAX, at, format!("not readable as YAML or JSON: {}", quote(&info)))
}

/// A collection that is still open.
struct Frame {
    id: NodeId,
    /// The key that waits for its value; unused in lists.
    key: Option<(Box<str>, Place)>,
    is_map: bool,
}

#[derive(Default)]
struct Builder {
    nodes: Vec<Node>,
    open: Vec<Frame>,
    root: Option<NodeId>,
    documents: usize,
    /// Bytes of text that aliases have copied.
    copied: usize,
    anchors: HashMap<usize, NodeId>,
    findings: Vec<Diagnostic>,
}

// === impl Builder ===

impl Builder {
    /// An error ends parsing.
    fn accept(&mut self, event: Event<'_>, span: Span) -> Result<(), Diagnostic> {
        let at = place(span);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    let message = "a second document in the same text: one workflow a file".to_owned();
                    return Err(finding(codes::UNSUPPORTED_YAML, at, message));
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                if self.wants_key() {
                    return self.begin_entry(&text, at);
                }
                let content = scalar(&text, style, tag.as_deref(), at)?;
                let id = self.add(content, at)?;
                self.remember(anchor, id);
                Ok(())
            }
            Event::SequenceStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), "seq", at)?;
                self.begin(Content::List(Vec::new()), anchor, at)
            }
            Event::MappingStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), "map", at)?;
                self.begin(Content::Map(Vec::new()), anchor, at)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.end();
                Ok(())
            }
            Event::Alias(anchor) => self.alias(anchor, at),
            _ => Ok(()),
        }
    }

    fn finish(mut self) -> Result<Document, Vec<Diagnostic>> {
        let Some(root) = self.root else {
            self.findings.push(finding(codes::SYNTAX, (1, 1), "the document is empty".to_owned()));
            return Err(self.findings);
        };
        let document = Document { nodes: self.nodes, root };
        if self.findings.is_empty() {
            return Ok(document);
        }
        Err(self.findings)
    }

    fn wants_key(&self) -> bool {
        self.open.last().is_some_and(|frame| frame.is_map && frame.key.is_none())
    }

    fn begin_entry(&mut self, key: &str, at: Place) -> Result<(), Diagnostic> {
        if key.len() > MAX_KEY_BYTES {
            let message = format!("a key of {} bytes, more than {MAX_KEY_BYTES}", key.len());
            return Err(finding(codes::TOO_LARGE, at, message));
        }
        let frame = self.open.last_mut().expect("a key is wanted only inside of an open map");
        frame.key = Some((key.into(), at));
        Ok(())
    }

    /// Adds a value and hands it to the collection around it.
    fn add(&mut self, content: Content, at: Place) -> Result<NodeId, Diagnostic> {
        if self.nodes.len() >= MAX_NODES {
            let message = format!("more than {MAX_NODES} values (aliases count as often as they are used)");
            return Err(finding(codes::TOO_LARGE, at, message));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(finding(codes::TOO_DEEP, at, format!("more than {MAX_DEPTH} levels of nesting")));
        }
        let id = NodeId(self.nodes.len() as u32);
        let (line, column) = at;
        let (parent, slot) = match self.open.last_mut() {
            None => {
                self.root = Some(id);
                (None, 0)
            }
            Some(frame) => {
                let slot = attach(&mut self.nodes[frame.id.0 as usize].content, frame.key.take(), id);
                (Some(frame.id), slot)
            }
        };
        self.nodes.push(Node { content, line, column, parent, slot });
        Ok(id)
    }

    fn begin(&mut self, content: Content, anchor: usize, at: Place) -> Result<(), Diagnostic> {
        if self.wants_key() {
            let message = "a key that is not text".to_owned();
            return Err(finding(codes::UNSUPPORTED_YAML, at, message));
        }
        let is_map = matches!(content, Content::Map(_));
        let id = self.add(content, at)?;
        self.remember(anchor, id);
        self.open.push(Frame { id, key: None, is_map });
        Ok(())
    }

    fn end(&mut self) {
        let frame = self.open.pop().expect("the parser closes only what it opened");
        if frame.is_map {
            self.find_duplicates(frame.id);
        }
    }

    fn remember(&mut self, anchor: usize, id: NodeId) {
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
    }

    fn find_duplicates(&mut self, id: NodeId) {
        let Content::Map(entries) = &self.nodes[id.0 as usize].content else { return };
        let mut seen = HashSet::with_capacity(entries.len());
        let twice: Vec<Entry> =
            entries.iter().filter(|entry| !seen.insert(&entry.key)).take(MAX_DIAGNOSTICS).cloned().collect();
        if twice.is_empty() || self.findings.len() >= MAX_DIAGNOSTICS {
            return;
        }
        for entry in twice {
            let first = self.first_line(id, &entry.key);
            let message = format!("`{}` is given twice; the first is on line {first}", quote(&entry.key));
            let mut twice = finding(codes::DUPLICATE_KEY, (entry.line, entry.column), message);
            twice.pointer = self.pointer_of(entry.value);
            twice.hint = Some("remove one of the two, or merge them".to_owned());
            self.findings.push(twice);
        }
    }

    fn first_line(&self, map: NodeId, key: &str) -> u32 {
        match &self.nodes[map.0 as usize].content {
            Content::Map(entries) => {
                entries.iter().find(|entry| &*entry.key == key).map_or(0, |entry| entry.line)
            }
            _ => 0,
        }
    }

    fn pointer_of(&self, id: NodeId) -> String {
        let mut names = Vec::new();
        let mut current = id;
        while let Some(parent) = self.nodes[current.0 as usize].parent {
            let slot = self.nodes[current.0 as usize].slot as usize;
            names.push(match &self.nodes[parent.0 as usize].content {
                Content::Map(entries) => entries[slot].key.to_string(),
                _ => slot.to_string(),
            });
            current = parent;
        }
        let mut pointer = String::new();
        names.iter().rev().for_each(|name| super::push_segment(&mut pointer, name));
        pointer
    }

    // --- aliases ---

    fn alias(&mut self, anchor: usize, at: Place) -> Result<(), Diagnostic> {
        let refuse = |message: &str| Err(finding(codes::UNSUPPORTED_YAML, at, message.to_owned()));
        let Some(target) = self.anchors.get(&anchor).copied() else {
            return refuse("an alias to something that is not a value of this document");
        };
        if self.open.iter().any(|frame| frame.id == target) {
            return refuse("an alias to the value that contains it");
        }
        if self.wants_key() {
            return match self.nodes[target.0 as usize].content.clone() {
                Content::Text(text) => self.begin_entry(&text, at),
                _ => refuse("a key that is not text"),
            };
        }
        self.copy(target)
    }

    /// Copies a finished value to the current place. As deep as the document may be, so at most
    /// [`MAX_DEPTH`] calls.
    fn copy(&mut self, target: NodeId) -> Result<(), Diagnostic> {
        let Node { line, column, ref content, .. } = self.nodes[target.0 as usize];
        let at = (line, column);
        if let Content::Text(text) = content {
            self.copied += text.len();
            if self.copied > MAX_SOURCE_BYTES {
                let message = format!("aliases copy more than {MAX_SOURCE_BYTES} bytes of text");
                return Err(finding(codes::TOO_LARGE, at, message));
            }
        }
        let content = content.clone();
        match content {
            Content::List(items) => {
                self.begin(Content::List(Vec::with_capacity(items.len())), 0, at)?;
                items.into_iter().try_for_each(|item| self.copy(item))?;
                self.open.pop();
            }
            Content::Map(entries) => {
                self.begin(Content::Map(Vec::with_capacity(entries.len())), 0, at)?;
                for entry in entries {
                    self.begin_entry(&entry.key, (entry.line, entry.column))?;
                    self.copy(entry.value)?;
                }
                self.open.pop();
            }
            scalar => {
                self.add(scalar, at)?;
            }
        }
        Ok(())
    }
}

// === scalars and tags ===

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, at: Place) -> Result<Content, Diagnostic> {
    let tag = match tag {
        None if style != ScalarStyle::Plain => return Ok(Content::Text(text.into())),
        None => None,
        Some(tag) => Some(tag.core_suffix().ok_or_else(|| unknown_tag(tag, at))?),
    };
    if tag == Some("str") {
        return Ok(Content::Text(text.into()));
    }
    let content = match scalar::resolve(text) {
        Scalar::Null => Content::Null,
        Scalar::Bool(value) => Content::Bool(value),
        Scalar::Number(value) => Content::Number { value, written: text.into() },
        Scalar::Text => Content::Text(text.into()),
        Scalar::BadNumber => {
            let message = format!("the number `{}` cannot be kept exactly", quote(text));
            let mut bad = finding(codes::NUMBER, at, message);
            bad.hint = Some("put it into quotes to keep it as text".to_owned());
            return Err(bad);
        }
    };
    let fits = match (tag, &content) {
        (Some("int"), Content::Number { value, .. }) => !value.is_f64(),
        (Some("float"), Content::Number { .. })
        | (Some("null"), Content::Null)
        | (Some("bool"), Content::Bool(_))
        | (None, _) => true,
        _ => false,
    };
    if !fits {
        let message = format!("`{}` is not what its tag says", quote(text));
        return Err(finding(codes::UNSUPPORTED_YAML, at, message));
    }
    Ok(content)
}

fn check_tag(tag: Option<&Tag>, wanted: &str, at: Place) -> Result<(), Diagnostic> {
    match tag {
        Some(tag) if tag.core_suffix() != Some(wanted) => Err(unknown_tag(tag, at)),
        _ => Ok(()),
    }
}

fn unknown_tag(tag: &Tag, at: Place) -> Diagnostic {
    finding(codes::UNSUPPORTED_YAML, at, format!("the tag `{}` has no meaning here", quote(&tag.original())))
}

/// Puts a value into the collection around it and says which member it is.
fn attach(content: &mut Content, key: Option<(Box<str>, Place)>, value: NodeId) -> u32 {
    match content {
        Content::List(items) => {
            items.push(value);
            items.len() as u32 - 1
        }
        Content::Map(entries) => {
            let (key, (line, column)) = key.expect("a map's value comes after its key");
            entries.push(Entry { key, value, line, column });
            entries.len() as u32 - 1
        }
        _ => unreachable!("only collections are open"),
    }
}
