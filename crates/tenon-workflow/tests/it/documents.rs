//! What the other modules write their tests with.

use tenon_workflow::{Diagnostic, Document, Program, check, compile};

/// The lines of [`workflow`] before the part that a test gives.
pub(crate) const HEAD: &str =
    "document:\n  dsl: '1.0.3'\n  namespace: test\n  name: test\n  version: 1.0.0\n";

/// A document with the given parts after `document`; they begin on line 6.
pub(crate) fn workflow(parts: &str) -> String {
    format!("{HEAD}{}", parts.strip_prefix('\n').unwrap_or(parts))
}

#[track_caller]
pub(crate) fn document(parts: &str) -> Document {
    match Document::parse(&workflow(parts)) {
        Ok(document) => document,
        Err(findings) => panic!("does not parse:\n{}", lines(&findings)),
    }
}

#[track_caller]
pub(crate) fn program(parts: &str) -> Program {
    match compile(&document(parts)) {
        Ok(program) => program,
        Err(findings) => panic!("does not compile:\n{}", lines(&findings)),
    }
}

/// All findings of reading, checking and compiling a whole text.
pub(crate) fn findings(source: &str) -> Vec<Diagnostic> {
    match Document::parse(source) {
        Err(findings) => findings,
        Ok(document) => {
            let checked = check(&document);
            let compiled = compile(&document).err().unwrap_or_default();
            if !checked.is_empty() {
                assert_eq!(checked, compiled, "compile refuses what check refuses");
            }
            compiled
        }
    }
}

/// `expected` is one line a finding: `LINE POINTER CODE`, where the pointer of the document is `/`.
#[track_caller]
pub(crate) fn refused(parts: &str, expected: &[&str]) {
    let found = findings(&workflow(parts));
    let places: Vec<String> = found.iter().map(place).collect();
    assert_eq!(places, expected, "\n{}", lines(&found));
}

/// As [`refused`], for one finding, with its message and hint.
#[track_caller]
pub(crate) fn says(parts: &str, message: &str, hint: Option<&str>) {
    let found = findings(&workflow(parts));
    let [only] = &found[..] else { panic!("not one finding:\n{}", lines(&found)) };
    assert_eq!((only.message.as_str(), only.hint.as_deref()), (message, hint));
}

#[track_caller]
pub(crate) fn accepted(parts: &str) {
    let found = findings(&workflow(parts));
    assert!(found.is_empty(), "\n{}", lines(&found));
}

pub(crate) fn place(finding: &Diagnostic) -> String {
    let pointer = if finding.pointer.is_empty() { "/" } else { &finding.pointer };
    format!("{} {pointer} {}", finding.line, finding.code)
}

pub(crate) fn lines(findings: &[Diagnostic]) -> String {
    let line =
        |finding: &Diagnostic| format!("{finding}\n  hint: {}\n", finding.hint.as_deref().unwrap_or("-"));
    findings.iter().map(line).collect()
}

/// Texts that a function makes of 0, 1, 2, …, joined.
pub(crate) fn many(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect::<Vec<_>>().concat()
}
