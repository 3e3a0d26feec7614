//! The machine: its state, and what the outside does with it. Its steps are in [`super::flow`].

use std::sync::Arc;

use serde_json::Map;
use tenon_expr::Value;
use tenon_workflow::{BlockId, ErrorType, Task, TaskId, Then};

use super::effects::{Effects, Pending, Purpose};
use super::frame::{Frame, Outputs, TaskFrame, TaskState, TryPhase};
use super::scope::{TaskView, View};
use super::{
    Accepted, Diverged, Finished, Job, MAX_JOURNAL_BYTES, MAX_JOURNAL_ENTRIES, Progress, Recorded, Sleep,
};
use crate::trace::Recorder;
use crate::{Effect, EffectAction, Error, Outcome, Timestamp};

/// Tasks that run before the caller gets a chance to do something else.
const SLICE: u32 = 2_000;
/// Tasks that a job may run between two outcomes: what stops `then: <itself>`.
const MAX_PURE_TASKS: u32 = 1_000_000;
/// The effect id under which a cancellation is journaled.
const CANCEL: &str = "cancel";

#[derive(Debug)]
pub(super) struct Machine {
    pub(super) job: Job,
    pub(super) context: Arc<Value>,
    pub(super) now: Timestamp,
    pub(super) frames: Vec<Frame>,
    pub(super) effects: Effects,
    recorder: Option<Recorder>,
    next: Option<Signal>,
    finished: Option<Finished>,
    entries: u32,
    journal_bytes: usize,
    pure_tasks: u32,
}

/// What the machine does next. Handlers take the stack as it is and give the next signal.
#[derive(Debug)]
pub(super) enum Signal {
    /// The workflow begins.
    Start,
    /// Push a block and enter its first task.
    Open { block: BlockId, prefix: Arc<str>, input: Arc<Value> },
    /// The top is a block: enter its task at this position.
    Enter { position: usize, input: Arc<Value> },
    /// The top is a task: its action is done. A `then` of its own overrides the task's.
    Produced { output: Arc<Value>, then: Option<Then> },
    /// The top is a block: its current task is done, with its transformed output.
    Left { output: Arc<Value>, then: Then },
    /// A block has ended; the top is the task that owns it, or nothing.
    Closed { output: Arc<Value>, outputs: Outputs },
    /// Unwind to whoever catches it.
    Fault(Error),
    /// Unwind all: the workflow ends with this output.
    End(Arc<Value>),
    /// Nothing to do until an outcome comes.
    Await,
}

/// The next signal, or an error of the task on top.
pub(super) type Next = Result<Signal, Error>;

// === impl Machine: what the outside calls ===

impl Machine {
    pub(super) fn new(job: Job, recorder: Option<Recorder>) -> Self {
        Self {
            now: job.captured_at,
            job,
            context: Arc::new(Value::Object(Map::new())),
            frames: Vec::new(),
            effects: Effects::default(),
            recorder,
            next: Some(Signal::Start),
            finished: None,
            entries: 0,
            journal_bytes: 0,
            pure_tasks: 0,
        }
    }

    /// Runs until effects are awaited, the slice is used up, or the end.
    pub(super) fn run(&mut self) -> Progress {
        let mut entered = 0;
        while let Some(signal) = self.next.take() {
            if matches!(signal, Signal::Enter { .. }) {
                entered += 1;
                self.pure_tasks += 1;
            }
            let next = if self.pure_tasks > MAX_PURE_TASKS {
                self.pure_tasks = 0;
                let error = self.exhausted(&format!("ran {MAX_PURE_TASKS} tasks without any effect"));
                // Not to be caught: a `try` inside the loop would make it go on for ever.
                self.unwind(0);
                Signal::Fault(error)
            } else {
                self.step(signal)
            };
            if self.finished.is_some() {
                return Progress::Finished;
            }
            if !matches!(next, Signal::Await) {
                self.next = Some(next);
            }
            if entered >= SLICE && self.next.is_some() {
                return Progress::Yielded;
            }
        }
        if self.finished.is_some() { Progress::Finished } else { Progress::Blocked }
    }

