//! `/jobs/bulk`: the same deed for all jobs that a filter finds, page by page. A request looks at no more than its
//! `limit`; whoever asks goes on with `next`. So nothing that is held up is held up for long: each job is a write of
//! its own (when purging, some jobs share one), between those of everybody else.

mod cursor;
mod page;
#[cfg(test)]
mod page_checks;

use axum::Extension;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;
use tenon_capture::parse_rfc3339;
use tenon_gateway::{App, Caller, Problem, Workspace, codes, json_body};
use tenon_store::{AuditRecord, JobFilter, JobId, JobRecord, JobState, Kind, Page, Timestamp};

use self::cursor::Cursor;
use self::page::{Tally, purge, work};
use super::act::{How, Which, place, prepare, start, stopping, unmended};
use super::{find, states};
use crate::Control;
use crate::page::bad;

/// Jobs that a request looks at, unless it says otherwise.
const DEFAULT_LIMIT: u32 = 200;
const MAX_LIMIT: u32 = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Request {
    filter: Filter,
    action: Action,
    limit: Option<u32>,
    cursor: Option<String>,
    /// Only count.
    #[serde(default)]
    dry_run: bool,
    /// Of reruns.
    #[serde(default)]
    version: Which,
    /// Of reruns.
    from: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Filter {
    workflow: Option<String>,
    state: Option<String>,
    since: Option<String>,
    until: Option<String>,
    /// The error's type: all of it, or its last part.
    error_type: Option<String>,
    error_status: Option<u16>,
    /// One job.
    job: Option<String>,
}

#[derive(Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Action {
    Cancel,
    Rerun,
    Resume,
    Skip,
    Purge,
}

/// Who acts, and where.
struct Actor {
    app: App,
    control: Control,
    workspace: Workspace,
    how: How,
}

// === impl Action ===

impl Action {
    fn word(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Rerun => "rerun",
            Self::Resume => "resume",
            Self::Skip => "skip",
            Self::Purge => "purge",
        }
    }

    /// The states of jobs that it can be done to.
    fn possible(self) -> &'static [JobState] {
        use JobState::{Cancelled, Completed, Faulted, Pending, Running, Suspended, Waiting};
        match self {
            Self::Cancel => &[Pending, Running, Waiting, Suspended],
            Self::Resume | Self::Skip => &[Suspended],
            Self::Purge => &[Completed, Faulted, Cancelled],
            Self::Rerun => &[Completed, Faulted, Cancelled, Suspended],
        }
    }

    /// Those that are meant where nothing is said.
    fn usual(self) -> &'static [JobState] {
        if self == Self::Rerun { &[JobState::Faulted] } else { self.possible() }
    }
}

// === impl Filter ===

impl Filter {
    fn is_empty(&self) -> bool {
        let texts = [&self.workflow, &self.state, &self.since, &self.until, &self.error_type, &self.job];
        texts.iter().all(|text| text.is_none()) && self.error_status.is_none()
    }

    /// `None`: nothing can match.
    async fn of_store(&self, app: &App, at: (&Workspace, Action)) -> Result<Option<JobFilter>, Problem> {
        let (workspace, action) = at;
        let mut filter = JobFilter { states: self.states(action)?, ..JobFilter::default() };
        if let Some(name) = &self.workflow {
            match app.store().resource(workspace.id, Kind::Workflow, name).await? {
                Some(resource) => filter.workflow = Some(resource.revision.resource),
                None => return Ok(None),
            }
        }
        if let Some(job) = &self.job {
            let id = find(app, workspace, job).await?;
            filter.ids = Some(id..=id);
        }
        (filter.since, filter.until) =
            (moment("since", self.since.as_ref())?, moment("until", self.until.as_ref())?);
        Ok(Some(filter))
    }

    fn states(&self, action: Action) -> Result<Vec<JobState>, Problem> {
        let Some(given) = &self.state else {
            let is_one = self.job.is_some();
            return Ok(if is_one { action.possible() } else { action.usual() }.to_vec());
        };
        let given = states(given)?;
        let names =
            |states: &[JobState]| states.iter().map(|state| state.name()).collect::<Vec<_>>().join(", ");
        match given.iter().find(|state| !action.possible().contains(state)) {
            None => Ok(given),
            Some(state) => {
                let detail =
                    format!("jobs that are {} cannot be the subject of {}", state.name(), action.word());
                Err(bad(detail).with_hint(format!("possible states: {}", names(action.possible()))))
            }
        }
    }

    /// What the store cannot look for, because errors are encrypted.
    fn has_error(&self, job: &JobRecord) -> bool {
        if self.error_type.is_none() && self.error_status.is_none() {
            return true;
        }
        let error = job.result.as_deref().and_then(|error| serde_json::from_slice::<Value>(error).ok());
        let Some(error) = error else { return false };
        let found = error["type"].as_str().unwrap_or_default();
        let is_type = |wanted: &String| found == wanted || found.rsplit('/').next() == Some(wanted.as_str());
        let is_status = |wanted: u16| error["status"].as_u64() == Some(wanted.into());
        self.error_type.as_ref().is_none_or(is_type) && self.error_status.is_none_or(is_status)
    }
}

