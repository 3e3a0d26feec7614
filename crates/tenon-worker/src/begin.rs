//! A job's beginning: loaded, and brought to where its journal ends.

use std::sync::Arc;
use std::time::Duration;

use tenon_capture::{Deployed, LifecycleTypes};
use tenon_engine::{Execution, Outcome, Progress, Recorded};
use tenon_store::{Entry, JobState, OpenJob, Timestamp};

use crate::leaving::{Left, lost, suspend_unloaded};
use crate::lifecycle::Lifecycle;
use crate::load::About;
use crate::openings::Opened;
use crate::run::Task;
use crate::{Context, load};

/// Entries that are played back before other jobs get their turn.
const REPLAY_SLICE: u32 = 64;

/// A job that can be worked on.
pub(crate) struct Begun {
    pub(crate) job: OpenJob,
    pub(crate) deployed: Arc<Deployed>,
    pub(crate) execution: Execution,
    /// How many emits and calls lie between it and an event from outside.
    pub(crate) hops: u32,
    /// Whether a lifecycle event started it or made it go on.
    pub(crate) is_lifecycle: bool,
    /// Whether it has values that nobody is shown.
    pub(crate) is_masked: bool,
    /// Its own lifecycle events, where somebody wants them.
    pub(crate) lifecycle: Option<Box<Lifecycle>>,
    /// If the journal was too long to be played back at once.
    pub(crate) opened: Option<Opened>,
    /// What playing the journal back took.
    pub(crate) used: Duration,
}

/// Loads a job and brings the interpreter to where the journal ends.
pub(crate) async fn begin(context: &Context, task: &mut Task) -> Result<Begun, Left> {
    let store = &context.store;
    let job = match task.fresh.take() {
        Some(fresh) => fresh,
        None => match store.open_job(task.job).await {
            Ok(Some(job)) => job,
            Ok(None) => return Err(Left::Finished),
            Err(error) => return Err(lost(task.job, &error)),
        },
    };
    let ports = context.capture.ports();
    let deployed = match ports.programs.get(job.workspace, job.revision).await {
        Ok(deployed) => deployed,
        Err(tenon_capture::Error::Store(error)) => return Err(lost(job.id, &error)),
        Err(error) => {
            return Err(Box::pin(suspend_unloaded(context, task.fence, &job, &error.to_string())).await);
        }
    };
    let journal = match job.journal_length {
        0 => Vec::new(),
        _ => match store.journal(job.workspace, job.id).await {
            Ok(journal) => journal,
            Err(error) => return Err(lost(job.id, &error)),
        },
    };
    let opened = (job.journal_length >= REPLAY_SLICE).then(|| context.openings.opened());
    let began_at = ports.clock.now();
    let loaded = match loaded(&deployed, &job) {
        Ok(loaded) => loaded,
        Err(reason) => return Err(Box::pin(suspend_unloaded(context, task.fence, &job, &reason)).await),
    };
    let types = match wanted(context, &job, loaded.is_lifecycle).await {
        Ok(types) => types,
        Err(error) => return Err(lost(job.id, &error)),
    };
    let hops = loaded.job.hops;
    let mut replay = Replay {
        execution: Execution::new(loaded.job),
        is_lifecycle: loaded.is_lifecycle,
        is_masked: false,
        lifecycle: (!types.is_empty()).then(|| Box::new(Lifecycle::new(types, &job, &deployed, hops))),
    };
    if loaded.is_masked {
        replay.mask();
    }
    if types.has_tasks() {
        replay.execution.observe();
    }
    if let Err(reason) = replay.play(&job, began_at, journal).await {
        return Err(Box::pin(suspend_unloaded(context, task.fence, &job, &reason)).await);
    }
    let used = ports.clock.now().since(began_at);
    let Replay { execution, is_lifecycle, is_masked, lifecycle } = replay;
    Ok(Begun { job, deployed, execution, hops, is_lifecycle, is_masked, lifecycle, opened, used })
}

