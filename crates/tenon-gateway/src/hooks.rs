//! `/hooks/{workspace}/{path…}`: a request becomes an event, as its trigger says.
//!
//! The hot path of the whole server. What no expression reads is not built: a JSON body is checked once and
//! spliced into the envelope as it came.

mod captures;
mod challenge;
mod cors;
mod credentials;
mod emit;
mod live;
mod lookup;
mod request;
mod signature;
mod unpack;
mod xml;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State as Extract;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::header::{
    ALLOW, CONTENT_SECURITY_POLICY, HeaderValue, ORIGIN, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use hyper::http::request::Parts;
use hyper::{Request, StatusCode};
use percent_encoding::percent_decode_str;
use tenon_capture::trigger::{RateLimit, Respond};
use tenon_capture::{Accepted, Error as CaptureError, Incoming, Watched};
use tenon_store::Timestamp;

use captures::Outcome;
pub use live::HookRate;
pub(crate) use live::LiveHooks;
pub(crate) use lookup::Hooks;
use lookup::{Address, Hook, HookSet, literal};
use request::Received;
use signature::Delivery;

use crate::answer;
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
    let (workspace, raw) = parts
        .uri
        .path()
        .strip_prefix("/hooks/")
        .and_then(|rest| rest.split_once('/'))
        .ok_or_else(not_found)?;
    let workspace = percent_decode_str(workspace).decode_utf8().map_err(|_| not_found())?;
    let path = literal(raw).ok_or_else(not_found)?;
    let id = app.workspace(&workspace).await?.ok_or_else(not_found)?;
    let address = Address { id, workspace: &workspace, path: &path, raw };
    let hooks = app.hooks().find(app, address).await?;
    if let Some(answer) = cors::preflight(&hooks, &parts) {
        return Ok(answer);
    }
    if let Some(answer) = challenge::meta(app, id, &hooks, &parts).await? {
        return Ok(answer);
    }
    let hook = choose(&hooks, &parts)?;
    let mut raw_body = Bytes::new();
    let taken = take(app, (&hooks, hook), (address, &parts), (body, &mut raw_body)).await;
    let at = app.capture().ports().clock.now();
    let webhook = &hook.webhook;
    let origin = webhook.cors.is_some().then(|| parts.headers.get(ORIGIN).cloned()).flatten();
    let outcome = match &taken {
        Ok(Taken::Captured(captured)) => Some(Outcome::of(&captured.accepted)),
        Ok(Taken::Answered(_)) => None,
        Err(problem) => Some(Outcome::refused(problem)),
    };
    if let Some(outcome) = outcome.filter(|_| webhook.captures) {
        hook.live.captures.keep(webhook, (parts, &raw_body), at, outcome);
    }
    // Nobody holds a body while waiting for a job.
    drop(raw_body);
    let mut response = match taken {
        Ok(Taken::Captured(captured)) => captured.answer(app).await,
        Ok(Taken::Answered(response)) => response,
        Err(problem) => problem.into_response(),
    };
    if let (Some(cors), Some(origin)) = (&webhook.cors, origin) {
        cors::answer(cors, &origin, response.headers_mut());
    }
    Ok(response)
}

/// The trigger that takes this method.
fn choose<'a>(hooks: &'a HookSet, parts: &Parts) -> Result<&'a Hook, Problem> {
    let takes = |hook: &&Hook| hook.webhook.methods.iter().any(|method| method == parts.method.as_str());
    hooks.list.iter().find(takes).ok_or_else(|| {
        let problem = Problem::new(&codes::METHOD, format!("this webhook does not take {}", parts.method));
        problem.with_header(ALLOW, hooks.allow.clone())
    })
}

/// What came of a request.
enum Taken {
    /// It is durable.
    Captured(Captured),
    /// A handshake, or a request that only woke pollers.
    Answered(Response),
}

