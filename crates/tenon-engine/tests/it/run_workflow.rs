//! `run: workflow` (rule 21): two effects, one to start the child and one to wait for its end.

use serde_json::{Value, json};
use tenon_engine::trace::StepState;
use tenon_engine::{ChildEnd, EffectAction, Error, Execution, Finished, Outcome, Progress};

use crate::world::{START, World, begun, echo, give, job, program};

const AWAITED: &str = "do:
- child:
    run: {workflow: {namespace: shop, name: bill, version: '1.2.0', input: {order: '${ .id }'}}}
    output: {as: '${ {billed: .} }'}";

fn completed(output: Value) -> (u64, ChildEnd) {
    (5_000, ChildEnd::Completed { output })
}

#[test]
fn an_awaited_child_gives_its_output() {
    let children = |job: &str| {
        assert_eq!(job, "job_bill");
        completed(json!({"total": 3}))
    };
    let world = World::new(&echo).with_children(&children);
    let run = world.run(AWAITED, &json!({"id": 7}));
    assert_eq!(run.finished, Finished::Completed(json!({"billed": {"total": 3}}).into()));
    assert_eq!(run.performed, [("/do/0/child".to_owned(), 1)]);
    let ids: Vec<&str> = run.journal.iter().map(|entry| &*entry.effect).collect();
    assert_eq!(ids, ["/do/0/child", "/do/0/child/child"]);
    assert_eq!(run.took.as_secs(), 5);
}

#[test]
fn what_is_asked_for_has_the_evaluated_input_or_an_empty_one() {
    let mut execution = begun(AWAITED, &json!({"id": 7}));
    let effects = execution.take_effects();
    let EffectAction::StartChild(request) = &effects[0].action else { panic!("{effects:?}") };
    assert_eq!((&*request.namespace, &*request.name, &*request.version), ("shop", "bill", "1.2.0"));
    assert_eq!((&request.input, request.is_awaited), (&json!({"order": 7}), true));
    assert!(request.deferred.is_none());
    let bare =
        "do: [{child: {run: {workflow: {namespace: shop, name: bill, version: latest}, await: false}}}]";
    let effects = begun(bare, &json!({"id": 7})).take_effects();
    let EffectAction::StartChild(request) = &effects[0].action else { panic!("{effects:?}") };
    assert_eq!((&request.input, request.is_awaited), (&json!({}), false));
}

#[test]
fn a_child_that_is_not_awaited_gives_the_tasks_transformed_input() {
    let workflow = "do:
- child: {input: {from: .inside}, run: {workflow: {namespace: shop, name: bill, version: latest}, await: false}}";
    let world = World::new(&echo);
    let run = world.run(workflow, &json!({"inside": {"n": 1}}));
    assert_eq!(run.finished, Finished::Completed(json!({"n": 1}).into()));
    assert_eq!(run.journal.len(), 1);
}

#[test]
fn a_childs_fault_is_the_tasks_error_with_the_tasks_instance() {
    let error = Error {
        r#type: "https://x/mine".to_owned(),
        status: 418,
        title: "Teapot".to_owned(),
        detail: Some("short and stout".to_owned()),
        instance: "/do/3/inside".to_owned(),
    };
    let children = move |_: &str| (10, ChildEnd::Faulted { error: error.clone() });
    let world = World::new(&echo).with_children(&children);
    world.check_fault(AWAITED, json!({"id": 1}), ("mine", 418, "/do/0/child"));
    let caught = "do:
- attempt:
    try: [{child: {run: {workflow: {namespace: shop, name: bill, version: latest}}}}]
    catch: {do: [{see: {set: '${ $error }'}}]}";
    let instance = "/do/0/attempt/try/0/child";
    let seen = json!({"type": "https://x/mine", "status": 418, "title": "Teapot", "detail": "short and stout", "instance": instance});
    world.check(caught, json!({}), seen);
}

#[test]
fn a_cancelled_child_is_a_runtime_error() {
    let children = |_: &str| (10, ChildEnd::Cancelled);
    let world = World::new(&echo).with_children(&children);
    world.check_fault(AWAITED, json!({"id": 1}), ("runtime", 500, "/do/0/child"));
}

#[test]
fn while_it_awaits_a_child_the_job_sleeps_and_says_for_which() {
    let mut execution = begun(AWAITED, &json!({"id": 7}));
    assert_eq!(execution.sleep(), None);
    give(&mut execution, "/do/0/child", (1, Outcome::Started { job: "job_9".to_owned() })).expect("awaited");
    let sleep = execution.sleep().expect("nothing else is awaited");
    assert_eq!((sleep.children, sleep.until, sleep.is_retry), (vec!["job_9".to_owned()], None, false));
    let effects = execution.take_effects();
    assert!(matches!(&effects[0].action, EffectAction::AwaitChild { job } if job == "job_9"));
    assert!(effects[0].is_wait());
}

#[test]
fn a_job_that_ends_takes_its_wait_for_a_child_back() {
    for ends_by_cancel in [true, false] {
        let workflow = format!("timeout: {{after: PT1M}}\n{AWAITED}");
        let mut execution = begun(&workflow, &json!({"id": 7}));
        give(&mut execution, "/do/0/child", (1, Outcome::Started { job: "job_9".to_owned() }));
        execution.take_effects();
        if ends_by_cancel {
            execution.cancel(START);
        } else {
            give(&mut execution, "/timeout", (60_000, Outcome::Fired)).expect("awaited");
        }
        assert!(execution.finished().is_some());
        assert!(execution.take_withdrawn().iter().any(|id| &**id == "/do/0/child/child"));
        assert_eq!(execution.take_abandoned(), ["job_9"]);
        let late = Outcome::Ended(ChildEnd::Cancelled);
        assert_eq!(give(&mut execution, "/do/0/child/child", (2, late)), None);
    }
}

