//! Traces: every step with input, output, timing and attempts, written down while a journal is played back.
//!
//! Nothing of this is stored; a running job has no recorder. The price of a trace is paid by who looks at it.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};
use tenon_workflow::{Action, EventTypes, Task};

use crate::{EffectAction, Error, Execution, Job, Outcome, Recorded, Timestamp, Used};

/// What a trace shows of one step.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Stable address within the job.
    pub id: String,
    /// The task's name.
    pub task: String,
    /// JSON Pointer in the document.
    pub reference: String,
    /// `call`, `set`, …
    pub kind: &'static str,
    /// How it stands.
    pub state: StepState,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339.
    pub ended_at: Option<String>,
    /// Of its effect; a `try` shows its retries in the steps inside.
    pub attempts: Vec<Attempt>,
    /// What the effect was asked to do. A `run` says its child's id too, as `job`; a `listen` the events that it
    /// has consumed, as `events`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Value>,
    /// Transformed input.
    pub input: Option<Value>,
    /// Transformed output.
    pub output: Option<Value>,
    /// What it faulted with.
    pub error: Option<Error>,
    /// Steps inside, by first entry.
    pub children: Vec<Step>,
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// Begun.
    Running,
    /// Asleep until a moment, an event, or the end of a child job.
    Waiting,
    /// Has an output.
    Completed,
    /// Has an error.
    Faulted,
    /// Ended by a timeout around it, by another branch of its `fork`, or with its job.
    Cancelled,
    /// Its `if` did not hold.
    Skipped,
}

/// One attempt of a step's effect.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    /// RFC 3339; absent while no outcome is recorded.
    pub started_at: Option<String>,
    /// RFC 3339; when its step ended, if it was called off before it had an outcome.
    pub ended_at: Option<String>,
    /// Why it failed.
    pub error: Option<Error>,
    /// The versions of secrets and configuration that it used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub used: Vec<Used>,
}

/// Plays a journal back and gives the steps. A journal that diverges gives the steps up to there and why.
pub fn steps(job: Job, journal: &[Recorded]) -> (Vec<Step>, Option<crate::Diverged>) {
    let mut execution = Execution::recorded(job, Recorder::default());
    let mut diverged = None;
    execution.prepare(journal);
    while execution.resume() == crate::Progress::Yielded {}
    for recorded in journal {
        if let Err(error) = execution.replay(recorded) {
            diverged = Some(error);
            break;
        }
    }
    let recorder = execution.into_recorder().unwrap_or_default();
    (recorder.into_steps(), diverged)
}

/// What all values of a trace may take, bytes of JSON, about.
const TRACE_BYTES: usize = 64 << 20;
/// The most steps of a trace; what comes after them is left out.
const TRACE_STEPS: usize = 100_000;

/// Writes steps down as the machine takes them.
#[derive(Debug, Default)]
pub struct Recorder {
    /// Bytes of values that were kept.
    kept: usize,
    steps: Vec<Entry>,
    by_address: HashMap<Arc<str>, usize>,
    /// Steps that are open, by first entry.
    open: Vec<usize>,
}

#[derive(Debug)]
struct Entry {
    step: Step,
    parent: Option<usize>,
}

// === impl Recorder ===

impl Recorder {
    /// A task begins, inside the one at the address of `parent`.
    pub(crate) fn entered(
        &mut self,
        (address, parent): (&Arc<str>, Option<&Arc<str>>),
        task: &Task,
        raw_input: &Value,
        now: Timestamp,
    ) {
        if self.steps.len() >= TRACE_STEPS && !self.by_address.contains_key(address) {
            return;
        }
        let parent = parent.and_then(|parent| self.by_address.get(parent).copied());
        let input = self.keep(raw_input);
        let index = *self.by_address.entry(Arc::clone(address)).or_insert_with(|| {
            let step = Step {
                id: address.to_string(),
                task: task.name.clone(),
                reference: task.pointer.clone(),
                kind: kind(&task.action),
                state: StepState::Running,
                started_at: now.rfc3339(),
                ended_at: None,
                attempts: Vec::new(),
                arguments: None,
                input: None,
                output: None,
                error: None,
                children: Vec::new(),
            };
            self.steps.push(Entry { step, parent });
            self.steps.len() - 1
        });
        let step = &mut self.steps[index].step;
        step.state = StepState::Running;
        step.ended_at = None;
        step.error = None;
        step.input = Some(input);
        self.open.push(index);
    }

