//! A world without clock or network: answers effects by a function, remembers the journal, and can crash.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tenon_engine::{
    Accepted, Effect, EffectAction, Execution, Failure, FailureKind, Finished, HttpRequest, Job, Outcome,
    Progress, Recorded, Timestamp,
};
use tenon_workflow::{Document, Program};

/// 2026-01-01T00:00:00Z.
pub(crate) const START: Timestamp = Timestamp(1_767_225_600_000_000);

/// What the outside does with a request: the attempt is given too.
pub(crate) type Callee = dyn Fn(&HttpRequest, u32) -> Outcome;

/// What happened to a job from start to end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    pub(crate) finished: Finished,
    pub(crate) journal: Vec<Recorded>,
    /// Every effect that left the core: id, attempt.
    pub(crate) performed: Vec<(String, u32)>,
    /// When it ended, since `START`.
    pub(crate) took: Duration,
}

pub(crate) fn program(yaml: &str) -> Arc<Program> {
    let yaml = if yaml.trim_start().starts_with("document:") {
        yaml.to_owned()
    } else {
        format!("document: {{dsl: '1.0.3', namespace: test, name: test, version: '1.0.0'}}\n{yaml}")
    };
    let document = Document::parse(&yaml).unwrap_or_else(|errors| panic!("{errors:#?}"));
    Arc::new(tenon_workflow::compile(&document).unwrap_or_else(|errors| panic!("{errors:#?}")))
}

pub(crate) fn job(program: &Arc<Program>, input: &Value) -> Job {
    Job {
        id: "job_0000000000001".to_owned(),
        program: Arc::clone(program),
        event: None,
        input: Arc::new(input.clone()),
        captured_at: START,
        runtime: Arc::new(json!({ "name": "tenon", "version": "1" })),
        hops: 0,
    }
}

/// Runs to the end, going on from a journal; answers take a millisecond, timers fire when they are due.
pub(crate) fn run_from(job: Job, journal: &[Recorded], callee: &Callee) -> Run {
    let mut execution = Execution::new(job);
    while execution.resume() == Progress::Yielded {}
    let mut now = START;
    for recorded in journal {
        execution.replay(recorded).expect("the journal was made by this program");
        now = now.max(recorded.at);
    }
    let mut run = Run {
        finished: Finished::Cancelled,
        journal: journal.to_vec(),
        performed: Vec::new(),
        took: Duration::ZERO,
    };
    let mut out: Vec<Effect> = Vec::new();
    loop {
        let withdrawn = execution.take_withdrawn();
        out.retain(|effect| !withdrawn.contains(&effect.id));
        if let Some(finished) = execution.finished() {
            run.finished = finished.clone();
            run.took = Duration::from_micros(u64::try_from(now.0 - START.0).expect("time goes on"));
            return run;
        }
        out.extend(execution.take_effects());
        assert!(!out.is_empty(), "a job that has not ended waits for something");
        let next = first_to_end(&out, now);
        let effect = out.remove(next);
        let (at, outcome) = match &effect.action {
            EffectAction::Timer { due } => (now.max(*due), Outcome::Fired),
            EffectAction::Http(request) => {
                run.performed.push((effect.id.to_string(), effect.attempt));
                (now.after(Duration::from_millis(1)), callee(request, effect.attempt))
            }
            EffectAction::Emit(_) => {
                run.performed.push((effect.id.to_string(), effect.attempt));
                (now.after(Duration::from_millis(1)), Outcome::Emitted)
            }
        };
        let started_at = now;
        now = at;
        let accepted =
            Accepted { effect: Arc::clone(&effect.id), attempt: effect.attempt, started_at, at, outcome };
        let (recorded, mut progress) = execution.accept(accepted).expect("it was awaited");
        run.journal.push(recorded);
        while progress == Progress::Yielded {
            progress = execution.resume();
        }
    }
}

/// Calls end before timers that are due later.
fn first_to_end(out: &[Effect], now: Timestamp) -> usize {
    let ends = |effect: &Effect| match effect.action {
        EffectAction::Timer { due } => due.max(now),
        _ => now.after(Duration::from_millis(1)),
    };
    (0..out.len()).min_by_key(|place| ends(&out[*place])).expect("it is not empty")
}

/// Runs a workflow, then again with a crash after every outcome: nothing may differ.
#[track_caller]
pub(crate) fn run(yaml: &str, input: &Value, callee: &Callee) -> Run {
    let program = program(yaml);
    let run = run_from(job(&program, input), &[], callee);
    for crash in 0..=run.journal.len() {
        let again = run_from(job(&program, input), &run.journal[..crash], callee);
        assert_eq!(again.finished, run.finished, "after a crash at outcome {crash}");
        assert_eq!(again.journal, run.journal, "after a crash at outcome {crash}");
    }
    run
}

/// The output of a workflow that completes.
#[track_caller]
pub(crate) fn check(yaml: &str, input: Value, expected: Value) {
    check_with(yaml, input, &echo, expected);
}

/// The same with a callee.
#[track_caller]
pub(crate) fn check_with(yaml: &str, input: Value, callee: &Callee, expected: Value) {
    match run(yaml, &input, callee).finished {
        Finished::Completed(output) => assert_eq!(*output, expected),
        other => panic!("expected {expected}, got {other:?}"),
    }
}

/// The error of a workflow that faults: last part of its type, status, instance.
#[track_caller]
pub(crate) fn check_fault(yaml: &str, input: Value, callee: &Callee, expected: (&str, u16, &str)) {
    match run(yaml, &input, callee).finished {
        Finished::Faulted(error) => {
            let kind = error.r#type.rsplit('/').next().unwrap_or_default();
            assert_eq!((kind, error.status, error.instance.as_str()), expected, "{error:?}");
        }
        other => panic!("expected a fault, got {other:?}"),
    }
}

/// Answers with what it was asked: method, url, body.
pub(crate) fn echo(request: &HttpRequest, _: u32) -> Outcome {
    let answer = json!({ "method": request.method, "url": request.url, "body": request.body });
    answered(request, 200, &answer)
}

/// An answer of JSON.
pub(crate) fn answered(request: &HttpRequest, status: u16, body: &Value) -> Outcome {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    request.outcome(status, headers, body.to_string().as_bytes())
}

/// A network fault.
pub(crate) fn unreachable() -> Outcome {
    Outcome::Failed(Failure {
        error: FailureKind::Communication,
        status: 502,
        detail: "connection refused".to_owned(),
    })
}
