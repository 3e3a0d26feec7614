//! The last requests of a webhook, to look at: ten that were taken, and ten that were refused, so that strangers cannot
//! push out the real ones. Bounded in bytes; credentials are not kept.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::header::HeaderValue;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};
use serde_json::{Map, Value, json};
use tenon_capture::trigger::Webhook;
use tenon_capture::{Accepted, rfc3339};
use tenon_store::{EventId, Timestamp};

use super::request::{body_for_people, form, has_members, header_texts};
use crate::Problem;

/// Of each sort.
const KEPT: usize = 10;
/// Of a body.
const MAX_BODY: usize = 64 << 10;
/// Of all requests of all webhooks; beyond it they are kept without their bodies, then without their heads.
const MAX_ALL: usize = 32 << 20;
/// What a header takes beside its name and value, about.
const HEADER: usize = 64;
/// Of why a request was refused, characters.
const MAX_DETAIL: usize = 1_000;
/// Of a request's head: method, address and headers.
const MAX_HEAD: usize = 16 << 10;
/// What is shown in place of a value.
const MASKED: &str = "***";
/// A header whose name has one of these carries a credential or a signature.
const SECRET_WORDS: [&str; 8] =
    ["authorization", "cookie", "signature", "secret", "token", "password", "api-key", "apikey"];

/// Those of one webhook.
pub(super) struct Captures {
    taken: Mutex<VecDeque<Capture>>,
    refused: Mutex<VecDeque<Capture>>,
    all_bytes: Arc<AtomicUsize>,
}

struct Capture {
    at: Timestamp,
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
    /// Of the body as it came.
    size: usize,
    outcome: Outcome,
    /// What it has of all that may be held.
    held: usize,
    all_bytes: Arc<AtomicUsize>,
}

/// What became of a request.
pub(super) enum Outcome {
    Taken { event: EventId, duplicate: bool, jobs: usize },
    Refused { status: u16, code: &'static str, detail: String },
}

// === impl Captures ===

impl Captures {
    pub(super) fn new(all_bytes: Arc<AtomicUsize>) -> Self {
        Self { taken: Mutex::default(), refused: Mutex::default(), all_bytes }
    }

    pub(super) fn keep(
        &self,
        webhook: &Webhook,
        (parts, body): (Parts, &Bytes),
        at: Timestamp,
        outcome: Outcome,
    ) {
        let mut headers = parts.headers;
        hide_credentials(&mut headers, webhook.auth.header());
        let length = |headers: &HeaderMap| -> usize {
            headers.iter().map(|(name, value)| HEADER + name.as_str().len() + value.len()).sum()
        };
        if length(&headers) > MAX_HEAD {
            headers.clear();
        }
        let (mut path, mut query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
        if path.len() + query.len() >= MAX_HEAD {
            (path, query) = ("/", "");
        }
        let kept = self.hold(body.len().min(MAX_BODY));
        let head = length(&headers) + path.len() + query.len();
        let held = self.hold(head);
        if held < head {
            headers.clear();
            (path, query) = ("/", "");
        }
        // Copied, as the body: what the connection gave are slices of its whole buffer.
        for value in headers.values_mut() {
            *value = HeaderValue::from_bytes(value.as_bytes()).expect("it was a value before");
        }
        let list = match &outcome {
            Outcome::Taken { .. } => &self.taken,
            Outcome::Refused { .. } => &self.refused,
        };
        let capture = Capture {
            at,
            method: parts.method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: Bytes::copy_from_slice(&body[..kept]),
            size: body.len(),
            outcome,
            held: kept + held,
            all_bytes: Arc::clone(&self.all_bytes),
        };
        let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
        if list.len() == KEPT {
            list.pop_front();
        }
        list.push_back(capture);
    }

    /// So many bytes, or none if all hold too many already.
    fn hold(&self, bytes: usize) -> usize {
        if self.all_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes <= MAX_ALL {
            return bytes;
        }
        self.all_bytes.fetch_sub(bytes, Ordering::Relaxed);
        0
    }

    /// Newest first, without what the trigger masks.
    pub(super) fn shown(&self, webhook: &Webhook) -> Vec<Value> {
        let mut all: Vec<(Timestamp, Value)> = Vec::with_capacity(2 * KEPT);
        for list in [&self.taken, &self.refused] {
            let list = list.lock().unwrap_or_else(PoisonError::into_inner);
            all.extend(list.iter().map(|capture| (capture.at, capture.shown(webhook))));
        }
        all.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        all.into_iter().map(|(_, shown)| shown).collect()
    }
}

// === impl Capture ===

impl Capture {
    fn shown(&self, webhook: &Webhook) -> Value {
        let masks = |start: &str| webhook.mask.iter().any(|pointer| pointer.starts_with(start));
        let query = form(self.query.as_bytes()).unwrap_or_else(|_| MASKED.into());
        let path = if masks("/params") { webhook.path.text() } else { &self.path };
        let mut request = json!({ "query": query, "headers": header_texts(&self.headers) });
        let is_whole = self.body.len() == self.size;
        match body_for_people(&self.headers, &self.body).filter(|_| is_whole) {
            Some(body) => request["body"] = body,
            // What cannot be read cannot be masked.
            None if masks("/body") => request["body"] = MASKED.into(),
            None => request["raw"] = String::from_utf8_lossy(&self.body).into(),
        }
        for pointer in &webhook.mask {
            let led = mask(&mut request, pointer);
            // JSON may lack what is optional. Else the value may be where nobody looks for it.
            let may_lack = has_members(&self.headers);
            if pointer.starts_with("/body") && (led == Led::Astray || (led == Led::Nowhere && !may_lack)) {
                request["body"] = MASKED.into();
            }
        }
        let mut shown = Map::new();
        shown.insert("at".to_owned(), rfc3339(self.at).into());
        shown.insert("method".to_owned(), self.method.as_str().into());
        shown.insert("path".to_owned(), path.into());
        if let Value::Object(members) = request {
            shown.extend(members);
        }
        shown.insert("size".to_owned(), self.size.into());
        if !is_whole {
            shown.insert("truncated".to_owned(), true.into());
        }
        shown.extend(self.outcome.shown());
        Value::Object(shown)
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.all_bytes.fetch_sub(self.held, Ordering::Relaxed);
    }
}

// === impl Outcome ===

impl Outcome {
    pub(super) fn of(accepted: &Accepted) -> Self {
        let Accepted { event, jobs, duplicate } = accepted;
        Self::Taken { event: *event, duplicate: *duplicate, jobs: jobs.len() }
    }

