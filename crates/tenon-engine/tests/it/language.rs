//! The rules of the language, one by one.

use serde_json::{Value, json};
use tenon_engine::{Finished, HttpRequest, Outcome};

use crate::world::{answered, begun, check, check_fault, check_with, echo, run, unreachable};

#[test]
fn tasks_run_in_sequence_and_jumps_go_on_with_the_next_sibling() {
    check(
        "do:
- one: {set: {a: '${ .n + 1 }'}, then: three}
- two: {set: {a: '${ .a * 100 }'}, then: end}
- three: {set: {a: '${ .a * 10 }'}, then: two}",
        json!({"n": 1}),
        json!({"a": 2000}),
    );
}

#[test]
fn set_replaces_the_data_and_evaluates_nested_values() {
    check(
        "do: [{all: {set: {list: ['${ .x }', 2, {deep: '${ .x }'}], text: 'not ${ .x } evaluated'}}}]",
        json!({"x": 1}),
        json!({"list": [1, 2, {"deep": 1}], "text": "not ${ .x } evaluated"}),
    );
}

#[test]
fn input_and_output_are_transformed_and_export_replaces_the_context() {
    check(
        "input: {from: .body}
do:
- first: {set: {got: '${ . }', raw: '${ $workflow.input }'}, output: {as: .got}, export: {as: '${ {seen: .} }'}}
- second: {input: {from: '${ {v: .} }'}, set: {in: '${ $input.v }', context: '${ $context.seen }'}}
output: {as: '${ {result: .} }'}",
        json!({"body": 7}),
        json!({"result": {"in": 7, "context": 7}}),
    );
}

#[test]
fn a_skipped_task_passes_its_raw_input_on_and_its_then_does_not_apply() {
    check(
        "do:
- skipped: {if: .never, set: {a: 1}, then: end}
- last: {set: {kept: '${ .x }', skipped: '${ $steps.skipped }'}}",
        json!({"x": 5}),
        json!({"kept": 5, "skipped": null}),
    );
}

#[test]
fn switch_takes_the_first_match_then_the_default_then_its_own_then() {
    let workflow = "do:
- choose:
    switch:
    - big: {when: .n > 10, then: big}
    - other: {then: other}
- big: {set: {was: big}, then: end}
- other: {set: {was: other}}";
    check(workflow, json!({"n": 11}), json!({"was": "big"}));
    check(workflow, json!({"n": 1}), json!({"was": "other"}));
    check(
        "do:
- choose: {switch: [{big: {when: .n > 10, then: end}}], then: last}
- skipped: {set: {was: skipped}, then: end}
- last: {set: {was: last}}",
        json!({"n": 1}),
        json!({"was": "last"}),
    );
}

#[test]
fn a_loop_feeds_each_iteration_with_the_output_of_the_one_before() {
    check(
        "do:
- loop:
    for: {each: color, in: .colors, at: i}
    do: [{mark: {set: {done: '${ .done + [{($color): $i}] }', colors: '${ .colors }'}}}]",
        json!({"colors": ["red", "green"]}),
        json!({"done": [{"red": 0}, {"green": 1}], "colors": ["red", "green"]}),
    );
}

#[test]
fn a_loop_checks_while_before_each_iteration_and_gives_its_input_if_there_was_none() {
    let workflow = "do:
- loop:
    for: {in: .list}
    while: .n < 2
    do: [{count: {set: {n: '${ .n + 1 }'}}}]";
    check(workflow, json!({"list": [1, 2, 3], "n": 0}), json!({"n": 2}));
    check(workflow, json!({"list": [], "n": 0}), json!({"list": [], "n": 0}));
    check_fault(workflow, json!({"list": "text", "n": 0}), &echo, ("expression", 400, "/do/0/loop"));
}

#[test]
fn steps_are_seen_by_name_also_after_their_block_and_per_iteration() {
    check(
        "do:
- outer:
    do:
    - inner: {set: {v: 1}}
    - sees: {set: '${ $steps.inner }'}
- loop:
    for: {in: '${ [10, 20] }'}
    do: [{item: {set: {before: '${ $steps.item }', value: '${ $item }'}}}]
- last: {set: {inner: '${ $steps.inner.v }', item: '${ $steps.item }', later: '${ $steps.last }'}}",
        json!({}),
        json!({"inner": 1, "item": {"before": null, "value": 20}, "later": null}),
    );
}

#[test]
fn exit_leaves_the_block_and_end_leaves_the_workflow() {
    check(
        "do:
- outer:
    do:
    - leave: {set: {at: leave}, then: exit}
    - never: {set: {at: never}}
- after: {set: {at: '${ .at + \" after\" }'}}",
        json!({}),
        json!({"at": "leave after"}),
    );
    check(
        "do:
- outer: {do: [{stop: {set: {at: stop}, then: end}}]}
- after: {set: {at: after}}
output: {as: '${ {ended: .at} }'}",
        json!({}),
        json!({"ended": "stop"}),
    );
}

