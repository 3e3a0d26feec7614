//! What a job can never do: run for ever without being stopped, or write down what cannot be read again.

use std::sync::Arc;

use serde_json::{Value, json};
use tenon_engine::{
    Accepted, Effect, EffectAction, Error, Execution, Finished, HttpRequest, Outcome, Progress, Recorded,
    Timestamp,
};

use crate::world::{START, answered, job, program};

const CATCHES: &str = "a: {try: [{b: {set: {x: 1}, then: b}}], catch: {}, then: a}";

/// As far as it goes without an outcome.
fn begun(yaml: &str, input: &Value) -> Execution {
    let mut execution = Execution::new(job(&program(yaml), input));
    while execution.resume() == Progress::Yielded {}
    execution
}

/// The one effect that is asked for.
#[track_caller]
fn effect(execution: &mut Execution) -> Effect {
    let mut effects = execution.take_effects();
    assert_eq!(effects.len(), 1);
    effects.remove(0)
}

#[track_caller]
fn request(effect: &Effect) -> &HttpRequest {
    let EffectAction::Http(request) = &effect.action else { panic!("a call, not {:?}", effect.action) };
    request
}

#[track_caller]
fn accept(execution: &mut Execution, effect: &Effect, (at, outcome): (Timestamp, Outcome)) -> Recorded {
    let accepted =
        Accepted { effect: Arc::clone(&effect.id), attempt: effect.attempt, started_at: START, at, outcome };
    let (recorded, mut progress) = execution.accept(accepted).expect("it is awaited");
    while progress == Progress::Yielded {
        progress = execution.resume();
    }
    recorded
}

#[track_caller]
fn error(execution: &Execution) -> Error {
    match execution.finished() {
        Some(Finished::Faulted(error)) => error.clone(),
        other => panic!("expected a fault, got {other:?}"),
    }
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!("deep"), |inside, _| json!([inside]))
}

/// Pure work without an end is stopped, whatever a `try` inside or around makes of errors.
#[track_caller]
fn check_stopped(task: &str) {
    let error = error(&begun(&format!("do: [{{{task}}}]"), &json!({})));
    assert!(error.r#type.ends_with("/runtime"), "{error:?}");
    let detail = error.detail.expect("it says what the job did");
    assert!(detail.contains("without any effect"), "{detail}");
}

#[test]
fn a_try_that_catches_and_comes_back_is_stopped() {
    check_stopped(CATCHES);
}

#[test]
fn a_handler_that_comes_back_is_stopped() {
    check_stopped(
        "a: {try: [{b: {set: {x: 1}, then: b}}], catch: {do: [{c: {set: {x: 2}, then: c}}]}, then: a}",
    );
}

#[test]
fn retries_for_a_minute_in_which_no_time_passes_are_stopped() {
    check_stopped(
        "a: {try: [{b: {raise: {error: {type: 'https://x/y', status: 500}}}}], catch: {retry: {limit: {duration: PT1M}}}}",
    );
}

#[test]
fn retries_of_bounded_attempts_are_stopped() {
    check_stopped(
        "a: {try: [{b: {raise: {error: {type: 'https://x/y', status: 500}}}}], catch: {retry: {limit: {attempt: {duration: PT1M}}}}}",
    );
}

#[test]
fn a_job_in_pure_work_gives_its_thread_back_and_can_be_cancelled() {
    let program = program(&format!("do: [{{{CATCHES}}}]"));
    let mut execution = Execution::new(job(&program, &json!({})));
    for slice in 0..3 {
        assert_eq!(execution.resume(), Progress::Yielded, "slice {slice}");
    }
    let cancelled = execution.cancel(START);
    assert_eq!(execution.finished(), Some(&Finished::Cancelled));
    assert_eq!(cancelled.sequence, 0);
    // However far the replay comes before it reads of the cancellation, the job was cancelled.
    let mut again = Execution::new(job(&program, &json!({})));
    again.replay(&cancelled).expect("a cancellation fits everywhere");
    assert_eq!(again.finished(), Some(&Finished::Cancelled));
}

#[test]
fn a_cancellation_that_was_recorded_without_interpreting_the_job_is_the_same_entry() {
    let mut execution = begun("do: [{sleep: {wait: PT1H}}]", &json!({}));
    let at = START.after(std::time::Duration::from_secs(1));
    assert_eq!(execution.cancel(at), Recorded::cancellation(0, at));
}

#[test]
fn a_job_that_a_lane_policy_has_parked_at_its_fault_can_be_cancelled() {
    let mut parked = begun("do: [{bad: {raise: {error: {type: 'https://x/y', status: 500}}}}]", &json!({}));
    assert_eq!(error(&parked).status, 500);
    parked.replay(&Recorded::cancellation(0, START)).expect("a cancellation fits everywhere");
    assert_eq!(parked.finished(), Some(&Finished::Cancelled));
}

#[test]
fn an_answer_of_100_levels_is_replayed_and_a_deeper_one_is_a_communication_error() {
    let program = program(
        "do: [{call: {call: http, with: {method: get, endpoint: 'https://host/x'}}}, {sleep: {wait: PT1H}}]",
    );
    for (levels, is_readable) in
        [(1, true), (99, true), (100, true), (101, false), (120, false), (500, false)]
    {
        let mut execution = Execution::new(job(&program, &json!({})));
        assert_eq!(execution.resume(), Progress::Blocked);
        let effect = effect(&mut execution);
        let outcome = answered(request(&effect), 200, &nested(levels));
        let recorded = accept(&mut execution, &effect, (START, outcome));
        let mut again = Execution::new(job(&program, &json!({})));
        let reached = if is_readable { Progress::Blocked } else { Progress::Finished };
        assert_eq!(again.replay(&recorded), Ok(reached), "{levels} levels");
        assert_eq!(again.finished(), execution.finished(), "{levels} levels");
        if !is_readable {
            let error = error(&execution);
            assert!(error.r#type.ends_with("/communication"), "{levels} levels: {error:?}");
            assert!(error.detail.is_some_and(|detail| detail.contains("cannot be read")), "{levels} levels");
        }
    }
}

#[test]
fn data_that_gets_deeper_with_every_task_ends_with_an_expression_error() {
    let execution = begun("do: [{wrap: {set: {before: '${ . }'}, then: wrap}}]", &json!({}));
    let error = error(&execution);
    assert!(error.r#type.ends_with("/expression"), "{error:?}");
    assert_eq!(error.instance, "/do/0/wrap");
}