    pub(crate) fn input(&mut self, address: &Arc<str>, input: &Value) {
        if self.by_address.contains_key(address) {
            let input = self.keep(input);
            self.find(address).expect("looked up a line ago").input = Some(input);
        }
    }

    pub(crate) fn skipped(&mut self, address: &Arc<str>, now: Timestamp) {
        self.close(address, now, StepState::Skipped);
    }

    pub(crate) fn completed(&mut self, address: &Arc<str>, output: &Value, now: Timestamp) {
        if self.by_address.contains_key(address) {
            let output = self.keep(output);
            self.close(address, now, StepState::Completed).expect("looked up a line ago").output =
                Some(output);
        }
    }

    pub(crate) fn faulted(&mut self, address: &Arc<str>, error: &Error, now: Timestamp) {
        if let Some(step) = self.close(address, now, StepState::Faulted) {
            step.error = Some(error.clone());
        }
    }

    pub(crate) fn cancelled(&mut self, address: &Arc<str>, now: Timestamp) {
        self.close(address, now, StepState::Cancelled);
    }

    /// The task at an address makes an effect.
    pub(crate) fn issued(
        &mut self,
        (address, id): (&Arc<str>, &Arc<str>),
        attempt: u32,
        action: &EffectAction,
    ) {
        let arguments = match action {
            EffectAction::Timer { due } if id == address => json!({ "until": due.rfc3339() }),
            EffectAction::Timer { .. } => return,
            EffectAction::Http(request) => self.keep(&request.shown()),
            EffectAction::Grpc(request) => self.keep(&json!(request)),
            EffectAction::StartChild(request) => self.keep(&json!(request)),
            EffectAction::Emit(event) => self.keep(event),
            EffectAction::Listen(types) => json!({ "types": names(types) }),
            EffectAction::AwaitChild { job } => json!({ "job": job }),
        };
        let Some(step) = self.find(address) else { return };
        match action {
            EffectAction::Timer { .. } => step.arguments = Some(arguments),
            EffectAction::Listen(_) | EffectAction::AwaitChild { .. } => step.show(arguments),
            _ => {
                step.arguments = Some(arguments);
                return step.attempts.push(Attempt {
                    number: attempt,
                    started_at: None,
                    ended_at: None,
                    error: None,
                    used: Vec::new(),
                });
            }
        }
        step.state = StepState::Waiting;
    }

    /// What came of an effect of the task at an address.
    pub(crate) fn outcome(&mut self, address: &Arc<str>, recorded: &Recorded, outcome: &Outcome) {
        let Some(step) = self.find(address) else { return };
        match outcome {
            Outcome::Started { job } => step.show(json!({ "job": job })),
            Outcome::Received { event, .. } => {
                step.state = StepState::Running;
                step.consumed(event);
            }
            _ => {}
        }
        if recorded.effect != *address {
            return;
        }
        let attempt = step.attempts.iter_mut().find(|attempt| attempt.number == recorded.attempt);
        let Some(attempt) = attempt else { return };
        attempt.started_at = Some(recorded.started_at.rfc3339());
        attempt.ended_at = Some(recorded.at.rfc3339());
        match outcome {
            Outcome::Failed(failure) => {
                attempt.error = Some(failure.to_error(&step.reference));
                attempt.used.clone_from(&failure.used);
            }
            Outcome::Answered(answer) => attempt.used.clone_from(&answer.used),
            _ => {}
        }
    }

