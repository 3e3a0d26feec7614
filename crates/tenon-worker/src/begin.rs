//! A job's beginning: loaded, and brought to where its journal ends.

use std::sync::Arc;
use std::time::Duration;

use tenon_capture::{Deployed, LifecycleTypes};
use tenon_engine::Execution;
use tenon_store::{Entry, JobState, OpenJob};

use crate::leaving::{Left, lost, suspend_unloaded};
use crate::lifecycle::Lifecycle;
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
    /// Whether a lifecycle event started it.
    pub(crate) is_lifecycle: bool,
    /// Its own lifecycle events, where somebody wants them.
    pub(crate) lifecycle: Option<Box<Lifecycle>>,
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
        Err(error) => return Err(suspend_unloaded(context, task.fence, &job, &error.to_string()).await),
    };
    let journal = match job.journal_length {
        0 => Vec::new(),
        _ => match store.journal(job.workspace, job.id).await {
            Ok(journal) => journal,
            Err(error) => return Err(lost(job.id, &error)),
        },
    };
    let began_at = ports.clock.now();
    let loaded = match loaded(&deployed, &job) {
        Ok(loaded) => loaded,
        Err(reason) => return Err(suspend_unloaded(context, task.fence, &job, &reason).await),
    };
    let (hops, is_lifecycle) = (loaded.job.hops, loaded.is_lifecycle);
    let types = match wanted(context, &job, is_lifecycle).await {
        Ok(types) => types,
        Err(error) => return Err(lost(job.id, &error)),
    };
    let lifecycle = (!types.is_empty()).then(|| Box::new(Lifecycle::new(types, &job, &deployed, hops)));
    let mut execution = Execution::new(loaded.job);
    if types.has_tasks() {
        execution.observe();
    }
    if let Err(reason) = replay(&mut execution, journal).await {
        return Err(suspend_unloaded(context, task.fence, &job, &reason).await);
    }
    let used = ports.clock.now().since(began_at);
    let lifecycle = lifecycle.map(|lifecycle| take_up(lifecycle, &mut execution, &job, began_at));
    Ok(Begun { job, deployed, execution, hops, is_lifecycle, lifecycle, used })
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

/// A job that was parked has told everything before. One that was left some other way tells all again: what
/// was told is recognised.
fn take_up(
    mut lifecycle: Box<Lifecycle>,
    execution: &mut Execution,
    job: &OpenJob,
    at: tenon_store::Timestamp,
) -> Box<Lifecycle> {
    let replayed = execution.take_notices();
    if job.state == JobState::Waiting {
        lifecycle.pass_over(&replayed);
    } else {
        lifecycle.started(job.started_at.unwrap_or(at));
        lifecycle.note(replayed);
    }
    lifecycle
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

/// Plays a fresh interpreter forward over the journal. The error says why the job must be suspended.
async fn replay(execution: &mut Execution, journal: Vec<Entry>) -> Result<(), String> {
    let kept = if cfg!(feature = "mutant-replay-drops-outcome") {
        journal.len().saturating_sub(1)
    } else {
        journal.len()
    };
    for entry in journal.into_iter().take(kept) {
        if entry.sequence % REPLAY_SLICE == REPLAY_SLICE - 1 {
            tokio::task::yield_now().await;
        }
        execution.replay(&load::recorded(entry)).map_err(|error| error.to_string())?;
    }
    Ok(())
}
