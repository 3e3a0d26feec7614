//! Looking back: traces and checks of jobs, computed from their journals.

mod masks;

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use tenon_capture::{Deployed, Programs};
use tenon_engine::trace::{self, Step};
use tenon_engine::{Execution, Progress, Recorded};
use tenon_store::{JobId, JobPayload, JobRecord, JobState, RevisionId, Store, WorkspaceId};

use crate::load;
use crate::mask::Mask;

pub use masks::Masks;

/// Reads jobs' pasts. Costs the running system nothing but reads.
#[derive(Clone)]
pub struct History {
    pub(crate) store: Arc<dyn Store>,
    programs: Programs,
}

/// A job with all its steps.
#[derive(Debug)]
pub struct Trace {
    /// The job.
    pub job: JobRecord,
    /// Its steps, as a tree, without what is masked.
    pub steps: Vec<Step>,
    /// What is masked of the job.
    pub mask: Mask,
    /// Why the steps end before the journal does.
    pub diverged: Option<String>,
}

/// Whether a finished job's journal still leads to its stored result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Byte for byte.
    Same,
    /// It leads elsewhere; says where.
    Different(String),
    /// The job has not ended, so there is nothing to compare.
    Unfinished,
}

/// Why a job's past cannot be shown.
#[derive(Debug, Clone, thiserror::Error)]
pub enum HistoryError {
    /// No such job in this workspace.
    #[error("job not found")]
    NotFound,
    /// Retention has removed what the job ran on.
    #[error("the job's event is not kept any more")]
    PayloadGone,
    /// Its revision or its data cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] tenon_store::Error),
}

/// A job ready to be played back.
struct Past {
    record: JobRecord,
    job: tenon_engine::Job,
    journal: Vec<Recorded>,
}

// === impl History ===

impl History {
    /// Over a store and its compiled programs.
    pub fn new(store: Arc<dyn Store>, programs: Programs) -> Self {
        Self { store, programs }
    }

    /// Every step of a job, finished or not.
    pub async fn trace(&self, workspace: WorkspaceId, job: JobId) -> Result<Trace, HistoryError> {
        let past = self.load(workspace, job).await?;
        let mask = self.masks().of_job(&past.record).await?;
        let traced = move || {
            let (mut steps, diverged) = trace::steps(past.job, &past.journal);
            mask.steps(&mut steps);
            let diverged = diverged.map(|error| {
                let mut text = error.to_string();
                mask.text(&mut text);
                text
            });
            Trace { job: past.record, steps, mask, diverged }
        };
        aside(traced).await
    }

    /// Replays a finished job and compares the result with the stored one.
    pub async fn verify(&self, workspace: WorkspaceId, job: JobId) -> Result<Verdict, HistoryError> {
        let past = self.load(workspace, job).await?;
        if !past.record.state.is_final() {
            return Ok(Verdict::Unfinished);
        }
        aside(move || past.replayed()).await
    }

    /// The raw input that a job ran on; not masked.
    pub async fn input(&self, record: &JobRecord) -> Result<Arc<Value>, HistoryError> {
        Ok(self.prepare(record).await?.input)
    }

    async fn load(&self, workspace: WorkspaceId, id: JobId) -> Result<Past, HistoryError> {
        let record = self.store.job(workspace, id).await?.ok_or(HistoryError::NotFound)?;
        let job = self.prepare(&record).await?;
        let journal = self.store.journal(workspace, id).await?;
        Ok(Past { record, job, journal: journal.into_iter().map(load::recorded).collect() })
    }

    async fn gathered(&self, record: &JobRecord) -> Result<Vec<Bytes>, HistoryError> {
        if record.gathered.is_empty() {
            return Ok(Vec::new());
        }
        let gathered = self.store.gathered(record.workspace, record.id).await?;
        if gathered.len() != record.gathered.len() {
            return Err(HistoryError::PayloadGone);
        }
        Ok(gathered.into_iter().map(|gathered| gathered.envelope).collect())
    }

    /// A revision that a job has, or may have.
    pub(crate) async fn deployed(
        &self,
        record: &JobRecord,
        revision: RevisionId,
    ) -> Result<Arc<Deployed>, HistoryError> {
        let deployed = self.programs.get(record.workspace, revision).await;
        deployed.map_err(|error| HistoryError::Unreadable(error.to_string()))
    }

    /// What a job ran on.
    pub(crate) async fn payload(&self, record: &JobRecord) -> Result<JobPayload, HistoryError> {
        if record.payloads_gone {
            return Err(HistoryError::PayloadGone);
        }
        let event = self.store.event(record.workspace, record.event).await?;
        let envelope = event.and_then(|event| event.envelope).ok_or(HistoryError::PayloadGone)?;
        Ok(JobPayload { envelope, input: record.input.clone(), gathered: self.gathered(record).await? })
    }

    /// The job as it was before its first step.
    async fn prepare(&self, record: &JobRecord) -> Result<tenon_engine::Job, HistoryError> {
        let payload = self.payload(record).await?;
        let deployed = self.deployed(record, record.revision).await?;
        let source = load::Source {
            id: record.id,
            origin: record.origin,
            semantics: record.semantics,
            captured_at: record.created_at,
            payload: &payload,
        };
        let loaded = load::job(&deployed, &source);
        loaded.map(|loaded| loaded.job).map_err(|error| HistoryError::Unreadable(error.to_string()))
    }
}

/// Replays may be long: they have threads of their own, so that they hold up nothing else.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, HistoryError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| HistoryError::Unreadable(format!("the replay hit a bug: {error}")))
}

// === impl Past ===

impl Past {
    fn replayed(self) -> Verdict {
        let mut execution = Execution::new(self.job);
        execution.prepare(&self.journal);
        while execution.resume() == Progress::Yielded {}
        for recorded in &self.journal {
            if let Err(diverged) = execution.replay(recorded) {
                return Verdict::Different(diverged.to_string());
            }
        }
        compare(&self.record, &execution)
    }
}

fn compare(record: &JobRecord, execution: &Execution) -> Verdict {
    use tenon_engine::Finished;
    let Some(finished) = execution.finished() else {
        return Verdict::Different("the journal does not lead to an end".to_owned());
    };
    let state = match finished {
        Finished::Completed(_) => JobState::Completed,
        Finished::Faulted(_) => JobState::Faulted,
        Finished::Cancelled => JobState::Cancelled,
    };
    if state != record.state {
        let (found, stored) = (state.name(), record.state.name());
        return Verdict::Different(format!("the replay is {found}, the job is {stored}"));
    }
    let replayed = finished.encode().unwrap_or_default();
    let stored = record.result.as_deref().unwrap_or_default();
    if replayed != stored {
        let differs =
            replayed.iter().zip(stored).position(|(a, b)| a != b).unwrap_or(replayed.len().min(stored.len()));
        return Verdict::Different(format!("the results differ from byte {differs} on"));
    }
    Verdict::Same
}
