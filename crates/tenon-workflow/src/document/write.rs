//! From nodes to YAML that a person likes to read.
//!
//! Every text is written so that it comes back as the same text: plain only where no reader of YAML 1.1 or 1.2
//! could take it for something else, as a literal block where it has lines, in double quotes otherwise.

use std::fmt::Write as _;

use super::scalar::{self, Scalar};
use super::{Content, Document, NodeId};

pub(super) fn to_yaml(document: &Document) -> String {
    let mut out = String::new();
    match document.content(document.root) {
        Content::List(items) if !items.is_empty() => write_list(document, items, 0, &mut out),
        Content::Map(entries) if !entries.is_empty() => write_map(document, document.root, 0, &mut out),
        _ => {
            write_inline(document, document.root, 0, &mut out);
            out.push('\n');
        }
    }
    out
}

fn indent(out: &mut String, level: usize) {
    out.extend(std::iter::repeat_n("  ", level));
}

/// Each entry on its own line; the first one continues the current line if that is not empty.
fn write_map(document: &Document, id: NodeId, level: usize, out: &mut String) {
    for (place, entry) in document.entries(id).iter().enumerate() {
        if place > 0 || out.is_empty() || out.ends_with('\n') {
            indent(out, level);
        }
        write_key(&entry.key, out);
        out.push(':');
        write_member(document, entry.value, level, out);
    }
}

fn write_list(document: &Document, items: &[NodeId], level: usize, out: &mut String) {
    for item in items {
        indent(out, level);
        out.push('-');
        match document.content(*item) {
            Content::Map(entries) if !entries.is_empty() => {
                out.push(' ');
                write_map(document, *item, level + 1, out);
            }
            _ => write_member(document, *item, level, out),
        }
    }
}

/// What follows `key:` or `-`, with its line end.
fn write_member(document: &Document, id: NodeId, level: usize, out: &mut String) {
    match document.content(id) {
        Content::Map(entries) if !entries.is_empty() => {
            out.push('\n');
            write_map(document, id, level + 1, out);
        }
        Content::List(items) if !items.is_empty() => {
            out.push('\n');
            write_list(document, items, level + 1, out);
        }
        _ => {
            out.push(' ');
            write_inline(document, id, level, out);
            out.push('\n');
        }
    }
}

fn write_inline(document: &Document, id: NodeId, level: usize, out: &mut String) {
    match document.content(id) {
        Content::Null => out.push_str("null"),
        Content::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Content::Number { written, .. } => out.push_str(written),
        Content::List(_) => out.push_str("[]"),
        Content::Map(_) => out.push_str("{}"),
        Content::Text(text) => write_text(text, level, out),
    }
}

fn write_key(key: &str, out: &mut String) {
    if is_plain(key) { out.push_str(key) } else { write_quoted(key, out) }
}

fn write_text(text: &str, level: usize, out: &mut String) {
    if is_plain(text) && !is_old_boolean(text) {
        out.push_str(text);
    } else if is_block(text) {
        out.push_str(if text.ends_with('\n') { "|" } else { "|-" });
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            out.push('\n');
            if !line.is_empty() {
                indent(out, level + 1);
                out.push_str(line);
            }
        }
    } else {
        write_quoted(text, out);
    }
}

fn is_plain(text: &str) -> bool {
    let starts = text
        .starts_with(|first: char| first.is_alphanumeric() || matches!(first, '_' | '/' | '.' | '$' | '('));
    let letters =
        |letter: char| letter.is_alphanumeric() || (letter.is_ascii() && !letter.is_ascii_control());
    starts
        && text.chars().all(letters)
        && !text.starts_with("...")
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with([':', ' '])
        && scalar::resolve(text) == Scalar::Text
}

/// What YAML 1.1 takes for a boolean or a number of base 60; other tools may still read that.
fn is_old_boolean(text: &str) -> bool {
    let word = matches!(text.to_ascii_lowercase().as_str(), "y" | "n" | "yes" | "no" | "on" | "off");
    word || text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'_' | b'.' | b'-'))
}

/// Whether a literal block gives back exactly this text.
fn is_block(text: &str) -> bool {
    let lines = text.strip_suffix('\n').unwrap_or(text);
    let printable = |letter: char| letter == '\n' || letter == '\t' || is_printable(letter);
    lines.contains('\n')
        && !lines.starts_with([' ', '\n', '\t'])
        && !lines.ends_with('\n')
        && lines.split('\n').all(|line| !line.ends_with([' ', '\t']) && !line.starts_with('\t'))
        && text.chars().all(printable)
}

fn is_printable(letter: char) -> bool {
    !letter.is_control() && !matches!(letter, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn write_quoted(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            other if is_printable(other) => out.push(other),
            other => write!(out, "\\U{:08X}", other as u32).expect("writing to a string cannot fail"),
        }
    }
    out.push('"');
}
