//! Where flow goes.

use super::{advises, rule};

const SET: &str = "set: {x: 1}";

#[test]
fn unreachable_tasks() {
    advises(&format!("do:\n  - a: {{{SET}, then: end}}\n  - b: {{{SET}}}\n"), &["8 /do/1/b TN1501"]);
    advises(&format!("do:\n  - a: {{{SET}, then: exit}}\n  - b: {{{SET}}}\n"), &["8 /do/1/b TN1501"]);
    advises(
        &format!("do:\n  - a: {{{SET}, then: c}}\n  - b: {{{SET}}}\n  - c: {{{SET}}}\n"),
        &["8 /do/1/b TN1501"],
    );
    advises(&format!("do:\n  - a: {{{SET}, if: .x, then: end}}\n  - b: {{{SET}}}\n"), &[]);
    advises(
        &format!("do:\n  - a: {{raise: {{error: {{type: x, status: 400}}}}}}\n  - b: {{{SET}}}\n"),
        &["8 /do/1/b TN1501"],
    );
    advises(
        &format!("do:\n  - a:\n      do:\n        - c: {{{SET}, then: end}}\n        - d: {{{SET}}}\n"),
        &["10 /do/0/a/do/1/d TN1501"],
    );
    advises(
        &format!(
            "do:\n  - a:\n      try: [t: {{{SET}}}]\n      catch: {{then: c}}\n      then: end\n  - b: {{{SET}}}\n  - c: {{{SET}}}\n"
        ),
        &["11 /do/1/b TN1501"],
    );
    let branches = format!("do:\n  - f: {{fork: {{branches: [a: {{{SET}, then: end}}, b: {{{SET}}}]}}}}\n");
    rule("TN1501", &[], &[&branches]);
}

#[test]
fn cases_that_run_into_each_other() {
    let switch = "do:\n  - s:\n      switch:\n        - one: {when: .x, then: a}\n        - two: {then: b}\n";
    advises(&format!("{switch}  - a: {{{SET}}}\n  - b: {{{SET}}}\n"), &["11 /do/1/a TN1502"]);
    advises(&format!("{switch}  - a: {{{SET}, then: exit}}\n  - b: {{{SET}}}\n"), &[]);
    advises(&format!("{switch}  - a: {{{SET}, then: b}}\n  - b: {{{SET}}}\n"), &[]);
}

#[test]
fn loops_without_a_way_out() {
    let wait = "do:\n  - a: {wait: PT1S}\n  - b: {set: {x: 1}, then: a}\n";
    let self_loop = "do:\n  - a: {wait: PT1S, then: a}\n";
    let some_end = "do:\n  - a: {wait: PT1S}\n  - b: {do: [c: {if: .x, set: {x: 1}, then: end}], then: a}\n";
    let case = "do:\n  - a: {wait: PT1S}\n  - b: {switch: [c: {when: .x, then: a}]}\n";
    let skipped = "do:\n  - a: {wait: PT1S}\n  - b: {if: .x, set: {x: 1}, then: a}\n";
    let raises = "do:\n  - a: {wait: PT1S}\n  - b: {if: .x, raise: {error: {type: x, status: 400}}}\n  - c: {set: {x: 1}, then: a}\n";
    rule("TN1510", &[wait, self_loop], &[some_end, case, skipped]);
    rule("TN1511", &["do:\n  - a: {set: {x: 1}, then: a}\n"], &[wait, case, skipped]);
    // `raise` is jumped over here, and leads nowhere itself.
    rule("TN1510", &[], &[&raises.replace("if: .x, raise", "raise")]);
    let unreached = "do:\n  - a: {set: {x: 1}, then: end}\n  - b: {set: {x: 1}, then: b}\n";
    rule("TN1511", &[], &[unreached]);
}

#[test]
fn directions_that_say_nothing() {
    rule(
        "TN1516",
        &["do:\n  - a: {set: {x: 1}, then: continue}\n"],
        &[
            "do:\n  - a: {switch: [b: {then: continue}]}\n",
            "do:\n  - a: {try: [t: {set: {x: 1}}], catch: {errors: {with: {status: 400}}, then: continue}}\n",
        ],
    );
    let raise = |then: &str| format!("do:\n  - a: {{raise: {{error: {{type: x, status: 400}}}}{then}}}\n");
    rule("TN1515", &[&raise(", then: end")], &[&raise("")]);
}

#[test]
fn empty_lists() {
    rule(
        "TN1517",
        &["do: []\n", "do:\n  - a: {do: []}\n", "do:\n  - a: {for: {in: .x}, do: []}\n"],
        &["do:\n  - a: {do: [b: {set: {x: 1}}]}\n"],
    );
}

#[test]
fn forks() {
    let fork = |compete: bool, branches: &str| {
        format!("do:\n  - f: {{fork: {{compete: {compete}, branches: [{branches}]}}}}\n")
    };
    let call = |name: &str, method: &str| {
        format!("{name}: {{call: http, with: {{method: {method}, endpoint: https://x.example}}}}")
    };
    let two = |method: &str| format!("{}, {}", call("a", method), call("b", method));
    rule("TN1545", &[&fork(false, &call("a", "get"))], &[&fork(false, &two("get"))]);
    let wait = format!("{}, b: {{wait: PT1M}}", call("a", "post"));
    rule(
        "TN1546",
        &[&fork(true, &two("POST"))],
        &[&fork(true, &two("get")), &fork(false, &two("post")), &fork(true, &wait)],
    );
}
