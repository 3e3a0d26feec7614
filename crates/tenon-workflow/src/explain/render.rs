//! How an outline looks: on a terminal and as Markdown.
//!
//! Texts of the document are shown, never obeyed: control characters and those that turn the direction of writing
//! are replaced, and in Markdown what could be markup is escaped.

use super::ExplanationLine;
use super::words::{Line, Mark, Span, Words};

/// A way to show lines.
struct Style {
    span: fn(&Span) -> String,
    title: &'static str,
    heading: &'static str,
    /// After a heading.
    gap: &'static str,
    /// Before a number such as `2.1`, which means nothing to Markdown.
    nested: &'static str,
    /// What is done to the begin of a line that a reader could take for the mark of a list.
    guard: fn(String) -> String,
}

const TEXT: Style =
    Style { span: text_span, title: "", heading: "", gap: ":", nested: "", guard: |line| line };
const MARKDOWN: Style =
    Style { span: markdown_span, title: "# ", heading: "## ", gap: "\n", nested: "- ", guard: guarded };

pub(super) fn text(lines: &[Line]) -> String {
    TEXT.render(lines)
}

pub(super) fn markdown(lines: &[Line]) -> String {
    MARKDOWN.render(lines)
}

pub(super) fn line(line: &Line) -> ExplanationLine {
    let (number, pointer) = match &line.mark {
        Mark::Task { number, pointer } => (Some(number.clone()), Some(pointer.clone())),
        _ => (None, None),
    };
    ExplanationLine { depth: line.depth, number, pointer, text: TEXT.words(&line.words) }
}

// === impl Style ===

impl Style {
    fn render(&self, lines: &[Line]) -> String {
        let mut written = String::new();
        // How far the lines around the current one indent what is below them.
        let mut widths: Vec<usize> = Vec::new();
        let mut before: Option<&Mark> = None;
        for line in lines {
            if line.depth == 0 && before.is_some_and(|before| is_apart(before, &line.mark)) {
                written.push('\n');
            }
            let (mark, width) = self.mark(line);
            widths.truncate(line.depth);
            let indent: usize = widths.iter().sum();
            widths.push(width);
            let words = (self.guard)(self.words(&line.words));
            let gap = if matches!(line.mark, Mark::Heading) { self.gap } else { "" };
            written.extend([" ".repeat(indent).as_str(), &mark, words.trim_end(), gap, "\n"]);
            if line.depth == 0 {
                before = Some(&line.mark);
            }
        }
        written
    }

    /// What stands before a line, and how far it indents the lines below.
    fn mark(&self, line: &Line) -> (String, usize) {
        let mark = match &line.mark {
            Mark::Title => return (self.title.to_owned(), 0),
            Mark::Heading => return (self.heading.to_owned(), 0),
            Mark::Paragraph => String::new(),
            Mark::Bullet => "- ".to_owned(),
            Mark::Task { number, .. } if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                format!("{number}. ")
            }
            Mark::Task { number, .. } => return (format!("{}{number} ", self.nested), 2),
        };
        let width = mark.len();
        (mark, width)
    }

    fn words(&self, words: &Words) -> String {
        words.0.iter().map(self.span).collect()
    }
}

/// Whether there is an empty line between two outermost lines.
fn is_apart(before: &Mark, mark: &Mark) -> bool {
    !matches!(
        (before, mark),
        (Mark::Heading, _)
            | (Mark::Paragraph | Mark::Bullet, Mark::Bullet)
            | (Mark::Task { .. }, Mark::Task { .. })
    )
}

// === text ===

fn text_span(span: &Span) -> String {
    match span {
        Span::Text(text) | Span::Strong(text) | Span::Name(text) | Span::Literal(text) => visible(text),
        Span::Code(code) => format!("`{}`", visible(code)),
    }
}

/// No line breaks, nothing that moves the cursor, changes colours or turns the direction of writing.
fn visible(text: &str) -> String {
    let show = |letter: char| match letter {
        '\n' | '\r' | '\t' => ' ',
        letter if letter.is_control() => '\u{fffd}',
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        letter => letter,
    };
    text.chars().map(show).collect()
}

// === Markdown ===

fn markdown_span(span: &Span) -> String {
    match span {
        Span::Text(text) => escaped(text),
        Span::Strong(text) => around("**", text),
        Span::Name(text) => around("*", text),
        Span::Code(text) | Span::Literal(text) => code(text),
    }
}

/// Emphasis needs something that is not white space at both of its ends.
fn around(mark: &str, text: &str) -> String {
    match text.trim() {
        "" => escaped(text),
        text => format!("{mark}{}{mark}", escaped(text)),
    }
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in visible(text).chars() {
        if matches!(
            letter,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '&' | '!' | '$'
        ) {
            safe.push('\\');
        }
        safe.push(letter);
    }
    safe
}

/// A code span, between more backticks than there are in it.
fn code(text: &str) -> String {
    let text = visible(text);
    if text.trim().is_empty() {
        return "(empty)".to_owned();
    }
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let space = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// A line that begins like the mark of a list, but is not meant so.
fn guarded(line: String) -> String {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    match line[digits..].chars().next() {
        Some('-' | '+') if digits == 0 => format!("\\{line}"),
        Some('.' | ')') if digits > 0 => format!("{}\\{}", &line[..digits], &line[digits..]),
        _ => line,
    }
}
