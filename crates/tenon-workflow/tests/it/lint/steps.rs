//! `$steps`: which tasks can have run.

use super::rule;

const READ: &str = "set: {r: '${ $steps.x.v }'}";
const X: &str = "x: {set: {v: 1}}";

#[test]
fn no_such_task() {
    let found = super::advice(
        "do:\n  - lookUp: {set: {x: 1}}\n  - b: {set: {a: '${ $steps.lookUp.x + $steps.lookup.y }'}}\n",
    );
    insta::assert_snapshot!(crate::documents::lines(&found), @r"
    line 8: /do/1/b/set/a: `$steps.lookup` is always null: there is no task of this name (TN1505)
      hint: did you mean `lookUp`?
    ");
}

#[test]
fn tasks_that_run_before() {
    rule(
        "TN1505",
        &[],
        &[
            &format!("do:\n  - {X}\n  - b: {{{READ}}}\n"),
            // In a list inside of one before.
            &format!("do:\n  - a: {{do: [{X}]}}\n  - b: {{{READ}}}\n"),
            &format!("do:\n  - a: {{for: {{in: .l}}, do: [{X}]}}\n  - b: {{{READ}}}\n"),
            &format!("do:\n  - a: {{fork: {{branches: [{X}, y: {{wait: PT1S}}]}}}}\n  - b: {{{READ}}}\n"),
            &format!(
                "do:\n  - a: {{try: [{X}], catch: {{errors: {{with: {{status: 400}}}}}}}}\n  - b: {{{READ}}}\n"
            ),
            // In the list around.
            &format!("do:\n  - {X}\n  - b: {{do: [c: {{{READ}}}]}}\n"),
            // After a jump back.
            &format!("do:\n  - b: {{{READ}}}\n  - {X}\n  - c: {{switch: [again: {{when: .y, then: b}}]}}\n"),
            "do:\n  - x: {set: {r: '${ $steps.x }'}}\n  - c: {switch: [again: {when: .y, then: x}]}\n",
            // Of its own tasks, once they are done.
            &format!("do:\n  - b: {{do: [{X}], output: {{as: $steps.x}}}}\n"),
            &format!("do:\n  - {X}\noutput: {{as: $steps.x}}\n"),
            // Around an extended task anything may have run.
            &format!(
                "use: {{extensions: [e: {{extend: wait, before: [b: {{{READ}}}]}}]}}\ndo:\n  - {X}\n  - w: {{wait: PT1S}}\n"
            ),
            // Another variable of this name.
            "do:\n  - a: {for: {each: steps, in: .l}, do: [b: {set: {r: '${ $steps.none }'}}]}\n",
        ],
    );
}

#[test]
fn tasks_that_cannot_have_run() {
    rule(
        "TN1505",
        &[
            &format!("do:\n  - b: {{{READ}}}\n  - {X}\n"),
            &format!("do:\n  - x: {{{READ}}}\n"),
            // The other case.
            &format!(
                "do:\n  - s: {{switch: [one: {{when: .y, then: x}}, two: {{then: b}}]}}\n  - x: {{set: {{v: 1}}, then: exit}}\n  - b: {{{READ}}}\n"
            ),
            // The other branch.
            &format!("do:\n  - a: {{fork: {{branches: [{X}, b: {{{READ}}}]}}}}\n"),
            // What a failed `try` has done is gone.
            &format!("do:\n  - a: {{try: [{X}], catch: {{do: [b: {{{READ}}}]}}}}\n"),
            // A later task of the loop.
            &format!("do:\n  - a: {{for: {{in: .l}}, do: [b: {{{READ}}}, {X}]}}\n"),
            // In a function there is nothing of the caller.
            &format!("use: {{functions: {{f: {{{READ}}}}}}}\ndo:\n  - {X}\n  - c: {{call: f}}\n"),
            "do:\n  - b: {do: [x: {set: {v: 1}}], if: $steps.x}\n",
            &format!(
                "do:\n  - x: {{if: .y, raise: {{error: {{type: x, status: 400}}}}}}\n  - b: {{{READ}}}\n"
            ),
        ],
        &[],
    );
}

#[test]
fn more_than_one_task() {
    let two = format!("do:\n  - a: {{do: [{X}]}}\n  - b: {{do: [{X}]}}\n  - c: {{{READ}}}\n");
    let own = format!("do:\n  - {X}\n  - b: {{do: [{X}]}}\n  - c: {{{READ}}}\n");
    let inner = format!("do:\n  - {X}\n  - b: {{do: [{X}, c: {{{READ}}}]}}\n");
    let later = format!("do:\n  - a: {{do: [{X}]}}\n  - c: {{{READ}}}\n  - b: {{do: [{X}]}}\n");
    rule("TN1520", &[&two], &[&own, &inner, &later]);
}
