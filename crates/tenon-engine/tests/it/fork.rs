//! `fork` (rule 13): outputs, contexts, `$steps`, races, and what a trace shows.

use serde_json::{Value, json};
use tenon_engine::trace::StepState;
use tenon_engine::{Finished, HttpRequest, Outcome};

use crate::world::{World, all_steps, answered, begun, check, check_with, echo, give, run, unreachable};

/// Answers with the address's path.
pub(crate) fn path(request: &HttpRequest, _: u32) -> Outcome {
    let path = request.url.trim_start_matches("https://host/").split('?').next();
    answered(request, 200, &json!(path))
}

/// The same, but `/down` cannot be reached.
pub(crate) fn partly_down(request: &HttpRequest, attempt: u32) -> Outcome {
    if request.url.contains("/down") { unreachable() } else { path(request, attempt) }
}

#[test]
fn outputs_stand_in_order_of_declaration_whatever_ends_first() {
    check_with(
        "do:
- all:
    fork:
      branches:
      - slow: {call: http, with: {method: get, endpoint: 'https://host/slow?at=300'}}
      - pure: {set: {n: '${ .n }'}}
      - fast: {call: http, with: {method: get, endpoint: 'https://host/fast?at=100'}}
      - between: {call: http, with: {method: get, endpoint: 'https://host/between?at=200'}}",
        json!({"n": 1}),
        &path,
        json!(["slow", {"n": 1}, "fast", "between"]),
    );
}

#[test]
fn effects_of_all_branches_are_given_out_together_at_addresses_below_the_fork() {
    let mut execution = begun(
        "do:
- all:
    fork:
      branches:
      - one: {call: http, with: {method: get, endpoint: 'https://host/1'}}
      - two: {do: [{pure: {set: {a: 1}}}, {call: {call: http, with: {method: get, endpoint: 'https://host/2'}}}]}
      - three: {wait: PT1S}",
        &json!({}),
    );
    let ids: Vec<_> = execution.take_effects().into_iter().map(|effect| effect.id.to_string()).collect();
    assert_eq!(
        ids,
        [
            "/do/0/all/fork/branches/0/one",
            "/do/0/all/fork/branches/1/two/do/1/call",
            "/do/0/all/fork/branches/2/three",
        ]
    );
}

#[test]
fn each_branch_gets_the_forks_transformed_input_and_a_skipped_one_passes_it_on() {
    check(
        "do:
- all:
    input: {from: .inside}
    fork:
      branches:
      - a: {input: {from: '${ .n + 1 }'}, set: '${ . }'}
      - skipped: {if: .n > 5, set: {never: true}}
      - loop: {for: {in: '${ [1, 2] }'}, do: [{add: {set: {n: '${ .n + $item }'}}}]}
    output: {as: '${ {results: .} }'}",
        json!({"inside": {"n": 1}}),
        json!({"results": [2, {"n": 1}, {"n": 4}]}),
    );
}

const CONTEXTS: &str = "do:
- first: {set: {x: 0}, export: {as: '${ {a: 1, b: 1, gone: 1} }'}}
- all:
    fork:
      branches:
      - one: {do: [{ask: {call: http, with: {method: get, endpoint: 'https://host/1?at=200'}}}, {tell: {set: '${ $context }', export: {as: '${ $context + {a: \"one\", mine: 1} }'}}}]}
      - two: {set: '${ $context }', export: {as: '${ $context + {a: \"two\"} | del(.gone) }'}}
      - three: {set: '${ $context }', export: {as: '${ $context + {b: \"three\"} }'}}
      - four: {set: '${ $context }'}
- last: {set: {context: '${ $context }', seen: '${ $steps.all }'}}";

#[test]
fn changed_members_of_the_context_are_merged_in_order_of_declaration() {
    let before = json!({"a": 1, "b": 1, "gone": 1});
    let seen = json!([before, before, before, before]);
    // Branch two comes after branch one, although it ends first.
    let context = json!({"a": "two", "b": "three", "mine": 1});
    check(CONTEXTS, json!({}), json!({"context": context, "seen": seen}));
}

