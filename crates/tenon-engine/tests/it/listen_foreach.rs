//! `listen` with `foreach`, and a `listen` inside other things: loops, retries, branches.

use serde_json::{Value, json};
use tenon_engine::trace::StepState;
use tenon_engine::{Finished, HttpRequest, Outcome};

use crate::listen::{numbers, received, world};
use crate::world::{START, World, answered, begun, give, unreachable};

const FOREACH: &str = "do:
- hear:
    listen: {to: {any: [{with: {type: a}}], until: '${ ($context.seen | length) == 3 }'}}
    foreach:
      item: event
      at: number
      do:
      - ask: {call: http, with: {method: post, endpoint: 'https://host/x', body: {n: '${ $event.n }', at: '${ $number }', input: '${ .n }'}}, output: {as: .body}}
      - both: {set: {body: '${ $steps.ask }', at: '${ $number }'}}
      output: {as: '${ {value: .body.n, at: $number, event: $event.n} }'}
      export: {as: '${ {seen: (($context.seen // []) + [.value])} }'}
- last: {set: {output: '${ . }', context: '${ $context }', last: '${ $steps.both.at }'}}";

#[test]
fn foreach_handles_one_event_after_the_other_with_item_index_output_and_export() {
    let run = numbers(9).run(FOREACH, &json!({}));
    let item = |n: u64| json!({"value": n, "at": n - 1, "event": n});
    assert_eq!(
        run.finished,
        Finished::Completed(
            json!({"output": [item(1), item(2), item(3)], "context": {"seen": [1, 2, 3]}, "last": 2}).into()
        )
    );
    let ids: Vec<&str> = run.performed.iter().map(|(id, _)| id.as_str()).collect();
    let expected = [
        "/do/0/hear[0]/foreach/do/0/ask",
        "/do/0/hear[1]/foreach/do/0/ask",
        "/do/0/hear[2]/foreach/do/0/ask",
    ];
    assert_eq!(ids, expected);
    let listens: Vec<&str> =
        run.journal.iter().map(|entry| &*entry.effect).filter(|id| id.contains("/event/")).collect();
    assert_eq!(listens, ["/do/0/hear/event/0", "/do/0/hear/event/1", "/do/0/hear/event/2"]);
}

#[test]
fn foreach_without_tasks_shapes_items_and_until_sees_them_so() {
    numbers(5).check(
        "do: [{hear: {listen: {to: {any: [], until: '${ .[-1] >= 20 }'}}, foreach: {output: {as: '${ $item.n * 10 + $index }'}}}}]",
        json!({}),
        json!([10, 21]),
    );
    numbers(5).check(
        "do: [{hear: {listen: {to: {all: [{with: {type: a}}, {with: {type: a}}]}}, foreach: {do: [{a: {set: {x: 1}, then: exit}}, {never: {set: {x: 2}}}]}}}]",
        json!({}),
        json!([{"x": 1}, {"x": 1}]),
    );
    numbers(5).check(
        "do: [{hear: {listen: {to: {any: [], until: '${ false }'}}, foreach: {do: [{a: {switch: [{enough: {when: .n == 3, then: end}}]}}]}}}, {never: {set: {x: 1}}}]",
        json!({}),
        json!({"n": 3}),
    );
}

#[test]
fn an_until_event_between_items_does_not_count_as_one() {
    let run = world()
        .event(1, "a", json!("a1"))
        .event(2, "end", json!(0))
        .event(3, "a", json!("a2"))
        .event(4, "stop", json!(0))
        .run(
            "do: [{hear: {listen: {to: {any: [{with: {type: a}}], until: {all: [{with: {type: end}}, {with: {type: stop}}]}}}, foreach: {output: {as: '${ [$item, $index] }'}}}}]",
            &json!({}),
        );
    assert_eq!(run.finished, Finished::Completed(json!([["a1", 0], ["a2", 1]]).into()));
    let last = run.journal.last().expect("there are some");
    assert_eq!(&*last.effect, "/do/0/hear/event/3");
}

