//! Jobs and their children, as the store knows them: ending them, and lanes that they must not wait in.

use std::time::Duration;

use serde_json::Value;
use tenon_capture::AWAITED;
use tenon_store::{Error, JobFilter, JobId, JobState, OpenJob, Origin, ResourceId, WorkspaceId};

use crate::Context;
use crate::dispatcher::Notice;

/// How often a child that is to end is looked at, if nobody tells of its end.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Children read at once.
const PAGE: u32 = 200;
const OPEN: [JobState; 4] = [JobState::Pending, JobState::Running, JobState::Waiting, JobState::Suspended];

/// An ordered lane: its workflow and its key.
pub(crate) type HeldLane = (ResourceId, String);

/// Ends a job and waits until its end is durable.
pub(crate) async fn end(context: &Context, workspace: WorkspaceId, job: JobId) -> Result<(), Error> {
    let ports = context.capture.ports();
    loop {
        let watch = ports.watch.register(job).ok();
        match ports.store.job(workspace, job).await? {
            Some(record) if !record.state.is_final() => {}
            _ => return Ok(()),
        }
        // Said again and again: a worker that lost sight of the job forgets what it was told.
        context.notices.send(Notice::Cancel(job)).await.map_err(|_| Error::Closed)?;
        match watch {
            Some(mut watch) => drop(tokio::time::timeout(LOOK_EVERY, watch.end()).await),
            None => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

/// The children that have not ended and whose end a job awaits, as the store knows them.
pub(crate) async fn open_children(context: &Context, parent: &OpenJob) -> Result<Vec<JobId>, Error> {
    let filter = JobFilter { parent: Some(parent.id), states: OPEN.to_vec(), ..JobFilter::default() };
    let (mut awaited, mut cursor) = (Vec::new(), None);
    loop {
        let page = context.store.jobs(parent.workspace, &filter, cursor, PAGE).await?;
        for child in page.items {
            if let Some(child) = context.store.open_job(child.id).await?
                && is_awaited(&child)
            {
                awaited.push(child.id);
            }
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(awaited);
        }
    }
}

/// The lanes that a job holds, and those held by jobs that wait for it, for one another.
pub(crate) async fn held_lanes(context: &Context, job: &OpenJob) -> Result<Vec<HeldLane>, Error> {
    let mut held = Vec::new();
    let mut above = waits_for(job);
    held.extend(job.lane.clone().map(|lane| (job.workflow, lane)));
    while let Some(id) = above {
        let Some(job) = context.store.open_job(id).await? else { break };
        above = waits_for(&job);
        held.extend(job.lane.map(|lane| (job.workflow, lane)));
    }
    Ok(held)
}

/// Who waits for the end of a job.
fn waits_for(job: &OpenJob) -> Option<JobId> {
    job.parent.filter(|_| is_awaited(job))
}

/// Whether a child's parent waits for its end: its event says so.
fn is_awaited(child: &OpenJob) -> bool {
    let envelope = child.payload.as_ref().filter(|_| child.origin == Origin::Call);
    let envelope = envelope.and_then(|payload| serde_json::from_slice::<Value>(&payload.envelope).ok());
    envelope.is_some_and(|envelope| envelope.get(AWAITED) == Some(&Value::Bool(true)))
}