#[test]
fn a_single_branch_leaves_the_context_as_it_made_it_also_if_that_is_no_object() {
    let workflow = |made: &str| {
        format!(
            "do:
- first: {{set: {{x: 0}}, export: {{as: '${{ {{a: 1, b: 2}} }}'}}}}
- all: {{fork: {{branches: [{{one: {{set: {{x: 0}}, export: {{as: '${{ {made} }}'}}}}}}]}}}}
- last: {{set: '${{ $context }}'}}"
        )
    };
    check(&workflow("{b: 2, c: 3}"), json!({}), json!({"b": 2, "c": 3}));
    check(&workflow("[1]"), json!({}), json!([1]));
    check(&workflow("null"), json!({}), json!(null));
}

#[test]
fn the_forks_own_export_sees_the_merged_context() {
    check(
        "do:
- all:
    fork:
      branches:
      - one: {set: {x: 1}, export: {as: '${ {one: .x} }'}}
      - two: {set: {x: 2}, export: {as: '${ {two: .x} }'}}
    export: {as: '${ {all: $context, outputs: .} }'}
- last: {set: '${ $context }'}",
        json!({}),
        json!({"all": {"one": 1, "two": 2}, "outputs": [{"x": 1}, {"x": 2}]}),
    );
}

#[test]
fn steps_before_the_fork_and_its_own_are_seen_in_a_branch_and_all_after_it() {
    check(
        "do:
- before: {set: {v: 0}}
- all:
    fork:
      branches:
      - one: {do: [{deep: {set: {v: 1}}}, {sees: {set: '${ [$steps.before.v, $steps.deep.v, $steps.other] }'}}]}
      - two: {do: [{other: {set: {v: 2}}}, {sees2: {set: '${ [$steps.before.v, $steps.deep, $steps.other.v] }'}}]}
- last: {set: {one: '${ $steps.one }', two: '${ $steps.two }', deep: '${ $steps.deep.v }', other: '${ $steps.other.v }', all: '${ $steps | keys }'}}",
        json!({}),
        json!({
            "one": [0, 1, null],
            "two": [0, null, 2],
            "deep": 1,
            "other": 2,
            "all": ["all", "before", "deep", "one", "other", "sees", "sees2", "two"],
        }),
    );
}

#[test]
fn loop_and_catch_variables_around_the_fork_are_seen_in_its_branches() {
    check(
        "do:
- attempt:
    try: [{fail: {raise: {error: {type: 'https://x/mine', status: 418}}}}]
    catch:
      as: problem
      do:
      - loop:
          for: {each: line, at: number, in: '${ [\"a\", \"b\"] }'}
          do:
          - all: {fork: {branches: [{one: {set: '${ [$line, $number] }'}}, {two: {do: [{status: {set: '${ $problem.status }'}}]}}]}}",
        json!({}),
        json!([["b", 1], 418]),
    );
}

const RACE: &str = "do:
- first: {set: {x: 0}, export: {as: '${ {kept: 1} }'}}
- race:
    fork:
      compete: true
      branches:
      - slow: {do: [{call: {call: http, with: {method: get, endpoint: 'https://host/slow?at=500'}}}]}
      - quick: {do: [{call: {call: http, with: {method: get, endpoint: 'https://host/quick?at=100'}}}, {say: {set: {winner: '${ . }'}, export: {as: '${ $context + {by: \"quick\"} }'}}}]}
      - asleep: {timeout: {after: PT1H}, do: [{sleep: {wait: PT10M}}]}
      - retrying:
          try: [{down: {call: http, with: {method: get, endpoint: 'https://host/down?at=50'}}}]
          catch: {retry: {delay: PT1M, limit: {attempt: {duration: PT2M}}}}
- last: {set: {output: '${ . }', context: '${ $context }', steps: '${ $steps | keys }'}}";

