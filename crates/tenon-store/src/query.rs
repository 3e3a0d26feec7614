//! What readers ask for.

use bytes::Bytes;

use crate::{EventId, JobId, JobState, Origin, ResourceId, Timestamp};

/// A page of a list, newest first.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page starts; `None`: this was the last.
    pub next: Option<u64>,
}

/// Which jobs; all given members must hold.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// Of this workflow.
    pub workflow: Option<ResourceId>,
    /// In one of these states (empty: any).
    pub states: Vec<JobState>,
    /// For this event, alone or with others.
    pub event: Option<EventId>,
    /// Started by this job.
    pub parent: Option<JobId>,
    /// Captured at or after.
    pub since: Option<Timestamp>,
    /// Captured before.
    pub until: Option<Timestamp>,
    /// Ids in this range (shortened ids).
    pub ids: Option<std::ops::RangeInclusive<JobId>>,
}

/// Which events; all given members must hold.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// CloudEvents `type`.
    pub r#type: Option<String>,
    /// CloudEvents `source`.
    pub source: Option<String>,
    /// Captured at or after.
    pub since: Option<Timestamp>,
    /// Captured before.
    pub until: Option<Timestamp>,
    /// Whether somebody wanted them ([`EventRecord::is_wanted`]).
    pub is_wanted: Option<bool>,
    /// Ids in this range (shortened ids).
    pub ids: Option<std::ops::RangeInclusive<EventId>>,
}

/// An event as readers see it.
#[derive(Debug, Clone)]
pub struct EventRecord {
    /// Its id.
    pub id: EventId,
    /// How it came in.
    pub origin: Origin,
    /// CloudEvents `source`.
    pub source: String,
    /// CloudEvents `type`.
    pub r#type: String,
    /// CloudEvents `subject`.
    pub subject: Option<String>,
    /// When it was captured.
    pub captured_at: Timestamp,
    /// How many repeats were refused.
    pub duplicates: u64,
    /// The jobs it started, alone or with others.
    pub jobs: Vec<JobId>,
    /// Whether, when it was captured, a workflow wanted it (also if a mark suppressed the job) or gathered it, or a
    /// `listen` may take it.
    pub is_wanted: bool,
    /// The envelope, JSON; absent in lists, and when retention has removed it before the event.
    pub envelope: Option<Bytes>,
}
