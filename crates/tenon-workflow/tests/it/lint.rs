//! Advice.

mod conditions;
mod examples;
mod expressions;
mod fix;
mod flow;
mod limits;
mod names;
mod outside;
mod page;
mod settings;
mod soundness;
mod steps;
mod times;

use tenon_workflow::{Diagnostic, Document, LINT_RULES, Severity, check, lint};

use crate::documents::{document, lines, place};

/// What the linter says about a document with these parts, remarks aside.
fn advice(parts: &str) -> Vec<Diagnostic> {
    let document = document(parts);
    let wrong = check(&document);
    assert!(wrong.is_empty(), "not valid:\n{}", lines(&wrong));
    let mut found = lint(&document);
    found.retain(|finding| finding.severity != Severity::Information);
    found
}

/// `expected` is one line a finding, as in [`crate::documents::refused`]; remarks are not looked at.
#[track_caller]
fn advises(parts: &str, expected: &[&str]) {
    let found = advice(parts);
    assert_eq!(found.iter().map(place).collect::<Vec<_>>(), expected, "\n{}", lines(&found));
}

/// Whether a document with these parts has findings of this code.
#[track_caller]
fn has(parts: &str, code: &str) -> bool {
    let rule = LINT_RULES.iter().find(|rule| rule.code == code).unwrap_or_else(|| panic!("no rule {code}"));
    let document = document(parts);
    let wrong = check(&document);
    assert!(wrong.is_empty(), "not valid:\n{}\n{parts}", lines(&wrong));
    let found: Vec<Diagnostic> = lint(&document).into_iter().filter(|finding| finding.code == code).collect();
    assert!(found.iter().all(|finding| finding.severity == rule.severity && finding.hint.is_some()));
    !found.is_empty()
}

/// Each of `bad` breaks the rule, none of `good` does.
#[track_caller]
fn rule(code: &str, bad: &[&str], good: &[&str]) {
    for parts in bad {
        assert!(has(parts, code), "does not break {code}:\n{parts}");
    }
    for parts in good {
        let found: Vec<Diagnostic> =
            lint(&document(parts)).into_iter().filter(|finding| finding.code == code).collect();
        assert!(!has(parts, code), "breaks {code}:\n{parts}\n{}", lines(&found));
    }
}

/// A document with these settings below `metadata.tenon`, and these parts.
fn with_settings(settings: &str, parts: &str) -> Vec<Diagnostic> {
    let head = crate::documents::HEAD
        .replace("  version:", &format!("  metadata: {{tenon: {{{settings}}}}}\n  version:"));
    let document =
        Document::parse(&format!("{head}{parts}")).unwrap_or_else(|found| panic!("{}", lines(&found)));
    let wrong = check(&document);
    assert!(wrong.is_empty(), "not valid:\n{}", lines(&wrong));
    lint(&document)
}

/// As [`rule`], for one document with settings.
#[track_caller]
fn setting(code: &str, (settings, parts): (&str, &str), expected: bool) {
    let found = with_settings(settings, parts);
    let is_there = found.iter().any(|finding| finding.code == code);
    assert_eq!(is_there, expected, "{code} with {settings}\n{}", lines(&found));
}
