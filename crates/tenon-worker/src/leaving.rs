//! Why jobs are left, and jobs that are ended or suspended without being worked on.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tenon_capture::LifecycleType;
use tenon_engine::{Recorded, Timestamp};
use tenon_store::{Fence, JobId, JobState, OpenJob, Transition, Write};
use tokio::sync::oneshot;

use crate::begin::wanted;
use crate::lifecycle::Lifecycle;
use crate::run::{Task, run};
use crate::{Context, ending, family, load};

/// Why the worker left a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// It is final, durably.
    Finished,
    /// It sleeps until a moment.
    Parked { until: Timestamp, is_retry: bool },
    /// It waits for a person, and so does its lane.
    Suspended,
    /// The store takes no writes for it any more (shutting down, or another owner).
    Lost,
}

/// The store failed: the job goes on later.
pub(crate) fn lost(job: JobId, error: &tenon_store::Error) -> Left {
    if !matches!(error, tenon_store::Error::Closed) {
        tracing::error!(%job, %error, "the store failed; the job goes on later");
    }
    Left::Lost
}

/// A job that cannot be interpreted is shown, never guessed.
pub(crate) async fn suspend_unloaded(context: &Context, fence: Fence, job: &OpenJob, detail: &str) -> Left {
    tracing::error!(job = %job.id, detail, "the job is suspended: it cannot be interpreted");
    let now = context.capture.ports().clock.now();
    let reason = ending::reason("the job cannot be interpreted", detail);
    let transition = Transition::Suspended { reason };
    let announced = transition.clone();
    if let Some(mut lifecycle) = lifecycle_of(context, job).await {
        lifecycle.left(&transition, (job.journal_length, now));
        if let Err(error) = lifecycle.tell(context).await {
            return lost(job.id, &error);
        }
    }
    let write = Write {
        fence,
        workspace: job.workspace,
        job: job.id,
        entries: Vec::new(),
        transition,
        started_at: now,
        at: now,
    };
    match context.store.write(write).await {
        Ok(()) => {
            ending::announce(context, job, &"".into(), &announced);
            Left::Suspended
        }
        Err(error) => lost(job.id, &error),
    }
}

/// The store has more of the job than we know: it has ended, or what we had in hand was old.
pub(crate) async fn overtaken(context: &Context, job: JobId, reason: &str) -> Left {
    match context.store.open_job(job).await {
        Ok(None) => Left::Finished,
        Ok(Some(_)) => {
            tracing::error!(%job, reason, "the job's copy in memory was old; it goes on from the store later");
            Left::Lost
        }
        Err(error) => lost(job, &error),
    }
}

/// Ends a job that nobody works on. It is not interpreted, so this works for one that cannot be, too.
pub(crate) async fn cancel_idle(context: &Context, fences: &[Fence], job: JobId) -> Left {
    let job = match context.store.open_job(job).await {
        Ok(Some(job)) => job,
        Ok(None) => return Left::Finished,
        Err(error) => return lost(job, &error),
    };
    let has_begun = job.state != JobState::Pending || job.journal_length > 0;
    if has_begun && tells_of_tasks(context, &job).await {
        match interpret_cancelled(context, fences[usize::from(job.shard.0)], job.id).await {
            Some(left) if left != Left::Suspended => return left,
            _ => {}
        }
    }
    let ports = context.capture.ports();
    let at = ports.clock.now();
    let deployed = ports.programs.get(job.workspace, job.revision).await.ok();
    let expires = ending::expiry(context, (job.workspace, deployed.as_deref()), at);
    let transition = Transition::Cancelled { expires };
    let cancellation = Recorded::cancellation(job.journal_length, load::time(at));
    let mut write = Write {
        fence: fences[usize::from(job.shard.0)],
        workspace: job.workspace,
        job: job.id,
        entries: vec![load::entry(cancellation)],
        transition,
        started_at: job.started_at.unwrap_or(at),
        at,
    };
    let ended = async {
        end_children(context, &job, &mut write).await?;
        write_and_tell(context, &job, &mut write).await
    };
    match ended.await {
        Ok(()) => {
            let name = deployed.map_or_else(|| "".into(), |deployed| Arc::clone(&deployed.name));
            ending::announce(context, &job, &name, &write.transition);
            Left::Finished
        }
        Err(tenon_store::Error::Conflict(reason)) => overtaken(context, job.id, &reason).await,
        Err(error) => lost(job.id, &error),
    }
}