#[test]
fn a_replay_tells_again_which_children_have_to_end() {
    let workflow = format!("timeout: {{after: PT1M}}\n{AWAITED}");
    let mut execution = begun(&workflow, &json!({"id": 7}));
    let started = Outcome::Started { job: "job_9".to_owned() };
    let started = give(&mut execution, "/do/0/child", (1, started)).expect("awaited");
    execution.take_effects();
    let fired = give(&mut execution, "/timeout", (60_000, Outcome::Fired)).expect("awaited");
    let mut again = begun(&workflow, &json!({"id": 7}));
    again.replay(&started).expect("the same job");
    assert!(again.take_abandoned().is_empty());
    again.replay(&fired).expect("the same job");
    assert_eq!((again.take_abandoned(), again.take_effects().len()), (vec!["job_9".to_owned()], 0));
    // One that has ended is nobody's business.
    let mut ended = begun(&workflow, &json!({"id": 7}));
    ended.replay(&started).expect("the same job");
    let end = Outcome::Ended(ChildEnd::Completed { output: json!({}) });
    give(&mut ended, "/do/0/child/child", (2, end)).expect("awaited");
    ended.cancel(START);
    assert!(ended.take_abandoned().is_empty());
}

#[test]
fn a_child_that_cannot_be_started_is_an_error_that_a_retry_tries_again() {
    let workflow = "do:
- attempt:
    try: [{child: {run: {workflow: {namespace: shop, name: bill, version: latest}}}}]
    catch: {retry: {delay: PT1S, limit: {attempt: {count: 1}}}}";
    let mut execution = begun(workflow, &json!({}));
    let first = execution.take_effects().remove(0);
    give(&mut execution, &first.id, (1, crate::world::unreachable())).expect("awaited");
    let delay = execution.take_effects().remove(0);
    give(&mut execution, &delay.id, (1_001, Outcome::Fired)).expect("awaited");
    let second = execution.take_effects().remove(0);
    assert_eq!((second.id, second.attempt, second.arguments), (first.id, 2, first.arguments));
}

#[test]
fn a_chain_of_jobs_ends_with_a_runtime_error() {
    let program = program(AWAITED);
    let mut execution = Execution::new(tenon_engine::Job { hops: 32, ..job(&program, &json!({"id": 1})) });
    assert_eq!(execution.resume(), Progress::Finished);
    let Some(Finished::Faulted(error)) = execution.finished() else { panic!("{:?}", execution.finished()) };
    assert!(error.r#type.ends_with("/runtime") && error.instance == "/do/0/child", "{error:?}");
}

#[test]
fn a_replay_with_another_child_diverges() {
    let program = program(AWAITED);
    let mut execution = begun(AWAITED, &json!({"id": 7}));
    let started = |job: &str| Outcome::Started { job: job.to_owned() };
    let first = give(&mut execution, "/do/0/child", (1, started("job_9"))).expect("awaited");
    let end = Outcome::Ended(ChildEnd::Completed { output: Value::Null });
    let second = give(&mut execution, "/do/0/child/child", (2, end)).expect("awaited");
    let mut other = Execution::new(job(&program, &json!({"id": 7})));
    let first = tenon_engine::Recorded { outcome: started("job_8").encode(), ..first };
    other.replay(&first).expect("it is awaited");
    assert!(other.replay(&second).is_err(), "the end of another job than the one that was started");
}

#[test]
fn a_trace_shows_the_childs_id() {
    let children = |_: &str| completed(json!("done"));
    let world = World::new(&echo).with_children(&children);
    let steps = world.steps(AWAITED, &json!({"id": 7}));
    let arguments = steps[0].arguments.as_ref().expect("what was asked for");
    assert_eq!((&arguments["name"], &arguments["input"]), (&json!("bill"), &json!({"order": 7})));
    assert_eq!(arguments["job"], "job_bill");
    assert_eq!((steps[0].kind, steps[0].state, steps[0].attempts.len()), ("run", StepState::Completed, 1));
    // While it runs, the step waits.
    let program = program(AWAITED);
    let run = world.run_from(job(&program, &json!({"id": 7})), &[]);
    let (steps, _) = tenon_engine::trace::steps(job(&program, &json!({"id": 7})), &run.journal[..1]);
    assert_eq!(steps[0].state, StepState::Waiting);
}

#[test]
fn children_of_branches_run_side_by_side_and_the_loser_of_a_race_is_taken_back() {
    let children = |job: &str| match job {
        "job_quick" => (1_000, ChildEnd::Completed { output: json!("quick") }),
        _ => (9_000, ChildEnd::Completed { output: json!("slow") }),
    };
    let world = World::new(&echo).with_children(&children);
    let fork = |compete: bool| {
        format!(
            "do: [{{all: {{fork: {{compete: {compete}, branches: [{{a: {{run: {{workflow: {{namespace: n, name: slow, version: latest}}}}}}}}, {{b: {{run: {{workflow: {{namespace: n, name: quick, version: latest}}}}}}}}]}}}}}}]"
        )
    };
    let both = world.run(&fork(false), &json!({}));
    assert_eq!(both.finished, Finished::Completed(json!(["slow", "quick"]).into()));
    assert_eq!(both.took.as_secs(), 9);
    let race = world.run(&fork(true), &json!({}));
    assert_eq!(race.finished, Finished::Completed(json!("quick").into()));
    assert_eq!(race.withdrawn, ["/do/0/all/fork/branches/0/a/child"]);
}
