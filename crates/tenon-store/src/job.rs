//! Jobs: how they stand, and what is written when they move on.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Entry, EventId, JobId, ResourceId, RevisionId, Shard, Timestamp, WorkspaceId};

/// The states of a job, in the language's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Captured, not started or being worked on (starting costs nothing durable).
    Pending,
    /// At least one outcome is recorded and more are to come.
    Running,
    /// Parked until a moment.
    Waiting,
    /// Final: has an output.
    Completed,
    /// Final: has an error.
    Faulted,
    /// Final.
    Cancelled,
    /// Parked until a person acts.
    Suspended,
}

// === impl JobState ===

impl JobState {
    /// Whether nothing can happen to the job any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Faulted | Self::Cancelled)
    }

    /// The name shown to users.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::Faulted => "faulted",
            Self::Cancelled => "cancelled",
            Self::Suspended => "suspended",
        }
    }
}

/// Where a job stands in line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// The slice of lanes it belongs to.
    pub shard: Shard,
    /// The ordering key; `None`: a lane of its own.
    pub key: Option<String>,
}

/// The right to write for a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fence {
    /// The shard.
    pub shard: Shard,
    /// The epoch under which it was acquired.
    pub epoch: u64,
}

/// A job that is not final, as its shard's owner needs it. `place` orders jobs by commit.
#[derive(Debug, Clone)]
pub struct OpenJob {
    /// The job.
    pub id: JobId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// The workflow.
    pub workflow: ResourceId,
    /// Pinned revision.
    pub revision: RevisionId,
    /// Pinned semantics version.
    pub semantics: u16,
    /// Its event.
    pub event: EventId,
    /// Its shard.
    pub shard: Shard,
    /// Its ordering key within the workflow.
    pub lane: Option<String>,
    /// Order of commit, unique, ascending.
    pub place: u64,
    /// 0..=9.
    pub priority: u8,
    /// See [`NewJob::is_bulk`](crate::NewJob::is_bulk).
    pub is_bulk: bool,
    /// How it stands.
    pub state: JobState,
    /// When a waiting job goes on; `None` if no moment wakes it.
    pub wake_at: Option<Timestamp>,
    /// When it was captured.
    pub captured_at: Timestamp,
    /// When its first outcome was recorded or it first parked.
    pub started_at: Option<Timestamp>,
    /// How its event came in.
    pub origin: crate::Origin,
    /// The job that started it.
    pub parent: Option<JobId>,
    /// Of a parked job that waits for events, also when one has woken it: how far it has looked
    /// ([`EventWait::after`]). Gone with the next write.
    pub looked_to: Option<u64>,
    /// What it runs on; absent when read without payloads, and of a new job of gathered events.
    pub payload: Option<JobPayload>,
    /// Whether journal entries exist.
    pub journal_length: u32,
}

/// Open jobs of one workspace, and how far was looked for them.
#[derive(Debug, Clone)]
pub struct OpenPage {
    /// By place; without payloads. May be none, though more follow.
    pub jobs: Vec<OpenJob>,
    /// Those that follow are after this place; `None`: none follow.
    pub read_to: Option<u64>,
}

/// What a job runs on.
#[derive(Debug, Clone)]
pub struct JobPayload {
    /// The event's envelope, JSON.
    pub envelope: Bytes,
    /// Edited input, JSON.
    pub input: Option<Bytes>,
    /// Envelopes of the events that it was gathered from, in order of capture; empty for a job of a single event.
    pub gathered: Vec<Bytes>,
}

/// What moves a job on: outcomes and, with the last of them, its new state. Atomic.
#[derive(Debug, Clone)]
pub struct Write {
    /// The right to.
    pub fence: Fence,
    /// Where.
    pub workspace: WorkspaceId,
    /// Which job.
    pub job: JobId,
    /// Appended to the journal, in sequence.
    pub entries: Vec<Entry>,
    /// The state after it.
    pub transition: Transition,
    /// When the job was first worked on; kept from the first write that carries it.
    pub started_at: Timestamp,
    /// When this happened.
    pub at: Timestamp,
}