/// The children that it awaits end before it, so that none is forgotten, and after it is durable why: a job whose
/// child has ended would go on if nobody knew that it is to end, too.
async fn end_children(context: &Context, job: &OpenJob, write: &mut Write) -> Result<(), tenon_store::Error> {
    let children = family::open_children(context, job).await?;
    if children.is_empty() {
        return Ok(());
    }
    let cancelled = Write { transition: Transition::Running, ..write.clone() };
    context.store.write(cancelled).await?;
    write.entries.clear();
    for child in children {
        family::end(context, job.workspace, child).await?;
    }
    write.at = context.capture.ports().clock.now();
    Ok(())
}

/// Whether somebody wants to hear of the tasks that end with it, so that it has to be interpreted after all.
async fn tells_of_tasks(context: &Context, job: &OpenJob) -> bool {
    let types = wanted(context, job, false).await.unwrap_or_default();
    types.contains(LifecycleType::TaskCancelled)
}

/// Ends a job like one that runs, if it can be interpreted.
async fn interpret_cancelled(context: &Context, fence: Fence, job: JobId) -> Option<Left> {
    let (cancel, cancelled) = oneshot::channel();
    cancel.send(()).expect("the receiver is in the next line");
    let task = Task { fence, job, fresh: None, cancel: cancelled };
    let running = AssertUnwindSafe(Box::pin(run(context.clone(), task))).catch_unwind();
    running.await.ok().map(|(left, _)| left)
}

/// Where somebody wants its lifecycle event, the cancellation is durable before it, and the end after it.
async fn write_and_tell(
    context: &Context,
    job: &OpenJob,
    write: &mut Write,
) -> Result<(), tenon_store::Error> {
    if let Some(mut lifecycle) = lifecycle_of(context, job).await {
        lifecycle.left(&write.transition, (job.journal_length, write.at));
        if lifecycle.has_news() {
            if !write.entries.is_empty() {
                let outcome = Write { transition: Transition::Running, ..write.clone() };
                context.store.write(outcome).await?;
                write.entries.clear();
            }
            lifecycle.tell(context).await?;
        }
    }
    context.store.write(write.clone()).await
}

/// The lifecycle events of a job that nobody works on; `None`: nobody wants any, or it cannot be told.
pub(crate) async fn lifecycle_of(context: &Context, job: &OpenJob) -> Option<Lifecycle> {
    let ports = context.capture.ports();
    let types = wanted(context, job, false).await.ok().filter(|types| !types.is_empty())?;
    let deployed = ports.programs.get(job.workspace, job.revision).await.ok()?;
    let about = load::about_job(job.payload.as_ref()?)?;
    if about.is_lifecycle {
        return None;
    }
    let mut lifecycle = Lifecycle::new(types, job, &deployed, about.hops);
    // What it has listened for is not read for this.
    let may_have_heard = job.journal_length > 0 && load::listens(&deployed.program);
    if about.is_masked || may_have_heard || !deployed.program.settings.mask.is_empty() {
        lifecycle.mask();
    }
    Some(lifecycle)
}

/// A job whose task panicked must not run again and again: it is shown, with its lane stopped.
pub(crate) async fn suspend_panicked(context: &Context, fence: Fence, job: JobId) -> Left {
    context.capture.ports().metrics.panics.increment();
    let job = match context.store.open_job(job).await {
        Ok(Some(job)) => job,
        Ok(None) => return Left::Finished,
        Err(error) => return lost(job, &error),
    };
    let detail = "interpreting it hit a bug in Tenon; the server's log has the place";
    suspend_unloaded(context, fence, &job, detail).await
}
