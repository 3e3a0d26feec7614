//! Event filters: what each attribute must be.
//!
//! A text is compared by equality unless it uses the special characters of regular expressions. A dot alone is
//! not such a use: types and addresses are full of dots, and nobody means "any character" by them.

use regex::RegexBuilder;
use serde_json::Value;
use tenon_expr::runtime_expression;

use super::{Checker, Piece};
use crate::codes;
use crate::document::{Content, NodeId};
use crate::program::Match;
use crate::shape::Place;

/// Most regular expressions of one document.
const MAX_PATTERNS: usize = 500;
/// Longest pattern.
const MAX_PATTERN_BYTES: usize = 1024;
/// Largest compiled pattern; keeps hostile repetitions cheap.
const MAX_COMPILED_BYTES: usize = 128 << 10;
/// A dot or a dash means itself.
const SPECIAL: [char; 12] = ['\\', '^', '$', '|', '?', '*', '+', '(', ')', '[', ']', '{'];

impl Checker<'_> {
    pub(super) fn matcher(&mut self, id: NodeId, place: Place) {
        let Some(text) = self.document.text(id) else {
            return self.keep(id, Piece::Match(Match::Equals(self.document.value_of(id))));
        };
        if runtime_expression(text).is_some() {
            return self.computed_match(id, place);
        }
        if !is_pattern(text) {
            return self.keep(id, Piece::Match(Match::Equals(Value::String(text.to_owned()))));
        }
        if !self.afford_patterns(id, 1) {
            return;
        }
        if text.len() > MAX_PATTERN_BYTES {
            let message = format!("a pattern of {} bytes, more than {MAX_PATTERN_BYTES}", text.len());
            return self.report(id, codes::EVENT_FILTER, message);
        }
        let pattern = RegexBuilder::new(&format!("^(?:{text})$")).size_limit(MAX_COMPILED_BYTES).build();
        let wanted = match pattern {
            Ok(regex) => Match::Pattern(text.to_owned(), regex),
            Err(regex::Error::CompiledTooBig(_)) => {
                let message = "the pattern is too complex".to_owned();
                return self.report(id, codes::EVENT_FILTER, message);
            }
            // Not a regular expression at all, so it is meant as it stands.
            Err(_) => Match::Equals(Value::String(text.to_owned())),
        };
        self.keep(id, Piece::Match(wanted));
    }

    fn computed_match(&mut self, id: NodeId, place: Place) {
        if place == Place::Capture {
            let message = "there is no job yet that could give the value of an attribute".to_owned();
            let hint = "write the value itself, or compare it in `data` or in an `if` of the first task";
            return self.report_with(id, codes::NO_EXPRESSION_HERE, message, Some(hint.to_owned()));
        }
        if let Some(template) = self.compile_template(id, place) {
            self.keep(id, Piece::Match(Match::Computed(template)));
        }
    }

    /// Counts regular expressions, which cost far more to compile than to write down.
    pub(super) fn afford_patterns(&mut self, id: NodeId, count: usize) -> bool {
        self.patterns += count;
        if self.patterns <= MAX_PATTERNS {
            return true;
        }
        let (line, _) = self.document.place(id);
        let message = format!("more than {MAX_PATTERNS} regular expressions");
        let hint = Some(format!("reached on line {line}"));
        self.report_with(self.document.root(), codes::TOO_MANY_EXPRESSIONS, message, hint);
        false
    }

    /// An expression over the event's data; any other value must be equal to the data.
    pub(super) fn match_data(&mut self, id: NodeId, place: Place) {
        if matches!(self.document.content(id), Content::Text(_)) {
            return self.expression(id, place);
        }
        let source = format!(". == {}", self.source_of(id));
        self.compile_and_keep(id, &source, place);
    }
}

/// Whether a text of a filter is a regular expression.
pub(crate) fn is_pattern(text: &str) -> bool {
    text.contains(SPECIAL)
}