fn moment(name: &str, text: Option<&String>) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = text else { return Ok(None) };
    parse_rfc3339(text).map(Some).map_err(|error| bad(format!("`{name}`: {error}")))
}

pub(crate) async fn bulk(
    State(app): State<App>,
    Extension(control): Extension<Control>,
    caller: Caller,
    workspace: Workspace,
    (headers, body): (HeaderMap, Body),
) -> Result<Json<Value>, Problem> {
    let text = json_body(&headers, body, app.limits().body_bytes, app.limits()).await?;
    let request: Request =
        serde_json::from_slice(text.bytes()).map_err(|error| bad(format!("the body: {error}")))?;
    let Request { filter, action, .. } = &request;
    if filter.is_empty() {
        return Err(bad("the filter is empty").with_hint("say which jobs, e.g. by `state`"));
    }
    let limit = request.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(bad(format!("`limit` must be a whole number from 1 to {MAX_LIMIT}")));
    }
    let cursor = match request.cursor.as_deref().map(str::parse) {
        None => Cursor::new(&app, workspace.id).await?,
        Some(Ok(cursor)) => cursor,
        Some(Err(_)) => return Err(bad("`cursor` must be what `next` or `cursor` of an answer said")),
    };
    cursor.check(*action, app.capture().ports().clock.now())?;
    let page = match filter.of_store(&app, (&workspace, *action)).await? {
        Some(store) => app.store().jobs(workspace.id, &store, Some(cursor.before), limit).await?,
        None => Page { items: Vec::new(), next: None },
    };
    let mut jobs = page.items;
    let is_own = |job: &JobRecord| *action == Action::Rerun && cursor.may_have_started(job);
    jobs.retain(|job| filter.has_error(job) && !is_own(job));
    if request.dry_run {
        let mut counted = Tally::default().answer(cursor, page.next);
        counted["matched"] = jobs.len().into();
        return Ok(Json(counted));
    }
    let mut tally = Tally::default();
    if !jobs.is_empty() {
        let subject = format!("{} jobs by filter", jobs.len());
        app.store().audit(record(&app, (&caller, &workspace), *action, subject)).await?;
        let actor = Actor { app, control, workspace, how: how(&request, cursor) };
        tally = actor.work(*action, jobs).await;
    }
    Ok(Json(tally.answer(cursor, page.next)))
}

/// What else is asked for by the same cursor is another request: it does not find that its jobs were run again.
fn how(request: &Request, cursor: Cursor) -> How {
    let from = request.from.as_deref().and_then(place);
    let place = from.as_ref().and(request.from.as_deref()).unwrap_or_default();
    let bulk = format!("{}:{}:{place}", cursor.request, request.version.word());
    How { version: request.version, from, input: None, bulk: Some(bulk.into()) }
}

fn record(app: &App, of: (&Caller, &Workspace), action: Action, subject: String) -> AuditRecord {
    AuditRecord {
        workspace: of.1.id,
        actor: of.0.actor.to_string(),
        action: format!("job.{}.bulk", action.word()),
        subject,
        at: app.capture().ports().clock.now(),
    }
}

// === impl Actor ===

impl Actor {
    async fn work(&self, action: Action, jobs: Vec<JobRecord>) -> Tally {
        if action == Action::Purge {
            let jobs: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
            return purge(&jobs, |jobs| self.purge(jobs)).await;
        }
        work(action, jobs.into_iter().map(|job| (job.id, self.act(action, job)))).await
    }

    async fn act(&self, action: Action, job: JobRecord) -> Result<(), Problem> {
        let worker = &self.control.worker;
        match action {
            Action::Cancel => worker.cancel(job.id).await.map_err(|_| stopping()),
            Action::Resume => worker.resume(job.id).await.map_err(unmended),
            Action::Skip => worker.skip(job.id).await.map_err(unmended),
            Action::Rerun => self.rerun(job.id).await,
            Action::Purge => Err(Problem::new(&codes::CONFLICT, "jobs are purged together")),
        }
    }

    /// Lists have no inputs, so the job is read again.
    async fn rerun(&self, job: JobId) -> Result<(), Problem> {
        let record = self.app.store().job(self.workspace.id, job).await?;
        let Some(record) = record else { return Err(Problem::new(&codes::NOT_FOUND, "the job is gone")) };
        let at = (&self.app, &self.control, &self.workspace);
        let prepared = prepare(at, record, self.how.clone()).await?;
        start(&self.app, prepared).await.map(drop)
    }

    /// Gives those that stay.
    async fn purge(&self, jobs: Vec<JobId>) -> Result<Vec<JobId>, Problem> {
        let now = self.app.capture().ports().clock.now();
        let store = self.app.store();
        let mut stay = Vec::new();
        if store.purge(self.workspace.id, &jobs, now).await? == jobs.len() as u64 {
            return Ok(stay);
        }
        for job in jobs {
            if store.job(self.workspace.id, job).await?.is_some() {
                stay.push(job);
            }
        }
        Ok(stay)
    }
}