#[test]
fn the_first_branch_to_end_wins_and_the_rest_is_withdrawn() {
    let run = run(RACE, &json!({}), &partly_down);
    let Finished::Completed(output) = &run.finished else { panic!("{:?}", run.finished) };
    assert_eq!(
        **output,
        json!({
            "output": {"winner": "quick"},
            "context": {"kept": 1, "by": "quick"},
            "steps": ["call", "first", "quick", "race", "say"],
        })
    );
    let address = |rest: &str| format!("/do/1/race/fork/branches/{rest}");
    let expected = [
        address("0/slow/do/0/call"),
        address("2/asleep/timeout"),
        address("2/asleep/do/0/sleep"),
        address("3/retrying/attempt"),
        address("3/retrying/retry/1"),
    ];
    assert_eq!(run.withdrawn.len(), expected.len(), "{:?}", run.withdrawn);
    assert!(expected.iter().all(|id| run.withdrawn.contains(id)), "{:?}", run.withdrawn);
    assert_eq!(run.took.as_millis(), 100);
}

#[test]
fn a_late_outcome_of_a_branch_that_has_lost_is_dropped() {
    let mut execution = begun(RACE, &json!({}));
    let ids: Vec<_> = execution.take_effects().into_iter().map(|effect| effect.id.to_string()).collect();
    let slow = ids.iter().find(|id| id.ends_with("slow/do/0/call")).expect("it is on its way");
    let quick = ids.iter().find(|id| id.ends_with("quick/do/0/call")).expect("it is on its way");
    assert!(give(&mut execution, quick, (100, Outcome::Emitted)).is_some());
    assert!(matches!(execution.finished(), Some(Finished::Completed(_))));
    assert_eq!(give(&mut execution, slow, (110, Outcome::Emitted)), None);
    assert!(execution.take_withdrawn().iter().any(|id| **id == **slow));
}

#[test]
fn of_branches_that_end_at_once_the_first_declared_wins_and_the_others_leave_nothing() {
    check(
        "do:
- race:
    fork:
      compete: true
      branches:
      - waits: {wait: PT1S}
      - one: {set: {by: one}}
      - two: {set: {by: two}, export: {as: '${ {never: true} }'}}
- last: {set: {by: '${ .by }', context: '${ $context }', two: '${ $steps.two }'}}",
        json!({}),
        json!({"by": "one", "context": {}, "two": null}),
    );
}

#[test]
fn end_in_a_branch_ends_the_workflow_with_its_output_and_context() {
    let workflow = "do:
- outer:
    do:
    - all:
        timeout: {after: PT1H}
        fork:
          branches:
          - waits: {wait: PT10S}
          - ends: {do: [{nap: {wait: PT1S}}, {stop: {set: {n: 1}, export: {as: '${ {by: \"ends\"} }'}, then: end}}, {never: {set: {x: 0}}}]}
          - done: {set: {x: 0}, export: {as: '${ {by: \"done\"} }'}}
- never: {set: {never: true}}
output: {as: '${ {output: ., context: $context} }'}";
    let run = run(workflow, &json!({}), &echo);
    assert_eq!(
        run.finished,
        Finished::Completed(json!({"output": {"n": 1}, "context": {"by": "ends"}}).into())
    );
    assert_eq!(run.took.as_secs(), 1);
}

#[test]
fn exit_and_continue_in_a_branch_end_the_branch() {
    check(
        "do:
- all:
    fork:
      branches:
      - one: {set: {n: 1}, then: exit}
      - two: {set: {n: 2}, then: continue}
      - three: {do: [{leave: {set: {n: 3}, then: exit}}, {never: {set: {n: 0}}}]}
- sum: {set: '${ map(.n) | add }'}",
        json!({}),
        json!(6),
    );
}

