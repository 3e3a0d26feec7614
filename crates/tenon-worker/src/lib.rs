//! Runs jobs: asks the scheduler who may, lets the interpreter decide, performs effects, records outcomes.
//!
//! ```text
//! store feed ─► Dispatcher ─(Start)─► one task per running job: run::run
//!                   ▲                      │ effects ─► perform ─► outcomes ─► store.write ─► next effects
//!                   └──── Finished / Parked / Suspended ◄───────┘
//! ```
//!
//! All decisions are the engine's. Here is only what needs a clock, a network or a store.

mod begin;
mod dispatcher;
mod ending;
mod family;
mod history;
mod leaving;
mod lifecycle;
mod load;
mod mask;
mod mending;
mod openings;
mod perform;
mod rerun;
mod run;
mod transient;

use std::sync::Arc;
use std::time::Duration;

use tenon_capture::{CaptureService, Variables};
use tenon_engine::scheduler::Bounds;
use tenon_outbound::HttpClient;
use tenon_store::{JobId, Shard, Store, WorkspaceSettings};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

pub use dispatcher::{BacklogUse, WorkerUse};
use dispatcher::{Dispatcher, Mend, Notice};
pub use history::{History, HistoryError, Masks, Trace, Verdict};
pub use mask::{MASKED, Mask};
pub use mending::MendError;
use mending::Remedy;
use openings::Openings;
pub use rerun::{From, RerunError, RerunFrom};
pub use transient::Transient;

/// Batches of new jobs that may wait for the dispatcher; beyond it the store is read instead.
const FEED_BATCHES: usize = 4_096;
/// See [`Options::openings`]. With 16, of each commit more went to 64 clients' captures than to the ends of jobs.
const OPENINGS_OF_A_CORE: u32 = 48;

/// Settings of the worker.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many shards lanes hash to; all of them are owned by this process.
    pub shards: u16,
    /// Jobs that run at once.
    pub capacity: u32,
    /// Of them, those that have started and not yet come to a call, a pause or their end.
    pub openings: u32,
    /// Bytes of payloads of jobs that wait for their turn; beyond it they are read again when they start.
    pub payload_bytes: usize,
    /// How long finished jobs are kept whose workflow and workspace do not say.
    pub keep_jobs: Duration,
    /// How long the payloads of finished jobs are kept whose workflow and workspace do not say; `None`: as long as the
    /// job.
    pub keep_payloads: Option<Duration>,
    /// How often the store is asked for timers of the next hour.
    pub look_every: Duration,
    /// Waiting jobs of a shard that are read at once, when it is taken over and when timers are looked for.
    pub waiting_page: u32,
    /// Jobs of one workspace that run at once, if it does not say; `None`: as many as `capacity`.
    pub workspace_concurrency: Option<u32>,
    /// How far the work of a workspace may be behind.
    pub backlog: BacklogBounds,
    /// How many jobs of a shard are held in memory; others wait in the store.
    pub places: Bounds,
}

/// How far the work of one workspace may be behind before nothing new is taken for it from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BacklogBounds {
    /// Jobs that wait for their turn.
    pub jobs: u64,
    /// Bytes of their events.
    pub bytes: u64,
    /// How long the oldest waits that lacks nothing but its turn.
    pub age: Duration,
}

// === impl BacklogBounds ===

impl Default for BacklogBounds {
    fn default() -> Self {
        Self { jobs: 1_000_000, bytes: 8 << 30, age: Duration::from_mins(10) }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            shards: 16,
            capacity: 1_024,
            openings: openings(),
            payload_bytes: 64 << 20,
            keep_jobs: Duration::from_hours(30 * 24),
            keep_payloads: None,
            look_every: Duration::from_mins(1),
            waiting_page: 1_000,
            workspace_concurrency: None,
            backlog: BacklogBounds::default(),
            places: Bounds::default(),
        }
    }
}

/// Enough to keep the cores busy while the store writes: measured with B1 and B9.
fn openings() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    OPENINGS_OF_A_CORE.saturating_mul(u32::try_from(cores).unwrap_or(u32::MAX))
}

