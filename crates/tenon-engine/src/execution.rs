//! The job interpreter: an explicit stack machine that outcomes go into and effects come out of.
//!
//! ```text
//! start ─► run ─► effects ──(perform)──► accept(outcome) ─► run ─► … ─► finished
//!                    ▲                          │
//!                    └── after the entry of the outcome is durable
//! ```
//!
//! A `fork` gives the machine a stack for each branch; all that follows holds for several effects at once.
//!
//! Pure tasks run inside. The machine is deterministic: given the same job and the same entries in the same
//! order it makes the same effects at the same addresses with the same arguments. Nothing here may depend on
//! anything else.

mod again;
mod arguments;
mod effects;
mod expression;
mod extensions;
mod flow;
mod frame;
mod listening;
mod machine;
mod observe;
mod rerun;
mod scope;
mod stack;
mod tasks;
mod threads;

use std::sync::Arc;

use tenon_expr::Value;
use tenon_workflow::{EventTypes, Program};

use crate::trace::Recorder;
use crate::{Effect, Error, Outcome, Timestamp};
use machine::Machine;
pub use rerun::{Place, begin_at, failed, places};

/// The most outcomes that one job may journal.
pub const MAX_JOURNAL_ENTRIES: u32 = 100_000;
/// The most bytes of outcomes that one job may journal.
pub const MAX_JOURNAL_BYTES: usize = 64 << 20;

/// What a job is made of besides its journal. None of it changes while the job lives.
#[derive(Debug, Clone)]
pub struct Job {
    /// `job_…`.
    pub id: String,
    /// The revision it is pinned to.
    pub program: Arc<Program>,
    /// `$event`: the envelope of its event; `None` for jobs started by a call.
    pub event: Option<Arc<Value>>,
    /// Raw input of the workflow.
    pub input: Arc<Value>,
    /// The first `now`.
    pub captured_at: Timestamp,
    /// `$runtime`.
    pub runtime: Arc<Value>,
    /// How many emits lie between its event and one that came from outside.
    pub hops: u32,
}

/// One job being interpreted.
#[derive(Debug)]
pub struct Execution {
    machine: Machine,
}

/// How far `start`, `accept` and `resume` got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Waiting for outcomes of the effects that were given out.
    Blocked,
    /// Has used up its slice of pure work; call `resume`.
    Yielded,
    /// See `finished`.
    Finished,
}

/// Nothing is awaited but timers, events and children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sleep {
    /// When the first timer is due, if there is one.
    pub until: Option<Timestamp>,
    /// Whether that is the delay before a retry.
    pub is_retry: bool,
    /// Child jobs whose end is awaited (`job_…`).
    pub children: Vec<String>,
}

/// A `listen` that waits for an event.
#[derive(Debug, Clone)]
pub struct Listening {
    /// Its effect.
    pub effect: Arc<str>,
    /// Its attempt.
    pub attempt: u32,
    /// Types of the events that it may want.
    pub types: Vec<EventTypes>,
    /// The subject that every event it may want has, where all its filters say the same one.
    pub subject: Option<String>,
}

/// Something that happened to a task, for lifecycle events.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The task's address in the job.
    pub address: Arc<str>,
    /// The task's JSON Pointer in the document.
    pub reference: String,
    /// The task's name.
    pub name: String,
    /// What happened.
    pub kind: NoticeKind,
    /// When.
    pub at: Timestamp,
}

/// What can happen to a task.
#[derive(Debug, Clone, PartialEq)]
pub enum NoticeKind {
    /// It is there.
    Created,
    /// It runs.
    Started,
    /// A `try` tries again.
    Retried,
    /// Ended from outside.
    Cancelled,
    /// Has an error.
    Faulted(Error),
    /// Has an output.
    Completed(Arc<Value>),
}

/// An entry for the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Dense, from 0.
    pub sequence: u32,
    /// The effect's id.
    pub effect: Arc<str>,
    /// From 1.
    pub attempt: u32,
    /// Hash of the effect's arguments.
    pub arguments: u64,
    /// When the attempt started.
    pub started_at: Timestamp,
    /// When the outcome was accepted; monotone within a job.
    pub at: Timestamp,
    /// The outcome, encoded.
    pub outcome: Vec<u8>,
}

/// An outcome on its way in.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// The effect's id.
    pub effect: Arc<str>,
    /// Its attempt.
    pub attempt: u32,
    /// When the attempt started.
    pub started_at: Timestamp,
    /// When it ended.
    pub at: Timestamp,
    /// What came of it.
    pub outcome: Outcome,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Finished {
    /// With an output.
    Completed(Arc<Value>),
    /// With an error.
    Faulted(Error),
    /// Cancelled.
    Cancelled,
}

// === impl Recorded, Finished ===

impl Recorded {
    /// The entry that cancels a job which has so many entries, without interpreting it.
    pub fn cancellation(sequence: u32, at: Timestamp) -> Self {
        machine::cancellation(sequence, at)
    }

