//! `docs/lint.md`: a section for each rule, whose first example breaks it and whose second does not.

use std::path::Path;

use tenon_workflow::{CODES, Document, LINT_RULES, Severity, check, fix, lint};

use crate::documents::{lines, workflow};

struct Section<'p> {
    heading: &'p str,
    mark: &'p str,
    text: &'p str,
    bad: &'p str,
    good: &'p str,
}

fn sections(page: &str) -> Vec<Section<'_>> {
    let section = |part| {
        let (heading, rest): (&str, &str) = str::split_once(part, '\n').expect("a heading has a line");
        let (mark, rest) = rest.trim_start().split_once("\n\n").expect("a mark stands below the heading");
        let (text, rest) = rest.split_once("\n\n```yaml\n").expect("an example comes after the text");
        let (bad, rest) = rest.split_once("```").expect("the example ends");
        let (_, rest) = rest.split_once("Better:\n\n```yaml\n").expect("a better example comes next");
        let (good, _) = rest.split_once("```").expect("the better example ends");
        Section { heading, mark, text, bad, good }
    };
    page.split("\n## ").skip(1).map(section).collect()
}

fn whole(example: &str) -> String {
    if example.starts_with("document:") { example.to_owned() } else { workflow(example) }
}

#[track_caller]
fn codes(example: &str) -> Vec<&'static str> {
    let source = whole(example);
    let document = Document::parse(&source).unwrap_or_else(|found| panic!("{}\n{source}", lines(&found)));
    let wrong = check(&document);
    assert!(wrong.is_empty(), "{}\n{source}", lines(&wrong));
    lint(&document).iter().map(|finding| finding.code).collect()
}

#[test]
fn has_every_rule_with_examples_that_show_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/lint.md");
    let page = std::fs::read_to_string(&path).expect("the page is part of the repository");
    let sections = sections(&page);
    let headings: Vec<&str> = sections.iter().map(|section| section.heading).collect();
    let expected: Vec<String> = LINT_RULES
        .iter()
        .map(|rule| {
            let (_, title, _) =
                CODES.iter().find(|(code, ..)| *code == rule.code).expect("a rule has a code");
            format!("{}: {title}", rule.code)
        })
        .collect();
    assert_eq!(headings, expected, "docs/lint.md has a section for each rule, in the order of codes");
    for (section, rule) in sections.iter().zip(LINT_RULES) {
        let word = match rule.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Information => "remark",
        };
        let fixable = if rule.is_fixable { ", fixable" } else { "" };
        assert_eq!(section.mark, format!("*{word}{fixable}*"), "{}", rule.code);
        let (.., text) = CODES.iter().find(|(code, ..)| *code == rule.code).expect("a rule has a code");
        assert_eq!(section.text, *text, "{}", rule.code);
        assert!(codes(section.bad).contains(&rule.code), "does not break {}:\n{}", rule.code, section.bad);
        let good = codes(section.good);
        assert!(!good.contains(&rule.code), "breaks {}:\n{}", rule.code, section.good);
    }
}

#[test]
fn what_is_fixable_is_fixed_and_nothing_else_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/lint.md");
    let page = std::fs::read_to_string(&path).expect("the page is part of the repository");
    for (section, rule) in sections(&page).iter().zip(LINT_RULES) {
        let fixed = fix(&whole(section.bad)).unwrap_or_else(|found| panic!("{}", lines(&found)));
        let is_fixed = fixed.changes.iter().any(|change| change.code == rule.code);
        assert_eq!(is_fixed, rule.is_fixable, "{}\n{}", rule.code, section.bad);
    }
}

#[test]
fn rules_are_sorted_and_have_codes_of_advice() {
    for pair in LINT_RULES.windows(2) {
        assert!(pair[0].code < pair[1].code, "{} comes before {}", pair[0].code, pair[1].code);
    }
    assert!(LINT_RULES.len() >= 30);
    let advice: Vec<&str> =
        CODES.iter().map(|(code, ..)| *code).filter(|code| code.starts_with("TN15")).collect();
    assert_eq!(advice, LINT_RULES.iter().map(|rule| rule.code).collect::<Vec<_>>());
}
