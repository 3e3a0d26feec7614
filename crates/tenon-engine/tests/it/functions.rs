//! `call` of functions under `use.functions`.

use serde_json::json;
use tenon_engine::{Finished, HttpRequest};

use crate::world::{World, answered, begun, check, check_fault, echo, run, unreachable};

const DOUBLE: &str = "use:
  functions:
    double: {set: {n: '${ .n * 2 }'}}
";

#[test]
fn a_function_runs_with_its_arguments_as_raw_input() {
    let workflow = format!(
        "{DOUBLE}do:
- first: {{call: double, with: {{n: '${{ .value + 1 }}'}}}}
- second: {{call: double, with: {{n: '${{ .n }}'}}, output: {{as: '${{ .n }}'}}}}"
    );
    check(&workflow, json!({"value": 2}), json!(12));
}

#[test]
fn without_arguments_its_input_is_an_empty_object() {
    check(
        "use: {functions: {see: {set: {input: '${ . }', raw: '${ $task.input }'}}}}\ndo: [{call: {call: see}}]",
        json!({"n": 1}),
        json!({"input": {}, "raw": {}}),
    );
}

#[test]
fn a_function_has_its_own_input_output_export_and_if() {
    check(
        "use:
  functions:
    whole: {input: {from: .inside}, set: {got: '${ . }'}, output: {as: .got}, export: {as: '${ $context + {seen: .} }'}}
    never: {if: .go, set: {never: true}}
do:
- call: {call: whole, with: {inside: 5}, output: {as: '${ {five: .} }'}}
- skipped: {call: never, with: {go: false}}
- last: {set: {context: '${ $context }', five: '${ $steps.call.five }', skipped: '${ $steps.skipped }'}}",
        json!({}),
        json!({"context": {"seen": 5}, "five": 5, "skipped": {"go": false}}),
    );
}

#[test]
fn a_function_sees_no_steps_and_no_variables_around_it_and_leaves_none() {
    check(
        "use:
  functions:
    look: {do: [{inner: {set: {x: 1}}}, {see: {set: {steps: '${ $steps | keys }', outer: '${ $steps.before }', context: '${ $context.c }'}}}]}
do:
- before: {set: {x: 0}, export: {as: '${ {c: 7} }'}}
- loop: {for: {in: '${ [1] }'}, do: [{call: {call: look}}]}
- last: {set: {call: '${ $steps.call }', inner: '${ $steps.inner }', see: '${ $steps.see }'}}",
        json!({}),
        json!({"call": {"steps": ["inner"], "outer": null, "context": 7}, "inner": null, "see": null}),
    );
}

#[test]
fn effects_of_a_function_have_addresses_below_the_call() {
    let workflow = "use:
  functions:
    ask: {do: [{get: {call: http, with: {method: get, endpoint: 'https://host/{id}'}}}]}
do:
- one: {call: ask, with: {id: 1}}
- loop: {for: {in: '${ [2, 3] }'}, do: [{two: {call: ask, with: {id: '${ $item }'}}}]}";
    let run = run(workflow, &json!({}), &echo);
    let ids: Vec<&str> = run.performed.iter().map(|(id, _)| id.as_str()).collect();
    let at = "/use/functions/ask/do/0/get";
    let expected = [
        format!("/do/0/one{at}"),
        format!("/do/1/loop[0]/do/0/two{at}"),
        format!("/do/1/loop[1]/do/0/two{at}"),
    ];
    assert_eq!(ids, expected);
}

#[test]
fn an_error_in_a_function_can_be_caught_around_the_call_and_retried() {
    let workflow = "use:
  functions:
    ask: {call: http, with: {method: get, endpoint: 'https://host/x'}}
do:
- attempt:
    try: [{call: {call: ask}}]
    catch: {retry: {delay: PT1S, limit: {attempt: {count: 1}}}, do: [{see: {set: '${ $error.instance }'}}]}";
    let flaky = |request: &HttpRequest, attempt: u32| {
        if attempt == 1 { unreachable() } else { answered(request, 200, &json!("fine")) }
    };
    let fine = run(workflow, &json!({}), &flaky);
    assert_eq!(fine.finished, Finished::Completed(json!("fine").into()));
    let id = "/do/0/attempt/try/0/call/use/functions/ask".to_owned();
    assert_eq!(fine.performed, [(id.clone(), 1), (id, 2)]);
    let down = run(workflow, &json!({}), &|_: &HttpRequest, _| unreachable());
    assert_eq!(down.finished, Finished::Completed(json!("/use/functions/ask").into()));
}