#[test]
fn a_second_visit_of_a_fork_has_addresses_of_its_own() {
    let run = run(
        "do:
- all: {fork: {branches: [{one: {call: http, with: {method: get, endpoint: 'https://host/x'}}}]}, output: {as: '${ {n: ($input.n + 1)} }'}}
- more: {switch: [{yes: {when: .n < 2, then: all}}]}",
        &json!({"n": 0}),
        &echo,
    );
    let ids: Vec<&str> = run.performed.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["/do/0/all/fork/branches/0/one", "/do/0/all#2/fork/branches/0/one"]);
}

#[test]
fn a_trace_shows_branches_as_children_of_their_fork() {
    let world = World::new(&partly_down);
    let steps = world.steps(RACE, &json!({}));
    let race = &steps[1];
    let names = |steps: &[tenon_engine::trace::Step]| -> Vec<(String, StepState)> {
        steps.iter().map(|step| (step.task.clone(), step.state)).collect()
    };
    let expected = [
        ("slow", StepState::Cancelled),
        ("quick", StepState::Completed),
        ("asleep", StepState::Cancelled),
        ("retrying", StepState::Cancelled),
    ];
    assert_eq!((race.kind, race.state), ("fork", StepState::Completed));
    let slow = &race.children[0].children[0];
    let (attempt, ended_at) = (&slow.attempts[0], slow.ended_at.as_ref());
    assert_eq!((attempt.started_at.as_ref(), attempt.ended_at.as_ref()), (None, ended_at), "called off");
    assert!(ended_at.is_some() && attempt.error.is_none());
    assert_eq!(names(&race.children), expected.map(|(name, state)| (name.to_owned(), state)));
    let quick = &race.children[1];
    let expected = [("call", StepState::Completed), ("say", StepState::Completed)];
    assert_eq!(names(&quick.children), expected.map(|(name, state)| (name.to_owned(), state)));
    let retrying = all_steps(&race.children[3].children);
    assert_eq!(retrying[0].attempts.len(), 1);
    assert_eq!(retrying[0].state, StepState::Faulted);
}

/// Every order in which three calls can end.
#[test]
fn any_order_of_outcomes_leads_to_the_same_output_and_context() {
    let workflow = "do:
- all:
    fork:
      branches:
      - a: {call: http, with: {method: get, endpoint: 'https://host/a'}, export: {as: '${ $context + {a: 1, last: \"a\"} }'}}
      - b: {call: http, with: {method: get, endpoint: 'https://host/b'}, export: {as: '${ $context + {b: 1, last: \"b\"} }'}}
      - c: {call: http, with: {method: get, endpoint: 'https://host/c'}, export: {as: '${ $context + {c: 1, last: \"c\"} }'}}
output: {as: '${ [., $context] }'}";
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let moments = order.map(|place| (place + 1) * 100);
        let mut timed = workflow.to_owned();
        for (name, at) in ["a", "b", "c"].iter().zip(moments) {
            timed = timed.replace(&format!("https://host/{name}'"), &format!("https://host/{name}?at={at}'"));
        }
        let context = json!({"a": 1, "b": 1, "c": 1, "last": "c"});
        check_with(&timed, json!({}), &path, json!([["a", "b", "c"], context]));
    }
}

#[test]
fn a_fork_without_branches_left_to_it_is_checked_at_deploy() {
    let empty = "document: {dsl: '1.0.3', namespace: test, name: test, version: '1.0.0'}\ndo: [{all: {fork: {branches: []}}}]";
    let document = tenon_workflow::Document::parse(empty).expect("it parses");
    match tenon_workflow::compile(&document) {
        Ok(_) => check(empty, json!({}), json!([])),
        Err(findings) => assert!(findings.iter().any(|finding| finding.pointer.contains("branches"))),
    }
}

#[test]
fn outputs_that_are_null_still_have_their_place() {
    let nothing: Value = Value::Null;
    check(
        "do: [{all: {fork: {branches: [{a: {set: '${ null }'}}, {b: {set: '${ [] }'}}, {c: {set: '${ null }'}}]}}}]",
        json!({}),
        json!([nothing, [], nothing]),
    );
}
