//! A job that begins at a step of another one: the journal that it begins with, made before it is captured, so that
//! both become durable at once.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use tenon_capture::{Beginning, Deployed};
use tenon_engine::{Diverged, Place, Recorded, SEMANTICS};
use tenon_store::{JobId, JobRecord, RevisionId, Timestamp};

use crate::history::aside;
use crate::{History, HistoryError, load};

/// The most places that an error names.
const NAMED: usize = 10;

/// Where a rerun begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// At the step that made the job fault.
    Failed,
    /// At the step with this address, or with this JSON Pointer in the document.
    Step(String),
}

/// Which rerun.
#[derive(Debug, Clone)]
pub struct RerunFrom {
    /// The job, whole.
    pub record: JobRecord,
    /// Its revision, or a newer one.
    pub revision: RevisionId,
    /// Where it begins.
    pub from: From,
    /// Another raw input for the step, JSON.
    pub input: Option<Bytes>,
    /// The new job's id.
    pub id: JobId,
    /// When the new job is captured.
    pub at: Timestamp,
}

/// Why a job cannot be run again from there.
#[derive(Debug, thiserror::Error)]
pub enum RerunError {
    /// Its past cannot be read.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The job did not come to such a step.
    #[error("the job did not come to `{step}`; it came to {}", listed(.choices))]
    NoSuchStep {
        /// As it was asked for.
        step: String,
        /// The newest steps that it came to.
        choices: Vec<String>,
    },
    /// The job came to this place of the document several times.
    #[error("the job came to `{step}` several times: {}", listed(.choices))]
    Ambiguous {
        /// As it was asked for.
        step: String,
        /// Some of them.
        choices: Vec<String>,
    },
    /// No step made the job fault.
    #[error("no step of the job has failed")]
    NothingFailed,
    /// What is recorded and what the workflow does are not the same.
    #[error("{0}")]
    Parted(Diverged),
}

// === impl History ===

impl History {
    /// What a job begins with that runs another one again from a step.
    pub async fn beginning(&self, rerun: RerunFrom) -> Result<Beginning, RerunError> {
        let RerunFrom { record, revision, from, input, id, at } = rerun;
        let payload = self.payload(&record).await?;
        let journal = self.store.journal(record.workspace, record.id).await.map_err(HistoryError::from)?;
        let journal: Vec<Recorded> = journal.into_iter().map(load::recorded).collect();
        let (old, new) =
            (self.deployed(&record, record.revision).await?, self.deployed(&record, revision).await?);
        let job = |deployed: &Arc<Deployed>, id: JobId, captured_at: Timestamp| {
            let semantics = record.semantics;
            let source =
                load::Source { id, origin: record.origin, semantics, captured_at, payload: &payload };
            let loaded = load::job(deployed, &source);
            loaded.map(|loaded| loaded.job).map_err(|error| HistoryError::Unreadable(error.to_string()))
        };
        if record.semantics != SEMANTICS {
            return Err(
                HistoryError::Unreadable("it is pinned to another version of the engine".into()).into()
            );
        }
        let was = || job(&old, record.id, record.created_at);
        let (first, again, past) = (was()?, was()?, was()?);
        let other =
            (revision != record.revision).then(|| job(&new, record.id, record.created_at)).transpose()?;
        let successor = job(&new, id, at)?;
        let input = input.as_deref().map(serde_json::from_slice::<Value>).transpose();
        let input = input.map_err(|error| HistoryError::Unreadable(error.to_string()))?;
        let begun = aside(move || {
            let places = tenon_engine::places(first, &journal).map_err(RerunError::Parted)?;
            let place = match from {
                From::Failed => {
                    tenon_engine::failed(again, &journal, &places).ok_or(RerunError::NothingFailed)?
                }
                From::Step(step) => chosen(&places, &step)?,
            };
            tenon_engine::begin_at(successor, (past, other), &journal, (place, input))
                .map_err(RerunError::Parted)
        });
        let journal = begun.await??.into_iter().map(load::entry).collect();
        Ok(Beginning { job: id, at, journal })
    }
}

/// The one place that is meant.
fn chosen<'a>(places: &'a [Place], step: &str) -> Result<&'a Place, RerunError> {
    if let Some(place) = places.iter().find(|place| place.address == step) {
        return Ok(place);
    }
    let matching: Vec<_> = places.iter().filter(|place| place.reference == step).collect();
    let named = |places: &mut dyn Iterator<Item = &Place>| -> Vec<String> {
        places.take(NAMED).map(|place| place.address.clone()).collect()
    };
    let step = step.chars().take(200).collect();
    match matching.as_slice() {
        [place] => Ok(place),
        [] => Err(RerunError::NoSuchStep { step, choices: named(&mut places.iter().rev()) }),
        several => Err(RerunError::Ambiguous { step, choices: named(&mut several.iter().copied()) }),
    }
}

fn listed(choices: &[String]) -> String {
    let more = if choices.len() == NAMED { ", …" } else { "" };
    let names: Vec<_> = choices.iter().map(|choice| format!("`{choice}`")).collect();
    if names.is_empty() { "no step".to_owned() } else { names.join(", ") + more }
}
