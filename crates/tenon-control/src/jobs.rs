//! `/jobs`: how they stand and what they did; what is done about them is in `act` and `bulk`.

mod act;
mod bulk;

use std::collections::HashMap;

use axum::extract::{FromRequestParts, Path, Query, State};
use axum::{Extension, Json};
use http::request::Parts;
use serde_json::{Value, json};
use tenon_capture::rfc3339;
use tenon_gateway::{App, Caller, Problem, Workspace, codes};
use tenon_store::{AuditRecord, EventId, JobFilter, JobId, JobRecord, JobState, Kind};
use tenon_worker::{HistoryError, Mask, Verdict};

pub(crate) use act::{cancel, rerun, resume, skip};
pub(crate) use bulk::bulk;

use crate::Control;
use crate::page::{Parameters, bad, page, the_one};
use crate::roots::Roots;
use crate::{masked, show};

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
    Extension(control): Extension<Control>,
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
    let mut masks = control.history.masks();
    let mut items = Vec::with_capacity(found.items.len());
    for job in &found.items {
        let mut shown = show::job(job, roots.of(job).await?, &workspace);
        masked::in_list(&mut masks, job, &mut shown).await?;
        items.push(shown);
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
    let mut shown = show::whole_job(&record, root, &job.workspace, input);
    masked::of_job(&job.mask(&record).await?, &mut shown);
    Ok(Json(shown))
}

pub(crate) async fn trace(job: Target) -> Result<Json<Value>, Problem> {
    let history = &job.control.history;
    let trace = history.trace(job.workspace.id, job.id).await.map_err(|error| past(error, job.id))?;
    let mut shown = show::job(&trace.job, job.root(&trace.job).await?, &job.workspace);
    masked::of_job(&trace.mask, &mut shown);
    Ok(Json(json!({ "job": shown, "steps": trace.steps, "diverged": trace.diverged })))
}

pub(crate) async fn journal(job: Target) -> Result<Json<Value>, Problem> {
    let record = job.record().await?;
    if record.payloads_gone {
        return Err(past(HistoryError::PayloadGone, job.id));
    }
    let mask = job.mask(&record).await?;
    let entries = job.app.store().journal(job.workspace.id, job.id).await?;
    let items = entries.into_iter().map(|entry| {
        let mut outcome = serde_json::from_slice(&entry.outcome).unwrap_or(Value::Null);
        mask.outcome(&mut outcome);
        json!({
            "sequence": entry.sequence,
            "effect": entry.effect,
            "attempt": entry.attempt,
            "arguments": format!("{:016x}", entry.arguments),
            "startedAt": rfc3339(entry.started_at),
            "at": rfc3339(entry.at),
            "outcome": outcome,
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

    /// What nobody is shown of it.
    async fn mask(&self, record: &JobRecord) -> Result<Mask, Problem> {
        self.control.history.masks().of_job(record).await.map_err(|error| masked::unreadable(&error))
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
