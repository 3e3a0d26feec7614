//! Port: what must be durable.
//!
//! Few verbs; each is atomic, each write that belongs to a shard carries `(shard, epoch)`. Adapters batch
//! them as their database likes best. Nothing here knows a database, and nothing above knows SQL.
//! Payloads are plain bytes on this side of the port; an adapter seals them before they touch a disk.

mod capture;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod id;
mod job;
mod journal;
mod query;
mod resource;
mod store;
mod time;

pub use capture::{Capture, Captured, DedupMark, Duplicate, NewEvent, NewJob, Origin};
pub use error::Error;
pub use id::{EventId, JobId, ParseIdError, ResourceId, RevisionId, Shard, WorkspaceId};
pub use job::{Fence, JobPayload, JobRecord, JobState, Lane, OpenJob, Transition, Write};
pub use journal::Entry;
pub use query::{DiskUse, EventFilter, EventRecord, JobFilter, Page};
pub use resource::{AuditRecord, Change, ChangeResource, Kind, PutResource, Resource, Revision, Saved};
pub use store::{Feed, Store};
pub use time::Timestamp;
