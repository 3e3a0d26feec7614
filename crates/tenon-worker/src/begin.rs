//! A job's beginning: loaded, and brought to where its journal ends.

use std::sync::Arc;
use std::time::Duration;

use tenon_capture::Deployed;
use tenon_engine::Execution;
use tenon_store::{Entry, OpenJob};

use crate::leaving::{Left, lost, suspend_unloaded};
use crate::run::Task;
use crate::{Context, load};

/// Entries that are played back before other jobs get their turn.
const REPLAY_SLICE: u32 = 64;

/// A job that can be worked on.
pub(crate) struct Begun {
    pub(crate) job: OpenJob,
    pub(crate) deployed: Arc<Deployed>,
    pub(crate) execution: Execution,
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
    let execution = match replayed(&deployed, &job, journal).await {
        Ok(execution) => execution,
        Err(reason) => return Err(suspend_unloaded(context, task.fence, &job, &reason).await),
    };
    let used = ports.clock.now().since(began_at);
    Ok(Begun { job, deployed, execution, used })
}

/// A fresh interpreter, played forward over the journal. The error says why the job must be suspended.
async fn replayed(deployed: &Deployed, job: &OpenJob, journal: Vec<Entry>) -> Result<Execution, String> {
    let payload = job.payload.as_ref().ok_or("the job's event is not kept any more")?;
    let source = load::Source {
        id: job.id,
        origin: job.origin,
        semantics: job.semantics,
        captured_at: job.captured_at,
        payload,
    };
    let mut execution = Execution::new(load::job(deployed, &source).map_err(|error| error.to_string())?);
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
    Ok(execution)
}
