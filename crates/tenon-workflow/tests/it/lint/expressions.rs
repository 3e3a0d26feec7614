//! What can be known of expressions.

use super::{advises, rule};

fn set(expression: &str) -> String {
    format!("do:\n  - a: {{set: {{x: '${{ {expression} }}'}}}}\n")
}

#[track_caller]
fn check(code: &str, bad: &[&str], good: &[&str]) {
    let [bad, good] = [bad, good].map(|all| all.iter().map(|one| set(one)).collect::<Vec<_>>());
    rule(
        code,
        &bad.iter().map(String::as_str).collect::<Vec<_>>(),
        &good.iter().map(String::as_str).collect::<Vec<_>>(),
    );
}

#[test]
fn that_always_fail() {
    check(
        "TN1530",
        &[
            "1 + \"a\"",
            "\"n: \" + (.x | length)",
            "(.x | length) | test(\"a\")",
            "[1].a",
            "\"a\".b",
            "{a: 1} - 1",
            "(.x | tostring) * {}",
            "-\"a\"",
            "3 | keys",
            "[.x] | startswith(\"a\")",
            ".x | startswith(3)",
            "{(1): 2}",
            "3[]",
        ],
        &[
            "1 + .x",
            "null + \"a\"",
            "\"a\" * 3",
            "(1 + \"a\")?",
            "try (1 + \"a\") catch 0",
            "(1 + \"a\") // 2",
            "if .x then 1 + \"a\" else 2 end",
            "def test(f): 1; 3 | test(2)",
            "[] | map(. + \"a\" + 1)",
            ".x | map(1 + \"a\")",
            "error(\"no\")",
            ".a.b.c[0].d",
            "\"a\" / \",\"",
            ". as $x | $x.a",
        ],
    );
}

#[test]
fn that_fail_in_part() {
    check(
        "TN1531",
        &["if .x then 1 + \"a\" else 2 end", ".x and (1 + \"a\")", ".x | map(1 + \"a\")"],
        &["1 + \"a\"", "if .x then 1 else \"a\" end"],
    );
}

#[test]
fn comparisons() {
    check(
        "TN1532",
        &[
            ".a == .a",
            "(.a | length) == \"1\"",
            "[.a] != {}",
            "(.x | tostring) == 5",
            "(.a | length) < \"3\"",
        ],
        &[".a == .b", "1 == 1", ".a == null", "(.a | length) == 1", "(.a // null) == \"x\""],
    );
}

#[test]
fn numbers_of_results() {
    check(
        "TN1534",
        &[".a, .b", "empty", "(1, 2) | . + 1", "\"\\(1, 2)\""],
        &["[.a, .b]", "first(.a, .b)", "(empty) // 1"],
    );
    check(
        "TN1535",
        &[
            ".a[]",
            ".a[].b",
            ".a | select(.b)",
            "range(3)",
            "..",
            "first(.a[])",
            "{a: .b[]}",
            ".a[]?",
            "limit(1; .a[])",
        ],
        &[
            "[.a[]]",
            "first(.a[]) // null",
            ".a | map(select(.b))",
            "reduce .a[] as $x (0; . + $x)",
            "any(.a[]; . == 1)",
            ".a[0]",
            ".a[1:]",
            "(.a[] | select(.b)) |= 1",
            "[.a[] | select(.b)][0]",
        ],
    );
}

#[test]
fn members_that_are_not_there() {
    check(
        "TN1524",
        &["{a: 1}.b", "{a: 1} | .b", "$workflow.name", "({a: 1} + {b: 2}).c"],
        &["{a: 1}.a", "$workflow.id", "({a: 1} + .).c"],
    );
    let flow = |second: &str| format!("do:\n  - start: {{set: {{a: 1, b: {{c: 2}}}}}}\n  - next: {second}\n");
    let bad = [
        "{set: {x: '${ .d }'}}",
        "{set: {x: '${ .b.d }'}}",
        "{if: .d, set: {x: 1}}",
        "{do: [inner: {set: {x: '${ .d }'}}]}",
        "{set: {x: '${ $input.d }'}}",
        "{set: {x: '${ $steps.start.d }'}}",
        "{wait: PT1S, output: {as: .d}}",
    ]
    .map(flow);
    let good = [
        "{set: {x: '${ .a + .b.c }'}}",
        "{input: {from: '${ . + {d: 1} }'}, set: {x: '${ .d }'}}",
        "{call: http, with: {method: get, endpoint: https://x.example}, output: {as: .d}}",
        "{for: {in: '[1]'}, do: [inner: {set: {x: '${ .d + $item }'}}]}",
    ]
    .map(flow);
    rule("TN1524", &bad.each_ref().map(String::as_str), &good.each_ref().map(String::as_str));
    let skipped = "do:\n  - start: {if: .x, set: {a: 1}}\n  - next: {set: {x: '${ .d }'}}\n";
    let jumped = "do:\n  - s: {switch: [a: {when: .x, then: next}, b: {then: start}]}\n  - start: {set: {a: 1}}\n  - next: {set: {x: '${ .d }'}}\n";
    rule("TN1524", &[], &[skipped, jumped]);
}

#[test]
fn data_of_another_type() {
    let raw = "do:\n  - a: {call: http, with: {method: get, endpoint: https://x.example, output: raw}, output: {as: .id}}\n";
    let listened = "do:\n  - a: {listen: {to: {any: []}}}\n  - b: {set: {x: '${ .id }'}}\n";
    let forked = "do:\n  - a: {fork: {branches: [b: {set: {x: 1}}, c: {set: {x: 2}}]}}\n  - d: {set: {x: '${ .b }'}}\n";
    let compete = forked.replace("{fork: {", "{fork: {compete: true, ");
    let first = listened.replace(".id", ".[0].id");
    rule("TN1527", &[raw, listened, forked], &[&compete, &first, "do:\n  - b: {set: {x: '${ .id }'}}\n"]);
}

#[test]
fn messages_say_what_and_where() {
    let found = super::advice(&set("\"n: \" + (.x | length)"));
    insta::assert_snapshot!(crate::documents::lines(&found), @r"
    line 7: /do/0/a/set/x: this expression always fails: it adds text and a number (TN1530)
      hint: mend the expression; values are turned with `tostring`, `tonumber` and `tojson`
    ");
    advises("do:\n  - a: {set: {x: '${ .y }'}}\n", &[]);
}
