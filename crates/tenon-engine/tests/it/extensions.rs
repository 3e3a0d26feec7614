//! Extensions: tasks around tasks.

use serde_json::json;
use tenon_engine::{Finished, HttpRequest, Outcome};

use crate::world::{World, answered, check, check_fault, echo, run, unreachable};

/// Every call's body, in order.
fn said(run: &crate::world::Run) -> Vec<&str> {
    run.performed.iter().map(|(id, _)| id.as_str()).collect()
}

/// `name`, extending `extend`, which posts the body before and after.
fn logging(name: &str, extend: &str) -> String {
    let call = |when: &str| {
        format!(
            "[{{{when}: {{call: http, with: {{method: post, endpoint: 'https://log', body: {{n: '${{ . }}', about: '${{ $task.name }}'}}}}}}}}]"
        )
    };
    format!("  - {name}: {{extend: {extend}, before: {}, after: {}}}\n", call("pre"), call("post"))
}

#[test]
fn before_runs_in_order_of_declaration_and_after_in_reverse_and_what_they_give_goes_nowhere() {
    let workflow = format!(
        "use:\n  extensions:\n{}{}do:\n- one: {{set: {{n: '${{ .n + 1 }}'}}}}\n- two: {{set: {{n: '${{ .n + 1 }}', steps: '${{ $steps | keys }}'}}}}",
        logging("outer", "all"),
        logging("inner", "set"),
    );
    let run = run(&workflow, &json!({"n": 0}), &echo);
    assert_eq!(run.finished, Finished::Completed(json!({"n": 2, "steps": ["one"]}).into()));
    let around = |task: &str| {
        [
            format!("{task}/use/extensions/0/outer/before/0/pre"),
            format!("{task}/use/extensions/1/inner/before/0/pre"),
            format!("{task}/use/extensions/1/inner/after/0/post"),
            format!("{task}/use/extensions/0/outer/after/0/post"),
        ]
    };
    let expected: Vec<String> = [around("/do/0/one"), around("/do/1/two")].concat();
    assert_eq!(said(&run), expected);
}

#[test]
fn before_sees_the_raw_input_and_after_the_transformed_output() {
    let bodies = std::cell::RefCell::new(Vec::new());
    let callee = {
        let bodies = std::rc::Rc::new(bodies);
        let seen = std::rc::Rc::clone(&bodies);
        let callee = move |request: &HttpRequest, _: u32| -> Outcome {
            seen.borrow_mut().push(request.body.clone());
            answered(request, 200, &json!(null))
        };
        (callee, bodies)
    };
    let workflow = format!(
        "use:\n  extensions:\n{}do: [{{one: {{input: {{from: .inside}}, set: {{a: '${{ . }}'}}, output: {{as: '${{ {{b: .a}} }}'}}}}}}]",
        logging("log", "set"),
    );
    let world = World::new(&callee.0);
    let program = crate::world::program(&workflow);
    let run = world.run_from(crate::world::job(&program, &json!({"inside": 7})), &[]);
    assert_eq!(run.finished, Finished::Completed(json!({"b": 7}).into()));
    let expected = [json!({"n": {"inside": 7}, "about": "one"}), json!({"n": {"b": 7}, "about": "one"})];
    assert_eq!(*callee.1.borrow(), expected.map(Some));
}

