//! The machine: its state, and what the outside does with it. Its steps are in [`super::flow`], its stack in
//! [`super::stack`], its other threads in [`super::threads`].

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tenon_expr::Value;
use tenon_workflow::{BlockId, ErrorType, TaskId, Then};

use super::again::Foresight;
use super::effects::{Effects, Pending, Purpose};
use super::frame::{Frame, Outputs};
use super::observe::Observer;
use super::threads::{Thread, Threads};
use super::{
    Accepted, Diverged, Finished, Job, MAX_JOURNAL_BYTES, MAX_JOURNAL_ENTRIES, Progress, Recorded, Sleep,
};
use crate::trace::Recorder;
use crate::{Effect, Error, Outcome, Timestamp};

/// Tasks that run before the caller gets a chance to do something else.
const SLICE: u32 = 2_000;
/// Tasks that a job may run between two outcomes: what stops `then: <itself>`.
const MAX_PURE_TASKS: u32 = 1_000_000;
/// The effect id under which a cancellation is journaled.
const CANCEL: &str = "cancel";

#[derive(Debug)]
pub(super) struct Machine {
    pub(super) job: Job,
    pub(super) now: Timestamp,
    /// The thread that steps.
    pub(super) thread: Thread,
    pub(super) threads: Threads,
    pub(super) effects: Effects,
    /// Ids of the events that each `listen` of the document has consumed, whichever visit it was.
    pub(super) consumed: HashMap<TaskId, HashSet<String>>,
    pub(super) observer: Option<Box<Observer>>,
    pub(super) finished: Option<Finished>,
    /// What people decided about the job; nothing for nearly all jobs.
    pub(super) foresight: Option<Box<Foresight>>,
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
    Open(Opening),
    /// The top is a block: enter its task at this position.
    Enter { position: usize, input: Arc<Value> },
    /// The top is a task: its action is done. A `then` of its own overrides the task's.
    Produced { output: Arc<Value>, then: Option<Then> },
    /// The top is a block: its current task is done, with its transformed output.
    Left { output: Arc<Value>, then: Then },
    /// A block has ended; the top is the task that owns it, or nothing.
    Closed(Closing),
    /// Unwind to whoever catches it.
    Fault(Error),
    /// Unwind all: the workflow ends with this output.
    End(Arc<Value>),
    /// Nothing to do until an outcome comes, or a branch of the `fork` on top ends.
    Await,
}

/// A block that begins.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) block: BlockId,
    /// What addresses of its tasks start with.
    pub(super) prefix: Arc<str>,
    /// How much of a task's pointer the prefix stands for.
    pub(super) pointer_length: usize,
    pub(super) input: Arc<Value>,
}

/// A block that has ended.
#[derive(Debug)]
pub(super) struct Closing {
    pub(super) output: Arc<Value>,
    /// What `$steps` can show of it.
    pub(super) outputs: Outputs,
    /// Whether a `then: exit` has ended it.
    pub(super) exited: bool,
}

/// The next signal, or an error of the task on top.
pub(super) type Next = Result<Signal, Error>;

// === impl Machine: what the outside calls ===

impl Machine {
    pub(super) fn new(job: Job, recorder: Option<Recorder>) -> Self {
        Self {
            now: job.captured_at,
            job,
            thread: Thread::main(),
            threads: Threads::default(),
            effects: Effects::default(),
            consumed: HashMap::new(),
            observer: recorder.map(|recorder| Box::new(Observer::recording(recorder))),
            finished: None,
            foresight: None,
            entries: 0,
            journal_bytes: 0,
            pure_tasks: 0,
        }
    }

