//! The workflow language: document, check, program.
//!
//! Text becomes a [`Document`] (lossless, every node with its line), [`check`] holds it against one table of
//! shapes and says everything that is wrong with it, [`compile`] lowers it to a [`Program`], [`lint`] adds
//! advice, [`explain`] says it in plain English, [`json_schema`] is the table of shapes for editors. Nothing here
//! runs a workflow, reads a file or knows the time.

mod check;
mod codes;
mod compile;
mod diagnostic;
mod document;
mod explain;
mod json_schema;
mod lint;
mod outline;
mod program;
pub mod shape;
mod words;

pub use check::{check, references};
pub use codes::CODES;
pub use compile::{compile, compile_with};
pub use diagnostic::{Diagnostic, Severity};
pub use document::{Document, MAX_DEPTH, MAX_KEY_BYTES, MAX_NODES, MAX_SOURCE_BYTES};
pub use explain::{Explanation, ExplanationLine, explain};
pub use json_schema::json_schema;
pub use lint::{Change, Fixed, LINT_RULES, LintRule, fix, lint};
pub use program::*;