#[test]
fn extend_chooses_the_kinds_of_tasks() {
    let kinds = [
        ("set", "t: {set: {x: 1}}"),
        ("call", "t: {call: http, with: {method: get, endpoint: 'https://host/x'}}"),
        ("composite", "t: {do: [{a: {switch: [{d: {then: continue}}]}}]}"),
        ("composite", "t: {fork: {branches: [{a: {switch: [{d: {then: continue}}]}}]}}"),
        ("emit", "t: {emit: {event: {with: {type: a}}}}"),
        ("for", "t: {for: {in: '${ [] }'}, do: [{a: {set: {x: 1}}}]}"),
        ("run", "t: {run: {workflow: {namespace: a, name: b, version: latest}}}"),
        ("switch", "t: {switch: [{d: {then: continue}}]}"),
        ("try", "t: {try: [{a: {switch: [{d: {then: continue}}]}}], catch: {}}"),
        ("wait", "t: {wait: PT1S}"),
        ("listen", "t: {listen: {to: {any: []}}}"),
    ];
    let log = |extend: &str| {
        format!(
            "use: {{extensions: [{{log: {{extend: {extend}, before: [{{pre: {{call: http, with: {{method: get, endpoint: 'https://log'}}}}}}]}}}}]}}"
        )
    };
    for (extend, task) in kinds {
        for chosen in kinds.map(|(kind, _)| kind) {
            let workflow = format!("{}\ndo: [{{{task}}}]", log(chosen));
            let world = World::new(&echo).event(0, "a", json!(1));
            let run = world.run(&workflow, &json!({}));
            let extended = said(&run).contains(&"/do/0/t/use/extensions/0/log/before/0/pre");
            assert_eq!(extended, chosen == extend, "{chosen} extends {task}");
        }
    }
    let raise =
        format!("{}\ndo: [{{t: {{raise: {{error: {{type: 'https://x/y', status: 400}}}}}}}}]", log("raise"));
    assert_eq!(run(&raise, &json!({}), &echo).performed.len(), 1);
}

const MOCK: &str = "use:
  extensions:
  - log: {extend: all, before: [{pre: {call: http, with: {method: get, endpoint: 'https://log/before'}}}], after: [{post: {call: http, with: {method: get, endpoint: 'https://log/after'}}}]}
  - mock:
      extend: call
      when: ($task.with.endpoint | type) == \"string\" and ($task.with.endpoint | startswith(\"https://mocked\"))
      before: [{mocked: {set: {mocked: '${ .n }'}, then: exit}}, {never: {set: {never: true}}}]
      after: [{never: {raise: {error: {type: 'https://x/never', status: 500}}}}]
do:
- ask: {call: http, with: {method: get, endpoint: 'https://mocked/x'}, output: {as: '${ {got: .mocked, n: 1} }'}, export: {as: '${ {exported: .got} }'}, then: last}
- skipped: {set: {never: true}}
- last: {set: {got: '${ .got }', context: '${ $context }', step: '${ $steps.ask.got }'}}";

#[test]
fn exit_in_before_gives_the_raw_output_and_the_rest_of_the_task_applies() {
    let run = run(MOCK, &json!({"n": 5}), &echo);
    assert_eq!(
        run.finished,
        Finished::Completed(json!({"got": 5, "context": {"exported": 5}, "step": 5}).into())
    );
    // The call itself and every `after` of it are left out.
    let of_ask: Vec<&str> = said(&run).into_iter().filter(|id| id.starts_with("/do/0/ask")).collect();
    assert_eq!(of_ask, ["/do/0/ask/use/extensions/0/log/before/0/pre"]);
}

#[test]
fn when_sees_the_tasks_definition_and_raw_input_and_decides_for_each_visit() {
    let workflow = "use:
  extensions:
  - some: {extend: set, when: '$task.set.kind == \"a\" and .go and $task.name == \"one\" and $task.definition.set.kind == \"a\" and $task.input.go', before: [{mark: {set: {marked: true}, then: exit}}]}
do:
- one: {set: {kind: a, go: false}}
- two: {set: {kind: a, was: '${ .marked }'}}
- again: {switch: [{no: {when: '.go == null and .was == true', then: end}}]}";
    check(workflow, json!({"go": true}), json!({"kind": "a", "was": true}));
}

#[test]
fn a_when_that_fails_is_an_error_of_the_task() {
    let workflow = "use: {extensions: [{log: {extend: set, when: '.n | startswith(\"x\")', before: [{a: {set: {x: 1}}}]}}]}
do: [{one: {set: {x: 1}}}]";
    check_fault(workflow, json!({"n": 1}), &echo, ("expression", 400, "/do/0/one"));
}