#[test]
fn a_call_gives_the_decoded_body_and_its_endpoint_is_filled_in() {
    check(
        "do:
- call:
    call: http
    with: {method: post, endpoint: 'https://host/pets/{id}', body: {name: '${ .name }'}, query: {q: 1}}",
        json!({"id": "a b", "name": "Milou"}),
        json!({"method": "POST", "url": "https://host/pets/a%20b", "body": {"name": "Milou"}}),
    );
    check_fault(
        "do: [{call: {call: http, with: {method: get, endpoint: 'https://host/{missing}'}}}]",
        json!({}),
        &echo,
        ("expression", 400, "/do/0/call"),
    );
}

#[test]
fn output_response_shows_the_exchange_without_credentials() {
    check(
        "do:
- call:
    call: http
    with: {method: get, endpoint: https://host/x, headers: {Authorization: secret, X: 1}, output: response}
    output: {as: '${ [.statusCode, .request.headers, .content.method] }'}",
        json!({}),
        json!([200, {"Authorization": "<redacted>", "X": "1"}, "GET"]),
    );
}

#[test]
fn a_status_outside_200_to_299_is_a_communication_error_with_the_body_as_detail() {
    let workflow = "do: [{call: {call: http, with: {method: get, endpoint: https://host/x}}}]";
    let missing = |request: &HttpRequest, _| answered(request, 404, &json!({"no": "pet"}));
    check_fault(workflow, json!({}), &missing, ("communication", 404, "/do/0/call"));
    let redirected =
        "do: [{call: {call: http, with: {method: get, endpoint: https://host/x, redirect: true}}}]";
    let moved = |request: &HttpRequest, _| answered(request, 302, &json!("moved"));
    check_fault(workflow, json!({}), &moved, ("communication", 302, "/do/0/call"));
    check_with(redirected, json!({}), &moved, json!("moved"));
}

#[test]
fn a_caught_error_is_seen_by_the_handler_under_its_name() {
    let workflow = "do:
- attempt:
    try: [{call: {call: http, with: {method: get, endpoint: https://host/x}}}]
    catch:
      errors: {with: {type: 'https://serverlessworkflow.io/spec/1.0.0/errors/communication', status: 404}}
      as: err
      do: [{handle: {set: {status: '${ $err.status }', at: '${ $err.instance }'}}}]";
    let missing = |request: &HttpRequest, _| answered(request, 404, &json!(null));
    check_with(workflow, json!({}), &missing, json!({"status": 404, "at": "/do/0/attempt/try/0/call"}));
    let broken = |request: &HttpRequest, _| answered(request, 503, &json!(null));
    check_fault(workflow, json!({}), &broken, ("communication", 503, "/do/0/attempt/try/0/call"));
}

#[test]
fn catch_when_decides_and_catch_then_directs() {
    let workflow = "do:
- attempt:
    try: [{fail: {raise: {error: {type: 'https://x/mine', status: 418, title: '${ .title }'}}}}]
    catch: {when: '$error.status == 418', exceptWhen: '$error.title == \"no\"', then: recovered}
- never: {set: {at: never}, then: end}
- recovered: {set: {at: recovered}}";
    check(workflow, json!({"title": "yes"}), json!({"at": "recovered"}));
    check_fault(workflow, json!({"title": "no"}), &echo, ("mine", 418, "/do/0/attempt/try/0/fail"));
}

const RETRIES: &str = "do:
- attempt:
    try: [{first: {call: http, with: {method: get, endpoint: https://host/1}}},
          {second: {call: http, with: {method: get, endpoint: https://host/2}}}]
    catch:
      retry: {delay: PT1S, backoff: {exponential: {}}, limit: {attempt: {count: 3}}}
      do: [{gave: {set: {gave: up}}}]";

#[test]
fn retries_wait_longer_each_time_and_repeat_effects_under_the_same_id_with_the_next_attempt() {
    let flaky = |request: &HttpRequest, attempt| match (request.url.as_str(), attempt) {
        ("https://host/2", 1..=2) => unreachable(),
        _ => answered(request, 200, &json!("fine")),
    };
    let run = run(RETRIES, &json!({}), &flaky);
    assert_eq!(run.finished, Finished::Completed(json!("fine").into()));
    let (first, second) = ("/do/0/attempt/try/0/first", "/do/0/attempt/try/1/second");
    let expected = [(first, 1), (second, 1), (first, 2), (second, 2), (first, 3), (second, 3)];
    assert_eq!(run.performed, expected.map(|(id, attempt)| (id.to_owned(), attempt)));
    assert_eq!(run.took.as_secs(), 3, "1 s, then 2 s");
}

#[test]
fn after_the_last_retry_the_handler_runs() {
    let run = run(RETRIES, &json!({}), &|_: &HttpRequest, _| unreachable());
    assert_eq!(run.finished, Finished::Completed(json!({"gave": "up"}).into()));
    assert_eq!(run.performed.len(), 4, "one attempt and three retries");
    assert_eq!(run.took.as_secs(), 7, "1 s, 2 s, 4 s");
}

#[test]
fn an_outer_retry_goes_on_counting_inside() {
    let workflow = "do:
- outer:
    try:
    - inner:
        try: [{call: {call: http, with: {method: get, endpoint: https://host/x}}}]
        catch: {retry: {limit: {attempt: {count: 1}}, delay: PT1S}, do: [{again: {raise: {error: {type: 'https://x/e', status: 500}}}}]}
    catch: {retry: {limit: {attempt: {count: 1}}, delay: PT1S}, do: [{end: {set: {ended: true}}}]}";
    let run = run(workflow, &json!({}), &|_: &HttpRequest, _| unreachable());
    assert_eq!(run.finished, Finished::Completed(json!({"ended": true}).into()));
    let attempts: Vec<u32> = run.performed.iter().map(|(_, attempt)| *attempt).collect();
    assert_eq!(attempts, [1, 2, 3, 4]);
}

#[test]
fn the_time_limit_of_retries_counts_from_the_first_failure() {
    let workflow = "do:
- attempt:
    try: [{call: {call: http, with: {method: get, endpoint: https://host/x}}}]
    catch: {retry: {delay: PT2S, limit: {duration: PT5S}}}";
    let run = run(workflow, &json!({"kept": 1}), &|_: &HttpRequest, _| unreachable());
    assert_eq!(run.performed.len(), 3);
    assert_eq!(run.finished, Finished::Completed(json!({"kept": 1}).into()));
}

#[test]
fn jitter_is_within_its_range_and_the_same_in_a_replay() {
    let workflow = "do:
- attempt:
    try: [{call: {call: http, with: {method: get, endpoint: https://host/x}}}]
    catch: {retry: {delay: PT1S, jitter: {from: PT1S, to: PT3S}, limit: {attempt: {count: 2}}}}";
    let run = run(workflow, &json!({}), &|_: &HttpRequest, _| unreachable());
    assert!((4.0..8.1).contains(&run.took.as_secs_f64()), "{:?}", run.took);
}

#[test]
fn a_timeout_faults_the_task_and_its_calls_late_answer_is_dropped() {
    let workflow = "do:
- attempt:
    try:
    - slow: {timeout: {after: PT1S}, do: [{sleep: {wait: PT5S}}, {never: {set: {at: never}}}]}
    catch: {errors: {with: {type: 'https://open-workflow-specification.org/spec/1.0.0/errors/timeout'}}, do: [{late: {set: {late: '${ $error.instance }'}}}]}";
    let run = run(workflow, &json!({}), &echo);
    assert_eq!(run.finished, Finished::Completed(json!({"late": "/do/0/attempt/try/0/slow"}).into()));
    assert_eq!(run.took.as_secs(), 1);
}

#[test]
fn each_attempt_may_be_bounded_and_a_workflow_timeout_ends_the_job() {
    let workflow = "do:
- attempt:
    try: [{sleep: {wait: PT10S}}]
    catch: {retry: {limit: {attempt: {count: 2, duration: PT2S}}}, do: [{gave: {set: {gave: '${ $error.status }'}}}]}";
    let bounded = run(workflow, &json!({}), &echo);
    assert_eq!(bounded.finished, Finished::Completed(json!({"gave": 408}).into()));
    assert_eq!(bounded.took.as_secs(), 6);
    check_fault(
        "timeout: {after: PT1S}\ndo: [{sleep: {wait: PT1H}}]",
        json!({}),
        &echo,
        ("timeout", 408, "/timeout"),
    );
}

#[test]
fn a_wait_takes_its_time_and_until_a_past_moment_none() {
    let run_wait = run(
        "do: [{sleep: {wait: {minutes: 2}}}, {now: {set: '${ now - $workflow.startedAt.epoch.seconds }'}}]",
        &json!({}),
        &echo,
    );
    assert_eq!(run_wait.took.as_secs(), 120);
    assert_eq!(run_wait.finished, Finished::Completed(json!(120.0).into()));
    let past = "do: [{sleep: {wait: PT0S, metadata: {tenon: {until: '${ .at }'}}}}]";
    assert_eq!(run(past, &json!({"at": "2020-01-01T00:00:00Z"}), &echo).took.as_secs(), 0);
    assert_eq!(run(past, &json!({"at": "2026-01-01T01:00:00Z"}), &echo).took.as_secs(), 3600);
    check_fault(past, json!({"at": "soon"}), &echo, ("expression", 400, "/do/0/sleep"));
}

#[test]
fn emit_gives_the_event_with_an_id_of_the_effect() {
    let workflow = "do:
- tell: {emit: {event: {with: {source: https://here, type: com.acme.told, data: {n: '${ .n }'}}}}}";
    let run = run(workflow, &json!({"n": 1}), &echo);
    let Finished::Completed(event) = run.finished else { panic!("{:?}", run.finished) };
    assert_eq!(event["data"], json!({"n": 1}));
    assert_eq!(event["id"].as_str().map(str::len), Some(32));
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event.get("tenonhops"), None);
}

#[test]
fn what_a_task_says_it_sent_is_what_was_sent_although_time_went_on() {
    let emit =
        "do: [{tell: {emit: {event: {with: {source: https://here, type: told, data: {at: '${ now }'}}}}}}]";
    let Finished::Completed(event) = run(emit, &json!({}), &echo).finished else { panic!("it completes") };
    assert_eq!(event["data"]["at"].as_f64(), Some(1_767_225_600.0), "the emit was at the start");

    let call = "do:
- call:
    call: http
    with: {method: get, endpoint: https://host/x, headers: {X-At: '${ now }'}, query: {at: '${ now }'}, output: response}
    output: {as: '${ {sent: .request.headers[\"X-At\"], received: .content, now: (now | tostring)} }'}";
    let at = |request: &HttpRequest, _| answered(request, 200, &json!(request.headers[0].1));
    let Finished::Completed(output) = run(call, &json!({}), &at).finished else { panic!("it completes") };
    assert_eq!(output["sent"], output["received"]);
    assert_ne!(output["sent"], output["now"], "time went on");
}

#[test]
fn a_schema_that_is_broken_is_a_validation_error() {
    let workflow =
        "input: {schema: {document: {type: object, required: [id]}}}\ndo: [{a: {set: {ok: true}}}]";
    check(workflow, json!({"id": 1}), json!({"ok": true}));
    check_fault(workflow, json!({}), &echo, ("validation", 400, "/input"));
}

#[test]
fn a_loop_of_pure_tasks_ends_with_an_error_instead_of_never() {
    let execution = begun("do: [{again: {set: {a: 1}, then: again}}]", &json!({}));
    let Some(Finished::Faulted(error)) = execution.finished() else { panic!("{:?}", execution.finished()) };
    assert!(error.r#type.ends_with("/runtime"), "{error:?}");
}

#[test]
fn a_jump_back_gives_each_visit_an_effect_of_its_own() {
    let workflow = "do:
- call: {call: http, with: {method: get, endpoint: https://host/x}, output: {as: '${ {n: ($input.n + 1)} }'}}
- more: {switch: [{yes: {when: .n < 3, then: call}}]}";
    let run = run(workflow, &json!({"n": 0}), &echo);
    let ids: Vec<&str> = run.performed.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["/do/0/call", "/do/0/call#2", "/do/0/call#3"]);
}

#[test]
fn an_expression_error_names_its_task() {
    check_fault(
        "do: [{bad: {set: {a: '${ .text + 1 }'}}}]",
        json!({"text": "x"}),
        &echo,
        ("expression", 400, "/do/0/bad"),
    );
    check_fault(
        "do: [{none: {set: {a: '${ empty }'}}}]",
        json!({}),
        &echo,
        ("expression", 400, "/do/0/none"),
    );
}

#[test]
fn text_in_data_is_never_evaluated() {
    let value = json!({"text": "${ 1 + 1 }"});
    check("do: [{keep: {set: {copy: '${ .text }'}}}]", value, json!({"copy": "${ 1 + 1 }"}));
}

#[test]
fn the_event_is_null_for_jobs_started_by_a_call() {
    let nothing: Value = Value::Null;
    check(
        "do: [{see: {set: {event: '${ $event }', id: '${ $workflow.id }'}}}]",
        json!({}),
        json!({"event": nothing, "id": "job_0000000000001"}),
    );
}

#[test]
fn an_outcome_that_is_not_awaited_is_dropped() {
    use tenon_engine::{Accepted, Execution, Progress};
    let program =
        crate::world::program("do: [{call: {call: http, with: {method: get, endpoint: https://host/x}}}]");
    let mut execution = Execution::new(crate::world::job(&program, &json!({})));
    assert_eq!(execution.resume(), Progress::Blocked);
    let at = crate::world::START;
    let late =
        Accepted { effect: "/do/0/call".into(), attempt: 2, started_at: at, at, outcome: Outcome::Fired };
    assert_eq!(execution.accept(late), None);
}