#[test]
fn while_an_iteration_runs_it_does_not_listen() {
    let mut execution = begun(FOREACH, &json!({}));
    assert_eq!(execution.listening().len(), 1);
    give(&mut execution, "/do/0/hear/event/0", (1, received("evt_1", "a", json!({"n": 1}))))
        .expect("awaited");
    assert!(execution.listening().is_empty());
    let answer = Outcome::Answered(tenon_engine::Answer {
        status: 200,
        headers: None,
        content: json!({"body": {"n": 1}}),
        used: Vec::new(),
    });
    give(&mut execution, "/do/0/hear[0]/foreach/do/0/ask", (2, answer)).expect("awaited");
    let listening = execution.listening();
    assert_eq!((listening.len(), &*listening[0].effect), (1, "/do/0/hear/event/1"));
    let event = |data: Value| json!({"type": "a", "data": data});
    assert!(!execution.wants("/do/0/hear/event/1", "evt_1", &event(json!({"n": 1}))), "it is consumed");
    assert!(execution.wants("/do/0/hear/event/1", "evt_2", &event(json!({"n": 2}))));
    assert!(!execution.wants("/do/0/hear/event/0", "evt_2", &event(json!({"n": 2}))), "that one is over");
}

#[test]
fn what_iterations_do_to_the_context_changes_no_filter() {
    let workflow = "do:
- first: {set: {x: 0}, export: {as: '${ {least: 1} }'}}
- hear:
    listen: {to: {any: [{with: {type: a, data: '${ .n > $context.least }'}}], until: '${ $context.least == 100 and length == 2 }'}}
    foreach: {export: {as: '${ {least: 100} }'}}
- last: {set: {output: '${ . }', least: '${ $context.least }'}}";
    numbers(5).check(workflow, json!({}), json!({"output": [{"n": 2}, {"n": 3}], "least": 100}));
}

#[test]
fn a_timeout_ends_a_listen_and_its_iteration() {
    let workflow = "do:
- attempt:
    try:
    - hear: {timeout: {after: PT1S}, listen: {to: {any: [], until: '${ false }'}}, foreach: {do: [{nap: {wait: PT5S}}]}}
    catch: {do: [{late: {set: '${ $error.instance }'}}]}";
    let run = numbers(5).run(workflow, &json!({}));
    assert_eq!(run.finished, Finished::Completed(json!("/do/0/attempt/try/0/hear").into()));
    assert_eq!(
        (run.took.as_secs(), &*run.withdrawn),
        (1, &["/do/0/attempt/try/0/hear[0]/foreach/do/0/nap".to_owned()][..])
    );
    let nothing = numbers(0).run(workflow, &json!({}));
    assert_eq!(nothing.withdrawn, ["/do/0/attempt/try/0/hear/event/0"]);
}

