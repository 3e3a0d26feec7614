//! The workflow language: document, check, program.
//!
//! Text becomes a [`Document`] (lossless, every node with its line), [`check`] holds it against one table of
//! shapes and says everything that is wrong with it, [`compile`] lowers it to a [`Program`], [`lint`] adds
//! advice. Nothing here runs a workflow, reads a file or knows the time.

mod check;
mod codes;
mod compile;
mod diagnostic;
mod document;
mod lint;
mod program;
pub mod shape;

pub use check::check;
pub use codes::CODES;
pub use compile::compile;
pub use diagnostic::{Diagnostic, Severity};
pub use document::{Document, MAX_DEPTH, MAX_KEY_BYTES, MAX_NODES, MAX_SOURCE_BYTES};
pub use lint::lint;
pub use program::*;
