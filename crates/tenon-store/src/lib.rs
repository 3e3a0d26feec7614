//! Port: what must be durable.
//!
//! Few verbs; each is atomic, each write that belongs to a shard carries `(shard, epoch)`. Adapters batch
//! them as their database likes best. Nothing here knows a database, and nothing above knows SQL.
//! Payloads are plain bytes on this side of the port; an adapter seals them before they touch a disk.

mod capture;
#[cfg(feature = "conformance")]
pub mod conformance;
mod disk;
mod error;
mod gather;
mod id;
mod job;
mod journal;
mod lane;
mod query;
mod resource;
mod store;
mod time;
mod trigger;
mod variable;
mod workspace;

pub use capture::{
    Candidate, CandidateQuery, Candidates, Capture, Captured, DedupMark, Duplicate, NewEvent, NewJob, Origin,
};
pub use disk::{DiskDetail, DiskKind, DiskPart, DiskUse, NextRemoval, WorkflowUse};
pub use error::Error;
pub use gather::{
    Decision, DroppedSet, Gather, GatherLimits, Gathered, OpenSet, Role, Serves, SetQuery, SetVersion,
};
pub use id::{EventId, JobId, ParseIdError, ResourceId, RevisionId, Shard, WorkspaceId};
pub use job::{
    EventWait, Expiry, Fence, JobPayload, JobRecord, JobState, Lane, OpenJob, OpenPage, Transition, Waits,
    Write,
};
pub use journal::Entry;
pub use lane::{LaneFilter, LaneRecord, Lanes};
pub use query::{EventFilter, EventRecord, JobFilter, Page};
pub use resource::{
    AuditRecord, Change, ChangeResource, Kind, MASK_KEY, PinnedFile, PutResource, Resource, Revision, Saved,
};
pub use store::{Feed, MAX_PURGE, Store};
pub use time::Timestamp;
pub use trigger::{
    Chunk, Chunked, MAX_NOTES, MAX_STATE_BYTES, NewState, NoteKind, PutTriggerState, TriggerNote,
    TriggerState,
};
pub use variable::{
    DeleteVariable, Expected, MAX_VARIABLE_BYTES, MAX_VARIABLE_NAME_BYTES, MAX_VARIABLES, PutVariable,
    SavedVariable, Variable, VariableKind, VariableValue, is_variable_name,
};
pub use workspace::{PutWorkspaceSettings, WorkspaceSettings};