/// A job as its journal leaves it; `None`: it cannot be interpreted.
pub(crate) async fn replayed(
    context: &Context,
    job: &OpenJob,
) -> Result<Option<Execution>, tenon_store::Error> {
    let deployed = match context.capture.ports().programs.get(job.workspace, job.revision).await {
        Ok(deployed) => deployed,
        Err(tenon_capture::Error::Store(error)) => return Err(error),
        Err(_) => return Ok(None),
    };
    let journal = context.store.journal(job.workspace, job.id).await?;
    let Ok(loaded) = loaded(&deployed, job) else { return Ok(None) };
    let mut replay = Replay {
        execution: Execution::new(loaded.job),
        is_lifecycle: loaded.is_lifecycle,
        is_masked: loaded.is_masked,
        lifecycle: None,
    };
    if replay.play(job, job.captured_at, journal).await.is_err() {
        return Ok(None);
    }
    while replay.execution.resume() == Progress::Yielded {
        tokio::task::yield_now().await;
    }
    Ok(Some(replay.execution))
}

/// The lifecycle events that a job has to tell.
pub(crate) async fn wanted(
    context: &Context,
    job: &OpenJob,
    is_lifecycle: bool,
) -> Result<LifecycleTypes, tenon_store::Error> {
    if is_lifecycle {
        return Ok(LifecycleTypes::default());
    }
    match context.capture.lifecycle(job.workspace).await {
        Ok(types) => Ok(types),
        Err(tenon_capture::Error::Store(error)) => Err(error),
        Err(error) => {
            tracing::error!(%error, "cannot tell who wants lifecycle events; none are captured");
            Ok(LifecycleTypes::default())
        }
    }
}

/// The job as it was before its first step. The error says why it must be suspended.
fn loaded(deployed: &Deployed, job: &OpenJob) -> Result<load::Loaded, String> {
    let payload = job.payload.as_ref().ok_or("the job's event is not kept any more")?;
    let source = load::Source {
        id: job.id,
        origin: job.origin,
        semantics: job.semantics,
        captured_at: job.captured_at,
        payload,
    };
    load::job(deployed, &source).map_err(|error| error.to_string())
}

/// A fresh interpreter on its way to where the journal ends.
struct Replay {
    execution: Execution,
    is_lifecycle: bool,
    is_masked: bool,
    lifecycle: Option<Box<Lifecycle>>,
}

// === impl Replay ===

impl Replay {
    /// The error says why the job must be suspended.
    async fn play(&mut self, job: &OpenJob, at: Timestamp, journal: Vec<Entry>) -> Result<(), String> {
        // A job that was parked has told everything before. One that was left some other way tells all again:
        // what was told is recognised.
        let was_parked = job.state == JobState::Waiting;
        if let Some(lifecycle) = self.lifecycle.as_mut().filter(|_| !was_parked) {
            lifecycle.started(job.started_at.unwrap_or(at));
        }
        let kept = if cfg!(feature = "mutant-replay-drops-outcome") {
            journal.len().saturating_sub(1)
        } else {
            journal.len()
        };
        let recorded: Vec<Recorded> = journal.into_iter().take(kept).map(load::recorded).collect();
        self.execution.prepare(&recorded);
        for entry in recorded {
            if entry.sequence % REPLAY_SLICE == REPLAY_SLICE - 1 {
                tokio::task::yield_now().await;
            }
            let about = about_received(&entry);
            if about.is_masked {
                self.mask();
            }
            if about.is_lifecycle {
                self.is_lifecycle = true;
                self.take_notices(was_parked);
                if let Some(lifecycle) = &mut self.lifecycle {
                    lifecycle.fall_silent(Vec::new());
                }
            }
            if entry.is_resumption() {
                self.take_notices(was_parked);
                if let Some(lifecycle) = &mut self.lifecycle {
                    lifecycle.passed_resumption();
                }
            }
            self.execution.replay(&entry).map_err(|error| error.to_string())?;
        }
        self.take_notices(was_parked);
        if was_parked {
            // They ended before it was.
            self.execution.take_abandoned();
        }
        Ok(())
    }

    /// From here on it has values that nobody is shown.
    fn mask(&mut self) {
        self.is_masked = true;
        self.lifecycle.iter_mut().for_each(|lifecycle| lifecycle.mask());
    }

    fn take_notices(&mut self, were_told: bool) {
        let Some(lifecycle) = &mut self.lifecycle else { return };
        let notices = self.execution.take_notices();
        if were_told {
            lifecycle.pass_over(&notices);
        } else {
            lifecycle.note(notices);
        }
    }
}

/// Of the event that a `listen` took, if the entry is one.
fn about_received(entry: &Recorded) -> About {
    if !entry.effect.contains("/event/") {
        return About::default();
    }
    match Outcome::decode(&entry.outcome) {
        Ok(Outcome::Received { envelope, .. }) => load::about(&envelope),
        _ => About::default(),
    }
}