/// What the worker is made of.
#[derive(Clone)]
pub struct Parts {
    /// The way in, for emitted events and children; with the store.
    pub capture: CaptureService,
    /// The way out.
    pub http: HttpClient,
    /// Values of secrets and configuration.
    pub variables: Arc<dyn Variables>,
}

/// What the worker uses.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) capture: CaptureService,
    pub(crate) http: HttpClient,
    pub(crate) variables: Arc<dyn Variables>,
    /// To the dispatcher.
    pub(crate) notices: mpsc::Sender<Notice>,
    pub(crate) openings: Arc<Openings>,
    /// How long finished jobs are kept whose workflow and workspace do not say.
    pub(crate) keep_jobs: Duration,
    /// How long their payloads are; `None`: as long as the job.
    pub(crate) keep_payloads: Option<Duration>,
}

/// The running worker. Cheap to clone; the worker stops by [`Worker::drain`].
#[derive(Clone)]
pub struct Worker {
    notices: mpsc::Sender<Notice>,
    defaults: WorkspaceSettings,
}

/// Why a request to the worker failed: it has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the worker has stopped")]
pub struct Stopped;

// === impl Worker ===

impl Worker {
    /// Takes over all shards and begins to run their jobs. The handle ends when the worker has drained.
    pub async fn start(parts: Parts, options: Options) -> Result<(Self, JoinHandle<()>), tenon_store::Error> {
        let Parts { capture, http, variables } = parts;
        let store = Arc::clone(&capture.ports().store);
        let mut fences = Vec::with_capacity(usize::from(options.shards));
        for shard in 0..options.shards {
            fences.push(store.acquire(Shard(shard)).await?);
        }
        let (notices, inbox) = mpsc::channel(FEED_BATCHES);
        let keep_jobs = options.keep_jobs;
        let keep_payloads = options.keep_payloads;
        let context = Context {
            store,
            capture,
            http,
            variables,
            notices: notices.clone(),
            openings: Openings::new(options.openings),
            keep_jobs,
            keep_payloads,
        };
        let defaults = WorkspaceSettings {
            keep_jobs: Some(keep_jobs),
            keep_payloads,
            concurrency: options.workspace_concurrency,
        };
        let dispatcher = Dispatcher::new(context, options, fences);
        dispatcher.listen_to_feed();
        let running = tokio::spawn(dispatcher.run(inbox));
        Ok((Self { notices, defaults }, running))
    }

    /// What holds for workspaces that say nothing for themselves.
    pub fn defaults(&self) -> WorkspaceSettings {
        self.defaults
    }

    /// Ends a job as soon as it can be: running effects are aborted. `Ok` means: asked; watch the job's state.
    pub async fn cancel(&self, job: JobId) -> Result<(), Stopped> {
        self.notices.send(Notice::Cancel(job)).await.map_err(|_| Stopped)
    }

    /// All limits and what they are used for.
    pub async fn usage(&self) -> Result<WorkerUse, Stopped> {
        let (answer, usage) = oneshot::channel();
        self.notices.send(Notice::Usage(answer)).await.map_err(|_| Stopped)?;
        usage.await.map_err(|_| Stopped)
    }

    /// Has a suspended job go on. One that had faulted and was parked tries again what failed; nothing that was
    /// recorded runs again. Any other is tried again as it is, and suspended again if the reason has stayed. `Ok`: it
    /// is in line again, durably.
    pub async fn resume(&self, job: JobId) -> Result<(), MendError> {
        self.mend(job, Remedy::Resume).await
    }

    /// Gives a suspended job up: it ends faulted with the error that it has, and its lane goes on. `Ok`: durable.
    pub async fn skip(&self, job: JobId) -> Result<(), MendError> {
        self.mend(job, Remedy::Skip).await
    }

    async fn mend(&self, job: JobId, remedy: Remedy) -> Result<(), MendError> {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let notice = Notice::Mend(Mend { job, remedy, answer, looks: 0 });
        self.notices.send(notice).await.map_err(|_| MendError::Stopped)?;
        answered.await.unwrap_or(Err(MendError::Stopped))
    }

    /// Starts nothing more, gives running jobs this long to come to a point where they may be left.
    pub async fn drain(&self, patience: Duration) {
        // A worker that has stopped already is drained.
        let _ = self.notices.send(Notice::Drain(patience)).await;
    }
}
