//! Conditions, switches, loops over no list.

use super::rule;

fn when(condition: &str) -> String {
    format!("do:\n  - a: {{if: '{condition}', set: {{x: 1}}}}\n")
}

fn over(list: &str) -> String {
    format!("do:\n  - a:\n      for: {{in: '{list}'}}\n      do: [b: {{set: {{x: '${{ $item }}'}}}}]\n")
}

#[track_caller]
fn conditions(code: &str, bad: &[&str], good: &[&str]) {
    let [bad, good] = [bad, good].map(|all| all.iter().map(|one| when(one)).collect::<Vec<_>>());
    rule(
        code,
        &bad.iter().map(String::as_str).collect::<Vec<_>>(),
        &good.iter().map(String::as_str).collect::<Vec<_>>(),
    );
}

#[test]
fn that_are_decided_before() {
    conditions(
        "TN1514",
        &[
            "true",
            "${ false }",
            "null",
            ".lines | length",
            "[.x]",
            "{a: .x}",
            "\"x\"",
            ".a | tostring",
            "not | not | length",
        ],
        &[
            ".x",
            ".x > 1",
            "(.lines | length) > 0",
            ".x // false",
            ".lines | any",
            "if .x then 1 else null end",
            ".x?",
        ],
    );
    let until = |until: &str| format!("do:\n  - a: {{listen: {{to: {{any: [], until: '{until}'}}}}}}\n");
    rule("TN1514", &[&until("length")], &[&until("${ false }"), &until("length > 3")]);
}

#[test]
fn that_assign() {
    conditions("TN1533", &[".a = 1", ".a and .b = 2"], &[".a == 1", "(.a = 1) | .a == 2", ".a |= 1 | .b"]);
}

#[test]
fn over_no_list() {
    let bad = ["3", "\"a,b\"", "{a: 1}", ".x | length", ".x | tostring", ".x == 1"].map(over);
    let good =
        [".x", "[1]", ".x | map(.y)", ".x // []", "if .x then [] else 1 end", ".x | to_entries"].map(over);
    rule("TN1536", &bad.each_ref().map(String::as_str), &good.each_ref().map(String::as_str));
}

#[test]
fn cases() {
    let switch = |cases: &str| format!("do:\n  - s: {{switch: [{cases}]}}\n");
    let [twice, spaced] = [
        "a: {when: .x, then: exit}, b: {when: .x, then: end}",
        "a: {when: .x==1, then: exit}, b: {when: '${ .x == 1 }', then: end}",
    ]
    .map(switch);
    let different = switch("a: {when: .x, then: exit}, b: {when: .y, then: end}, c: {then: end}");
    rule("TN1512", &[&twice, &spaced], &[&different]);
    let default_first = switch("a: {then: exit}, b: {when: .x, then: end}");
    let always = switch("a: {when: 'true', then: exit}, b: {when: .x, then: end}");
    rule("TN1513", &[&always], &[&default_first, &different]);
}
