//! How occurrences at work stand, by the store: so that a restart, or a job that was removed, changes nothing.

use tenon_store::{Error, JobId, JobState, Store, Timestamp, WorkspaceId};

use super::plan::Standing;
use super::state::Run;

/// Looks at each of them. A job that is not there any more counts as completed, `now`.
pub(crate) async fn standings(
    store: &dyn Store,
    workspace: WorkspaceId,
    running: &[Run],
    now: Timestamp,
) -> Result<Vec<Standing>, Error> {
    let mut standings = Vec::with_capacity(running.len());
    for run in running {
        standings.push(standing(store, workspace, run, now).await?);
    }
    Ok(standings)
}

async fn standing(
    store: &dyn Store,
    workspace: WorkspaceId,
    run: &Run,
    now: Timestamp,
) -> Result<Standing, Error> {
    let (mut last, mut is_completed) = (None, true);
    for job in &run.jobs {
        let Some((at, state)) = ended(store, workspace, *job, now).await? else { return Ok(Standing::Open) };
        last = last.max(Some(at));
        is_completed &= state == JobState::Completed;
    }
    if let Some(event) = run.event {
        let event = store.event(workspace, event).await?;
        for job in event.map(|event| event.jobs).unwrap_or_default() {
            let Some((at, _)) = ended(store, workspace, job, now).await? else { return Ok(Standing::Open) };
            last = last.max(Some(at));
        }
    }
    Ok(Standing::Ended { at: last.unwrap_or(now), is_completed })
}

async fn ended(
    store: &dyn Store,
    workspace: WorkspaceId,
    job: JobId,
    now: Timestamp,
) -> Result<Option<(Timestamp, JobState)>, Error> {
    Ok(match store.job(workspace, job).await? {
        None => Some((now, JobState::Completed)),
        Some(job) if job.state.is_final() => Some((job.ended_at.unwrap_or(now), job.state)),
        Some(_) => None,
    })
}
