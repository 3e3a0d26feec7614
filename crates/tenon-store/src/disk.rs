//! What the disk holds, and why.

use crate::{Timestamp, WorkspaceId};

/// What the disk holds.
#[derive(Debug, Clone, Default)]
pub struct DiskUse {
    /// Bytes of the database with its log.
    pub bytes: u64,
    /// Bytes free on the file system.
    pub free: u64,
    /// Events kept.
    pub events: u64,
    /// Jobs that are not final.
    pub open_jobs: u64,
    /// Jobs kept, final ones included.
    pub jobs: u64,
}

/// What takes the room. Looking does not take long, whatever there is: large parts are looked at in part.
#[derive(Debug, Clone, Default)]
pub struct DiskDetail {
    /// By kind, the largest first; those without anything are left out.
    pub parts: Vec<DiskPart>,
    /// Bytes of the write-ahead log; it comes to this on top of the parts.
    pub log: u64,
    /// Bytes of the database that nothing uses now, and that is used before the file grows.
    pub unused: u64,
    /// Bytes that are kept for the day when the disk is full.
    pub ballast: u64,
    /// Workflows with the most jobs, at most [`DiskDetail::WORKFLOWS`] of each workspace.
    pub workflows: Vec<WorkflowUse>,
    /// When the oldest kept job was captured.
    pub oldest_job: Option<Timestamp>,
    /// When the oldest kept event was captured.
    pub oldest_event: Option<Timestamp>,
    /// What retention will look at next.
    pub next: Option<NextRemoval>,
}

/// What one kind of things takes, with its indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskPart {
    /// What.
    pub kind: DiskKind,
    /// Bytes.
    pub bytes: u64,
    /// How many there are.
    pub rows: u64,
    /// Whether both were estimated from a part of it.
    pub is_estimate: bool,
}

/// What takes room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiskKind {
    /// Events with their envelopes.
    Events,
    /// Jobs with their inputs and results.
    Jobs,
    /// What jobs have recorded.
    Journals,
    /// Values of events, jobs and journals that are too large for their rows.
    LargeValues,
    /// Marks of what came before.
    Marks,
    /// What a `listen` looks through.
    Inbox,
    /// Sets of events that belong together.
    Gathered,
    /// What triggers remember.
    Triggers,
    /// What retention has to look at, and when.
    Expiries,
    /// Workflows and triggers with all their revisions and files.
    Resources,
    /// Who did what.
    Audit,
    /// Variables, keys and all that is small.
    Other,
}

/// What the jobs of a workflow take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowUse {
    /// Where.
    pub workspace: WorkspaceId,
    /// `namespace/name`.
    pub name: String,
    /// Kept jobs.
    pub jobs: u64,
    /// Whether only the newest jobs of the workspace were counted.
    pub is_estimate: bool,
    /// About how many bytes of payloads these jobs have (events, inputs, journals, results), from a few of them.
    pub bytes: u64,
}

/// What retention will look at next; some of it may stay, because it is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextRemoval {
    /// From when on.
    pub from: Timestamp,
    /// Until when this is: at most a day later.
    pub until: Timestamp,
    /// Jobs.
    pub jobs: u64,
    /// Jobs that lose their payloads.
    pub payloads: u64,
    /// Events.
    pub events: u64,
    /// Marks.
    pub marks: u64,
}

// === impl DiskDetail ===

impl DiskDetail {
    /// So many workflows of each workspace are told.
    pub const WORKFLOWS: usize = 10;
}

// === impl DiskKind ===

impl DiskKind {
    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Jobs => "jobs",
            Self::Journals => "journals",
            Self::LargeValues => "large values",
            Self::Marks => "dedup marks",
            Self::Inbox => "inbox",
            Self::Gathered => "gathered events",
            Self::Triggers => "trigger state",
            Self::Expiries => "retention's list",
            Self::Resources => "workflows and triggers",
            Self::Audit => "audit records",
            Self::Other => "other",
        }
    }
}
