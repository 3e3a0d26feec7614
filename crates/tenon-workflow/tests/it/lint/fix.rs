//! `--fix`: what is changed, what stays, and that the program is the same.

use std::sync::Arc;

use serde_json::Value;
use tenon_workflow::{Action, BlockId, Document, Program, Retry, compile, fix, lint};

use crate::documents::{HEAD, lines};

/// The program as text, less what a fix may change: the document it came from, the order of arenas, names of errors,
/// a limit that is the default.
fn meaning(source: &str) -> String {
    let document = Document::parse(source).unwrap_or_else(|found| panic!("{}\n{source}", lines(&found)));
    let mut program = compile(&document).unwrap_or_else(|found| panic!("{}\n{source}", lines(&found)));
    program.definition = Arc::new(Value::Null);
    program.secrets.clear();
    for task in &mut program.tasks {
        if let Action::Try(guarded) = &mut task.action {
            for (member, wanted) in &mut guarded.errors {
                if member == "type" {
                    *wanted = canonical(wanted);
                }
            }
            if let Some(Retry { count, duration: None, attempt_duration: None, .. }) = &mut guarded.retry {
                count.get_or_insert(10);
            }
        }
    }
    let body = block(&program, program.body);
    program.tasks.clear();
    program.blocks.clear();
    format!("{body}\n{program:?}")
}

fn canonical(kind: &Value) -> Value {
    let name = kind.as_str().and_then(|kind| kind.rsplit('/').next()).unwrap_or_default();
    Value::String(name.to_owned())
}

