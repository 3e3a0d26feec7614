//! What sentences are made of: pieces of text that know what they are, so that each way of showing them can choose.

/// A sentence, or a part of one.
#[derive(Debug, Clone, Default)]
pub(super) struct Words(pub(super) Vec<Span>);

/// A piece of a sentence.
#[derive(Debug, Clone)]
pub(super) enum Span {
    /// As it is.
    Text(String),
    /// What a task is called, where it stands.
    Strong(String),
    /// The name of something that is elsewhere.
    Name(String),
    /// An expression or a variable.
    Code(String),
    /// A literal value, an address.
    Literal(String),
}

/// A line of the outline.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) depth: usize,
    pub(super) mark: Mark,
    pub(super) words: Words,
}

/// What stands before a line.
#[derive(Debug, Clone)]
pub(super) enum Mark {
    /// The document's name.
    Title,
    /// The name of a part of the outline.
    Heading,
    /// Nothing.
    Paragraph,
    /// A dash.
    Bullet,
    /// The number of a task, whose JSON Pointer this is.
    Task { number: String, pointer: String },
}

/// Begins a sentence.
pub(super) fn text(text: impl Into<String>) -> Words {
    Words::default().text(text)
}

// === impl Words ===

impl Words {
    pub(super) fn text(self, text: impl Into<String>) -> Self {
        self.with(Span::Text(text.into()))
    }

    pub(super) fn strong(self, text: impl Into<String>) -> Self {
        self.with(Span::Strong(text.into()))
    }

    pub(super) fn name(self, text: impl Into<String>) -> Self {
        self.with(Span::Name(text.into()))
    }

    pub(super) fn code(self, text: impl Into<String>) -> Self {
        self.with(Span::Code(text.into()))
    }

    pub(super) fn literal(self, text: impl Into<String>) -> Self {
        self.with(Span::Literal(text.into()))
    }

    pub(super) fn words(mut self, words: Self) -> Self {
        self.0.extend(words.0);
        self
    }

    /// Whether nobody wants to read it twice.
    pub(super) fn is_long(&self) -> bool {
        let length = |span: &Span| match span {
            Span::Text(text)
            | Span::Strong(text)
            | Span::Name(text)
            | Span::Code(text)
            | Span::Literal(text) => text.len(),
        };
        self.0.iter().map(length).sum::<usize>() > LONG
    }

    fn with(mut self, span: Span) -> Self {
        self.0.push(span);
        self
    }
}

/// `a`, `a and b`, `a, b and c`, with this word before the last one.
pub(super) fn list(items: Vec<Words>, last: &str) -> Words {
    let count = items.len();
    let mut words = Words::default();
    for (index, item) in items.into_iter().enumerate() {
        words = match index {
            0 => words,
            _ if index + 1 == count => words.text(format!(" {last} ")),
            _ => words.text(", "),
        };
        words = words.words(item);
    }
    words
}

// === texts of the document ===

/// From so many bytes on, words are long.
const LONG: usize = 500;
/// The longest literal text that is shown whole, in characters.
const LONGEST_LITERAL: usize = 100;

/// One line; where a `#` may begin a comment, line breaks stay visible.
pub(super) fn one_line(text: &str) -> String {
    let text = text.trim();
    if !text.contains(['\n', '\r']) {
        return text.to_owned();
    }
    let between = if text.contains('#') { " ⏎ " } else { " " };
    let lines = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(between)
}

/// The beginning of a literal text that is long.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_LITERAL) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
