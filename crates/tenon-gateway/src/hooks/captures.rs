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
/// Of all bodies of all webhooks; beyond it requests are kept without theirs.
const MAX_ALL: usize = 32 << 20;
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
    all_bytes: Arc<AtomicUsize>,
}

/// What became of a request.
pub(super) enum Outcome {
    Taken { event: EventId, duplicate: bool, jobs: usize },
    Refused(Problem),
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
        let head: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if head > MAX_HEAD {
            headers.clear();
        }
        // Copied, as the body: what the connection gave are slices of its whole buffer.
        for value in headers.values_mut() {
            *value = HeaderValue::from_bytes(value.as_bytes()).expect("it was a value before");
        }
        let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
        let (path, query) = if path.len() + query.len() < MAX_HEAD { (path, query) } else { ("/", "") };
        let mut kept = body.len().min(MAX_BODY);
        if self.all_bytes.fetch_add(kept, Ordering::Relaxed) + kept > MAX_ALL {
            self.all_bytes.fetch_sub(kept, Ordering::Relaxed);
            kept = 0;
        }
        let list = match &outcome {
            Outcome::Taken { .. } => &self.taken,
            Outcome::Refused(_) => &self.refused,
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
            all_bytes: Arc::clone(&self.all_bytes),
        };
        let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
        if list.len() == KEPT {
            list.pop_front();
        }
        list.push_back(capture);
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
        self.all_bytes.fetch_sub(self.body.len(), Ordering::Relaxed);
    }
}

// === impl Outcome ===

impl Outcome {
    pub(super) fn of(accepted: &Accepted) -> Self {
        let Accepted { event, jobs, duplicate } = accepted;
        Self::Taken { event: *event, duplicate: *duplicate, jobs: jobs.len() }
    }

    fn shown(&self) -> Map<String, Value> {
        let members = match self {
            Self::Taken { event, duplicate, jobs } => {
                json!({ "outcome": if *duplicate { "duplicate" } else { "accepted" }, "event": event.to_string(), "jobs": jobs })
            }
            Self::Refused(problem) => json!({
                "outcome": "refused",
                "status": problem.status().as_u16(),
                "code": problem.code().code,
                "detail": problem.detail(),
            }),
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
