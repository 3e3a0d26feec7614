//! `/jobs`: how they stand, what they did, once more, no more.

use std::collections::HashMap;

use axum::body::Body;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use bytes::Bytes;
use http::header::LOCATION;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tenon_capture::{Rerun, rfc3339};
use tenon_gateway::{App, Caller, Problem, Workspace, codes, json_body};
use tenon_store::{AuditRecord, EventId, JobFilter, JobId, JobRecord, JobState, Kind};
use tenon_worker::{HistoryError, Verdict};

use crate::Control;
use crate::page::{Parameters, bad, page, the_one};
use crate::roots::Roots;
use crate::show;

const KNOWN: [&str; 9] = ["workflow", "state", "event", "parent", "since", "until", "id", "limit", "cursor"];
const STATES: [JobState; 7] = [
    JobState::Pending,
    JobState::Running,
    JobState::Waiting,
    JobState::Completed,
    JobState::Faulted,
    JobState::Cancelled,
    JobState::Suspended,
];

pub(crate) async fn list(
    State(app): State<App>,
    _: Caller,
    workspace: Workspace,
    given: Query<HashMap<String, String>>,
) -> Result<Json<Value>, Problem> {
    let parameters = Parameters::new(given, &KNOWN)?;
    let Some(filter) = filter(&app, &workspace, &parameters).await? else {
        return Ok(page(Vec::new(), None));
    };
    let (cursor, limit) = (parameters.cursor()?, parameters.limit()?);
    let found = app.store().jobs(workspace.id, &filter, cursor, limit).await?;
    let next = found.next.map(|next| next.to_string());
    let mut roots = Roots::new(app.store().as_ref(), workspace.id);
    let mut items = Vec::with_capacity(found.items.len());
    for job in &found.items {
        items.push(show::job(job, roots.of(job).await?, &workspace));
    }
    Ok(page(items, next))
}

/// `None`: nothing can match, because there is no such workflow.
async fn filter(
    app: &App,
    workspace: &Workspace,
    parameters: &Parameters,
) -> Result<Option<JobFilter>, Problem> {
    let mut workflow = None;
    if let Some(name) = parameters.get("workflow") {
        match app.store().resource(workspace.id, Kind::Workflow, name).await? {
            Some(resource) => workflow = Some(resource.revision.resource),
            None => return Ok(None),
        }
    }
    let states = parameters.get("state").map(states).transpose()?.unwrap_or_default();
    let event: Option<EventId> =
        parameters.get("event").map(str::parse).transpose().map_err(|error| bad(format!("{error}")))?;
    let ids = parameters.get("id").map(JobId::range).transpose().map_err(|error| bad(error.to_string()))?;
    let parent = match parameters.get("parent") {
        Some(text) => Some(find(app, workspace, text).await?),
        None => None,
    };
    let (since, until) = (parameters.moment("since")?, parameters.moment("until")?);
    Ok(Some(JobFilter { workflow, states, event, parent, since, until, ids }))
}

fn states(list: &str) -> Result<Vec<JobState>, Problem> {
    let one = |name: &str| {
        STATES.into_iter().find(|state| state.name() == name).ok_or_else(|| {
            let names = STATES.map(JobState::name).join(", ");
            bad(format!("`state` must be some of {names}"))
        })
    };
    list.split(',').map(str::trim).map(one).collect()
}

pub(crate) async fn show(job: Target) -> Result<Json<Value>, Problem> {
    let record = job.record().await?;
    let input = match job.control.history.input(&record).await {
        Ok(input) => input.as_ref().clone(),
        Err(HistoryError::PayloadGone | HistoryError::Unreadable(_)) => Value::Null,
        Err(error) => return Err(past(error, job.id)),
    };
    let root = job.root(&record).await?;
    Ok(Json(show::whole_job(&record, root, &job.workspace, input)))
}

pub(crate) async fn trace(job: Target) -> Result<Json<Value>, Problem> {
    let history = &job.control.history;
    let trace = history.trace(job.workspace.id, job.id).await.map_err(|error| past(error, job.id))?;
    let shown = show::job(&trace.job, job.root(&trace.job).await?, &job.workspace);
    Ok(Json(json!({ "job": shown, "steps": trace.steps, "diverged": trace.diverged })))
}

pub(crate) async fn journal(job: Target) -> Result<Json<Value>, Problem> {
    job.record().await?;
    let entries = job.app.store().journal(job.workspace.id, job.id).await?;
    let items = entries.into_iter().map(|entry| {
        json!({
            "sequence": entry.sequence,
            "effect": entry.effect,
            "attempt": entry.attempt,
            "arguments": format!("{:016x}", entry.arguments),
            "startedAt": rfc3339(entry.started_at),
            "at": rfc3339(entry.at),
            "outcome": serde_json::from_slice::<Value>(&entry.outcome).unwrap_or(Value::Null),
        })
    });
    Ok(page(items.collect(), None))
}

pub(crate) async fn verify(job: Target) -> Result<Json<Value>, Problem> {
    let history = &job.control.history;
    let verdict = history.verify(job.workspace.id, job.id).await.map_err(|error| past(error, job.id))?;
    match verdict {
        Verdict::Same => Ok(Json(json!({ "replayed": true, "matches": true }))),
        Verdict::Different(detail) => {
            Ok(Json(json!({ "replayed": true, "matches": false, "detail": detail })))
        }
        Verdict::Unfinished => {
            Err(Problem::new(&codes::CONFLICT, "the job has not ended, so there is no result to compare"))
        }
    }
}

