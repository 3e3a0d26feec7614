//! Hostile documents: refused soon, in little memory, on a small stack.

use std::thread;
use std::time::{Duration, Instant};

use tenon_workflow::{Diagnostic, Document, MAX_SOURCE_BYTES};

use crate::documents::{HEAD, findings, lines, many, workflow};

/// The tests are not optimised and share two cores; a release build is many times faster.
const PATIENCE: Duration = Duration::from_secs(8);

/// Findings, computed on the stack of an ordinary thread.
fn on_a_small_stack(source: String) -> Vec<Diagnostic> {
    let thread = thread::Builder::new().stack_size(2 << 20);
    thread
        .spawn(move || findings(&source))
        .expect("a thread can start")
        .join()
        .expect("no overflow, no panic")
}

#[track_caller]
#[expect(clippy::disallowed_methods, reason = "a bound on time is what is tested")]
fn refused_soon(source: String, code: &str) {
    let start = Instant::now();
    let found = on_a_small_stack(source);
    let taken = start.elapsed();
    assert_eq!(
        found.last().map(|finding| finding.code),
        Some(code),
        "\n{}",
        lines(&found[..found.len().min(5)])
    );
    assert!(found.len() <= 101, "{} findings", found.len());
    let longest = found.iter().map(|finding| finding.to_string().len()).max().unwrap_or_default();
    assert!(longest < 100_000, "a message of {longest} bytes");
    assert!(taken < PATIENCE, "took {taken:?}");
}

#[test]
fn large_sources() {
    refused_soon(format!("{HEAD}do: []\n#{}", "x".repeat(10_000_000)), "TN1002");
    refused_soon(format!("a: \"{}\"", "x".repeat(MAX_SOURCE_BYTES)), "TN1002");
    refused_soon(workflow(&format!("do: \"{}\"\n", "x".repeat(4_000_000))), "TN1012");
}

#[test]
fn many_values() {
    refused_soon(format!("[{}]", "1,".repeat(2_000_000)), "TN1002");
    refused_soon("- 1\n".repeat(1_000_000), "TN1002");
    refused_soon("-\n".repeat(1_000_000), "TN1002");
    refused_soon(many(300_000, |number| format!("k{number}: 1\n")), "TN1002");
    refused_soon(many(40_000, |number| format!("k{number}: 1\n")), "TN1010");
    refused_soon("a: 1\n".repeat(40_000), "TN1004");
}

#[test]
fn deep_values() {
    refused_soon("[".repeat(4_000_000), "TN1003");
    refused_soon("{a: ".repeat(1_000_000), "TN1003");
    refused_soon("- ".repeat(2_000_000), "TN1003");
    let nested: String = many(10_000, |level| {
        format!("{}- a:\n{}do:\n", " ".repeat(level % 200), " ".repeat(level % 200 + 4))
    });
    let found = on_a_small_stack(format!("do:\n{nested}"));
    assert!(!found.is_empty());
    let json = format!("{{\"do\":{}[]{}}}", "[{\"a\":{\"do\":".repeat(10_000), "}}]".repeat(10_000));
    refused_soon(json, "TN1003");
}

#[test]
fn thirty_nested_tasks_are_no_problem() {
    let json = format!(
        "{{\"document\":{{\"dsl\":\"1.0.3\",\"namespace\":\"a\",\"name\":\"b\",\"version\":\"1.0.0\"}},\"do\":{}[]{}}}",
        "[{\"a\":{\"do\":".repeat(30),
        "}}]".repeat(30)
    );
    assert_eq!(on_a_small_stack(json), []);
}

#[test]
fn alias_bombs() {
    let bomb = many(19, |level| {
        let inner = format!("*a{level}, ").repeat(10);
        format!("a{}: &a{} [{inner}]\n", level + 1, level + 1)
    });
    let bomb = format!("a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n{bomb}");
    refused_soon(bomb, "TN1002");
    let chain = many(199, |level| format!("a{}: &a{} [*a{level}]\n", level + 1, level + 1));
    let chain = format!("a0: &a0 [1]\n{chain}");
    refused_soon(chain, "TN1003");
    let text = format!("a: &a \"{}\"\nb: [{}]", "x".repeat(1_000_000), "*a,".repeat(49_000));
    refused_soon(text, "TN1002");
}

#[test]
fn huge_keys() {
    refused_soon(format!("\"{}\": 1", "k".repeat(1_000_000)), "TN1001");
    refused_soon(format!("\"{}\": 1", "k".repeat(1_000)), "TN1002");
    refused_soon(format!("? {}\n: 1", "k".repeat(1_000_000)), "TN1002");
}

#[test]
fn many_mistakes() {
    let tasks: String = many(10_000, |number| format!("  - t{number}:\n      set: {{}}\n      foo: 1\n"));
    refused_soon(workflow(&format!("do:\n{tasks}")), "TN1010");
    let jumps: String = many(8_000, |number| format!("  - t{number}: {{set: {{a: 1}}, then: x{number}}}\n"));
    refused_soon(workflow(&format!("do:\n{jumps}")), "TN1102");
}

#[test]
fn hostile_patterns_and_schemas() {
    let filters: String = many(3_000, |number| format!("{{with: {{source: '({number}a{{99}}){{9}}'}}}},"));
    refused_soon(workflow(&format!("schedule: {{on: {{any: [{filters}]}}}}\ndo: []\n")), "TN1204");
}

