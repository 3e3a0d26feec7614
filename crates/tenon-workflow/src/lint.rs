//! Advice: documents that work, but probably not as meant.
//!
//! Every finding is a warning with its reason. A rule belongs here if a sensible document can break it; what
//! cannot ever make sense is an error of the checker.

mod flow;
mod names;
mod safety;

use crate::diagnostic::{Diagnostic, MAX_DIAGNOSTICS, Severity};
use crate::document::{Document, NodeId};
use crate::program::Program;

/// Warnings for a document and the program compiled from it, in the order of the text.
pub fn lint(document: &Document, program: &Program) -> Vec<Diagnostic> {
    let mut linter = Linter { document, program, findings: Vec::new() };
    linter.unreachable_tasks();
    linter.cases_that_run_into_each_other();
    linter.unused_definitions();
    linter.step_names();
    linter.texts_like_expressions();
    linter.unsafe_retries();
    linter.retries_without_count();
    linter.ordered_without_timeout();
    linter.findings.sort_by_key(|finding| (finding.line, finding.column));
    linter.findings
}

struct Linter<'a> {
    document: &'a Document,
    program: &'a Program,
    findings: Vec<Diagnostic>,
}

// === impl Linter ===

impl Linter<'_> {
    fn warn(&mut self, id: NodeId, code: &'static str, message: String, hint: &str) {
        if self.findings.len() >= MAX_DIAGNOSTICS {
            return;
        }
        let (line, column) = self.document.place(id);
        let pointer = self.document.pointer(id);
        let hint = Some(hint.to_owned());
        self.findings.push(Diagnostic {
            code,
            severity: Severity::Warning,
            pointer,
            line,
            column,
            message,
            hint,
        });
    }

    /// The node that a task of the program was compiled from.
    fn node(&self, pointer: &str) -> NodeId {
        self.document.descend(self.document.root(), pointer)
    }
}
