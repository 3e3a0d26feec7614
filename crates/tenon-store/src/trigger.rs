//! What triggers remember: where a poller stands, which occurrence of a schedule comes next; and what happened to
//! them. Written in one transaction with the events that it is about, so that a watermark neither skips nor doubles.

use bytes::Bytes;

use crate::{AuditRecord, Capture, Captured, ResourceId, Timestamp, WorkspaceId};

/// What a trigger (or a workflow with a schedule of its own) remembers. It belongs to the resource: new revisions go
/// on with it, and a put after a deletion, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerState {
    /// 1, 2, 3 …
    pub version: u64,
    /// JSON; the kind of trigger says what. Sealed at rest.
    pub value: Bytes,
    /// When it was written.
    pub at: Timestamp,
}

/// A change of it.
#[derive(Debug, Clone)]
pub struct NewState {
    /// Whose.
    pub resource: ResourceId,
    /// The version that it replaces, 0: none. Another one is there: [`Chunked::Conflict`].
    pub expected: u64,
    /// JSON, at most [`MAX_STATE_BYTES`].
    pub value: Bytes,
}

/// A change of a trigger's state that a person makes; also while it is disabled.
#[derive(Debug, Clone)]
pub struct PutTriggerState {
    /// Where.
    pub workspace: WorkspaceId,
    /// The new state of a trigger that is there.
    pub state: NewState,
    /// Who did what.
    pub audit: AuditRecord,
}

/// A state must not be larger.
pub const MAX_STATE_BYTES: usize = 64 << 10;

/// Something that happened to a trigger and that somebody may want to know. The newest [`MAX_NOTES`] of each are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerNote {
    /// When it happened, or should have.
    pub at: Timestamp,
    /// What.
    pub kind: NoteKind,
    /// JSON object with the particulars (never secrets, never payloads).
    pub detail: Bytes,
}

/// Notes that are kept of one trigger.
pub const MAX_NOTES: u32 = 1_000;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoteKind {
    /// An occurrence of a schedule started what it starts, or a poll brought events.
    Fired,
    /// An occurrence fell into a time when nobody could fire it, and its policy passes over it.
    Missed,
    /// An occurrence was left out because the one before was still at work.
    Skipped,
    /// A poll, or a start, went wrong; it is tried again.
    Failed,
    /// Something odd that changed nothing: a cursor that went back, a clock that jumped.
    Noticed,
}

// === impl NoteKind ===

impl NoteKind {
    /// All.
    pub const ALL: [Self; 5] = [Self::Fired, Self::Missed, Self::Skipped, Self::Failed, Self::Noticed];

    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fired => "fired",
            Self::Missed => "missed",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Noticed => "noticed",
        }
    }
}

/// Events of a trigger and what it remembers from now on: all of it durable, or nothing.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// Where.
    pub workspace: WorkspaceId,
    /// The trigger, which must be there and enabled at the moment of the commit: else [`Chunked::Conflict`].
    pub resource: ResourceId,
    /// The events with their jobs, in order; perhaps none. A mark that is there already makes one a duplicate, and
    /// is renewed: it lives until the later of both `expires`.
    pub captures: Vec<Capture>,
    /// The new state.
    pub state: Option<NewState>,
    /// What is to be noted.
    pub notes: Vec<TriggerNote>,
    /// When.
    pub at: Timestamp,
}

/// What became of a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chunked {
    /// Durable; one answer per capture, in order, each `New` or `Duplicate`.
    Done(Vec<Captured>),
    /// Workflows changed since subscribers were looked up; nothing was written. Look again.
    Stale {
        /// The generation now.
        generation: u64,
    },
    /// The state is not the expected one, or the trigger is gone or disabled: somebody else was at work. Nothing was
    /// written.
    Conflict,
}