#[test]
fn the_calls_timeout_bounds_the_function_and_end_in_it_ends_the_workflow() {
    check_fault(
        "use: {functions: {sleep: {wait: PT1H}}}\ndo: [{call: {call: sleep, timeout: {after: PT1S}}}]",
        json!({}),
        &echo,
        ("timeout", 408, "/do/0/call"),
    );
    check(
        "use: {functions: {stop: {do: [{say: {set: {at: say}, then: end}}, {never: {set: {x: 1}}}]}}}\ndo: [{call: {call: stop}}, {never: {set: {x: 1}}}]",
        json!({}),
        json!({"at": "say"}),
    );
}

/// Functions `f0`, `f1`, … of which each calls the next one; the last has a task of its own.
fn chain(length: usize, call: impl Fn(usize) -> String) -> String {
    let calls = (1..length).map(|next| format!("    f{}: {}\n", next - 1, call(next)));
    let calls: String = calls.collect();
    format!(
        "use:\n  functions:\n{calls}    f{}: {{set: {{at: end}}}}\ndo: [{{call: {{call: f0}}}}]",
        length - 1
    )
}

#[test]
fn functions_may_call_one_another_to_a_depth_of_32() {
    let workflow = |length| chain(length, |next| format!("{{call: f{next}}}"));
    check(&workflow(32), json!({}), json!({"at": "end"}));
    // A document says how deep its functions go, but not what an extension adds where they end.
    let extended = workflow(32).replace(
        "do: [{call",
        "  extensions: [{deep: {extend: set, before: [{more: {call: f31}}]}}]\ndo: [{call",
    );
    check_fault(&extended, json!({}), &echo, ("runtime", 500, "/use/extensions/0/deep/before/0/more"));
}

#[test]
fn functions_that_fork_into_more_than_1000_branches_at_once_are_stopped() {
    // Each level doubles what runs; those that wait are never done.
    let workflow = |length| {
        chain(length, |next| {
            format!(
                "{{fork: {{branches: [{{a: {{do: [{{w: {{wait: PT1H}}}}]}}}}, {{b: {{call: f{next}}}}}, {{c: {{call: f{next}}}}}]}}}}"
            )
        })
    };
    let execution = begun(&workflow(12), &json!({}));
    let Some(Finished::Faulted(error)) = execution.finished() else { panic!("{:?}", execution.finished()) };
    assert!(error.r#type.ends_with("/runtime"), "{error:?}");
    assert!(error.detail.as_ref().is_some_and(|detail| detail.contains("1000")), "{error:?}");
    assert_eq!(begun(&workflow(6), &json!({})).finished(), None, "some hundreds are fine");
}

#[test]
fn functions_in_branches_have_their_own_scopes() {
    check(
        "use:
  functions:
    ask: {do: [{get: {call: http, with: {method: get, endpoint: 'https://host/{id}'}}}, {see: {set: '${ [$steps.get.url, ($steps | keys)] }'}}]}
do:
- before: {set: {x: 1}}
- all: {fork: {branches: [{a: {call: ask, with: {id: 1}}}, {b: {do: [{own: {set: {x: 2}}}, {call: {call: ask, with: {id: 2}}}]}}]}}",
        json!({}),
        json!([["https://host/1", ["get"]], ["https://host/2", ["get"]]]),
    );
}

#[test]
fn a_trace_shows_the_functions_task_below_the_call() {
    let workflow = format!("{DOUBLE}do: [{{first: {{call: double, with: {{n: 1}}}}}}]");
    let steps = World::new(&echo).steps(&workflow, &json!({}));
    assert_eq!((steps[0].kind, &*steps[0].id), ("call", "/do/0/first"));
    let inner = &steps[0].children[0];
    assert_eq!(
        (&*inner.id, &*inner.reference),
        ("/do/0/first/use/functions/double", "/use/functions/double")
    );
    assert_eq!(inner.output, Some(json!({"n": 2})));
}
