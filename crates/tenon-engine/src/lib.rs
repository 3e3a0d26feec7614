//! The pure core: what a job does next, and which job may run next.
//!
//! [`Execution`] interprets one job: outcomes go in, effects come out. [`scheduler`] decides which jobs run.
//! Neither reads a clock, does IO or knows async; the same code runs in a worker, in a trace viewer and in a
//! simulation.

mod digest;
mod effect;
mod error;
mod execution;
pub mod scheduler;
mod time;
pub mod trace;

pub use effect::{
    Answer, ChildEnd, ChildRequest, Deferred, Effect, EffectAction, Failure, FailureKind, GrpcRequest,
    HttpRequest, Outcome, Resolved, Used,
};
pub use error::Error;
pub use execution::{
    Accepted, Diverged, Execution, Finished, Job, Listening, MAX_JOURNAL_BYTES, MAX_JOURNAL_ENTRIES, Notice,
    NoticeKind, Place, Progress, Recorded, Sleep, begin_at, failed, places,
};
pub use time::Timestamp;

/// The version of the interpreter's semantics. A job is pinned to the one it was captured with; it goes up
/// when the same program and journal would lead elsewhere.
pub const SEMANTICS: u16 = 1;
