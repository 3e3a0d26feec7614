//! What the logs hold. Every time is microseconds since 1970 on one monotonic clock (see [`RunClock`]).

use super::flows::Way;
use crate::clock;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// A monotonic clock that reads as the time of day, so that it can be compared with what Tenon recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunClock {
    begun: Instant,
    begun_us: i64,
}

impl RunClock {
    pub(crate) fn start() -> Self {
        Self { begun: clock::now(), begun_us: clock::unix_micros() }
    }

    /// Microseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.begun_us + self.begun.elapsed().as_micros() as i64
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }
}

/// What a producer saw.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Produced {
    pub(crate) at: i64,
    /// The dedup key; also the `token` that travels through everything.
    pub(crate) key: String,
    pub(crate) flow: String,
    pub(crate) way: Way,
    /// Ordered events: their lane and place in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lane: Option<(String, u64)>,
    pub(crate) step: Sending,
}

/// How far a sending got.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sending {
    /// About to be sent.
    Sent,
    /// Answered with 2xx.
    Acknowledged(Acknowledgement),
    /// No answer was seen; why.
    Lost(String),
    /// 503: Tenon is not ready; nothing may have been kept.
    Unready,
    /// 429: too much waits, or for too long; nothing was kept.
    Busy,
    /// 507: the disk is full; nothing was kept.
    Full,
    /// Any other answer.
    Refused(u16, String),
}

/// What Tenon promised.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Acknowledgement {
    pub(crate) event: Option<String>,
    pub(crate) jobs: Vec<String>,
    pub(crate) duplicate: bool,
}

/// What the sink saw and did.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sunk {
    /// A whole request was read.
    Arrived(Arrival),
    /// What was done with it.
    Answered { at: i64, request: u64, how: Answer },
    /// A request without idempotency key, attempt or token.
    Strange { at: i64, head: String },
}

/// A request of Tenon.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Arrival {
    pub(crate) at: i64,
    /// Counts all requests of the run.
    pub(crate) request: u64,
    /// `Idempotency-Key`.
    pub(crate) key: String,
    /// `Tenon-Attempt`.
    pub(crate) attempt: u32,
    pub(crate) token: String,
    pub(crate) part: String,
    /// Credentials and settings, where it carries any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) carried: Option<Carried>,
    /// Who sent it had closed the connection when it was read: a dead process's last words.
    pub(crate) is_orphan: bool,
}

/// The variables that a request carries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Carried {
    /// `Authorization`.
    pub(crate) authorization: Option<String>,
    /// `X-Setting`.
    pub(crate) setting: Option<String>,
}

/// An event that a job listens for, on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Replied {
    pub(crate) at: i64,
    /// Of the job that asked.
    pub(crate) token: String,
    pub(crate) kind: String,
    /// From 1 on: in this order they are sent, each after the one before was acknowledged.
    pub(crate) number: usize,
    pub(crate) step: Sending,
}

/// A value that a variable was given.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Rotated {
    pub(crate) variable: String,
    pub(crate) value: String,
    /// When it was sent first.
    pub(crate) sent: i64,
    /// When it was acknowledged, which is before the next one is sent; none: the run ended before.
    pub(crate) set: Option<i64>,
}

/// What the source offered, and what it answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Polled {
    /// An item is there from now on.
    Offered { at: i64, number: u64, stamp: u64 },
    /// A poller asked, and got these items.
    Asked {
        at: i64,
        poller: String,
        since: u64,
        /// As in [`Arrival`].
        is_orphan: bool,
        how: Page,
        numbers: Vec<u64>,
    },
    /// A request that no poller should have sent.
    Strange { at: i64, head: String },
}

/// How the source answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Page {
    Good,
    /// With what was there long before.
    Stale,
    /// 500.
    Fails,
    /// Nothing until long after the caller's time is up.
    Hangs,
    /// With half a document.
    Broken,
    /// With a document that has no list.
    NoList,
}

/// What somebody did about a parked job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Mended {
    pub(crate) at: i64,
    pub(crate) job: String,
    pub(crate) remedy: Remedy,
    /// Whether Tenon said that it is done; else it is about to be asked.
    pub(crate) is_done: bool,
}

/// What can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Remedy {
    Resume,
    Skip,
}

/// How the sink answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Answer {
    Ok,
    /// 200, but only after a while.
    Slow,
    /// 200, and the same once more.
    Twice,
    /// 500.
    Fails,
    /// Nothing until long after the caller's time is up.
    Hangs,
    /// The connection is reset.
    Resets,
}

/// What a life of Tenon has around it. Ordinary by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Surroundings {
    /// How far its wall clock is ahead, in microseconds; negative: behind.
    #[serde(default)]
    pub(crate) ahead_us: i64,
    /// How much longer a sync takes, at most, in milliseconds.
    #[serde(default)]
    pub(crate) sync_ms: u64,
}

/// How often occurrences come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Pace {
    /// Every second.
    #[default]
    Brisk,
    /// Every ten minutes: an hour that a clock has jumped over is made up for in a moment, and the notes of all that was
    /// passed over are still there at the end.
    Slow,
}

/// What the nemesis did.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Fault {
    /// The process was started.
    Launched {
        at: i64,
        #[serde(flatten)]
        surroundings: Surroundings,
    },
    /// It said it is ready.
    Ready { at: i64 },
    /// SIGKILL was sent at `at`; the process was gone at `gone`.
    Killed { at: i64, gone: i64, moment: Moment },
    /// SIGSTOP at `from`, SIGCONT at `to`.
    Stopped { from: i64, to: i64 },
    /// There was no room on the disk.
    Filled { from: i64, to: i64 },
    /// The machine itself stood still, disk or processors.
    Stalled { from: i64, to: i64 },
    /// Schedules are about to be deployed.
    Opened {
        at: i64,
        #[serde(default)]
        pace: Pace,
    },
    /// They are about to be disabled.
    Closed { at: i64 },
    /// Faults are over, the source has stopped growing; whether all pollers have seen all of it.
    Settled { at: i64, is_settled: bool },
    /// Producers stopped and no further fault came; `open` jobs are left after `took_us`.
    Drained { at: i64, took_us: i64, open: u64 },
}

/// What a kill waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Moment {
    /// A random time.
    Time,
    /// A producer got its acknowledgement just now.
    Acknowledged,
    /// The sink received an effect that has others of its job before it.
    Arrival,
    /// The sink answered just now.
    Answer,
    /// The source answered a poller just now, or a moment ago.
    Page,
}