/// Checks who calls, reads the body, checks what was signed, and captures. `raw` is the body as far as it has come.
async fn take(
    app: &App,
    (hooks, hook): (&Arc<HookSet>, &Hook),
    (address, parts): (Address<'_>, &Parts),
    (body, raw): (Body, &mut Bytes),
) -> Result<Taken, Problem> {
    credentials::check(app, address.id, hook, parts).await?;
    app.admit(address.id)?;
    let packed = read_body(&parts.headers, body, app.limits().event_bytes, app.limits()).await?;
    *raw = packed.clone();
    let body = unpack::unpack(&parts.headers, packed, app.limits())?;
    *raw = body.clone();
    let delivery = credentials::check_signature(app, address.id, hook, (parts, &body)).await?;
    let limit = hook.webhook.rate_limit;
    if let Some(limit) = limit {
        let now = app.capture().ports().clock.now();
        hook.live.take(limit, now).map_err(|time| too_fast(limit, time))?;
    }
    if let Some(answer) = challenge::slack(hook.webhook.challenge.as_ref(), &body) {
        return Ok(Taken::Answered(answer));
    }
    let mut outcome = act(app, (hooks, hook), parts, (body.clone(), delivery)).await;
    for _ in 1..MAX_LOOKUPS {
        let Err(Refusal::Changed) = outcome else { break };
        let hooks = app.hooks().find(app, address).await?;
        let hook = choose(&hooks, parts)?;
        credentials::check(app, address.id, hook, parts).await?;
        let delivery = credentials::check_signature(app, address.id, hook, (parts, &body)).await?;
        outcome = act(app, (&hooks, hook), parts, (body.clone(), delivery)).await;
    }
    match outcome {
        Ok(taken) => {
            // Only now is it known that this was nothing new; whoever tries again does not push out what is.
            if let Some(limit) = limit.filter(|_| taken.is_repeat()) {
                hook.live.give_back(limit, app.capture().ports().clock.now());
            }
            Ok(taken)
        }
        Err(Refusal::Problem(problem)) => Err(problem),
        Err(Refusal::Changed) => Err(CaptureError::Busy.into()),
    }
}

fn too_fast(limit: RateLimit, time: Duration) -> Problem {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    let detail = format!("at most {} requests in {} s are taken", limit.limit, limit.per.as_secs_f64());
    Problem::new(&codes::RATE_LIMIT, detail).with_header(RETRY_AFTER, seconds.max(1).into())
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

// === impl Taken ===

impl Taken {
    fn is_repeat(&self) -> bool {
        matches!(self, Self::Captured(captured) if captured.accepted.duplicate)
    }
}

/// Does what the trigger is for: wakes pollers, captures an event, or both.
async fn act(
    app: &App,
    (hooks, hook): (&HookSet, &Hook),
    parts: &Parts,
    (body, delivery): (Bytes, Option<Delivery>),
) -> Result<Taken, Refusal> {
    let received = Received::read(&hook.webhook, parts, body)?;
    let taken = if hook.only_wakes() {
        let woken = axum::Json(serde_json::json!({ "woken": true }));
        Taken::Answered((StatusCode::ACCEPTED, woken).into_response())
    } else {
        Taken::Captured(capture(app, (hooks, hook), parts, (received, delivery)).await?)
    };
    // Also by a repeat: the first one may have been the last thing before a crash.
    hook.wake(app, hooks.workspace);
    Ok(taken)
}

async fn capture(
    app: &App,
    (hooks, hook): (&HookSet, &Hook),
    parts: &Parts,
    (received, delivery): (Received, Option<Delivery>),
) -> Result<Captured, Refusal> {
    let at = app.capture().ports().clock.now();
    let (envelope, mark) = emit::event(hook, received, at)?;
    let delivery = credentials::mark(hook, delivery, (parts, at));
    let generation = Some(hooks.generation);
    let incoming = Incoming { workspace: hooks.workspace, id: None, envelope, mark, delivery, generation };
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
            && let answer::Outcome::Ended(end) =
                answer::wait(app, &mut watched.watch, app.limits().hook_wait).await
        {
            return answer::ended(&end, &watched.deployed, self.at);
        }
        answer::accepted(StatusCode::ACCEPTED, &self.accepted)
    }
}

fn not_found() -> Problem {
    Problem::new(&codes::NO_SUCH_PATH, "there is no webhook at this path")
}