    pub(super) fn accept(&mut self, accepted: Accepted) -> Option<Recorded> {
        let pending = self.effects.settle(&accepted.effect, accepted.attempt)?;
        let at = accepted.at.max(self.now);
        let recorded = Recorded {
            sequence: self.entries,
            effect: Arc::clone(&pending.id),
            attempt: pending.attempt,
            arguments: pending.arguments,
            started_at: accepted.started_at.min(at),
            at,
            outcome: accepted.outcome.encode(),
        };
        self.take_in(&pending, accepted.outcome, &recorded);
        Some(recorded)
    }

    pub(super) fn replay(&mut self, recorded: &Recorded) -> Result<(), Diverged> {
        while self.run() == Progress::Yielded {}
        let diverged = |reason: String| Diverged {
            sequence: recorded.sequence,
            effect: recorded.effect.to_string(),
            reason,
        };
        if recorded.sequence != self.entries {
            return Err(diverged(format!("entry {} was expected", self.entries)));
        }
        let outcome = Outcome::decode(&recorded.outcome).map_err(diverged)?;
        if outcome == Outcome::Cancelled {
            self.cancel(recorded.at);
            return Ok(());
        }
        let awaited = self.effects.awaited(&recorded.effect, recorded.attempt);
        match awaited {
            None => {
                let shown = self.effects.shown();
                return Err(diverged(format!("attempt {} is not awaited, but {shown}", recorded.attempt)));
            }
            Some(awaited) if awaited.arguments != recorded.arguments => {
                return Err(diverged("the effect's arguments differ".to_owned()));
            }
            Some(_) => {}
        }
        let pending = self.effects.settle(&recorded.effect, recorded.attempt);
        self.take_in(&pending.expect("it was awaited a line ago"), outcome, recorded);
        Ok(())
    }

    pub(super) fn cancel(&mut self, at: Timestamp) -> Recorded {
        self.now = self.now.max(at);
        self.unwind(0);
        self.finish(Finished::Cancelled);
        let recorded = cancellation(self.entries, self.now);
        self.entries += 1;
        recorded
    }

    pub(super) fn take_effects(&mut self) -> Vec<Effect> {
        self.effects.take_issued()
    }

    pub(super) fn take_withdrawn(&mut self) -> Vec<Arc<str>> {
        self.effects.take_withdrawn()
    }

    pub(super) fn finished(&self) -> Option<&Finished> {
        self.finished.as_ref()
    }

    pub(super) fn sleep(&self) -> Option<Sleep> {
        if self.next.is_some() { None } else { self.effects.sleep() }
    }

    pub(super) fn journal_length(&self) -> u32 {
        self.entries
    }

    pub(super) fn into_recorder(self) -> Option<Recorder> {
        self.recorder
    }

    fn take_in(&mut self, pending: &Pending, outcome: Outcome, recorded: &Recorded) {
        self.entries += 1;
        self.journal_bytes += recorded.outcome.len();
        self.now = self.now.max(recorded.at);
        self.pure_tasks = 0;
        self.record(|recorder, _| recorder.outcome(recorded, &outcome));
        let too_long = self.entries >= MAX_JOURNAL_ENTRIES || self.journal_bytes > MAX_JOURNAL_BYTES;
        let next = if too_long {
            let reason = format!("journaled {} outcomes, {} bytes", self.entries, self.journal_bytes);
            let error = self.exhausted(&reason);
            self.unwind(0);
            Signal::Fault(error)
        } else {
            self.deliver(pending, outcome)
        };
        self.next = Some(next);
    }

    /// Gives an outcome to the frame that awaits it.
    fn deliver(&mut self, pending: &Pending, outcome: Outcome) -> Signal {
        match (pending.purpose, pending.owner) {
            (Purpose::Work, Some(owner)) => {
                debug_assert_eq!(owner + 1, self.frames.len(), "a task that works is the top");
                self.worked(outcome).unwrap_or_else(Signal::Fault)
            }
            (Purpose::Timeout, Some(owner)) => {
                let error = self.timed_out(owner, "the task");
                self.leave_faulted(owner, &error);
                Signal::Fault(error)
            }
            (Purpose::AttemptTimeout, Some(owner)) => {
                let error = self.timed_out(owner, "the attempt");
                self.unwind(owner + 1);
                Signal::Fault(error)
            }
            (Purpose::Retry, Some(_)) => self.try_again(),
            (_, None) => {
                self.unwind(0);
                Signal::Fault(Error::standard(ErrorType::Timeout, "/timeout", "the workflow took too long"))
            }
        }
    }

