//! An HTTP call.

use bytes::Bytes;
use serde_json::Value;
use tenon_engine::{Failure, FailureKind, HttpRequest, Outcome};
use tenon_outbound::{Redirects, Request, Response};

use super::Identity;
use crate::Context;

/// Performs a call that is complete.
pub(super) async fn send(context: &Context, call: &HttpRequest, identity: Identity) -> Outcome {
    match context.http.send(request(call, &identity)).await {
        Ok(response) => outcome(call, response),
        Err(failed) => Outcome::Failed(failure(&failed)),
    }
}

/// What goes out.
pub(super) fn request(call: &HttpRequest, identity: &Identity) -> Request {
    let mut headers = call.headers.clone();
    let body = call.body.as_ref().map(|body| body_of(body, &mut headers));
    Request {
        headers,
        query: call.query.clone(),
        body,
        redirects: if call.redirect { Redirects::Return } else { Redirects::Follow },
        idempotency_key: Some(identity.idempotency_key.clone()),
        attempt: identity.attempt,
        ..Request::new(call.method.as_str(), call.url.as_str())
    }
}

pub(super) fn outcome(call: &HttpRequest, response: Response) -> Outcome {
    call.outcome(response.status, response.headers, &response.body)
}

/// Why there was no response, in the engine's words.
pub(super) fn failure(failure: &tenon_outbound::Failure) -> Failure {
    use tenon_outbound::FailureKind as Kind;
    let error = match failure.kind() {
        Kind::Timeout => FailureKind::Timeout,
        Kind::Communication => FailureKind::Communication,
        Kind::Configuration => FailureKind::Configuration,
        Kind::Authentication => FailureKind::Authentication,
        Kind::Authorization => FailureKind::Authorization,
    };
    Failure { error, status: failure.status(), detail: failure.to_string(), used: Vec::new() }
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
