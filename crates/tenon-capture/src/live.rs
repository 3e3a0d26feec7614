//! News of jobs and steps for whoever looks on right now. Lossy by design: the truth is in the store.

use std::sync::Arc;

use tenon_store::{EventId, JobId, JobState, Timestamp, WorkspaceId};
use tokio::sync::broadcast;

/// Something that just happened.
#[derive(Debug, Clone, PartialEq)]
pub enum JobEvent {
    /// A job changed its state.
    Job {
        /// Where.
        workspace: WorkspaceId,
        /// The job.
        job: JobId,
        /// Its new state.
        state: JobState,
        /// `namespace/name`.
        workflow: Arc<str>,
        /// Its event.
        event: EventId,
        /// When.
        at: Timestamp,
    },
    /// An effect of a job started or ended.
    Step {
        /// Where.
        workspace: WorkspaceId,
        /// The job.
        job: JobId,
        /// The effect's stable address.
        effect: Arc<str>,
        /// From 1.
        attempt: u32,
        /// How it stands.
        state: StepState,
        /// When.
        at: Timestamp,
    },
}

/// How an effect stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// On its way.
    Running,
    /// Set as a timer.
    Waiting,
    /// Gave a result.
    Completed,
    /// Failed, perhaps to be retried.
    Faulted,
    /// Not wanted any more.
    Cancelled,
}

/// Where news is published. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Live(broadcast::Sender<JobEvent>);

// === impl Live ===

impl Live {
    /// A listener that falls more than `capacity` events behind misses some, and is told so.
    pub fn new(capacity: usize) -> Self {
        Self(broadcast::Sender::new(capacity))
    }

    /// Whether anybody listens.
    pub fn is_heard(&self) -> bool {
        self.0.receiver_count() > 0
    }

    /// Publishes; the event is built only if anybody listens.
    pub fn publish(&self, event: impl FnOnce() -> JobEvent) {
        if self.is_heard() {
            // The last listener may leave between the check and here.
            let _ = self.0.send(event());
        }
    }

    /// Starts to listen.
    pub fn subscribe(&self) -> broadcast::Receiver<JobEvent> {
        self.0.subscribe()
    }
}