/// A block with the blocks inside it written in their place, so that numbers of blocks do not count.
fn block(program: &Program, id: BlockId) -> String {
    let tasks = program.block(id).tasks.iter().map(|task| {
        let task = program.task(*task);
        let inner = match &task.action {
            Action::Do(body) => block(program, *body),
            Action::Try(guarded) => {
                let handler = guarded.handler.map(|handler| block(program, handler));
                format!(
                    "{} {handler:?} {:?} {:?} {:?}",
                    block(program, guarded.body),
                    guarded.errors,
                    guarded.retry,
                    guarded.then
                )
            }
            Action::CallFunction(call) => block(program, call.body),
            Action::For(each) => format!("{} {:?}", block(program, each.body), each.r#in),
            other => format!("{other:?}"),
        };
        format!("{} {:?} {:?} {:?} {inner}", task.name, task.condition, task.timeout, task.then)
    });
    tasks.collect::<Vec<_>>().join("\n")
}

/// The parts after the fix, which is done once, changes nothing the second time, and keeps the program.
#[track_caller]
fn fixed(parts: &str) -> String {
    let source = format!("{HEAD}{parts}");
    let fixed = fix(&source).unwrap_or_else(|found| panic!("{}", lines(&found)));
    let again = fix(&fixed.source).unwrap_or_else(|found| panic!("{}", lines(&found)));
    assert_eq!(
        (again.source.as_str(), again.changes.len()),
        (fixed.source.as_str(), 0),
        "a second fix changes more"
    );
    assert_eq!(meaning(&source), meaning(&fixed.source), "\n{}", fixed.source);
    fixed.source.strip_prefix(HEAD).expect("the head stays").to_owned()
}

#[track_caller]
fn check(parts: &str, expected: &str) {
    assert_eq!(fixed(parts), expected);
}

#[test]
fn directions_that_say_nothing() {
    check(
        "do:\n  # first\n  - a:\n      set: {x: 1}   # one\n      then: continue  # goes\n  # second\n  - b: {set: {x: 2}, then: continue}\n",
        "do:\n  # first\n  - a:\n      set: {x: 1}   # one\n  # second\n  - b: {set: {x: 2}}\n",
    );
    check("do:\n  - a: { then: continue, set: {x: 1} }\n", "do:\n  - a: { set: {x: 1} }\n");
    check("do:\n  - a:\n      then: continue\n      set: {x: 1}", "do:\n  - a:\n      set: {x: 1}");
    check("do:\n  - a: {set: {x: 1}\n    , then: continue\n    }\n", "do:\n  - a: {set: {x: 1}\n    }\n");
}

#[test]
fn unused_definitions() {
    check(
        "use:\n  timeouts:\n    # short ones\n    used: { after: PT1S }\n    unused:\n      after:\n        seconds: 1 # gone\n    # end\n  retries: {a: {limit: {duration: PT1S, attempt: {count: 1}}}}\ndo:\n  - a: {wait: PT0.5S, timeout: used}\n",
        "use:\n  timeouts:\n    # short ones\n    used: { after: PT1S }\n    # end\ndo:\n  - a: {wait: PT0.5S, timeout: used}\n",
    );
    check(
        "use:\n  errors:\n    e:\n      type: https://a.example\n      status: 400\ndo: [a: {set: {x: 1}}]\n",
        "do: [a: {set: {x: 1}}]\n",
    );
    check("use: {secrets: [one, two]}\ndo: [a: {set: {x: 1}}]\n", "do: [a: {set: {x: 1}}]\n");
    check(
        "use:\n  secrets:\n    - one\n    - two # stays\n    - three\ndo:\n  - a: {call: http, with: {method: get, endpoint: https://x.example, headers: {X-Key: '${ $secrets.two }'}}}\n",
        "use:\n  secrets:\n    - two # stays\ndo:\n  - a: {call: http, with: {method: get, endpoint: https://x.example, headers: {X-Key: '${ $secrets.two }'}}}\n",
    );
    // What only an unused function uses goes with it.
    check(
        "use:\n  timeouts: { t: { after: PT1S } }\n  functions:\n    f: { set: {x: 1}, timeout: t }\n    g: { set: {x: 2} }\ndo:\n  - a: {call: g}\n",
        "use:\n  functions:\n    g: { set: {x: 2} }\ndo:\n  - a: {call: g}\n",
    );
}

#[test]
fn names_of_errors_and_limits_of_retries() {
    let standard = "https://open-workflow-specification.org/spec/1.0.0/errors/communication";
    let old = "https://serverlessworkflow.io/spec/1.0.0/errors/communication";
    let task = |kind: &str, retry: &str| {
        format!(
            "do:\n  - a:\n      try: [c: {{call: http, with: {{method: get, endpoint: https://x.example}}}}]\n      catch:\n        errors: {{with: {{type: {kind}}}}} # old\n        retry:{retry}\n"
        )
    };
    let limited = " {delay: PT1S, limit: { attempt: { count: 10 } }}";
    check(&task(old, limited), &task(standard, limited));
    check(&task(&format!("'{old}'"), limited), &task(&format!("'{standard}'"), limited));
    check(&task(&format!("\"{old}\""), limited), &task(&format!("\"{standard}\""), limited));
    check(&task(standard, " {delay: PT1S}"), &task(standard, limited));
    check(&task(standard, " {}"), &task(standard, " { limit: { attempt: { count: 10 } } }"));
    check(
        &task(standard, "\n          delay: PT1S # soon\n          when: $error.status > 500"),
        &task(
            standard,
            "\n          delay: PT1S # soon\n          when: $error.status > 500\n          limit: { attempt: { count: 10 } }",
        ),
    );
}

#[test]
fn json_stays_json() {
    let source = r#"{"document":{"dsl":"1.0.2","namespace":"a","name":"b","version":"1.0.0"},"use":{"timeouts":{"t":{"after":"PT1S"}}},"do":[{"a":{"set":{"x":1},"then":"continue"}}]}"#;
    let fixed = fix(source).unwrap_or_else(|found| panic!("{}", lines(&found)));
    assert_eq!(
        fixed.source,
        r#"{"document":{"dsl":"1.0.3","namespace":"a","name":"b","version":"1.0.0"},"do":[{"a":{"set":{"x":1}}}]}"#
    );
    assert_eq!(meaning(source), meaning(&fixed.source));
}

#[test]
fn what_is_left_alone() {
    // An expression could see the change.
    let reads = "do:\n  - a: {set: '${ $workflow.definition }', then: continue}\n";
    assert_eq!(fixed(reads), reads);
    let task = "do:\n  - a: {set: '${ $task }', then: continue}\n";
    assert_eq!(fixed(task), task);
    // One place in the text is two values.
    let alias = "do:\n  - a: &a {set: {x: 1}, then: continue}\n  - b: *a\n";
    assert_eq!(fixed(alias), alias);
    // Other names and types mean something.
    let raised = "do:\n  - a: {raise: {error: {type: https://serverlessworkflow.io/spec/1.0.0/errors/timeout, status: 408}}}\n";
    assert_eq!(fixed(raised), raised);
    assert!(fix("do: 1").is_err());
}

#[test]
fn changes_say_what_was_done() {
    let source = format!(
        "{HEAD}use:\n  timeouts:\n    t: {{ after: PT1S }}\ndo:\n  - a: {{set: {{x: 1}}, then: continue}}\n"
    );
    let fixed = fix(&source).unwrap_or_else(|found| panic!("{}", lines(&found)));
    let shown: Vec<String> = fixed
        .changes
        .iter()
        .flat_map(|change| {
            let head = format!("{} {} {}", change.line, change.code, change.message);
            let removed = change.removed.iter().map(|line| format!("-{line}"));
            std::iter::once(head).chain(removed).chain(change.added.iter().map(|line| format!("+{line}")))
        })
        .collect();
    let shown = shown.join("\n");
    insta::assert_snapshot!(shown, @r"
    8 TN1503 nothing uses `t`
    -use:
    -  timeouts:
    -    t: { after: PT1S }
    10 TN1516 `then: continue` is what happens anyway
    -  - a: {set: {x: 1}, then: continue}
    +  - a: {set: {x: 1}}
    ");
}

#[test]
fn the_examples_of_the_specification_stay_what_they_are() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/ows/examples");
    for entry in std::fs::read_dir(&folder).expect("the folder is readable") {
        let path = entry.expect("the folder is readable").path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let source = std::fs::read_to_string(&path).expect("the file is readable");
        let fixed = fix(&source).unwrap_or_else(|found| panic!("{}", lines(&found)));
        let document = Document::parse(&fixed.source).expect("it is YAML");
        let comments = |text: &str| text.matches(" #").count();
        assert_eq!(comments(&source), comments(&fixed.source), "{}", path.display());
        let codes: Vec<&str> = lint(&document).iter().map(|finding| finding.code).collect();
        let rules = tenon_workflow::LINT_RULES.iter().filter(|rule| rule.is_fixable && rule.code != "TN1503");
        for rule in rules {
            assert!(!codes.contains(&rule.code), "{} still breaks {}", path.display(), rule.code);
        }
        if compile(&Document::parse(&source).expect("it is YAML")).is_ok() {
            assert_eq!(meaning(&source), meaning(&fixed.source), "{}", path.display());
        }
    }
}
