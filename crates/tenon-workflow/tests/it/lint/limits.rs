//! Large and hostile documents are linted soon, with a bounded number of findings.

use std::time::{Duration, Instant};

use tenon_workflow::{Document, check, fix, lint};

use crate::documents::{lines, many, workflow};

/// The tests are not optimised and share two cores; a release build is many times faster.
const PATIENCE: Duration = Duration::from_secs(8);

#[track_caller]
#[expect(clippy::disallowed_methods, reason = "a bound on time is what is tested")]
fn linted_soon(parts: &str) -> usize {
    let source = workflow(parts);
    let document = Document::parse(&source).unwrap_or_else(|found| panic!("{}", lines(&found)));
    let wrong = check(&document);
    assert!(wrong.is_empty(), "{}", lines(&wrong[..wrong.len().min(3)]));
    let start = Instant::now();
    let found = lint(&document);
    let taken = start.elapsed();
    assert!(found.len() <= 100, "{} findings", found.len());
    assert!(taken < PATIENCE, "took {taken:?}");
    found.len()
}

#[test]
fn many_tasks() {
    let tasks = many(12_000, |number| format!("  - t{number}: {{set: {{x: 1}}}}\n"));
    linted_soon(&format!("do:\n{tasks}"));
    let jumps =
        many(9_000, |number| format!("  - t{number}: {{set: {{x: 1}}, then: t{}}}\n", (number + 1) % 9_000));
    assert!(linted_soon(&format!("do:\n{jumps}")) > 0);
    let inner = many(6_000, |number| format!("{{i{number}: {{set: {{x: 1}}}}}},"));
    linted_soon(&format!("do:\n  - a: {{try: [{inner}], catch: {{do: [b: {{set: {{x: 1}}}}]}}}}\n"));
}

#[test]
fn many_expressions() {
    let steps = many(1_900, |number| {
        format!("  - t{number}: {{set: '${{ $steps.t{} }}', then: t0}}\n", 1_899 - number)
    });
    assert!(linted_soon(&format!("do:\n{steps}")) > 0);
    let same = many(1_500, |number| format!("  - a{number}: {{do: [x: {{set: '${{ $steps.x }}'}}]}}\n"));
    linted_soon(&format!("do:\n{same}"));
    let members = many(40_000, |number| format!("m{number}: 1,"));
    linted_soon(&format!("do:\n  - a: {{set: {{{members}}}}}\n  - b: {{set: '${{ .m1 + .none }}'}}\n"));
    let exports = many(900, |number| {
        format!("  - t{number}: {{set: {{x: 1}}, export: {{as: '${{ {{k{number}: 1}} }}'}}}}\n")
    });
    linted_soon(&format!("do:\n{exports}"));
}

#[test]
fn much_text() {
    let text = "ghp_sk_live_AKIA".repeat(230_000);
    linted_soon(&format!("do:\n  - a: {{set: {{x: '{text}'}}}}\n"));
    let deep = format!("{}.a{}", "(".repeat(40), ")".repeat(40));
    let operators = many(50, |_| " + .a".to_owned());
    let tasks = many(300, |number| format!("  - t{number}: {{set: '${{ {deep}{operators} }}'}}\n"));
    linted_soon(&format!("do:\n{tasks}"));
}

#[test]
fn many_emits_and_filters() {
    let filters = many(400, |number| format!("{{with: {{type: '(a{number}|b).*'}}}},"));
    let emits =
        many(3_000, |number| format!("  - t{number}: {{emit: {{event: {{with: {{type: c{number}}}}}}}}}\n"));
    linted_soon(&format!("schedule: {{on: {{any: [{filters}]}}}}\ndo:\n{emits}"));
}

#[test]
fn nested_tasks() {
    let open = many(30, |level| format!("{{a{level}: {{do: ["));
    let json = format!("do: [{open}{{x: {{set: {{v: 1}}}}}}{}]\n", "]}}".repeat(30));
    linted_soon(&json);
}

#[test]
fn an_error_is_not_lost_among_warnings() {
    let unused = many(3_000, |number| format!("t{number}: {{after: PT1S}},"));
    let plain =
        many(500, |number| format!("  - c{number}: {{if: 'true', set: {{x: .y}}, then: continue}}\n"));
    let source = workflow(&format!(
        "use: {{timeouts: {{{unused}}}}}\ndo:\n{plain}  - last: {{set: '${{ 1 + \"a\" }}'}}\n"
    ));
    let document = Document::parse(&source).expect("it is YAML");
    let found = lint(&document);
    assert!(found.len() <= 100 && found.iter().any(|finding| finding.code == "TN1530"));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a bound on time is what is tested")]
fn many_fixes() {
    let tasks = many(3_000, |number| {
        format!("  - t{number}:\n      set: {{x: 1}}\n      then: continue # {number}\n")
    });
    let unused = many(1_000, |number| format!("    u{number}: {{after: PT1S}}\n"));
    let source = workflow(&format!("use:\n  timeouts:\n{unused}do:\n{tasks}"));
    let start = Instant::now();
    let fixed = fix(&source).unwrap_or_else(|found| panic!("{}", lines(&found)));
    assert_eq!(fixed.changes.len(), 3_001, "the definitions go together");
    assert!(start.elapsed() < PATIENCE, "took {:?}", start.elapsed());
}
