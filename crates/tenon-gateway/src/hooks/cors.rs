//! Pages of other origins: preflights, and what answers say to a browser. Credentials of browsers (cookies) are never
//! invited. Who calls from anywhere else is not concerned.

use axum::body::Body;
use axum::response::Response;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderValue,
    ORIGIN, VARY,
};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, StatusCode};
use tenon_capture::trigger::Cors;

use super::lookup::HookSet;

const ORIGIN_VARIES: HeaderValue = HeaderValue::from_static("origin");
const EXPOSED: HeaderValue = HeaderValue::from_static("tenon-job, retry-after, location");

/// The answer to a preflight, if it is one that a webhook's `cors` answers.
pub(super) fn preflight(hooks: &HookSet, parts: &Parts) -> Option<Response> {
    if parts.method != Method::OPTIONS {
        return None;
    }
    let origin = parts.headers.get(ORIGIN)?.to_str().ok()?;
    let wanted = parts.headers.get(ACCESS_CONTROL_REQUEST_METHOD)?.to_str().ok()?;
    let is_wanted = |methods: &[String]| methods.iter().any(|method| method == wanted);
    let mut allowed = hooks.list.iter().filter(|hook| is_wanted(&hook.webhook.methods));
    let (cors, hook) = allowed.find_map(|hook| Some((hook.webhook.cors.as_ref()?, hook)))?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    if allow(cors, origin, headers) {
        let text = |text: &str| HeaderValue::from_str(text).expect("names are checked to be ASCII");
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, text(&hook.webhook.methods.join(", ")));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, text(&cors.headers.join(", ")));
        headers.insert(ACCESS_CONTROL_MAX_AGE, cors.max_age.as_secs().into());
    }
    Some(response)
}

/// Adds what a browser must see before it shows an answer to a page.
pub(super) fn answer(cors: &Cors, origin: &HeaderValue, headers: &mut HeaderMap) {
    let Ok(origin) = origin.to_str() else { return };
    if allow(cors, origin, headers) {
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}

fn allow(cors: &Cors, origin: &str, headers: &mut HeaderMap) -> bool {
    headers.append(VARY, ORIGIN_VARIES);
    let allowed = cors.allows(origin).and_then(|allowed| HeaderValue::from_str(allowed).ok());
    let is_allowed = allowed.is_some();
    if let Some(allowed) = allowed {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    }
    is_allowed
}