#[test]
fn a_task_that_is_skipped_is_not_extended() {
    let workflow =
        format!("use:\n  extensions:\n{}do: [{{one: {{if: .no, set: {{x: 1}}}}}}]", logging("log", "all"));
    assert_eq!(run(&workflow, &json!({}), &echo).performed, Vec::new());
}

#[test]
fn tasks_of_extensions_and_the_functions_they_call_are_not_extended() {
    let workflow = "use:
  functions:
    tell: {call: http, with: {method: get, endpoint: 'https://log'}}
  extensions:
  - log: {extend: all, before: [{inside: {do: [{pre: {call: tell}}]}}], after: [{post: {set: {x: 1}}}]}
do:
- one: {call: tell}";
    let run = run(workflow, &json!({}), &echo);
    let before = "use/extensions/0/log/before/0/inside/do/0/pre/use/functions/tell";
    let own = "/do/0/one/use/functions/tell";
    let expected = [format!("/do/0/one/{before}"), format!("{own}/{before}"), own.to_owned()];
    assert_eq!(said(&run), expected);
}

#[test]
fn an_error_in_an_extension_is_caught_around_the_task_and_not_by_it() {
    // Around a task that a `try` guards, the error is that task's: the `try` catches it.
    let inside = "use: {extensions: [{bad: {extend: wait, PLACE: [{fails: {raise: {error: {type: 'https://x/mine', status: 418}}}}]}}]}
do:
- outer:
    try: [{sleep: {wait: PT1S}}]
    catch: {do: [{right: {set: {at: '${ $error.instance }', status: '${ $error.status }'}}}]}";
    for place in ["before", "after"] {
        let pointer = format!("/use/extensions/0/bad/{place}/0/fails");
        check(&inside.replace("PLACE", place), json!({}), json!({"at": pointer, "status": 418}));
    }
    // Around the `try` itself, the error is not its own to catch.
    let around = "use: {extensions: [{bad: {extend: try, when: '$task.name == \"inner\"', PLACE: [{fails: {raise: {error: {type: 'https://x/mine', status: 418}}}}]}}]}
do:
- outer:
    try: [{inner: {try: [{a: {set: {x: 1}}}], catch: {do: [{wrong: {set: {wrong: true}}}]}}}]
    catch: {do: [{right: {set: {at: '${ $error.instance }'}}}]}";
    for place in ["before", "after"] {
        let pointer = format!("/use/extensions/0/bad/{place}/0/fails");
        check(&around.replace("PLACE", place), json!({}), json!({"at": pointer}));
    }
}

#[test]
fn the_tasks_timeout_is_for_the_task_alone() {
    let workflow = "use: {extensions: [{slow: {extend: call, before: [{a: {wait: PT10S}}], after: [{b: {wait: PT10S}}]}}]}
do: [{ask: {timeout: {after: PT5S}, call: http, with: {method: get, endpoint: 'https://host/x?at=12000'}, output: {as: .method}}}]";
    let run = run(workflow, &json!({}), &echo);
    assert_eq!((run.finished, run.took.as_secs()), (Finished::Completed(json!("GET").into()), 22));
}

#[test]
fn end_in_an_extension_ends_the_workflow_and_context_of_its_export_stays() {
    check(
        "use: {extensions: [{stop: {extend: wait, before: [{stop: {set: {stopped: true}, then: end}}]}}]}
do: [{outer: {do: [{sleep: {wait: PT1H}}]}}, {never: {set: {x: 1}}}]",
        json!({}),
        json!({"stopped": true}),
    );
    check(
        "use: {extensions: [{count: {extend: switch, before: [{add: {set: {n: '${ ($context.n // 0) + 1 }'}, export: {as: .}}}]}}]}
do: [{a: {switch: [{x: {then: continue}}]}}, {b: {switch: [{x: {then: continue}}]}}, {last: {set: '${ $context }'}}]",
        json!({}),
        json!({"n": 2}),
    );
}

