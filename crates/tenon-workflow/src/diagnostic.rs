//! What is wrong with a document, and where.

use std::fmt;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The document is refused.
    Error,
    /// The document works, but probably not as meant.
    Warning,
    /// Worth knowing; nothing is wrong.
    Information,
}

// === impl Severity ===

impl Severity {
    /// Its name in answers and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Information => "info",
        }
    }
}

/// One finding. Displays as `line 12: /do/0/x/with/foo: message (TN1010)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// One of [`CODES`](crate::CODES).
    pub code: &'static str,
    /// Whether it refuses the document.
    pub severity: Severity,
    /// JSON Pointer into the document; empty for the document itself.
    pub pointer: String,
    /// From 1; 0 where there is no place.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// Lowercase, without full stop.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pointer = if self.pointer.is_empty() { "/" } else { &self.pointer };
        write!(f, "line {}: {pointer}: {} ({})", self.line, self.message, self.code)
    }
}

/// The most findings that are collected for one document; what lies behind them is rarely read.
pub(crate) const MAX_DIAGNOSTICS: usize = 100;

/// At most this many bytes of somebody else's text are quoted in a message.
const QUOTED_BYTES: usize = 80;

/// A text from the document, cut to what a message can carry, without line breaks.
pub(crate) fn quote(text: &str) -> String {
    let end = text.char_indices().map(|(at, _)| at).find(|at| *at >= QUOTED_BYTES).unwrap_or(text.len());
    let mut quoted = String::with_capacity(end);
    for letter in text[..end].chars() {
        if letter.is_control() { quoted.extend(letter.escape_debug()) } else { quoted.push(letter) }
    }
    if end < text.len() {
        quoted.push('…');
    }
    quoted
}

/// The candidate that was probably meant.
pub(crate) fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if written.len() > QUOTED_BYTES {
        return None;
    }
    let allowed = 1 + written.chars().count() / 4;
    candidates
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(written.len()) <= 2 * allowed)
        .map(|candidate| (distance(written, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn distance(written: &str, candidate: &str) -> usize {
    if written.eq_ignore_ascii_case(candidate) {
        return 0;
    }
    strsim::damerau_levenshtein(written, candidate)
}

/// "did you mean `x`?" where something is near, else the list of what there is.
pub(crate) fn suggest<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    if let Some(near) = nearest(written, candidates.clone()) {
        return Some(format!("did you mean `{near}`?"));
    }
    let mut known: Vec<String> =
        candidates.into_iter().take(13).map(|name| format!("`{}`", quote(name))).collect();
    if known.is_empty() {
        return None;
    }
    if known.len() > 12 {
        known.truncate(12);
        known.push("…".to_owned());
    }
    Some(format!("possible: {}", known.join(", ")))
}