    /// Runs until effects are awaited, the slice is used up, or the end.
    pub(super) fn run(&mut self) -> Progress {
        let mut entered = 0;
        while let Some(signal) = self.next_signal() {
            if matches!(signal, Signal::Enter { .. }) {
                entered += 1;
                self.pure_tasks += 1;
            }
            let next = if self.pure_tasks > MAX_PURE_TASKS {
                self.pure_tasks = 0;
                let error = self.exhausted(&format!("ran {MAX_PURE_TASKS} tasks without any effect"));
                // Not to be caught: a `try` inside the loop would make it go on for ever.
                self.unwind_all();
                Signal::Fault(error)
            } else {
                self.step(signal)
            };
            if self.finished.is_some() {
                return Progress::Finished;
            }
            if !matches!(next, Signal::Await) {
                self.thread.next = Some(next);
            }
            if entered >= SLICE && !self.is_blocked() {
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
        let outcome = self.meet(recorded)?;
        let Some(outcome) = self.decided(recorded, outcome) else { return Ok(()) };
        let awaited = self.awaited(recorded)?;
        if awaited.arguments != recorded.arguments {
            return Err(diverged(recorded, "the effect's arguments differ"));
        }
        let pending = self.effects.settle(&recorded.effect, recorded.attempt);
        self.take_in(&pending.expect("it was awaited a line ago"), outcome, recorded);
        Ok(())
    }

    /// Takes an entry of another job's journal over. Gives it as this job has it.
    pub(super) fn adopt(&mut self, recorded: &Recorded) -> Result<Recorded, Diverged> {
        let outcome = self.meet(recorded)?;
        let at = recorded.at.max(self.now);
        let started_at = recorded.started_at.min(at);
        let mut adopted = Recorded { started_at, at, ..recorded.clone() };
        let Some(outcome) = self.decided(&adopted, outcome) else { return Ok(adopted) };
        adopted.arguments = self.awaited(recorded)?.arguments;
        let pending = self.effects.settle(&recorded.effect, recorded.attempt);
        self.take_in(&pending.expect("it was awaited a line ago"), outcome, &adopted);
        Ok(adopted)
    }

    /// Runs up to where an entry belongs. Gives its outcome.
    fn meet(&mut self, recorded: &Recorded) -> Result<Outcome, Diverged> {
        while self.run() == Progress::Yielded {}
        if recorded.sequence != self.entries {
            return Err(diverged(recorded, format!("entry {} was expected", self.entries)));
        }
        Outcome::decode(&recorded.outcome).map_err(|reason| diverged(recorded, reason))
    }

    /// What a person has decided holds, whatever is awaited; other outcomes are given back.
    fn decided(&mut self, recorded: &Recorded, outcome: Outcome) -> Option<Outcome> {
        match outcome {
            Outcome::Cancelled => {
                self.cancel(recorded.at);
            }
            Outcome::Resumed | Outcome::Replaced { .. } => {
                self.entries += 1;
                self.journal_bytes += recorded.outcome.len();
                self.now = self.now.max(recorded.at);
                self.pure_tasks = 0;
                if outcome == Outcome::Resumed {
                    self.go_on();
                }
            }
            other => return Some(other),
        }
        None
    }

    fn awaited(&self, recorded: &Recorded) -> Result<&Pending, Diverged> {
        self.effects.awaited(&recorded.effect, recorded.attempt).ok_or_else(|| {
            let shown = self.effects.shown();
            diverged(recorded, format!("attempt {} is not awaited, but {shown}", recorded.attempt))
        })
    }

    pub(super) fn cancel(&mut self, at: Timestamp) -> Recorded {
        self.now = self.now.max(at);
        self.unwind_all();
        self.finish(Finished::Cancelled);
        let recorded = cancellation(self.entries, self.now);
        self.entries += 1;
        recorded
    }

    pub(super) fn take_effects(&mut self) -> Vec<Effect> {
        self.effects.take_issued()
    }

    pub(super) fn take_abandoned(&mut self) -> Vec<String> {
        self.effects.take_abandoned()
    }

    pub(super) fn take_withdrawn(&mut self) -> Vec<Arc<str>> {
        self.effects.take_withdrawn()
    }

    pub(super) fn finished(&self) -> Option<&Finished> {
        self.finished.as_ref()
    }

    pub(super) fn sleep(&self) -> Option<Sleep> {
        if self.is_blocked() { self.effects.sleep() } else { None }
    }

    pub(super) fn journal_length(&self) -> u32 {
        self.entries
    }

    fn take_in(&mut self, pending: &Pending, outcome: Outcome, recorded: &Recorded) {
        self.entries += 1;
        self.journal_bytes += recorded.outcome.len();
        self.now = self.now.max(recorded.at);
        self.pure_tasks = 0;
        self.saw_outcome(pending, recorded, &outcome);
        if let Some(owner) = pending.owner {
            self.switch_to(owner.thread);
        }
        let too_long = self.entries >= MAX_JOURNAL_ENTRIES || self.journal_bytes > MAX_JOURNAL_BYTES;
        let next = if too_long {
            let reason = format!("journaled {} outcomes, {} bytes", self.entries, self.journal_bytes);
            let error = self.exhausted(&reason);
            self.unwind_all();
            Signal::Fault(error)
        } else if self.hold(pending, &outcome, recorded.sequence) {
            Signal::Await
        } else {
            self.deliver(pending, outcome)
        };
        if !matches!(next, Signal::Await) {
            self.thread.next = Some(next);
        }
    }

    /// Gives an outcome to the frame that awaits it, in the current thread.
    fn deliver(&mut self, pending: &Pending, outcome: Outcome) -> Signal {
        let Some(owner) = pending.owner else {
            self.unwind_all();
            let error = Error::standard(ErrorType::Timeout, "/timeout", "the workflow took too long");
            return Signal::Fault(error);
        };
        match pending.purpose {
            Purpose::Work => {
                debug_assert_eq!(owner.height + 1, self.thread.frames.len(), "a task that works is the top");
                self.worked(outcome).unwrap_or_else(Signal::Fault)
            }
            Purpose::Timeout => {
                let error = self.timed_out(owner.height, "the task");
                self.leave_faulted(owner.height, &error);
                Signal::Fault(error)
            }
            Purpose::AttemptTimeout => {
                let error = self.timed_out(owner.height, "the attempt");
                self.unwind(owner.height + 1);
                Signal::Fault(error)
            }
            Purpose::Retry => self.try_again(),
        }
    }

    fn timed_out(&self, height: usize, who: &str) -> Error {
        let Frame::Task(frame) = &self.thread.frames[height] else { unreachable!("effects belong to tasks") };
        let pointer = &self.task(frame.task).pointer;
        Error::standard(ErrorType::Timeout, pointer, format!("{who} took longer than its timeout"))
    }

    fn exhausted(&self, what: &str) -> Error {
        let instance = self.top_task().map_or("", |frame| self.task(frame.task).pointer.as_str());
        Error::standard(ErrorType::Runtime, instance, format!("the job {what}, which is more than a job may"))
    }
}

fn diverged(recorded: &Recorded, reason: impl Into<String>) -> Diverged {
    Diverged { sequence: recorded.sequence, effect: recorded.effect.to_string(), reason: reason.into() }
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
