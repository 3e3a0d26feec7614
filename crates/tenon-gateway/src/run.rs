//! `/run/{workspace}/{namespace}/{name}`: a workflow as an endpoint, with or without waiting for its output.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State as Extract};
use axum::response::{IntoResponse, Response};
use hyper::header::{HeaderName, HeaderValue, LOCATION};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Request, StatusCode};
use tenon_capture::{Accepted, Call, JobEnd, JsonText};
use tenon_store::{JobId, JobRecord};

use crate::answer::{self, Outcome};
use crate::body::{Content, parse_json, read_body};
use crate::codes;
use crate::hooks::contain;
use crate::{App, Caller, Problem, Workspace};

const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Longest `Idempotency-Key`, in bytes.
const MAX_IDEMPOTENCY_KEY: usize = 255;

pub(crate) async fn handle(
    _: Caller,
    Extract(app): Extract<App>,
    Path((workspace, namespace, name)): Path<(String, String, String)>,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let workflow = format!("{namespace}/{name}");
    let mut response = match start(&app, &workspace, workflow, (parts, body)).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    };
    contain(&mut response);
    response
}

async fn start(
    app: &App,
    workspace: &str,
    workflow: String,
    (parts, body): (Parts, Body),
) -> Result<Response, Problem> {
    let workspace = Workspace::find(app, workspace).await?;
    app.admit(workspace.id)?;
    let idempotency_key = idempotency_key(&parts.headers)?;
    let wait = preferred_wait(&parts.headers, app.limits().run_wait);
    let input = input(app, &parts.headers, body).await?;
    let call = Call { workspace: workspace.id, workflow, input, idempotency_key, job: None };
    let Some(time) = wait else {
        let accepted = app.capture().call(call).await?;
        return started(&accepted);
    };
    let now = app.capture().ports().clock.now();
    let (accepted, watched) = app.capture().call_and_watch(call).await?;
    let mut response = match watched {
        None => again(app, &workspace, &accepted, time).await?,
        Some(mut watched) => match answer::wait(app, &mut watched.watch, time).await {
            Outcome::Ended(end) => answer::ended(&end, &watched.deployed, now),
            Outcome::GoesOn => started(&accepted)?,
        },
    };
    let applied = HeaderValue::from_str(&format!("wait={}", time.as_secs())).expect("digits are ASCII");
    response.headers_mut().insert(PREFERENCE_APPLIED, applied);
    Ok(response)
}

async fn input(app: &App, headers: &HeaderMap, body: Body) -> Result<JsonText, Problem> {
    let bytes = read_body(headers, body, app.limits().body_bytes, app.limits()).await?;
    if bytes.is_empty() {
        return Ok(JsonText::null());
    }
    if !matches!(Content::of(headers), Content::Json | Content::Unknown) {
        return Err(Problem::new(&codes::CONTENT_TYPE, "a workflow's input is JSON"));
    }
    parse_json(bytes)
}

/// `{"job":"job_…"}` and where to look for it.
fn started(accepted: &Accepted) -> Result<Response, Problem> {
    let job = only_job(accepted)?;
    let repeat = if accepted.duplicate { ",\"duplicate\":true" } else { "" };
    let body = format!("{{\"job\":\"{job}\"{repeat}}}");
    let mut response = answer::json(StatusCode::ACCEPTED, body.into());
    let location = HeaderValue::from_str(&format!("/api/v1/jobs/{job}")).expect("ids are ASCII");
    response.headers_mut().insert(LOCATION, location);
    answer::set_job(&mut response, job);
    Ok(response)
}

fn only_job(accepted: &Accepted) -> Result<JobId, Problem> {
    let gone = || Problem::new(&codes::NOT_FOUND, "the first call's job is not kept any more");
    accepted.jobs.first().copied().ok_or_else(gone)
}

/// A repeat: the first job's answer, if it has ended or ends in time.
async fn again(
    app: &App,
    workspace: &Workspace,
    accepted: &Accepted,
    time: Duration,
) -> Result<Response, Problem> {
    let job = only_job(accepted)?;
    let ports = app.capture().ports();
    let mut watch = ports.watch.register(job).map_err(tenon_capture::Error::from)?;
    let Some(record) = app.store().job(workspace.id, job).await? else {
        return Err(Problem::new(&codes::NOT_FOUND, "the first call's job is not kept any more"));
    };
    let deployed = ports.programs.get(workspace.id, record.revision).await?;
    let end = if record.state.is_final() {
        Outcome::Ended(end_of(record))
    } else {
        answer::wait(app, &mut watch, time).await
    };
    match end {
        Outcome::Ended(end) => Ok(answer::ended(&end, &deployed, ports.clock.now())),
        Outcome::GoesOn => started(accepted),
    }
}

fn end_of(record: JobRecord) -> JobEnd {
    JobEnd { job: record.id, state: record.state, result: record.result }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    match value.to_str() {
        Ok(key) if (1..=MAX_IDEMPOTENCY_KEY).contains(&key.len()) => Ok(Some(key.to_owned())),
        _ => {
            let detail =
                format!("`Idempotency-Key` must be 1 to {MAX_IDEMPOTENCY_KEY} visible ASCII characters");
            Err(Problem::new(&codes::BAD_REQUEST, detail))
        }
    }
}

/// `Prefer: wait=30` (RFC 7240). What is not understood is ignored, as the RFC says; longer than `most` is cut.
fn preferred_wait(headers: &HeaderMap, most: Duration) -> Option<Duration> {
    let values = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    let seconds = values.flat_map(|value| value.split(',')).find_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        let is_wait = name.trim().eq_ignore_ascii_case("wait");
        if is_wait { value.trim().trim_matches('"').parse::<u64>().ok() } else { None }
    })?;
    (seconds > 0).then(|| Duration::from_secs(seconds).min(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, expected: Option<u64>) {
        let mut headers = HeaderMap::new();
        headers.insert(PREFER, header.parse().expect("a header"));
        let wait = preferred_wait(&headers, Duration::from_mins(5));
        assert_eq!(wait.map(|wait| wait.as_secs()), expected, "{header}");
    }

    #[test]
    fn wait_is_read_as_the_rfc_says() {
        check("wait=30", Some(30));
        check("respond-async, Wait=5; foo=bar", Some(5));
        check("wait=\"7\"", Some(7));
        check("wait=100000", Some(300));
        check("wait=0", None);
        check("wait", None);
        check("wait=-1", None);
        check("return=minimal", None);
    }
}
