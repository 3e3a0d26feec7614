//! From an edit of the document to one of its text.

use std::ops::Range;

use serde_json::Value;

use super::places::Places;
use crate::document::{Content, Document, NodeId};

/// A piece of the text and what is to stand there.
#[derive(Debug)]
pub(super) struct Replacement {
    pub(super) range: Range<usize>,
    pub(super) text: String,
}

/// Takes a member or an item out: whole lines in block style, with one comma in brackets.
pub(super) fn remove(document: &Document, places: &Places<'_>, id: NodeId) -> Option<Replacement> {
    let parent = document.parent(id)?;
    let place = places.place(id);
    let start = place.key.as_ref().map_or(place.value.start, |key| key.start);
    let range = if places.is_flow(document, parent) {
        with_comma(places.source, start..place.value.end)
    } else {
        whole_lines(places.source, start..place.value.end, place.key.is_none())?
    };
    Some(Replacement { range, text: String::new() })
}

/// The member with the comma after it, or else the one before it.
fn with_comma(source: &str, member: Range<usize>) -> Range<usize> {
    let after = &source[member.end..];
    let gap = after.len() - after.trim_start().len();
    if let Some(rest) = after[gap..].strip_prefix(',') {
        let space = rest.len() - rest.trim_start_matches(' ').len();
        return member.start..member.end + gap + 1 + space;
    }
    let before = source[..member.start].trim_end();
    let Some(before) = before.strip_suffix(',') else { return member };
    let line = source[..before.len()].rfind('\n').map_or(0, |at| at + 1);
    let rest = source[member.end..].find('\n').map(|at| member.end + at + 1);
    match rest {
        // The comma began the line, and nothing is left on it.
        Some(end)
            if source[line..before.len()].trim().is_empty() && source[member.end..end].trim().is_empty() =>
        {
            line..end
        }
        _ => before.len()..member.end,
    }
}

/// The lines of a member or item that has them for itself.
fn whole_lines(source: &str, member: Range<usize>, is_item: bool) -> Option<Range<usize>> {
    let start = source[..member.start].rfind('\n').map_or(0, |at| at + 1);
    let lead = source[start..member.start].trim();
    let is_alone = if is_item { lead == "-" } else { lead.is_empty() };
    if !is_alone {
        return None;
    }
    // A literal block ends behind its last line break.
    if source[..member.end].ends_with('\n') {
        return Some(start..member.end);
    }
    let end = source[member.end..].find('\n').map_or(source.len(), |at| member.end + at + 1);
    let rest = source[member.end..end].trim();
    (rest.is_empty() || rest.starts_with('#')).then_some(start..end)
}

/// Puts another text in the place of one, quoted as that was.
pub(super) fn text(
    document: &Document,
    places: &Places<'_>,
    (id, new): (NodeId, &str),
) -> Option<Replacement> {
    let range = places.place(id).value.clone();
    let old = &places.source[range.clone()];
    let is_text = matches!(document.content(id), Content::Text(_));
    let text = match old.chars().next()? {
        '"' => format!("\"{new}\""),
        '\'' => format!("'{new}'"),
        '|' | '>' => return None,
        _ => new.to_owned(),
    };
    is_text.then_some(Replacement { range, text })
}

/// Adds a member at the end of an object.
pub(super) fn insert(
    document: &Document,
    places: &Places<'_>,
    id: NodeId,
    (key, value): (&str, &Value),
) -> Option<Replacement> {
    let source = places.source;
    let place = places.place(id);
    let is_json = source.trim_start().starts_with('{');
    let member = if is_json { format!("\"{key}\": {value}") } else { format!("{key}: {}", flow(value)) };
    let entries = document.entries(id);
    if places.is_flow(document, id) {
        let inner = &source[place.value.start + 1..place.value.end - 1];
        let at = place.value.start + 1 + inner.trim_end().len();
        let text = match (entries.is_empty(), inner.starts_with(' ') || inner.is_empty() && !is_json) {
            (true, true) => format!(" {member} "),
            (true, false) => member,
            (false, _) => format!(", {member}"),
        };
        let end = if entries.is_empty() { place.value.end - 1 } else { at };
        return Some(Replacement { range: at..end, text });
    }
    let first = places.place(entries.first()?.value).key.clone()?;
    let line = source[..first.start].rfind('\n').map_or(0, |at| at + 1);
    let indent = source[line..first.start].chars().count();
    let end = place.value.end;
    let (at, lead) = if source[..end].ends_with('\n') {
        (end, "")
    } else {
        source[end..].find('\n').map_or((source.len(), "\n"), |rest| (end + rest + 1, ""))
    };
    let text = format!("{lead}{}{member}\n", " ".repeat(indent));
    Some(Replacement { range: at..at, text })
}

/// YAML in one line.
fn flow(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(key, value)| format!("{key}: {}", flow(value))).collect();
            format!("{{ {} }}", members.join(", "))
        }
        other => other.to_string(),
    }
}

/// The text with all replacements, which are in order and do not overlap.
pub(super) fn replaced<'r>(source: &str, replacements: impl Iterator<Item = &'r Replacement>) -> String {
    let mut text = String::with_capacity(source.len());
    let mut from = 0;
    for replacement in replacements {
        text.push_str(&source[from..replacement.range.start]);
        text.push_str(&replacement.text);
        from = replacement.range.end;
    }
    text.push_str(&source[from..]);
    text
}

/// The lines that a replacement touches, before and after.
pub(super) fn lines(source: &str, replacement: &Replacement) -> (Vec<String>, Vec<String>) {
    let Range { start, end } = replacement.range;
    let from = source[..start].rfind('\n').map_or(0, |at| at + 1);
    let is_whole = start == from && (end == from || source[..end].ends_with('\n'));
    let to = if is_whole { end } else { source[end..].find('\n').map_or(source.len(), |at| end + at) };
    let before = &source[from..to];
    let after = format!("{}{}{}", &source[from..start], replacement.text, &source[end..to]);
    let lines = |text: &str| text.lines().map(str::to_owned).collect();
    (lines(before), lines(&after))
}
