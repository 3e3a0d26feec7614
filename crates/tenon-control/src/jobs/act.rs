//! What is done about jobs: once more, no more, on again, given up.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::LOCATION;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tenon_capture::Rerun;
use tenon_gateway::{App, Problem, Workspace, codes, json_body};
use tenon_store::{JobId, JobRecord, JobState, Kind, RevisionId};
use tenon_worker::{From, MendError, RerunError, RerunFrom};

use super::{Target, past};
use crate::Control;
use crate::page::bad;

/// The body of `rerun`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RerunRequest {
    #[serde(default)]
    version: Which,
    from: Option<String>,
    input: Option<Box<RawValue>>,
}

/// Which revision of the workflow.
#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Which {
    #[default]
    Same,
    Latest,
}

/// How a job is run again.
#[derive(Clone)]
pub(super) struct How {
    pub(super) version: Which,
    /// `None`: at the start.
    pub(super) from: Option<From>,
    pub(super) input: Option<Bytes>,
    /// See [`Rerun::bulk`].
    pub(super) bulk: Option<Arc<str>>,
}

// === impl Which ===

impl Which {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Latest => "latest",
        }
    }
}

pub(crate) async fn rerun(job: Target, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    let text = json_body(&headers, body, job.app.limits().body_bytes, job.app.limits()).await?;
    let request: RerunRequest =
        serde_json::from_slice(text.bytes()).map_err(|error| bad(format!("the body: {error}")))?;
    let input = request.input.map(|raw| Bytes::from(raw.get().to_owned()));
    let from = request.from.as_deref().and_then(place);
    let how = How { version: request.version, from, input, bulk: None };
    let prepared = prepare((&job.app, &job.control, &job.workspace), job.record().await?, how).await?;
    job.audit("job.rerun").await?;
    let started = start(&job.app, prepared).await?;
    let location = started.map(|id| format!("/api/v1/jobs/{id}")).unwrap_or_default();
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], Json(json!({ "job": started }))).into_response())
}

/// Where a rerun begins; `None`: at the start.
pub(super) fn place(from: &str) -> Option<From> {
    match from {
        "start" => None,
        "failed" => Some(From::Failed),
        step => Some(From::Step(step.to_owned())),
    }
}

/// A rerun that nothing stands in the way of, as far as can be known before it is captured.
pub(super) async fn prepare(
    (app, control, workspace): (&App, &Control, &Workspace),
    record: JobRecord,
    how: How,
) -> Result<Rerun, Problem> {
    let revision = match how.version {
        Which::Same => record.revision,
        Which::Latest => newest(app, workspace, &record).await?,
    };
    let rerun = Rerun { revision, bulk: how.bulk, ..Rerun::of(record) };
    let Some(from) = how.from else { return Ok(Rerun { input: how.input, ..rerun }) };
    let state = rerun.job.state;
    if from == From::Failed && !matches!(state, JobState::Faulted | JobState::Suspended) {
        let detail = format!("the job is {}, so no step has made it fail", state.name());
        return Err(
            Problem::new(&codes::CONFLICT, detail).with_hint("say where to begin: `start`, or a step's id")
        );
    }
    let ports = app.capture().ports();
    let (id, at) = (ports.ids.job(), ports.clock.now());
    let record = rerun.job.clone();
    let job = record.id;
    let begins = RerunFrom { record, revision, from, input: how.input, id, at };
    let beginning = control.history.beginning(begins).await.map_err(|error| refused(error, job))?;
    Ok(Rerun { beginning: Some(beginning), ..rerun })
}

/// The job that a rerun has started, durably.
pub(super) async fn start(app: &App, rerun: Rerun) -> Result<Option<JobId>, Problem> {
    Ok(app.capture().rerun(rerun).await?.jobs.first().copied())
}

async fn newest(app: &App, workspace: &Workspace, record: &JobRecord) -> Result<RevisionId, Problem> {
    let name = &record.workflow_name;
    let newest = app.store().resource(workspace.id, Kind::Workflow, name).await?;
    let newest = newest
        .ok_or_else(|| Problem::new(&codes::WORKFLOW_NOT_FOUND, format!("workflow `{name}` was deleted")))?;
    Ok(newest.revision.id)
}

fn refused(error: RerunError, job: JobId) -> Problem {
    let detail = error.to_string();
    match error {
        RerunError::History(error) => past(error, job),
        RerunError::NoSuchStep { .. } => {
            bad(detail).with_hint("`tenon job trace` shows the steps; a step's `id` names it")
        }
        RerunError::Ambiguous { .. } => {
            Problem::new(&codes::CONFLICT, detail).with_hint("give the id of one of them")
        }
        RerunError::NothingFailed => {
            Problem::new(&codes::CONFLICT, detail).with_hint("say where to begin: `start`, or a step's id")
        }
        RerunError::Parted(_) => Problem::new(&codes::CONFLICT, detail)
            .with_hint("begin at an earlier step, at the start, or with the version that the job had"),
    }
}

pub(crate) async fn cancel(job: Target) -> Result<Response, Problem> {
    let record = job.record().await?;
    if record.state.is_final() {
        let detail = format!("the job is {} already", record.state.name());
        return Err(Problem::new(&codes::CONFLICT, detail)
            .with_hint("only a job that has not ended can be cancelled"));
    }
    job.audit("job.cancel").await?;
    job.control.worker.cancel(job.id).await.map_err(|_| stopping())?;
    Ok(asked(job.id))
}

pub(crate) async fn resume(job: Target) -> Result<Response, Problem> {
    job.must_be_suspended().await?;
    job.audit("job.resume").await?;
    job.control.worker.resume(job.id).await.map_err(unmended)?;
    Ok(asked(job.id))
}

pub(crate) async fn skip(job: Target) -> Result<Response, Problem> {
    job.must_be_suspended().await?;
    job.audit("job.skip").await?;
    job.control.worker.skip(job.id).await.map_err(unmended)?;
    Ok(asked(job.id))
}

fn asked(job: JobId) -> Response {
    (StatusCode::ACCEPTED, Json(json!({ "job": job }))).into_response()
}

pub(super) fn stopping() -> Problem {
    Problem::new(&codes::UNAVAILABLE, "the server is stopping")
}

/// Why a suspended job was not moved.
pub(super) fn unmended(error: MendError) -> Problem {
    match error {
        MendError::NotSuspended(state) => not_suspended(state),
        MendError::Busy => {
            Problem::new(&codes::CONFLICT, error.to_string()).with_hint("look at it again, then decide")
        }
        MendError::Stopped => stopping(),
        MendError::Store(error) => error.into(),
    }
}

fn not_suspended(state: JobState) -> Problem {
    Problem::new(&codes::CONFLICT, format!("the job is {}, not suspended", state.name()))
        .with_hint("only a suspended job can be resumed or skipped; one that has ended can be run again")
}

impl Target {
    async fn must_be_suspended(&self) -> Result<(), Problem> {
        match self.record().await?.state {
            JobState::Suspended => Ok(()),
            state => Err(not_suspended(state)),
        }
    }
}