    /// The entry that has a job go on which has so many entries, faulted, and was parked: the effect that failed is
    /// tried again. If none did, the job faults again.
    pub fn resumption(sequence: u32, at: Timestamp) -> Self {
        again::resumption(sequence, at)
    }

    /// Whether it is a [`Recorded::resumption`].
    pub fn is_resumption(&self) -> bool {
        &*self.effect == again::RESUME
    }
}

impl Finished {
    /// The stored form of the result: output or error as JSON, nothing for a cancelled job.
    pub fn encode(&self) -> Option<Vec<u8>> {
        match self {
            Self::Completed(output) => serde_json::to_vec(output).ok(),
            Self::Faulted(error) => serde_json::to_vec(error).ok(),
            Self::Cancelled => None,
        }
    }
}

/// Where a replay and the journal disagree: the job must be suspended, never guessed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the replay diverges from the journal at entry {sequence} ({effect}): {reason}")]
pub struct Diverged {
    /// The entry.
    pub sequence: u32,
    /// Its effect.
    pub effect: String,
    /// What differs.
    pub reason: String,
}

// === impl Execution ===

impl Execution {
    /// A job that has not begun. Call `resume` to begin.
    pub fn new(job: Job) -> Self {
        Self { machine: Machine::new(job, None) }
    }

    /// The same, writing down every step.
    pub fn recorded(job: Job, recorder: Recorder) -> Self {
        Self { machine: Machine::new(job, Some(recorder)) }
    }

    /// Goes on after `new` or `Yielded`.
    pub fn resume(&mut self) -> Progress {
        self.machine.run()
    }

    /// Takes an outcome in. `None`: it was dropped (its effect was withdrawn meanwhile, or the attempt is
    /// not the one that is awaited) and must not be journaled. Otherwise the entry must be durable before any
    /// effect is performed that `take_effects` gives from now on.
    pub fn accept(&mut self, accepted: Accepted) -> Option<(Recorded, Progress)> {
        let recorded = self.machine.accept(accepted)?;
        let progress = self.machine.run();
        Some((recorded, progress))
    }

    /// Ends the job as cancelled; every effect is withdrawn. Also where it has come to its end already, as
    /// long as that end is not durable: a job that a lane policy has parked.
    pub fn cancel(&mut self, at: Timestamp) -> Recorded {
        self.machine.cancel(at)
    }

    /// Has a look at the journal that is going to be played back, before anything else: people's decisions in it
    /// change what comes before them.
    pub fn prepare(&mut self, journal: &[Recorded]) {
        self.machine.prepare(journal);
    }

    /// Plays one journal entry back.
    pub fn replay(&mut self, recorded: &Recorded) -> Result<Progress, Diverged> {
        self.machine.replay(recorded)?;
        loop {
            let progress = self.machine.run();
            if progress != Progress::Yielded {
                return Ok(progress);
            }
        }
    }

    /// Effects that were made since the last call and have not been withdrawn.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        self.machine.take_effects()
    }

    /// Ids of effects that were given out and are no longer wanted: abort them, drop what they bring.
    pub fn take_withdrawn(&mut self) -> Vec<Arc<str>> {
        self.machine.take_withdrawn()
    }

    /// Child jobs (`job_…`) whose end was awaited and is not any more: they have to end, but not before the outcome
    /// that led to it is durable. Also those of a replay: a crash may have come before they ended.
    pub fn take_abandoned(&mut self) -> Vec<String> {
        self.machine.take_abandoned()
    }

    /// The end, once there is one.
    pub fn finished(&self) -> Option<&Finished> {
        self.machine.finished()
    }

    /// The `listen`s that can take an event now, oldest first. One event at a time: after it was accepted, ask
    /// again. Each event that a `listen` takes is an effect of its own, `<its address>/event/<number>`.
    pub fn listening(&self) -> Vec<Listening> {
        self.machine.listening()
    }

    /// Whether the `listen` that awaits this effect takes this event: `Received` may be accepted for it. Pure;
    /// a filter that fails does not match. An event that was refused once is refused as long as this `listen`
    /// lasts; only if its task is entered again (by a loop, a jump, a retry: its next first effect is another
    /// one, or has another attempt) must all be asked again. What it consumed in an earlier visit it refuses.
    pub fn wants(&self, effect: &str, event: &str, envelope: &Value) -> bool {
        self.machine.wants(effect, event, envelope)
    }

    /// From now on, writes down what happens to tasks, at most 100,000 things a job. Call it before the first
    /// `resume`: then a replay writes down the same things in the same order.
    pub fn observe(&mut self) {
        self.machine.observe();
    }

    /// What was written down since the last call; best after each slice.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        self.machine.take_notices()
    }

    /// The sleep that the job can go into, if nothing but timers, events and children is awaited.
    pub fn sleep(&self) -> Option<Sleep> {
        self.machine.sleep()
    }

    /// Entries accepted so far.
    pub fn journal_length(&self) -> u32 {
        self.machine.journal_length()
    }

    /// What the recorder wrote down.
    pub fn into_recorder(self) -> Option<Recorder> {
        self.machine.into_recorder()
    }
}
