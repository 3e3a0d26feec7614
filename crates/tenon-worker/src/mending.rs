//! What people do about suspended jobs: have them go on, or give them up. Only the dispatcher calls this, and for one
//! job at a time, so that nothing else moves the job meanwhile.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use tenon_engine::{Finished, Recorded};
use tenon_store::{Error, Fence, JobId, JobState, OpenJob, Transition, Write};

use crate::leaving::lifecycle_of;
use crate::{Context, begin, ending, family, load};

/// When a store is asked again that failed.
const PAUSE: Duration = Duration::from_millis(500);

/// What is to be done about a suspended job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// It goes on: what failed is tried again.
    Resume,
    /// It ends with the error that it has, and its lane goes on.
    Skip,
}

/// Why a suspended job was not moved.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MendError {
    /// It is not suspended.
    #[error("the job is {}, not suspended", .0.name())]
    NotSuspended(JobState),
    /// It is being worked on, or being ended.
    #[error("the job is being worked on")]
    Busy,
    /// The worker has stopped.
    #[error("the worker has stopped")]
    Stopped,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
}

/// How a job stands after it.
#[derive(Debug)]
pub(crate) enum Mended {
    /// In line again.
    Ready(Box<OpenJob>),
    /// Final, durably.
    Ended,
}

/// Moves a suspended job.
pub(crate) async fn mend(
    context: &Context,
    fences: &[Fence],
    (job, remedy): (JobId, Remedy),
) -> Result<Mended, MendError> {
    let Some(job) = context.store.open_job(job).await? else { return Err(Error::NotFound("job").into()) };
    if job.state != JobState::Suspended {
        return Err(MendError::NotSuspended(job.state));
    }
    let fence = fences[usize::from(job.shard.0)];
    match remedy {
        Remedy::Resume => resume(context, fence, job).await,
        Remedy::Skip => skip(context, fence, &job).await,
    }
}

async fn resume(context: &Context, fence: Fence, job: OpenJob) -> Result<Mended, MendError> {
    let has_faulted = has_faulted(context, &job).await?;
    let at = context.capture.ports().clock.now();
    let resumption = has_faulted.then(|| Recorded::resumption(job.journal_length, load::time(at)));
    if let Some(mut lifecycle) = lifecycle_of(context, &job).await {
        lifecycle.resumed((job.journal_length, at));
        lifecycle.tell(context).await?;
    }
    let write = Write {
        fence,
        workspace: job.workspace,
        job: job.id,
        entries: resumption.map(load::entry).into_iter().collect(),
        transition: Transition::Pending,
        started_at: job.started_at.unwrap_or(at),
        at,
    };
    context.store.write(write).await?;
    ending::announce(context, &job, &name(context, &job).await, &Transition::Pending);
    in_line(context, job.id).await
}

/// A job that goes on, read again: one that had no lane has one now. A store that fails is asked until it answers: what
/// nobody tells the scheduler stands still with its lane, though it is durable that it goes on.
async fn in_line(context: &Context, job: JobId) -> Result<Mended, MendError> {
    loop {
        match context.store.open_job(job).await {
            Ok(Some(job)) => return Ok(Mended::Ready(Box::new(job))),
            Ok(None) => return Ok(Mended::Ended),
            Err(error @ Error::Closed) => return Err(error.into()),
            Err(error) => tracing::error!(%job, %error, "cannot read a job that goes on; trying again"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether a job's journal leads to an error, so that the newest failure has to be taken back. One that cannot be
/// interpreted, whatever the reason, goes on as it is, and perhaps is suspended again.
async fn has_faulted(context: &Context, job: &OpenJob) -> Result<bool, Error> {
    let replayed = AssertUnwindSafe(Box::pin(begin::replayed(context, job))).catch_unwind();
    let Ok(replayed) = replayed.await else { return Ok(false) };
    let execution = replayed?;
    Ok(execution.is_some_and(|execution| matches!(execution.finished(), Some(Finished::Faulted(_)))))
}

async fn skip(context: &Context, fence: Fence, job: &OpenJob) -> Result<Mended, MendError> {
    let record = context.store.job(job.workspace, job.id).await?;
    let error = record.and_then(|record| record.result).unwrap_or_else(no_lane);
    for child in family::open_children(context, job).await? {
        family::end(context, job.workspace, child).await?;
    }
    let ports = context.capture.ports();
    let at = ports.clock.now();
    let deployed = ports.programs.get(job.workspace, job.revision).await.ok();
    let expires = ending::expiry(context, (job.workspace, deployed.as_deref()), at);
    let transition = Transition::Faulted { error, expires };
    if let Some(mut lifecycle) = lifecycle_of(context, job).await {
        lifecycle.left(&transition, (job.journal_length, at));
        lifecycle.tell(context).await?;
    }
    let write = Write {
        fence,
        workspace: job.workspace,
        job: job.id,
        entries: Vec::new(),
        transition: transition.clone(),
        started_at: job.started_at.unwrap_or(at),
        at,
    };
    context.store.write(write).await?;
    ending::announce(context, job, &name(context, job).await, &transition);
    Ok(Mended::Ended)
}

async fn name(context: &Context, job: &OpenJob) -> Arc<str> {
    let deployed = context.capture.ports().programs.get(job.workspace, job.revision).await;
    deployed.map_or_else(|_| "".into(), |deployed| Arc::clone(&deployed.name))
}

/// The error of a job that was captured without a lane and is given up.
fn no_lane() -> Bytes {
    ending::reason("no place in line", "the workflow's orderingKey or dedupKey gave no value for this event")
}
