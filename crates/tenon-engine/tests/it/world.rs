//! A world without clock or network: answers effects, remembers the journal, and can crash.
//!
//! What it does depends on nothing but the job and the time, so a job that goes on after a crash finds the
//! same world. A call ends after a millisecond; one whose address says `?at=250` ends 250 ms after the start.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tenon_engine::trace::{self, Step, StepState};
use tenon_engine::{
    Accepted, Answer, ChildEnd, Effect, EffectAction, Execution, Failure, FailureKind, Finished, HttpRequest,
    Job, Notice, Outcome, Progress, Recorded, Timestamp,
};
use tenon_workflow::{Document, Program};

/// 2026-01-01T00:00:00Z.
pub(crate) const START: Timestamp = Timestamp(1_767_225_600_000_000);

/// What the outside does with a request: the attempt is given too.
pub(crate) type Callee = dyn Fn(&HttpRequest, u32) -> Outcome;

/// When a child job (`job_<name of the workflow>`) ends, in milliseconds after `START`, and how.
pub(crate) type Children = dyn Fn(&str) -> (u64, ChildEnd);

/// What there is besides the job.
pub(crate) struct World<'a> {
    callee: &'a Callee,
    children: &'a Children,
    /// Milliseconds after `START`, id, envelope; in order of capture.
    events: Vec<(u64, String, Value)>,
}

/// What happened to a job from start to end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    pub(crate) finished: Finished,
    pub(crate) journal: Vec<Recorded>,
    /// Every effect that left the core and is not only waited for: id, attempt.
    pub(crate) performed: Vec<(String, u32)>,
    /// Effects that were given out and then not wanted any more.
    pub(crate) withdrawn: Vec<String>,
    pub(crate) notices: Vec<Notice>,
    /// When it ended, since `START`.
    pub(crate) took: Duration,
}

// === impl World ===

impl<'a> World<'a> {
    pub(crate) fn new(callee: &'a Callee) -> Self {
        let children: &Children = &|_| (0, ChildEnd::Completed { output: Value::Null });
        Self { callee, children, events: Vec::new() }
    }

    pub(crate) fn with_children(self, children: &'a Children) -> Self {
        Self { children, ..self }
    }

    /// An event of a type is captured so many milliseconds after the start; its id is `evt_<number from 0>`.
    pub(crate) fn event(self, at: u64, kind: &str, data: Value) -> Self {
        self.envelope(at, json!({ "type": kind, "source": "https://here", "data": data }))
    }

    pub(crate) fn envelope(mut self, at: u64, envelope: Value) -> Self {
        self.events.push((at, format!("evt_{}", self.events.len()), envelope));
        self
    }

    /// When an effect ends, as far as is known, and what comes of it.
    fn end(&self, execution: &Execution, effect: &Effect, now: Timestamp) -> Option<(Timestamp, Outcome)> {
        let soon = now.after(Duration::from_millis(1));
        Some(match &effect.action {
            EffectAction::Timer { due } => (now.max(*due), Outcome::Fired),
            EffectAction::Http(request) => {
                (soon.max(said(&request.url)), (self.callee)(request, effect.attempt))
            }
            EffectAction::Emit(_) => (soon, Outcome::Emitted),
            EffectAction::Grpc(request) => {
                let content = json!({ "method": request.method, "arguments": request.arguments });
                let answer = Answer { status: 200, headers: None, content, used: Vec::new() };
                (soon, Outcome::Answered(answer))
            }
            EffectAction::StartChild(request) => {
                (soon, Outcome::Started { job: format!("job_{}", request.name) })
            }
            EffectAction::AwaitChild { job } => {
                let (at, end) = (self.children)(job);
                (now.max(since_start(at)), Outcome::Ended(end))
            }
            EffectAction::Listen(_) => {
                let wanted = |event: &&(u64, String, Value)| execution.wants(&effect.id, &event.1, &event.2);
                let (at, event, envelope) = self.events.iter().find(wanted)?;
                let (event, envelope) = (event.clone(), envelope.clone());
                (now.max(since_start(*at)), Outcome::Received { event, envelope })
            }
        })
    }

    /// The effect that ends first, of several the one that began first.
    fn first_to_end(
        &self,
        execution: &Execution,
        out: &[Effect],
        now: Timestamp,
    ) -> (usize, (Timestamp, Outcome)) {
        let ends = out.iter().enumerate();
        let ends = ends.filter_map(|(place, effect)| Some((place, self.end(execution, effect, now)?)));
        ends.min_by_key(|(_, (at, _))| *at).expect("a job that has not ended waits for something that comes")
    }

