//! Effects, performed: HTTP calls go out, emitted events go back to capture. Never fails: whatever goes wrong
//! is an outcome.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tenon_capture::{Event, Incoming};
use tenon_engine::{Failure, FailureKind, HttpRequest, Outcome};
use tenon_outbound::{Redirects, Request};
use tenon_store::{DedupMark, WorkspaceId};

use crate::Context;

/// How long to wait before an event is offered again to a store that has no room.
const FULL_DISK_PAUSE: Duration = Duration::from_millis(500);

/// How long an emit is recognised whose outcome was not recorded: as long as a crashed server may stay down.
const EMIT_MARK: Duration = Duration::from_hours(30 * 24);

/// What identifies an attempt to the outside.
pub(crate) struct Identity {
    pub(crate) idempotency_key: String,
    pub(crate) attempt: u32,
}

/// Performs an HTTP call.
pub(crate) async fn http(context: &Context, call: &HttpRequest, identity: Identity) -> Outcome {
    let mut headers = call.headers.clone();
    let body = call.body.as_ref().map(|body| body_of(body, &mut headers));
    let request = Request {
        headers,
        query: call.query.clone(),
        body,
        redirects: if call.redirect { Redirects::Return } else { Redirects::Follow },
        idempotency_key: Some(identity.idempotency_key),
        attempt: identity.attempt,
        ..Request::new(call.method.as_str(), call.url.as_str())
    };
    match context.http.send(request).await {
        Ok(response) => call.outcome(response.status, response.headers, &response.body),
        Err(failure) => Outcome::Failed(Failure {
            error: match failure.kind() {
                tenon_outbound::FailureKind::Timeout => FailureKind::Timeout,
                tenon_outbound::FailureKind::Communication => FailureKind::Communication,
                tenon_outbound::FailureKind::Configuration => FailureKind::Configuration,
            },
            status: failure.status(),
            detail: failure.to_string(),
        }),
    }
}

/// Text goes as it is, everything else as JSON; a content type of the document's own is kept.
fn body_of(body: &Value, headers: &mut Vec<(String, String)>) -> Bytes {
    let (bytes, content_type) = match body {
        Value::String(text) => (Bytes::from(text.clone().into_bytes()), "text/plain; charset=utf-8"),
        other => (Bytes::from(other.to_string().into_bytes()), "application/json"),
    };
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        headers.push(("content-type".to_owned(), content_type.to_owned()));
    }
    bytes
}

/// Captures an emitted event. Its dedup mark derives from the effect, so a repeat after a crash is recognised
/// as one.
pub(crate) async fn emit(
    context: &Context,
    workspace: WorkspaceId,
    event: &Value,
    identity: Identity,
) -> Outcome {
    let Value::Object(members) = event else {
        return failed(FailureKind::Configuration, 400, "the event is not an object".to_owned());
    };
    let event = match Event::from_object(members.clone()) {
        Ok(event) => event,
        Err(error) => return failed(FailureKind::Configuration, 400, error.to_string()),
    };
    let expires = context.capture.ports().clock.now().after(EMIT_MARK);
    let mark = DedupMark { scope: "emit".to_owned(), key: identity.idempotency_key, expires };
    loop {
        let incoming = Incoming { mark: Some(mark.clone()), ..Incoming::new(workspace, event.clone()) };
        match context.capture.event(incoming).await {
            Ok(_) => return Outcome::Emitted,
            Err(tenon_capture::Error::Store(tenon_store::Error::Full) | tenon_capture::Error::Busy) => {
                tokio::time::sleep(FULL_DISK_PAUSE).await;
            }
            Err(tenon_capture::Error::Store(error)) => {
                tracing::warn!(%error, "an emitted event could not be stored; trying again");
                tokio::time::sleep(FULL_DISK_PAUSE).await;
            }
            Err(error) => return failed(FailureKind::Configuration, 400, error.to_string()),
        }
    }
}

fn failed(error: FailureKind, status: u16, detail: String) -> Outcome {
    Outcome::Failed(Failure { error, status, detail })
}