#[test]
fn a_foreach_that_faults_faults_the_listen_and_a_retry_around_it_takes_the_next_events() {
    let workflow = "do:
- attempt:
    try:
    - hear:
        listen: {to: {any: [{with: {type: a}}], until: '${ length == 3 }'}}
        foreach: {do: [{ask: {call: http, with: {method: get, endpoint: 'https://host/{n}'}, output: {as: .n}}}]}
    catch: {retry: {delay: PT1S, limit: {attempt: {count: 1}}}}";
    let flaky = |request: &HttpRequest, _: u32| {
        let n = request.url.rsplit('/').next().and_then(|n| n.parse::<u64>().ok());
        if n == Some(2) { unreachable() } else { answered(request, 200, &json!({"n": n})) }
    };
    let world = (1..=5).fold(World::new(&flaky), |world, n| world.event(n, "a", json!({"n": n})));
    let run = world.run(workflow, &json!({}));
    assert_eq!(run.finished, Finished::Completed(json!([3, 4, 5]).into()));
    let at = |n: u64| format!("/do/0/attempt/try/0/hear[{n}]/foreach/do/0/ask");
    let expected = [(at(0), 1), (at(1), 1), (at(0), 2), (at(1), 2), (at(2), 1)];
    assert_eq!(run.performed, expected);
    let first = run.journal.iter().filter(|entry| entry.effect.ends_with("/event/0"));
    assert_eq!(first.map(|entry| entry.attempt).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_listen_that_is_entered_again_takes_the_next_event() {
    let loops = "do:
- loop:
    for: {in: '${ [1, 2, 3] }'}
    do: [{hear: {input: {from: '${ {got: (.got // [])} }'}, listen: {to: {one: {with: {type: a}}}}, output: {as: '${ {got: ($input.got + [.[0].n])} }'}}}]";
    numbers(5).check(loops, json!({}), json!({"got": [1, 2, 3]}));
    let jumps = "do:
- hear: {listen: {to: {one: {with: {type: a}}}}}
- again: {switch: [{more: {when: '.[0].n < 3', then: hear}}]}
- other: {listen: {to: {one: {with: {type: a}}}}}
- both: {set: '${ [$steps.hear[0].n, $steps.other[0].n] }'}";
    numbers(5).check(jumps, json!({}), json!([3, 1]));
}

#[test]
fn a_branch_that_faults_takes_back_the_listen_of_another() {
    let workflow = "do:
- attempt:
    try:
    - all:
        fork:
          branches:
          - hears: {listen: {to: {one: {with: {type: never}}}}}
          - hears2: {listen: {to: {any: [], until: '${ false }'}}, foreach: {do: [{nap: {wait: PT1H}}]}}
          - fails: {do: [{nap: {wait: PT2S}}, {fail: {raise: {error: {type: 'https://x/mine', status: 418}}}}]}
    catch: {do: [{on: {set: '${ $error.status }'}}]}";
    let run = numbers(1).run(workflow, &json!({}));
    assert_eq!(run.finished, Finished::Completed(json!(418).into()));
    let at = |rest: &str| format!("/do/0/attempt/try/0/all/fork/branches/{rest}");
    assert_eq!(run.withdrawn, [at("0/hears/event/0"), at("1/hears2[0]/foreach/do/0/nap")]);
}

#[test]
fn a_job_that_listens_sleeps_and_can_be_cancelled() {
    let mut execution = begun(FOREACH, &json!({}));
    let sleep = execution.sleep().expect("only an event is awaited");
    assert_eq!((sleep.until, sleep.children.len(), sleep.is_retry), (None, 0, false));
    execution.take_effects();
    execution.cancel(START);
    assert_eq!(execution.take_withdrawn().len(), 1);
    assert!(execution.listening().is_empty());
    assert!(!execution.wants("/do/0/hear/event/0", "evt_1", &json!({"type": "a", "data": {"n": 1}})));
    assert_eq!(give(&mut execution, "/do/0/hear/event/0", (1, received("evt_1", "a", json!(1)))), None);
}

#[test]
fn a_listen_within_an_iteration_of_a_listen_hears_on_its_own() {
    let workflow = "do:
- outer:
    listen: {to: {any: [{with: {type: a}}], until: '${ length == 2 }'}}
    foreach:
      do:
      - inner: {listen: {to: {one: {with: {type: b, data: '${ .of == $item.n }'}}}}}";
    world()
        .event(1, "a", json!({"n": 1}))
        .event(2, "b", json!({"of": 2}))
        .event(3, "b", json!({"of": 1}))
        .event(4, "a", json!({"n": 2}))
        .check(workflow, json!({}), json!([[{"of": 1}], [{"of": 2}]]));
}

#[test]
fn a_trace_shows_what_was_consumed_and_the_iterations() {
    let steps = numbers(9).steps(FOREACH, &json!({}));
    let hear = &steps[0];
    assert_eq!((hear.kind, hear.state), ("listen", StepState::Completed));
    let arguments = hear.arguments.as_ref().expect("what it listened to");
    assert_eq!(*arguments, json!({"types": ["a"], "events": ["evt_0", "evt_1", "evt_2"]}));
    let ids: Vec<&str> = hear.children.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids[..2], ["/do/0/hear[0]/foreach/do/0/ask", "/do/0/hear[0]/foreach/do/1/both"]);
    assert_eq!(ids.len(), 6);
    // Before any event it waits.
    let program = crate::world::program(FOREACH);
    let (steps, _) = tenon_engine::trace::steps(crate::world::job(&program, &json!({})), &[]);
    assert_eq!(steps[0].state, StepState::Waiting);
}