    /// The job is over: what is open is not going to end.
    pub(crate) fn ended(&mut self, now: Timestamp) {
        while let Some(index) = self.open.pop() {
            let step = &mut self.steps[index].step;
            step.end(StepState::Cancelled, now);
        }
    }

    /// A copy, or a note in its place once the trace is too large.
    fn keep(&mut self, value: &Value) -> Value {
        self.kept = self.kept.saturating_add(size(value));
        if self.kept > TRACE_BYTES {
            return Value::String(format!("<left out: the trace has more than {} MiB>", TRACE_BYTES >> 20));
        }
        value.clone()
    }

    fn find(&mut self, address: &Arc<str>) -> Option<&mut Step> {
        let index = *self.by_address.get(address)?;
        Some(&mut self.steps[index].step)
    }

    fn close(&mut self, address: &Arc<str>, now: Timestamp, state: StepState) -> Option<&mut Step> {
        let index = *self.by_address.get(address)?;
        self.open.retain(|open| *open != index);
        let step = &mut self.steps[index].step;
        step.end(state, now);
        Some(step)
    }

    /// The steps as a tree.
    fn into_steps(self) -> Vec<Step> {
        let mut roots = Vec::new();
        let mut entries: Vec<_> = self.steps.into_iter().map(Some).collect();
        for index in (0..entries.len()).rev() {
            let Some(mut entry) = entries[index].take() else { continue };
            entry.step.children.reverse();
            match entry.parent.and_then(|parent| entries[parent].as_mut()) {
                Some(parent) => parent.step.children.push(entry.step),
                None => roots.push(entry.step),
            }
        }
        roots.reverse();
        roots
    }
}

// === impl Step ===

impl Step {
    /// With it ends what it has begun.
    fn end(&mut self, state: StepState, now: Timestamp) {
        let now = now.rfc3339();
        for attempt in self.attempts.iter_mut().filter(|attempt| attempt.ended_at.is_none()) {
            attempt.ended_at = Some(now.clone());
        }
        self.state = state;
        self.ended_at = Some(now);
    }

    /// Adds to its arguments.
    fn show(&mut self, more: Value) {
        let arguments = self.arguments.get_or_insert_with(|| json!({}));
        if let (Value::Object(arguments), Value::Object(more)) = (arguments, more) {
            arguments.extend(more);
        }
    }

    fn consumed(&mut self, event: &str) {
        let events = self.arguments.get_or_insert_with(|| json!({}));
        if let Value::Object(arguments) = events
            && let Value::Array(events) = arguments.entry("events").or_insert_with(|| json!([]))
        {
            events.push(event.into());
        }
    }
}

fn names(types: &[EventTypes]) -> Vec<&str> {
    let names = types.iter().map(|types| match types {
        EventTypes::Exact(exact) => exact.as_str(),
        EventTypes::Any => "*",
    });
    names.collect()
}

/// About how many bytes a value takes.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => 32 + text.len(),
        Value::Array(items) => 32 + items.iter().map(size).sum::<usize>(),
        Value::Object(members) => {
            64 + members.iter().map(|(name, value)| 48 + name.len() + size(value)).sum::<usize>()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 32,
    }
}

fn kind(action: &Action) -> &'static str {
    match action {
        Action::CallFunction(_) | Action::CallGrpc(_) | Action::CallHttp(_) | Action::CallOpenApi(_) => {
            "call"
        }
        Action::Fork(_) => "fork",
        Action::Listen(_) => "listen",
        Action::RunWorkflow(_) => "run",
        Action::Do(_) => "do",
        Action::Emit(_) => "emit",
        Action::For(_) => "for",
        Action::Raise(_) => "raise",
        Action::Set(_) => "set",
        Action::Switch(_) => "switch",
        Action::Try(_) => "try",
        Action::Wait(_) => "wait",
    }
}
