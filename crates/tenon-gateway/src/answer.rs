//! Answers: what was accepted, and what came of it for callers who waited.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde_json::Value;
use tenon_capture::{Accepted, Deployed, JobEnd, Watch};
use tenon_expr::{Limits, Scope, Template};
use tenon_store::{JobId, JobState, Timestamp};
use tenon_workflow::Respond;

use crate::codes;
use crate::{App, Problem};

/// Names the job that an answer comes from.
pub(crate) const JOB_HEADER: HeaderName = HeaderName::from_static("tenon-job");

/// Headers that a workflow may set. The console lives on the same origin: no cookies, no policies, no scripts'
/// scopes, nothing that a proxy in front would obey.
const ALLOWED_HEADERS: [&str; 12] = [
    "cache-control",
    "content-disposition",
    "content-language",
    "content-type",
    "etag",
    "expires",
    "last-modified",
    "link",
    "location",
    "retry-after",
    "vary",
    "x-request-id",
];

const LIMITS: Limits = Limits { steps: 200_000, bytes: 64 << 20, depth: 256 };

/// What waiting led to.
pub(crate) enum Outcome {
    /// The job is final.
    Ended(JobEnd),
    /// Time ran out, or the server stops; the job goes on.
    GoesOn,
}

/// Waits for a job's end, not longer than `time` and not into the server's own end.
pub(crate) async fn wait(app: &App, watch: &mut Watch, time: Duration) -> Outcome {
    let ended = async {
        tokio::select! {
            biased;
            end = watch.end() => end,
            () = app.readiness().draining() => None,
        }
    };
    match tokio::time::timeout(time, ended).await {
        Ok(Some(end)) => Outcome::Ended(end),
        Ok(None) | Err(_) => Outcome::GoesOn,
    }
}

/// `{"event":"ev_…","jobs":["job_…"]}`, with `"duplicate":true` for a repeat.
pub(crate) fn accepted(status: StatusCode, accepted: &Accepted) -> Response {
    let mut body = String::with_capacity(64 + 24 * accepted.jobs.len());
    write_accepted(&mut body, accepted);
    json(status, body.into())
}

/// The same, into a larger text.
pub(crate) fn write_accepted(text: &mut String, accepted: &Accepted) {
    write!(text, "{{\"event\":\"{}\",\"jobs\":[", accepted.event).expect("writing to a string cannot fail");
    for (place, job) in accepted.jobs.iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        write!(text, "{comma}\"{job}\"").expect("writing to a string cannot fail");
    }
    text.push_str(if accepted.duplicate { "],\"duplicate\":true}" } else { "]}" });
}

/// A JSON response.
pub(crate) fn json(status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The answer of a job that has ended: its workflow's response, its output, or its error.
pub(crate) fn ended(end: &JobEnd, deployed: &Deployed, now: Timestamp) -> Response {
    let mut response = match end.state {
        JobState::Completed => {
            let output = end.result.clone().unwrap_or(Bytes::from_static(b"null"));
            match &deployed.program.settings.respond {
                None => json(StatusCode::OK, output),
                Some(respond) => responded(respond, &output, now).unwrap_or_else(|problem| {
                    let detail = deployed.logged(&problem.detail());
                    tracing::warn!(workflow = %deployed.name, job = %end.job, detail, "`respond` failed");
                    problem.into_response()
                }),
            }
        }
        JobState::Faulted => faulted(end.result.as_ref()).into_response(),
        _ => Problem::new(&codes::JOB_CANCELLED, "the job was cancelled").into_response(),
    };
    set_job(&mut response, end.job);
    response
}

/// Adds the header that names the job.
pub(crate) fn set_job(response: &mut Response, job: JobId) {
    let value = HeaderValue::from_str(&job.to_string()).expect("ids are ASCII");
    response.headers_mut().insert(JOB_HEADER, value);
}

/// The workflow's error, with its own status where that is one of an error.
fn faulted(error: Option<&Bytes>) -> Problem {
    let error: Value = error.and_then(|error| serde_json::from_slice(error).ok()).unwrap_or_default();
    let status = error.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    let status = status.filter(|status| (400..=599).contains(status)).unwrap_or(500);
    let mut problem = Problem::new(&codes::JOB_FAULTED, "the workflow ended with an error")
        .with_status(StatusCode::from_u16(status).expect("statuses from 400 to 599 are valid"));
    for name in ["type", "title", "detail", "instance"] {
        if let Some(member @ Value::String(_)) = error.get(name) {
            problem = problem.with(name, member.clone());
        }
    }
    problem
}

/// `respond` sees nothing but the output.
struct OutputScope(Timestamp);

impl Scope for OutputScope {
    fn variable(&self, _: &str) -> Option<Cow<'_, Value>> {
        None
    }
    fn now(&self) -> f64 {
        self.0.0 as f64 / 1e6
    }
}

fn responded(respond: &Respond, output: &Bytes, now: Timestamp) -> Result<Response, Problem> {
    let failed =
        |what: &str| Problem::new(&codes::RESPOND, format!("`respond.{what}` of the workflow failed"));
    let value: Value =
        serde_json::from_slice(output).map_err(|error| Problem::internal("stored output", &error))?;
    let evaluate = |what: &str, template: &Template| {
        template.evaluate(&value, &OutputScope(now), &LIMITS).map_err(|_| failed(what))
    };
    let status = match &respond.status {
        None => StatusCode::OK,
        Some(template) => {
            let number = evaluate("status", template)?.as_u64().filter(|status| (200..=599).contains(status));
            let number =
                number.and_then(|number| u16::try_from(number).ok()).ok_or_else(|| failed("status"))?;
            StatusCode::from_u16(number).expect("statuses from 200 to 599 are valid")
        }
    };
    let headers = respond.headers.as_ref().map(|headers| evaluate("headers", headers)).transpose()?;
    let body = respond.body.as_ref().map(|body| evaluate("body", body)).transpose()?;
    let mut response = json(status, Bytes::new());
    if let Some(headers) = headers {
        set_headers(&mut response, &headers).ok_or_else(|| failed("headers"))?;
    }
    let is_json = response.headers()[CONTENT_TYPE].to_str().is_ok_and(|kind| kind.contains("json"));
    *response.body_mut() = match body {
        None => Body::from(output.clone()),
        Some(Value::String(text)) if !is_json => Body::from(text),
        Some(value) => Body::from(value.to_string()),
    };
    if matches!(status.as_u16(), 204 | 304) {
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(CONTENT_TYPE);
    }
    Ok(response)
}

/// Sets those that are allowed; `None` if they are not an object of texts (numbers and booleans count as such).
fn set_headers(response: &mut Response, headers: &Value) -> Option<()> {
    for (name, value) in headers.as_object()? {
        let text = match value {
            Value::String(text) => Cow::Borrowed(text.as_str()),
            Value::Number(_) | Value::Bool(_) => Cow::Owned(value.to_string()),
            Value::Null => continue,
            _ => return None,
        };
        let name = name.to_ascii_lowercase();
        if !ALLOWED_HEADERS.contains(&name.as_str()) {
            tracing::debug!(header = name, "a header of `respond` is not on the allow-list");
            continue;
        }
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        response.headers_mut().insert(name, HeaderValue::from_str(&text).ok()?);
    }
    Some(())
}
