//! How occurrences at work stand, by the store: so that a restart changes nothing.
//!
//! A job that is not there any more was removed by retention, or by a person, after it had ended: for those that wait
//! for its end it has ended, but nobody can say how. Ends are looked for at least every ten seconds, so that happens
//! only where jobs are kept for less than that, or less than the server was down.

use tenon_store::{Error, JobId, JobState, Store, Timestamp, WorkspaceId};

use super::plan::{End, Standing};
use super::state::Run;

/// Looks at each of them. A job that is not there any more has ended `now`, nobody knows how.
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
    let (mut last, mut end) = (None, End::Completed);
    for job in &run.jobs {
        let Some((at, of_job)) = ended(store, workspace, *job, now).await? else { return Ok(Standing::Open) };
        last = last.max(Some(at));
        end = end.max(of_job);
    }
    if let Some(event) = run.event {
        let event = store.event(workspace, event).await?;
        for job in event.map(|event| event.jobs).unwrap_or_default() {
            let Some((at, _)) = ended(store, workspace, job, now).await? else { return Ok(Standing::Open) };
            last = last.max(Some(at));
        }
    }
    Ok(Standing::Ended { at: last.unwrap_or(now), end })
}

async fn ended(
    store: &dyn Store,
    workspace: WorkspaceId,
    job: JobId,
    now: Timestamp,
) -> Result<Option<(Timestamp, End)>, Error> {
    Ok(match store.job(workspace, job).await? {
        None => Some((now, End::Unknown)),
        Some(job) if job.state.is_final() => {
            let end = if job.state == JobState::Completed { End::Completed } else { End::Failed };
            Some((job.ended_at.unwrap_or(now), end))
        }
        Some(_) => None,
    })
}
