//! An event in: dedup marks, the event, and the jobs that it starts, in one transaction.

use bytes::Bytes;

use crate::{
    DroppedSet, Entry, EventId, Gather, JobId, Lane, ResourceId, RevisionId, Timestamp, WorkspaceId,
};

/// Everything that one accepted event writes.
#[derive(Debug, Clone)]
pub struct Capture {
    /// The workspace's generation that subscribers were looked up at; another one now: [`Captured::Stale`].
    pub generation: u64,
    /// Suppresses the whole event.
    pub mark: Option<DedupMark>,
    /// Suppresses it, too: of the delivery that brought it, whatever key its author gives it. Where only `mark` is
    /// known, it leads to the first event from then on; where it is known itself, `mark` is not taken.
    pub delivery: Option<DedupMark>,
    /// The event.
    pub event: NewEvent,
    /// The jobs it starts, in subscription order.
    pub jobs: Vec<NewJob>,
    /// The workflows that gather it, in subscription order. Jobs that start with it come after the others.
    pub gathers: Vec<Gather>,
}

/// A key that is accepted once until it expires. Scopes never share keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DedupMark {
    /// Whose key: `trigger:<id>`, `signature:<id>`, `workflow:<id>`, `source`, `run:<id>`.
    pub scope: String,
    /// The key, at most 1 KiB (longer ones are hashed by the caller).
    pub key: String,
    /// Until when it holds.
    pub expires: Timestamp,
}

/// How an event came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// From outside or emitted: has an envelope that workflows see.
    Event,
    /// Made for a call of `/run`, a rerun or a child: its `data` is the job's input, `$event` is null.
    Call,
}

/// A CloudEvent to keep.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Chosen by the caller.
    pub id: EventId,
    /// Where.
    pub workspace: WorkspaceId,
    /// How it came.
    pub origin: Origin,
    /// CloudEvents `source`.
    pub source: String,
    /// CloudEvents `type`.
    pub r#type: String,
    /// CloudEvents `subject`.
    pub subject: Option<String>,
    /// When it was captured.
    pub captured_at: Timestamp,
    /// When retention may remove it (jobs that need it keep it longer).
    pub expires: Timestamp,
    /// The whole envelope with its data, as JSON.
    pub envelope: Bytes,
}

/// A job to start.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Chosen by the caller.
    pub id: JobId,
    /// The workflow.
    pub workflow: ResourceId,
    /// The revision it is pinned to.
    pub revision: RevisionId,
    /// The engine's semantics version it is pinned to.
    pub semantics: u16,
    /// Its lane. `None`: the ordering key failed; the job starts suspended, outside any lane.
    pub lane: Option<Lane>,
    /// 0..=9.
    pub priority: u8,
    /// One of many that a person runs again: other work goes before it.
    pub is_bulk: bool,
    /// Suppresses only this job.
    pub mark: Option<DedupMark>,
    /// Replaces the event's data as the job's input (reruns with edited input).
    pub input: Option<Bytes>,
    /// The job that this one runs again.
    pub rerun_of: Option<JobId>,
    /// The job that started this one.
    pub parent: Option<JobId>,
    /// It has the gathered events of this job, which must be there (reruns). Its own event is none of them.
    pub events_of: Option<JobId>,
    /// The journal that it begins with, from 0 on; nearly always empty.
    pub journal: Vec<Entry>,
}

/// An event that a `listen` may want. Only events from outside, emitted ones and those of lifecycles are in the inbox,
/// never what was made for a call ([`Origin::Call`]).
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its place in the inbox: order of commit, ascending; comparable with [`OpenJob::place`](crate::OpenJob::place).
    pub place: u64,
    /// The event.
    pub event: EventId,
    /// When it was captured.
    pub captured_at: Timestamp,
    /// The whole envelope, JSON.
    pub envelope: Bytes,
}

/// Which events a `listen` may want.
#[derive(Debug, Clone)]
pub struct CandidateQuery {
    /// Where.
    pub workspace: WorkspaceId,
    /// Of these types; `*` is any type.
    pub types: Vec<String>,
    /// With this subject.
    pub subject: Option<String>,
    /// Only behind this place.
    pub after: u64,
    /// Only captured at or after this.
    pub since: Timestamp,
    /// Of all that is left, only the newest so many.
    pub newest: u32,
    /// At most so many in one answer, the oldest first.
    pub limit: u32,
}

/// What [`Store::candidates`](crate::Store::candidates) found.
#[derive(Debug, Clone)]
pub struct Candidates {
    /// The oldest first. Fewer than asked for does not mean that there are no more (answers are bounded in bytes,
    /// too); none does.
    pub items: Vec<Candidate>,
    /// How far the inbox was looked through: to the last item, or, where there are no more, to the newest place that
    /// was committed then. `after` of the next query, and of [`EventWait`](crate::EventWait) when the job parks: with
    /// the place of the last item instead, a job would be due again and again for events that no query gives.
    pub looked_to: u64,
}

/// What `capture` did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Captured {
    /// Durable.
    New {
        /// Jobs that were started: those asked for and those of complete sets, less those that a workflow's own mark
        /// suppressed (a set whose job is suppressed is used up).
        jobs: Vec<JobId>,
        /// Sets that were dropped because of a bound.
        dropped: Vec<DroppedSet>,
        /// See [`EventRecord::is_wanted`](crate::EventRecord).
        is_wanted: bool,
    },
    /// One of the event's marks was there already.
    Duplicate(Duplicate),
    /// Workflows changed since subscribers were looked up, or a set since it was decided on; look again.
    Stale {
        /// The generation now.
        generation: u64,
    },
}

/// What a repeat repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// The first event.
    pub event: EventId,
    /// The jobs it started.
    pub jobs: Vec<JobId>,
}