    fn timed_out(&self, owner: usize, who: &str) -> Error {
        let Frame::Task(frame) = &self.frames[owner] else { unreachable!("effects belong to tasks") };
        let pointer = &self.task(frame.task).pointer;
        Error::standard(ErrorType::Timeout, pointer, format!("{who} took longer than its timeout"))
    }

    fn exhausted(&self, what: &str) -> Error {
        let instance = self.top_task().map_or("", |frame| self.task(frame.task).pointer.as_str());
        Error::standard(ErrorType::Runtime, instance, format!("the job {what}, which is more than a job may"))
    }
}

/// The entry that ends a job which has so many entries.
pub(super) fn cancellation(sequence: u32, at: Timestamp) -> Recorded {
    Recorded {
        sequence,
        effect: CANCEL.into(),
        attempt: 1,
        arguments: 0,
        started_at: at,
        at,
        outcome: Outcome::Cancelled.encode(),
    }
}

// === impl Machine: what its steps and tasks use ===

impl Machine {
    /// Makes an effect for the task on top (or, with an empty stack, for the workflow).
    pub(super) fn issue(&mut self, id: Arc<str>, action: EffectAction, purpose: Purpose) {
        let attempt = self.attempt(&id);
        self.record(|recorder, _| recorder.issued(&id, attempt, &action));
        let owner = self.frames.len().checked_sub(1);
        self.effects.issue((id, attempt), action, (owner, purpose));
    }

    /// The number of the attempt that begins now: the outermost `try` that is in its body counts, since only
    /// its retries can bring the same effect again.
    fn attempt(&mut self, id: &Arc<str>) -> u32 {
        let counter = self.frames.iter_mut().find_map(|frame| match frame {
            Frame::Task(frame) => match &mut frame.state {
                TaskState::Try(state) if state.phase != TryPhase::Handler => Some(&mut state.attempts),
                _ => None,
            },
            Frame::Block(_) => None,
        });
        let Some(counter) = counter else { return 1 };
        let count = counter.entry(Arc::clone(id)).or_insert(0);
        *count += 1;
        *count
    }

    /// The transformed input of the task on top, and what its definition's expressions see.
    pub(super) fn here(&self) -> (&Arc<Value>, View<'_>) {
        let frame = self.top_task().expect("a task that acts is on top");
        let seen = TaskView {
            task: self.task(frame.task),
            raw_input: &frame.raw_input,
            input: Some(&frame.input),
            raw_output: None,
            started_at: frame.started_at,
        };
        (&frame.input, View::of_task(self, self.frames.len(), seen))
    }

    pub(super) fn top_task(&self) -> Option<&TaskFrame> {
        match self.frames.last() {
            Some(Frame::Task(frame)) => Some(frame),
            _ => None,
        }
    }

    pub(super) fn top_task_mut(&mut self) -> Option<&mut TaskFrame> {
        match self.frames.last_mut() {
            Some(Frame::Task(frame)) => Some(frame),
            _ => None,
        }
    }

    /// Cuts the stack down to a height; effects of what goes are withdrawn.
    pub(super) fn unwind(&mut self, height: usize) {
        while self.frames.len() > height {
            if let Some(Frame::Task(frame)) = self.frames.pop() {
                self.record(|recorder, now| recorder.cancelled(&frame.address, now));
            }
        }
        self.effects.withdraw(height);
    }

    /// Removes a task, and all above it, that ends with an error.
    pub(super) fn leave_faulted(&mut self, height: usize, error: &Error) {
        self.unwind(height + 1);
        self.effects.withdraw(height);
        if let Some(Frame::Task(frame)) = self.frames.pop() {
            self.record(|recorder, now| recorder.faulted(&frame.address, error, now));
        }
    }

    /// The job ends.
    pub(super) fn finish(&mut self, finished: Finished) {
        self.next = None;
        self.record(Recorder::ended);
        self.finished = Some(finished);
    }

    pub(super) fn record(&mut self, write: impl FnOnce(&mut Recorder, Timestamp)) {
        if let Some(recorder) = &mut self.recorder {
            write(recorder, self.now);
        }
    }

    pub(super) fn task(&self, id: TaskId) -> &Task {
        self.job.program.task(id)
    }
}
