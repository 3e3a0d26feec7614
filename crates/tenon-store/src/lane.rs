//! Ordered lanes as readers see them.

use crate::{JobId, JobState, ResourceId, Timestamp};

/// A lane that has jobs which have not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneRecord {
    /// The workflow.
    pub workflow: ResourceId,
    /// `namespace/name`.
    pub workflow_name: String,
    /// The ordering key.
    pub key: String,
    /// Its jobs that have not ended.
    pub length: u64,
    /// The first of them, which all others wait for.
    pub head: JobId,
    /// How that one stands.
    pub head_state: JobState,
    /// When that one was captured: the age of the lane.
    pub since: Timestamp,
    /// When that one goes on, if it waits for a moment.
    pub wake_at: Option<Timestamp>,
}

/// Which lanes; all given members must hold.
#[derive(Debug, Clone, Default)]
pub struct LaneFilter {
    /// Of this workflow.
    pub workflow: Option<ResourceId>,
    /// Of this ordering key.
    pub key: Option<String>,
    /// With a head in one of these states (empty: any).
    pub states: Vec<JobState>,
}

/// A page of lanes, oldest head first.
#[derive(Debug, Clone)]
pub struct Lanes {
    /// The lanes.
    pub items: Vec<LaneRecord>,
    /// Where the next page starts; `None`: this was the last.
    pub next: Option<u64>,
    /// False if there are so many jobs in lanes that not all of them were looked at: then some lanes are missing.
    pub is_complete: bool,
}
