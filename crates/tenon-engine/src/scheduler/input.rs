//! What the scheduler is told and what it answers: plain data, no behaviour beyond constructors.

use super::Rate;
use crate::Timestamp;

/// An ordering key, hashed: all that order needs. Two keys with one hash share a lane, which costs
/// parallelism and never order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneKey(pub u64);

// === impl LaneKey ===

impl LaneKey {
    /// The lane of an ordering key (64-bit FNV-1a).
    pub fn new(key: &str) -> Self {
        Self(key.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        }))
    }
}

/// Which share of its workspace a job draws on; live : retry : bulk is 8 : 4 : 1 of worker time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// First work on a job, and going on after a wait.
    Live,
    /// Going on after a failed attempt.
    Retry,
    /// Reruns of many jobs.
    Bulk,
}

/// How a job stands when it is handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// May start as soon as its lane and the permits allow.
    Ready,
    /// As `Ready`, and begun before (by an owner that died): it keeps its ordered lane.
    Begun,
    /// Waits until a moment, or (`None`) until it is handed in as `Ready`.
    Waiting(Option<Timestamp>),
    /// Suspended, and its ordered lane with it. A suspended job that does not keep its lane is not handed in.
    Suspended,
}

/// A job as it is handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: u64,
    /// The shard its lane belongs to.
    pub shard: u16,
    /// Its workspace.
    pub workspace: i64,
    /// Its workflow; unique within the workspace.
    pub workflow: i64,
    /// Its ordered lane; `None`: a lane of its own.
    pub lane: Option<LaneKey>,
    /// Order of capture; ascending and unique within a shard, from 1.
    pub place: u64,
    /// 0..=9, more is sooner; larger numbers count as 9.
    pub priority: u8,
    /// Its share.
    pub class: Class,
    /// How it stands.
    pub standing: Standing,
}

/// What a suspended job does to its ordered lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LanePolicy {
    /// The lane waits until the job is resumed or removed.
    Park,
    /// The lane goes on; a resumed job joins it again, before all that have not started.
    Continue,
}

/// Open jobs of a shard, read from the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The shard.
    pub shard: u16,
    /// Whose jobs were asked for; `None`: everybody's.
    pub workspace: Option<i64>,
    /// The place that was asked for; a page for another one is not looked at.
    pub after: u64,
    /// The open jobs after that place that are the scheduler's business, by place, at most as many as asked for.
    pub jobs: Vec<Job>,
    /// More may follow after this place; `None`: that was all.
    pub read_to: Option<u64>,
}

/// How a running job comes to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parked {
    /// The job.
    pub job: u64,
    /// When it goes on; `None`: when it arrives as `Ready`.
    pub until: Option<Timestamp>,
    /// The share it goes on with.
    pub class: Class,
    /// Worker time since it started, µs.
    pub used_us: u64,
}

/// What happened. Ids that are not held are ignored, unless said otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A job was captured, what it waited for came, or it is due within
    /// [`HORIZON_US`](super::HORIZON_US). Jobs new to a shard come in the order of their places. A job that
    /// is held and waits becomes ready if it stands so now, or takes the timer if it has none; other repeats
    /// change nothing.
    Arrived(Job),
    /// What a job waits for has come: it is due now, however late its timer. One that runs is about to park, or has
    /// parked without this being known here: it is ready when it does. Who is told too often starts a job in vain
    /// and loses nothing.
    Woken(Job),
    /// A suspended job may go on; it stands as `Ready`.
    Resumed(Job),
    /// Ownership of a shard begins: its jobs are asked for with [`Command::Refill`], and captures meanwhile
    /// are found there. Before its first page, hand in with `Arrived` the jobs that keep ordered lanes and come
    /// with no page: all that wait (however late they are due).
    Own {
        /// The shard.
        shard: u16,
    },
    /// The answer to [`Command::Refill`]. Never changes a job that is held.
    Page(Page),
    /// A running job waits: its permits come back, its lane stays its own.
    Parked(Parked),
    /// A job is final, and durably so: its lane goes on.
    Finished {
        /// The job.
        job: u64,
        /// Worker time since it started, µs; 0 if it was not running.
        used_us: u64,
    },
    /// A job stands still until a person acts. It comes back with `Resumed`.
    Suspended {
        /// The job.
        job: u64,
        /// What becomes of its lane.
        lane: LanePolicy,
        /// Worker time since it started, µs; 0 if it was not running.
        used_us: u64,
    },
    /// Somebody wants the job to end. Held or not, it is answered with [`Command::Cancel`]; one that is not
    /// running does not start any more and keeps its lane until `Finished`.
    Cancel {
        /// The job.
        job: u64,
    },
    /// Time went on; the answer to [`Command::SetAlarm`].
    Tick,
    /// How many jobs of a workflow may run at once.
    WorkflowLimit {
        /// Its workspace.
        workspace: i64,
        /// The workflow.
        workflow: i64,
        /// `None`: no limit.
        concurrency: Option<u32>,
    },
    /// How many jobs of a workflow may start in a time. Only first starts count: going on after a wait, a crash or
    /// a suspension takes no token.
    WorkflowRate {
        /// Its workspace.
        workspace: i64,
        /// The workflow.
        workflow: i64,
        /// `None`: no limit. A new one begins with all its tokens; a changed one keeps those there are.
        rate: Option<Rate>,
    },
    /// How many jobs of a workspace may run at once.
    WorkspaceLimit {
        /// The workspace.
        workspace: i64,
        /// `None`: no limit.
        concurrency: Option<u32>,
    },
    /// How many jobs may run at once in this process; 0 until said. Of these permits a workspace takes one more only
    /// while it holds less than eight times as many as are free.
    Capacity(u32),
    /// How many of them may be used for now; all, until said.
    Room(u32),
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Work on the job; say `Finished`, `Parked` or `Suspended` in the end, or at once if the store knows it
    /// as final, waiting or suspended by now (it may, if it came with a page).
    Start {
        /// The shard, for its fence.
        shard: u16,
        /// The job.
        job: u64,
    },
    /// End the job (stop it if it runs), record that, then say `Finished`.
    Cancel {
        /// The job.
        job: u64,
    },
    /// The job waits or is suspended and is no longer held: only `Arrived` or `Resumed` brings it back. A timer was too
    /// late or too many to be kept, so it is for the owner's next look at the store (every minute).
    Forget {
        /// The job.
        job: u64,
    },
    /// Read the shard's open jobs after a place and answer with [`Input::Page`].
    Refill {
        /// The shard.
        shard: u16,
        /// Of one workspace only, which was over its share of places; `None`: of all.
        workspace: Option<i64>,
        /// Places up to here are known.
        after: u64,
        /// How many.
        limit: u32,
    },
    /// Send [`Input::Tick`] at this moment; replaces the alarm before.
    SetAlarm(Timestamp),
}