    /// Runs to the end, going on from a journal.
    pub(crate) fn run_from(&self, job: Job, journal: &[Recorded]) -> Run {
        let mut execution = Execution::new(job);
        execution.observe();
        execution.prepare(journal);
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
            withdrawn: Vec::new(),
            notices: Vec::new(),
            took: Duration::ZERO,
        };
        let mut out: Vec<Effect> = Vec::new();
        loop {
            run.notices.extend(execution.take_notices());
            let withdrawn = execution.take_withdrawn();
            out.retain(|effect| !withdrawn.contains(&effect.id));
            run.withdrawn.extend(withdrawn.iter().map(ToString::to_string));
            if let Some(finished) = execution.finished() {
                assert!(out.is_empty(), "still awaited at the end: {out:?}");
                run.finished = finished.clone();
                run.took = Duration::from_micros(u64::try_from(now.0 - START.0).expect("time goes on"));
                return run;
            }
            out.extend(execution.take_effects());
            assert_eq!(execution.sleep().is_some(), out.iter().all(Effect::is_wait), "{out:?}");
            let (next, (at, outcome)) = self.first_to_end(&execution, &out, now);
            let effect = out.remove(next);
            if !effect.is_wait() {
                run.performed.push((effect.id.to_string(), effect.attempt));
            }
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

    /// Runs a workflow, then again with a crash after every outcome: nothing may differ. Its trace is whole.
    #[track_caller]
    pub(crate) fn run(&self, yaml: &str, input: &Value) -> Run {
        let program = program(yaml);
        let run = self.run_from(job(&program, input), &[]);
        for crash in 0..=run.journal.len() {
            let again = self.run_from(job(&program, input), &run.journal[..crash]);
            assert_eq!(again.finished, run.finished, "after a crash at outcome {crash}");
            assert_eq!(again.journal, run.journal, "after a crash at outcome {crash}");
            assert_eq!(again.notices, run.notices, "after a crash at outcome {crash}");
        }
        let (steps, diverged) = trace::steps(job(&program, input), &run.journal);
        assert_eq!(diverged, None);
        for step in all_steps(&steps) {
            assert!(!matches!(step.state, StepState::Running | StepState::Waiting), "{step:?}");
        }
        run
    }

    /// The output of a workflow that completes.
    #[track_caller]
    pub(crate) fn check(&self, yaml: &str, input: Value, expected: Value) {
        match self.run(yaml, &input).finished {
            Finished::Completed(output) => assert_eq!(*output, expected),
            other => panic!("expected {expected}, got {other:?}"),
        }
    }

    /// The error of a workflow that faults: last part of its type, status, instance.
    #[track_caller]
    pub(crate) fn check_fault(&self, yaml: &str, input: Value, expected: (&str, u16, &str)) {
        match self.run(yaml, &input).finished {
            Finished::Faulted(error) => {
                let kind = error.r#type.rsplit('/').next().unwrap_or_default();
                assert_eq!((kind, error.status, error.instance.as_str()), expected, "{error:?}");
            }
            other => panic!("expected a fault, got {other:?}"),
        }
    }

    /// The steps of a workflow that ends.
    #[track_caller]
    pub(crate) fn steps(&self, yaml: &str, input: &Value) -> Vec<Step> {
        let program = program(yaml);
        let run = self.run_from(job(&program, input), &[]);
        trace::steps(job(&program, input), &run.journal).0
    }
}

/// The moment that an address asks for.
fn said(url: &str) -> Timestamp {
    let at = url.split_once("?at=").and_then(|(_, at)| at.parse().ok());
    at.map_or(START, since_start)
}

fn since_start(millis: u64) -> Timestamp {
    START.after(Duration::from_millis(millis))
}

/// All steps of a tree.
pub(crate) fn all_steps(steps: &[Step]) -> Vec<&Step> {
    steps.iter().flat_map(|step| std::iter::once(step).chain(all_steps(&step.children))).collect()
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

/// A job that has gone as far as it goes without an outcome.
pub(crate) fn begun(yaml: &str, input: &Value) -> Execution {
    let mut execution = Execution::new(job(&program(yaml), input));
    while execution.resume() == Progress::Yielded {}
    execution
}

/// Gives an outcome; the entry, if it was awaited.
pub(crate) fn give(
    execution: &mut Execution,
    effect: &str,
    (at, outcome): (u64, Outcome),
) -> Option<Recorded> {
    let at = since_start(at);
    let accepted = Accepted { effect: effect.into(), attempt: 1, started_at: START, at, outcome };
    let (recorded, mut progress) = execution.accept(accepted)?;
    while progress == Progress::Yielded {
        progress = execution.resume();
    }
    Some(recorded)
}

/// Runs a workflow in a world of nothing but a callee.
#[track_caller]
pub(crate) fn run(yaml: &str, input: &Value, callee: &Callee) -> Run {
    World::new(callee).run(yaml, input)
}

/// The output of a workflow that completes.
#[track_caller]
pub(crate) fn check(yaml: &str, input: Value, expected: Value) {
    check_with(yaml, input, &echo, expected);
}

/// The same with a callee.
#[track_caller]
pub(crate) fn check_with(yaml: &str, input: Value, callee: &Callee, expected: Value) {
    World::new(callee).check(yaml, input, expected);
}

/// The error of a workflow that faults: last part of its type, status, instance.
#[track_caller]
pub(crate) fn check_fault(yaml: &str, input: Value, callee: &Callee, expected: (&str, u16, &str)) {
    World::new(callee).check_fault(yaml, input, expected);
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
        used: Vec::new(),
        error: FailureKind::Communication,
        status: 502,
        detail: "connection refused".to_owned(),
    })
}
