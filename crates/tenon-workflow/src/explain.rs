//! A workflow in plain English: what starts it, then every task as a numbered outline.
//!
//! It is made from the document alone, so that it exists for valid documents that this version cannot execute, too,
//! and it is the same each time. It is complete: a field that no sentence mentions is listed as it stands (free
//! `metadata` aside), and only literal texts are shortened, never an expression. What the linter takes for a password or
//! token that the document spells out is not shown. It judges nothing; that is [`lint`](crate::lint)'s part.

mod authentication;
mod call;
mod call_later;
mod clock;
mod data;
mod delay;
mod event;
mod extension;
mod fault;
mod narrator;
mod part;
mod render;
mod run;
mod schema;
mod start;
mod task;
mod words;

use crate::check::examine;
use crate::document::Document;
use narrator::Narrator;
use words::Line;

/// A workflow in plain English.
#[derive(Debug, Clone)]
pub struct Explanation {
    lines: Vec<Line>,
}

/// One line of an [`Explanation`], for whoever shows it in another way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplanationLine {
    /// How deep it stands; 0 for the outermost.
    pub depth: usize,
    /// Of a task: its number, e.g. `2.1`.
    pub number: Option<String>,
    /// Of a task: its JSON Pointer in the document.
    pub pointer: Option<String>,
    /// What it says, without markup.
    pub text: String,
}

/// Explains a document that [`check`](crate::check) finds nothing wrong with. Of others it says what it understands.
pub fn explain(document: &Document) -> Explanation {
    let checked = examine(document);
    let mut narrator = Narrator::new(document, checked.compiled);
    narrator.head();
    narrator.start();
    narrator.body();
    narrator.result();
    narrator.functions();
    narrator.extensions();
    narrator.catalogs();
    narrator.unused_definitions();
    narrator.not_executed(&checked.later);
    Explanation { lines: narrator.into_lines() }
}

// === impl Explanation ===

impl Explanation {
    /// For a terminal: no markup, expressions between backticks as in Tenon's messages.
    pub fn text(&self) -> String {
        render::text(&self.lines)
    }

    /// Markdown (CommonMark). Nothing of the document is taken for markup.
    pub fn markdown(&self) -> String {
        render::markdown(&self.lines)
    }

    /// Line by line, for programs.
    pub fn lines(&self) -> Vec<ExplanationLine> {
        self.lines.iter().map(render::line).collect()
    }
}