#[test]
fn an_extension_around_a_branch_and_around_a_task_in_a_loop() {
    let workflow = format!(
        "use:\n  extensions:\n{}do:
- all:
    fork:
      branches:
      - one: {{set: {{n: 1}}}}
      - two: {{for: {{in: '${{ [1, 2] }}'}}, do: [{{add: {{set: {{n: '${{ $item }}'}}}}}}]}}
      - three: {{wait: PT1S}}",
        logging("log", "set")
    );
    let run = run(&workflow, &json!({"n": 0}), &echo);
    assert_eq!(run.finished, Finished::Completed(json!([{"n": 1}, {"n": 2}, {"n": 0}]).into()));
    let log =
        |task: &str, place: &str| format!("/do/0/all/fork/branches/{task}/use/extensions/0/log/{place}");
    let (pre, post) = ("before/0/pre", "after/0/post");
    let (first, second) = ("1/two[0]/do/0/add", "1/two[1]/do/0/add");
    let mut ids = said(&run);
    ids.sort_unstable();
    let expected = [
        log("0/one", post),
        log("0/one", pre),
        log(first, post),
        log(first, pre),
        log(second, post),
        log(second, pre),
    ];
    assert_eq!(ids, expected);
}

#[test]
fn a_race_is_extended_as_a_whole_and_a_retry_repeats_its_extensions() {
    let workflow = format!(
        "use:\n  extensions:\n{}do:
- attempt:
    try:
    - race: {{fork: {{compete: true, branches: [{{slow: {{wait: PT1H}}}}, {{fast: {{call: http, with: {{method: get, endpoint: 'https://host/fast'}}}}}}]}}}}
    catch: {{retry: {{delay: PT1S, limit: {{attempt: {{count: 1}}}}}}}}",
        logging("log", "composite")
    );
    let fails_first = |request: &HttpRequest, attempt: u32| match (request.url.as_str(), attempt) {
        ("https://host/fast", 1) => unreachable(),
        _ => answered(request, 200, &json!("fine")),
    };
    // A race that waits for its other branch has not faulted: it takes the hour.
    let slow = run(&workflow, &json!({}), &fails_first);
    assert_eq!(slow.took.as_secs(), 3600);
    let all = workflow.replace("compete: true", "compete: false").replace("PT1H", "PT1S");
    let repeated = run(&all, &json!({}), &fails_first);
    assert_eq!(repeated.finished, Finished::Completed(json!([{}, "fine"]).into()));
    let (pre, post) = ("before/0/pre", "after/0/post");
    let attempts: Vec<(&str, u32)> = repeated
        .performed
        .iter()
        .filter(|(id, _)| id.contains("extensions"))
        .map(|(id, attempt)| (if id.ends_with(pre) { pre } else { post }, *attempt))
        .collect();
    assert_eq!(attempts, [(pre, 1), (pre, 2), (post, 1)]);
}

#[test]
fn task_in_an_extension_is_the_extended_task_with_its_output_afterwards() {
    let workflow = "use:
  extensions:
  - look:
      extend: set
      before: [{deep: {do: [{a: {set: '${ $task | del(.startedAt, .definition) }', export: {as: '${ {before: .} }'}}}]}}]
      after: [{b: {set: '${ [$task.reference, $task.output, $task.input, $task.set] }', export: {as: '${ $context + {after: .} }'}}}]
do:
- one: {set: {v: '${ .n }'}, output: {as: .v}}
output: {as: '${ $context }'}";
    check(
        workflow,
        json!({"n": 4}),
        json!({
            "before": {"set": {"v": "${ .n }"}, "name": "one", "reference": "/do/0/one", "input": {"n": 4}},
            "after": ["/do/0/one", {"v": 4}, {"n": 4}, {"v": "${ .n }"}],
        }),
    );
}

#[test]
fn a_trace_shows_extensions_as_children_of_the_task() {
    let steps = World::new(&echo).steps(MOCK, &json!({"n": 5}));
    let names: Vec<&str> = steps[0].children.iter().map(|step| step.task.as_str()).collect();
    assert_eq!(names, ["pre", "mocked"]);
    let names: Vec<&str> = steps[1].children.iter().map(|step| step.task.as_str()).collect();
    assert_eq!((steps[1].task.as_str(), names), ("last", vec!["pre", "post"]));
}
