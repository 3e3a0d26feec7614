//! Why something was not captured. Nothing was kept in any of these cases.

use tenon_store::RevisionId;

use crate::{InvalidEvent, MAX_HOPS, TooManyWatches};

/// One error for the whole service: the gateway turns each variant into one answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The event with its envelope, or a call's input, is too large.
    #[error("the event has {size} bytes, more than the {limit} that are accepted")]
    TooLarge {
        /// What it has.
        size: usize,
        /// What is accepted.
        limit: usize,
    },
    /// Not a CloudEvent.
    #[error(transparent)]
    Invalid(#[from] InvalidEvent),
    /// Emitted by a job that was started by an event that was emitted by a job …
    #[error("the event has gone through {0} workflows, more than {MAX_HOPS}")]
    TooManyHops(u64),
    /// No such workflow in this workspace.
    #[error("workflow `{0}` not found")]
    UnknownWorkflow(String),
    /// The workflow exists and is turned off.
    #[error("workflow `{0}` is disabled")]
    Disabled(String),
    /// The workflow exists, but not in this version.
    #[error("workflow `{name}` has no version `{version}`")]
    UnknownVersion {
        /// `namespace/name`.
        name: String,
        /// `document.version`.
        version: String,
    },
    /// A child would wait for the end of a job that waits for the child's.
    #[error(
        "a job of workflow `{0}` would wait in an ordered lane that a job above it holds, so neither could ever end"
    )]
    LaneHeld(String),
    /// A stored revision cannot be compiled by this version.
    #[error("revision {revision:?} of workflow `{name}` cannot be run by this version: {detail}")]
    Program {
        /// `namespace/name`.
        name: String,
        /// The revision.
        revision: RevisionId,
        /// The first finding.
        detail: String,
    },
    /// A revision that a job or call names does not exist.
    #[error("revision not found")]
    UnknownRevision,
    /// The event of the job that is to run again was removed by retention.
    #[error("the job's event is not kept any more")]
    PayloadGone,
    /// The trigger that made the event has changed since it was looked up: look again.
    #[error("the trigger changed while its event was being captured")]
    TriggerChanged,
    /// Resources changed again and again while the event was being captured.
    #[error("the workspace's workflows keep changing")]
    Busy,
    /// Too many callers wait.
    #[error(transparent)]
    TooManyWatches(#[from] TooManyWatches),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] tenon_store::Error),
}