/// The state after a write.
#[derive(Debug, Clone)]
pub enum Transition {
    /// Goes on.
    Running,
    /// Parked until a moment, or until what it waits for has come.
    Waiting {
        /// When it goes on at the latest; [`Timestamp::NEVER`] if there is no such moment.
        wake_at: Timestamp,
        /// What else wakes it. If that has come already, it is due at once.
        waits: Waits,
    },
    /// Done.
    Completed {
        /// JSON.
        output: Bytes,
        /// When retention may remove it.
        expires: Expiry,
    },
    /// Failed.
    Faulted {
        /// The RFC 7807 error, JSON.
        error: Bytes,
        /// When retention may remove it.
        expires: Expiry,
    },
    /// Cancelled by a person or a parent.
    Cancelled {
        /// When retention may remove it.
        expires: Expiry,
    },
    /// Parked until a person acts.
    Suspended {
        /// Why, RFC 7807 JSON.
        reason: Bytes,
    },
    /// Back in line after `Suspended`.
    Pending,
}

/// When retention may remove what an ended job leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    /// The job with all that it has.
    pub job: Timestamp,
    /// Its input, journal and result, and the envelopes of its events where no other job needs them: the job stays, as
    /// [`JobRecord::payloads_gone`]. `None`: with the job.
    pub payloads: Option<Timestamp>,
}

/// What wakes a parked job besides its moment. The store then sets `wake_at` to now and tells the feed. The next write
/// for the job, whatever it is, replaces what it waits for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waits {
    /// Events.
    pub events: Option<EventWait>,
    /// The end of any of these jobs of the workspace. One that is not there counts as ended.
    pub children: Vec<JobId>,
}

/// Events that a parked job wants to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventWait {
    /// Of these types; `*` is any type.
    pub types: Vec<String>,
    /// With this subject, if it is known that no other will do.
    pub subject: Option<String>,
    /// Events up to this place in the inbox were looked at ([`Candidates::looked_to`](crate::Candidates)).
    pub after: u64,
}

// === impl Expiry ===

impl From<Timestamp> for Expiry {
    /// Everything at once.
    fn from(job: Timestamp) -> Self {
        Self { job, payloads: None }
    }
}

// === impl Transition ===

impl Transition {
    /// The state it leads to.
    pub fn state(&self) -> JobState {
        match self {
            Self::Running => JobState::Running,
            Self::Waiting { .. } => JobState::Waiting,
            Self::Completed { .. } => JobState::Completed,
            Self::Faulted { .. } => JobState::Faulted,
            Self::Cancelled { .. } => JobState::Cancelled,
            Self::Suspended { .. } => JobState::Suspended,
            Self::Pending => JobState::Pending,
        }
    }
}

/// A job as readers see it.
#[derive(Debug, Clone)]
pub struct JobRecord {
    /// The job.
    pub id: JobId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// The workflow.
    pub workflow: ResourceId,
    /// `namespace/name`.
    pub workflow_name: String,
    /// `document.version` of its revision.
    pub version: String,
    /// Its revision.
    pub revision: RevisionId,
    /// The revision's number.
    pub revision_number: u32,
    /// Pinned semantics version.
    pub semantics: u16,
    /// Its event; of several, the one that it started with.
    pub event: EventId,
    /// The events that it was gathered from, in order of capture; empty for a job of a single event, and in lists.
    pub gathered: Vec<EventId>,
    /// How its event came in.
    pub origin: crate::Origin,
    /// Its ordering key.
    pub lane: Option<String>,
    /// Its shard, if it has a lane.
    pub shard: Option<Shard>,
    /// How it stands.
    pub state: JobState,
    /// When it was captured.
    pub created_at: Timestamp,
    /// When it was first worked on.
    pub started_at: Option<Timestamp>,
    /// When it became final.
    pub ended_at: Option<Timestamp>,
    /// When a waiting job goes on; `None` if no moment wakes it.
    pub wake_at: Option<Timestamp>,
    /// The job that started it.
    pub parent: Option<JobId>,
    /// The job that it runs again.
    pub rerun_of: Option<JobId>,
    /// Edited input, JSON; absent in lists.
    pub input: Option<Bytes>,
    /// Output (completed) or error (faulted, suspended), JSON; absent in lists, except errors.
    pub result: Option<Bytes>,
    /// Whether retention has removed its input, journal and result before the job.
    pub payloads_gone: bool,
}
