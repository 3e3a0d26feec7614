//! Handshakes: a sender asks whether the address is ours before it sends anything. They make no event.

use axum::body::Body;
use axum::response::Response;
use hyper::Method;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use serde_json::Value;
use tenon_capture::trigger::Challenge;
use tenon_store::WorkspaceId;

use super::credentials::Secrets;
use super::lookup::HookSet;
use crate::codes;
use crate::{App, Problem};

/// Longest challenge that is given back.
const MAX_CHALLENGE: usize = 1024;

/// The answer to Meta's `GET ?hub.mode=subscribe&hub.verify_token=…&hub.challenge=…`, whatever methods the trigger has.
pub(super) async fn meta(
    app: &App,
    workspace: WorkspaceId,
    hooks: &HookSet,
    parts: &Parts,
) -> Result<Option<Response>, Problem> {
    if parts.method != Method::GET {
        return Ok(None);
    }
    let meta = hooks.list.iter().find_map(|hook| match &hook.webhook.challenge {
        Some(Challenge::Meta { secrets }) => Some((hook, secrets)),
        _ => None,
    });
    let Some((hook, names)) = meta else { return Ok(None) };
    let (mut mode, mut token, mut challenge) = (None, None, None);
    for (name, value) in form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
        match &*name {
            "hub.mode" => mode = Some(value),
            "hub.verify_token" => token = Some(value),
            "hub.challenge" => challenge = Some(value),
            _ => {}
        }
    }
    let (mode, token, challenge) = match (mode, token, challenge) {
        (None, None, None) => return Ok(None),
        (Some(mode), Some(token), Some(challenge)) => (mode, token, challenge),
        // Never an event: the token would be in it.
        _ => return Err(incomplete()),
    };
    let secrets = Secrets::now(app, workspace, hook, names).await?;
    let is_ours = secrets.is_any(token.as_bytes());
    if mode == "subscribe" && is_ours && challenge.len() <= MAX_CHALLENGE {
        return Ok(Some(plain(challenge.into_owned())));
    }
    Err(secrets.refuse(Problem::new(&codes::CHALLENGE, "the verify token is wrong")))
}

fn incomplete() -> Problem {
    let detail =
        "a part of the handshake is missing: it has `hub.mode`, `hub.verify_token` and `hub.challenge`";
    let hint = "send `?hub.mode=subscribe&hub.verify_token=…&hub.challenge=…`, or none of the three";
    Problem::new(&codes::BAD_REQUEST, detail).with_hint(hint)
}

/// The answer to Slack's `{"type": "url_verification", "challenge": …}`, which was signed as everything else.
pub(super) fn slack(challenge: Option<&Challenge>, body: &[u8]) -> Option<Response> {
    const MOST: usize = 16 << 10;
    if challenge != Some(&Challenge::Slack) || body.len() > MOST {
        return None;
    }
    let body: Value = serde_json::from_slice(body).ok()?;
    if body.get("type").and_then(Value::as_str) != Some("url_verification") {
        return None;
    }
    let text = body.get("challenge").and_then(Value::as_str).filter(|text| text.len() <= MAX_CHALLENGE)?;
    Some(plain(text.to_owned()))
}

fn plain(text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