    /// Its code and reason: a whole problem may have long texts of the body in it.
    pub(super) fn refused(problem: &Problem) -> Self {
        let (status, code) = (problem.status().as_u16(), problem.code().code);
        Self::Refused { status, code, detail: problem.detail().chars().take(MAX_DETAIL).collect() }
    }

    fn shown(&self) -> Map<String, Value> {
        let members = match self {
            Self::Taken { event, duplicate, jobs } => {
                json!({ "outcome": if *duplicate { "duplicate" } else { "accepted" }, "event": event.to_string(), "jobs": jobs })
            }
            Self::Refused { status, code, detail } => {
                json!({ "outcome": "refused", "status": status, "code": code, "detail": detail })
            }
        };
        match members {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }
}

fn hide_credentials(headers: &mut HeaderMap, own: Option<&str>) {
    for (name, value) in headers.iter_mut() {
        let name = name.as_str();
        if own == Some(name) || SECRET_WORDS.iter().any(|word| name.contains(word)) {
            *value = HeaderValue::from_static(MASKED);
        }
    }
}

/// Where a pointer has led, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Led {
    /// To something, which is masked now.
    There,
    /// To an object that has no such member.
    Nowhere,
    /// To something of another kind: the value may be anywhere.
    Astray,
}

/// Replaces what a JSON Pointer leads to; `*` leads to every member.
fn mask(value: &mut Value, pointer: &str) -> Led {
    let Some(rest) = pointer.strip_prefix('/') else {
        *value = MASKED.into();
        return Led::There;
    };
    let (segment, rest) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let segment = segment.replace("~1", "/").replace("~0", "~");
    match value {
        Value::Object(members) if segment == "*" => mask_all(members.values_mut(), rest),
        Value::Array(items) if segment == "*" => mask_all(items.iter_mut(), rest),
        Value::Object(members) => members.get_mut(&segment).map_or(Led::Nowhere, |member| mask(member, rest)),
        Value::Array(items) => {
            let item = segment.parse().ok().and_then(|index: usize| items.get_mut(index));
            item.map_or(Led::Astray, |item| mask(item, rest))
        }
        Value::Null => Led::Nowhere,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Led::Astray,
    }
}

fn mask_all<'v>(values: impl Iterator<Item = &'v mut Value>, pointer: &str) -> Led {
    values.map(|value| mask(value, pointer)).max().unwrap_or(Led::There)
}

#[cfg(test)]
mod tests {
    use hyper::Request;
    use tenon_capture::trigger::Trigger;

    use super::*;
    use crate::codes;

    const HOOK: &str = "{ kind: webhook, path: a, auth: none }";

    #[test]
    fn heads_count_as_bodies_do() {
        let Ok(Trigger::Webhook(webhook)) = Trigger::parse(HOOK) else { panic!("it is a webhook") };
        let all_bytes = Arc::new(AtomicUsize::new(0));
        let captures = Captures::new(Arc::clone(&all_bytes));
        let keep = || {
            let request = Request::get("/a?b=c").header("x-long", "x".repeat(10_000));
            let (parts, ()) = request.body(()).expect("a request").into_parts();
            let refused = Outcome::refused(&Problem::new(&codes::SCHEMA, "x".repeat(100_000)));
            captures.keep(&webhook, (parts, &Bytes::from_static(b"12")), Timestamp(1), refused);
        };
        keep();
        let held = all_bytes.load(Ordering::Relaxed);
        assert!((10_000..11_000).contains(&held), "{held}");
        all_bytes.store(MAX_ALL - 2, Ordering::Relaxed);
        keep();
        let shown = captures.shown(&webhook);
        let last = shown.iter().find(|shown| shown["path"] == "/").expect("there was no room for its head");
        assert_eq!((&last["headers"], &last["body"]), (&json!({}), &json!(12)));
        assert!(last["detail"].as_str().is_some_and(|detail| detail.len() == MAX_DETAIL));
        drop(captures);
        assert_eq!(all_bytes.load(Ordering::Relaxed), MAX_ALL - 2 - held, "each gives back what it held");
    }
}