#[test]
fn hostile_schemas() {
    let properties = many(10_000, |number| format!("p{number}: {{pattern: '({number}a{{50}}){{50}}'}},"));
    refused_soon(
        workflow(&format!("input: {{schema: {{document: {{properties: {{{properties}}}}}}}}}\ndo: []\n")),
        "TN1204",
    );
    let repeated = "((a{100}){100}){100}";
    refused_soon(
        workflow(&format!("input: {{schema: {{document: {{pattern: '{repeated}'}}}}}}\ndo: []\n")),
        "TN1305",
    );
}

#[test]
fn hostile_expressions() {
    for (inner, count) in
        [("+1", 32_000), ("|.", 32_000), ("def f: 1; ", 6_000), ("[", 60_000), ("-", 60_000)]
    {
        let task = |number: usize| format!("  - t{number}: {{set: '${{ {} 1 }}'}}\n", inner.repeat(count));
        refused_soon(workflow(&format!("do:\n{}", many(40, task))), "TN1201");
    }
    refused_soon(workflow(&format!("do:\n  - a: {{set: '${{ {} }}'}}\n", "(".repeat(3_000_000))), "TN1201");
}

#[test]
fn definitions_that_are_multiplied() {
    let tasks = many(3_000, |number| format!("  - t{number}: {{raise: {{error: e}}}}\n"));
    let title = "x".repeat(100_000);
    let parts = format!("use: {{errors: {{e: {{type: x, status: 400, title: '{title}'}}}}}}\ndo:\n{tasks}");
    refused_soon(workflow(&parts), "TN1002");
}

#[test]
fn functions_that_call_one_another() {
    let head = "use:\n  functions:\n";
    let ring = many(8_000, |number| format!("    f{number}: {{call: f{}}}\n", (number + 1) % 8_000));
    refused_soon(workflow(&format!("{head}{ring}do: []\n")), "TN1105");
    let row = many(8_000, |number| format!("    f{number}: {{call: f{}}}\n", number + 1));
    let row = format!("{head}{row}    f8000: {{set: {{x: 1}}}}\ndo:\n  - a: {{call: f0}}\n");
    assert_eq!(on_a_small_stack(workflow(&row)), []);
    // Each level calls the next one twice: a thousand million calls, if anybody followed them all.
    let calls = |number: usize| {
        let next = number + 1;
        format!("    f{number}: {{do: [{{a: {{call: f{next}}}}}, {{b: {{call: f{next}}}}}]}}\n")
    };
    let doubling = format!("{head}{}    f30: {{set: {{x: 1}}}}\ndo:\n  - a: {{call: f0}}\n", many(30, calls));
    assert_eq!(on_a_small_stack(workflow(&doubling)), []);
}

#[test]
fn many_extensions() {
    let extensions = |count: usize| {
        let list = many(count, |number| format!("    - e{number}: {{extend: all}}\n"));
        let tasks = many(4_000, |number| format!("  - t{number}: {{set: {{x: 1}}}}\n"));
        workflow(&format!("use:\n  extensions:\n{list}do:\n{tasks}"))
    };
    assert_eq!(on_a_small_stack(extensions(50)), []);
    refused_soon(extensions(51), "TN1016");
}

#[test]
fn long_addresses() {
    let name = "n".repeat(250);
    let inner = many(5_000, |number| format!("{{\"t{number}\":{{\"set\":{{\"x\":1}}}}}},"));
    let source = format!(
        "{{\"document\":{{\"dsl\":\"1.0.3\",\"namespace\":\"a\",\"name\":\"b\",\"version\":\"1.0.0\"}},\"do\":{}[{}]{}}}",
        format!("[{{\"{name}\":{{\"do\":").repeat(30),
        inner.trim_end_matches(','),
        "}}]".repeat(30)
    );
    refused_soon(source, "TN1002");
}

#[test]
fn schemas_that_refer_to_themselves() {
    let schema = |document: &str| workflow(&format!("input: {{schema: {{document: {document}}}}}\ndo: []\n"));
    for cyclic in [
        "{$ref: '#'}",
        "{allOf: [{$ref: '#'}]}",
        "{$defs: {a: {$ref: '#/$defs/b'}, b: {$ref: '#/$defs/a'}}, $ref: '#/$defs/a'}",
        "{properties: {left: {$ref: '#'}, right: {$ref: '#'}}}",
    ] {
        let found = on_a_small_stack(schema(cyclic));
        assert!(found.is_empty(), "{cyclic}\n{}", lines(&found));
    }
    let doubling = many(20, |level| {
        let next = level + 1;
        format!("d{level}: {{anyOf: [{{$ref: '#/$defs/d{next}'}}, {{$ref: '#/$defs/d{next}'}}]}}, ")
    });
    refused_soon(schema(&format!("{{$defs: {{{doubling} d20: {{}}}}, $ref: '#/$defs/d0'}}")), "TN1305");
    let nested = "{not: ".repeat(90);
    let found = on_a_small_stack(schema(&format!("{nested}{{}}{}", "}".repeat(90))));
    assert!(found.is_empty(), "{}", lines(&found));
}

#[test]
fn many_files() {
    let tasks = many(200, |number| {
        format!(
            "  - t{number}: {{call: openapi, with: {{document: {{endpoint: http://x/{number}}}, operationId: x}}}}\n"
        )
    });
    refused_soon(workflow(&format!("do:\n{tasks}")), "TN1002");
}

#[test]
fn a_document_that_was_refused_can_be_dropped_on_a_small_stack() {
    let source = format!("{}1{}", "[".repeat(90), "]".repeat(90));
    let thread = thread::Builder::new().stack_size(256 << 10);
    let document = Document::parse(&source).expect("it is YAML");
    thread.spawn(move || drop(document)).expect("a thread can start").join().expect("no overflow");
}