fn past(error: HistoryError, job: JobId) -> Problem {
    match error {
        HistoryError::NotFound => missing(&job.to_string()),
        HistoryError::PayloadGone => {
            Problem::new(&codes::PAYLOAD_GONE, "retention has removed what the job ran on")
        }
        HistoryError::Unreadable(detail) => Problem::new(&codes::NOT_RUNNABLE, detail),
        HistoryError::Store(error) => error.into(),
    }
}

/// The body of `rerun`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RerunRequest {
    #[serde(default)]
    version: Which,
    from: Option<String>,
    input: Option<Box<RawValue>>,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Which {
    #[default]
    Same,
    Latest,
}

pub(crate) async fn rerun(job: Target, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    let text = json_body(&headers, body, job.app.limits().body_bytes, job.app.limits()).await?;
    let request: RerunRequest =
        serde_json::from_slice(text.bytes()).map_err(|error| bad(format!("the body: {error}")))?;
    if request.from.as_deref().is_some_and(|from| from != "start") {
        let problem =
            Problem::new(&codes::NOT_IN_THIS_VERSION, "a rerun begins at the start in this version");
        return Err(problem.with_hint("leave `from` out, or say `start`"));
    }
    let record = job.record().await?;
    let revision = match request.version {
        Which::Same => record.revision,
        Which::Latest => {
            let name = &record.workflow_name;
            let newest = job.app.store().resource(job.workspace.id, Kind::Workflow, name).await?;
            let newest = newest.ok_or_else(|| {
                Problem::new(&codes::WORKFLOW_NOT_FOUND, format!("workflow `{name}` was deleted"))
            })?;
            newest.revision.id
        }
    };
    let input = request.input.map(|raw| Bytes::from(raw.get().to_owned()));
    job.audit("job.rerun").await?;
    let accepted = job.app.capture().rerun(Rerun { job: record, revision, input }).await?;
    let started = accepted.jobs.first().copied();
    let location = started.map(|id| format!("/api/v1/jobs/{id}")).unwrap_or_default();
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], Json(json!({ "job": started }))).into_response())
}

pub(crate) async fn cancel(job: Target) -> Result<Response, Problem> {
    let record = job.record().await?;
    if record.state.is_final() {
        let detail = format!("the job is {} already", record.state.name());
        return Err(Problem::new(&codes::CONFLICT, detail)
            .with_hint("only a job that has not ended can be cancelled"));
    }
    let stopped = |_| Problem::new(&codes::UNAVAILABLE, "the server is stopping");
    job.audit("job.cancel").await?;
    job.control.worker.cancel(job.id).await.map_err(stopped)?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "job": job.id }))).into_response())
}

/// Which job a request is about.
pub(crate) struct Target {
    app: App,
    control: Control,
    caller: Caller,
    workspace: Workspace,
    id: JobId,
}

// === impl Target ===

impl FromRequestParts<App> for Target {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let workspace = Workspace::from_request_parts(parts, app).await?;
        let control = Extension::<Control>::from_request_parts(parts, app).await;
        let Extension(control) = control.map_err(|error| Problem::internal("routes", &error))?;
        let path = Path::<String>::from_request_parts(parts, app).await;
        let Path(text) = path.map_err(|error| bad(error.to_string()))?;
        let id = find(app, &workspace, &text).await?;
        Ok(Self { app: app.clone(), control, caller, workspace, id })
    }
}

impl Target {
    async fn record(&self) -> Result<JobRecord, Problem> {
        let found = self.app.store().job(self.workspace.id, self.id).await?;
        found.ok_or_else(|| missing(&self.id.to_string()))
    }

    async fn root(&self, record: &JobRecord) -> Result<Option<JobId>, Problem> {
        Roots::new(self.app.store().as_ref(), self.workspace.id).of(record).await
    }

    /// Written before the deed: a crash in between leaves a record too many, never one too few.
    async fn audit(&self, action: &str) -> Result<(), Problem> {
        let record = AuditRecord {
            workspace: self.workspace.id,
            actor: self.caller.actor.to_string(),
            action: action.to_owned(),
            subject: self.id.to_string(),
            at: self.app.capture().ports().clock.now(),
        };
        Ok(self.app.store().audit(record).await?)
    }
}

/// The job that an id or a unique beginning of one names.
async fn find(app: &App, workspace: &Workspace, text: &str) -> Result<JobId, Problem> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let ids = JobId::range(text).map_err(|error| bad(error.to_string()))?;
    let filter = JobFilter { ids: Some(ids), ..JobFilter::default() };
    let found = app.store().jobs(workspace.id, &filter, None, 2).await?;
    let one = the_one(text, found.items, missing(text))?;
    Ok(one.id)
}

fn missing(text: &str) -> Problem {
    let shown: String = text.chars().take(40).collect();
    Problem::new(&codes::NOT_FOUND, format!("there is no job `{shown}`"))
        .with_hint("`tenon job list` shows those there are")
}
