//! `/hooks/{workspace}/{path…}`: a request becomes an event, as its trigger says.
//!
//! The hot path of the whole server. What no expression reads is not built: a JSON body is checked once and
//! spliced into the envelope as it came.

mod emit;
mod lookup;
mod request;

use axum::body::Body;
use axum::extract::State as Extract;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::header::{ALLOW, CONTENT_SECURITY_POLICY, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::http::request::Parts;
use hyper::{Request, StatusCode};
use percent_encoding::percent_decode_str;
use tenon_capture::trigger::{Auth, Respond};
use tenon_capture::{Accepted, Error as CaptureError, Incoming, Watched};
use tenon_store::Timestamp;

pub(crate) use lookup::Hooks;
use lookup::{Hook, HookSet};
use request::Received;

use crate::answer::{self, Outcome};
use crate::auth::Peer;
use crate::body::read_body;
use crate::codes;
use crate::{App, Problem};

/// How often a request is read again because its trigger changed while it was being captured.
const MAX_LOOKUPS: usize = 4;

pub(crate) async fn handle(Extract(app): Extract<App>, request: Request<Body>) -> Response {
    let mut response = receive(&app, request).await.unwrap_or_else(IntoResponse::into_response);
    contain(&mut response);
    response
}

/// Answers of workflows must not act as pages of the console's origin.
pub(crate) fn contain(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

async fn receive(app: &App, request: Request<Body>) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let (workspace, path) = parts
        .uri
        .path()
        .strip_prefix("/hooks/")
        .and_then(|rest| rest.split_once('/'))
        .ok_or_else(not_found)?;
    let workspace = percent_decode_str(workspace).decode_utf8().map_err(|_| not_found())?;
    let path = percent_decode_str(path).decode_utf8().map_err(|_| not_found())?;
    let id = app.workspace(&workspace).await?.ok_or_else(not_found)?;
    let mut hooks = app.hooks().find(app, id, &workspace, &path).await?;
    let hook = admit(app, &hooks, &parts)?;
    app.readiness().check()?;
    let limit = app.limits().event_bytes;
    let body = read_body(&parts.headers, body, limit, app.limits()).await?;
    let mut outcome = capture(app, hook, &hooks, &parts, body.clone()).await;
    for _ in 1..MAX_LOOKUPS {
        let Err(Refusal::Changed) = outcome else { break };
        hooks = app.hooks().find(app, id, &workspace, &path).await?;
        let hook = admit(app, &hooks, &parts)?;
        outcome = capture(app, hook, &hooks, &parts, body.clone()).await;
    }
    // Only a changed trigger reads the request again; nobody holds its body while waiting for a job.
    drop(body);
    match outcome {
        Ok(captured) => Ok(captured.answer(app).await),
        Err(Refusal::Problem(problem)) => Err(problem),
        Err(Refusal::Changed) => Err(CaptureError::Busy.into()),
    }
}

/// The trigger that takes this request, if its method and key are right.
fn admit<'a>(app: &App, hooks: &'a HookSet, parts: &Parts) -> Result<&'a Hook, Problem> {
    let takes = |hook: &&Hook| hook.webhook.methods.iter().any(|method| method == parts.method.as_str());
    let Some(hook) = hooks.list.iter().find(takes) else {
        let problem = Problem::new(&codes::METHOD, format!("this webhook does not take {}", parts.method));
        return Err(problem.with_header(ALLOW, hooks.allow.clone()));
    };
    if hook.webhook.auth == Auth::Key {
        app.keys().verify(&parts.headers, parts.extensions.get::<Peer>().copied())?;
    }
    Ok(hook)
}

/// Why a request was not captured.
enum Refusal {
    /// The trigger is another one by now.
    Changed,
    /// The caller is told.
    Problem(Problem),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<CaptureError> for Refusal {
    fn from(error: CaptureError) -> Self {
        match error {
            CaptureError::TriggerChanged => Self::Changed,
            error => Self::Problem(error.into()),
        }
    }
}

/// A request that is durable, and what there is to wait for.
struct Captured {
    accepted: Accepted,
    watched: Option<Watched>,
    at: Timestamp,
}

async fn capture(
    app: &App,
    hook: &Hook,
    hooks: &HookSet,
    parts: &Parts,
    body: Bytes,
) -> Result<Captured, Refusal> {
    let received = Received::read(&hook.webhook, parts, body)?;
    let at = app.capture().ports().clock.now();
    let (envelope, mark) = emit::event(hook, received, at)?;
    let generation = Some(hooks.generation);
    let incoming = Incoming { workspace: hooks.workspace, id: None, envelope, mark, generation };
    let (accepted, watched) = match hook.webhook.respond {
        Respond::Accepted => (app.capture().event(incoming).await?, None),
        Respond::Wait => app.capture().event_and_watch(incoming).await?,
    };
    Ok(Captured { accepted, watched, at })
}

// === impl Captured ===

impl Captured {
    async fn answer(self, app: &App) -> Response {
        if let Some(mut watched) = self.watched
            && let Outcome::Ended(end) = answer::wait(app, &mut watched.watch, app.limits().hook_wait).await
        {
            return answer::ended(&end, &watched.deployed, self.at);
        }
        answer::accepted(StatusCode::ACCEPTED, &self.accepted)
    }
}

fn not_found() -> Problem {
    Problem::new(&codes::NO_SUCH_PATH, "there is no webhook at this path")
}
