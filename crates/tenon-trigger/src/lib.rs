//! Schedules and pollers: what starts things without being called.
//!
//! All they remember is in the store, written together with what they bring; what is here is rebuilt from it at any
//! moment. Knows no HTTP and no SQL: calls go out through [`tenon_capture::Calls`].

mod counts;
mod fired;
mod found;
mod poll;
mod schedule;

use std::sync::Arc;
use std::time::Duration;

use tenon_capture::trigger::RateLimit;
use tenon_capture::{Calls, CaptureService, Error};
use tenon_store::{Resource, ResourceId, WorkspaceId};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use fired::{Fired, MAX_SHOWN};
pub use poll::{CursorTooLarge, MAX_CURSOR_BYTES, PollState};
pub use schedule::{Outlook, Schedules, outlook, paused, resumed};

use counts::Counts;

/// What the triggers are made of.
#[derive(Clone)]
pub struct Parts {
    /// The way in; with the store and the clock.
    pub capture: CaptureService,
    /// The way out, for pollers.
    pub calls: Arc<dyn Calls>,
}

/// Settings.
#[derive(Debug, Clone)]
pub struct Options {
    /// How often the store is asked for changed triggers, though nobody has told of a change.
    pub look_every: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { look_every: Duration::from_secs(10) }
    }
}

/// The running triggers. Cheap to clone; they stop by [`Triggers::drain`].
#[derive(Clone)]
pub struct Triggers {
    parts: Parts,
    pollers: poll::Pollers,
    counts: Counts,
    touched: schedule::Touched,
    stop: watch::Sender<bool>,
}

/// Why a trigger did not fire when it was told to.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FireError {
    /// A trigger of this kind waits for others.
    #[error("only schedules and pollers can be fired")]
    NotByTime,
    /// It is disabled or gone, or is at work.
    #[error("the trigger is disabled, or was changed at the same moment")]
    Conflict,
    /// A poller's `rateLimit` allows no call so soon. Nobody was asked.
    #[error("its `rateLimit` allows the next call in {seconds} s")]
    TooFast {
        /// Until then, rounded up.
        seconds: u64,
    },
    /// It cannot say what to start.
    #[error("{0}")]
    Failed(String),
    /// Nothing was captured.
    #[error(transparent)]
    Capture(#[from] Error),
}

// === impl FireError ===

impl FireError {
    fn too_fast(left: Duration) -> Self {
        Self::TooFast { seconds: left.as_secs() + u64::from(left.subsec_nanos() > 0) }
    }
}

// === impl Triggers ===

impl Triggers {
    /// Starts to fire. The handle ends after [`Triggers::drain`].
    pub fn start(parts: Parts, options: Options) -> (Self, JoinHandle<()>) {
        let (stop, stopped) = watch::channel(false);
        let schedules = Schedules::new(parts.capture.clone(), options.clone());
        let (counts, touched) = (schedules.counts().clone(), schedules.touched().clone());
        let schedules = schedule::run(schedules, parts.capture.clone(), stopped.clone());
        let pollers = poll::Pollers::new(parts.clone(), counts.clone());
        let polls = pollers.clone().run(options, stopped);
        let running = tokio::spawn(async move {
            tokio::join!(schedules, polls);
        });
        (Self { parts, pollers, counts, touched, stop }, running)
    }

    /// Fires now, whatever the time: a schedule starts what it starts, a poller polls. `actor` is who asked.
    pub async fn fire(
        &self,
        workspace: WorkspaceId,
        resource: &Resource,
        actor: &str,
    ) -> Result<Fired, FireError> {
        let by_hand = schedule::ByHand { workspace, resource, actor };
        let fired = by_hand.fire(&self.parts.capture, &self.counts).await;
        // Also after an error: something of it may be written.
        self.touched.tell(resource.revision.resource);
        if let Some(fired) = fired? {
            return Ok(fired);
        }
        self.pollers.fire(workspace, resource).await
    }

    /// How many calls a poller's `rateLimit` allows now; `None`: not known while it is at work.
    pub fn calls_left(&self, poller: (WorkspaceId, ResourceId), limit: RateLimit) -> Option<u32> {
        self.pollers.left(poller, limit)
    }

    /// Begins nothing more; what is being committed is finished.
    pub fn drain(&self) {
        self.stop.send_replace(true);
    }
}
