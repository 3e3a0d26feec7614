//! Bodies: what they say they are, and reading them within bounds of size and time.

use std::sync::Arc;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::body::Body as _;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE};
use tenon_capture::JsonText;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::codes;
use crate::{Limits, Problem};

/// What a body says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// `application/json` or `…+json`.
    Json,
    /// `text/*`.
    Text,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `multipart/form-data`.
    Multipart,
    /// `application/xml`, `text/xml` or `…+xml`.
    Xml,
    /// Anything else.
    Other,
    /// It does not say.
    Unknown,
}

/// Bodies up to this size are not counted: connections bound them.
const SMALL_BODY: usize = 16 << 10;

/// What all large bodies together may hold in memory. Clones share it.
#[derive(Debug, Clone)]
pub struct BodyBudget {
    kibibytes: Arc<Semaphore>,
    total: usize,
}

/// A body that gives its share of the budget back when its last user lets go.
struct Held {
    bytes: Bytes,
    _share: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

// === impl BodyBudget ===

impl BodyBudget {
    /// That many bytes.
    pub fn new(bytes: usize) -> Self {
        Self { kibibytes: Arc::new(Semaphore::new(bytes >> 10)), total: bytes >> 10 }
    }

    /// Bytes in use, and how many there are.
    pub fn used(&self) -> (usize, usize) {
        let used = self.total.saturating_sub(self.kibibytes.available_permits());
        (used << 10, self.total << 10)
    }

    /// A share, or a refusal: waiting would hold the connection and its buffers for others' bodies.
    fn take(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let kibibytes = u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX);
        Arc::clone(&self.kibibytes)
            .try_acquire_many_owned(kibibytes)
            .map_err(|_| Problem::new(&codes::TOO_MUCH_AT_ONCE, "the memory for large bodies is in use"))
    }

    /// A body that was made here, counted like one that came.
    pub(crate) fn hold(&self, bytes: Bytes) -> Result<Bytes, Problem> {
        if bytes.len() <= SMALL_BODY {
            return Ok(bytes);
        }
        let share = self.take(bytes.len())?;
        Ok(Bytes::from_owner(Held { bytes, _share: share }))
    }
}

// === impl Content ===

impl Content {
    /// By the `Content-Type` header.
    pub fn of(headers: &HeaderMap) -> Self {
        let Some(value) = headers.get(CONTENT_TYPE) else { return Self::Unknown };
        let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let has_suffix = |suffix: &str| {
            essence.len() > suffix.len()
                && essence.as_bytes()[essence.len() - suffix.len()..].eq_ignore_ascii_case(suffix.as_bytes())
        };
        if essence.eq_ignore_ascii_case("application/json") || has_suffix("+json") {
            Self::Json
        } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            Self::Form
        } else if essence.eq_ignore_ascii_case("multipart/form-data") {
            Self::Multipart
        } else if ["application/xml", "text/xml"].iter().any(|name| essence.eq_ignore_ascii_case(name))
            || has_suffix("+xml")
        {
            Self::Xml
        } else if essence.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("text/")) {
            Self::Text
        } else {
            Self::Other
        }
    }
}

/// The whole body, if it is not larger than `limit` and arrives in time. Never holds more than the limit.
pub async fn read_body(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    limits: &Limits,
) -> Result<Bytes, Problem> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    match tokio::time::timeout(limits.body_time, collect(body, announced, limit, &limits.body_budget)).await {
        Ok(read) => read,
        Err(_) => Err(Problem::new(&codes::BODY_BROKEN, "the body took too long to arrive")),
    }
}

/// The body as JSON. Nothing, or another content type, is a problem; no content type counts as JSON.
pub async fn json_body(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    limits: &Limits,
) -> Result<JsonText, Problem> {
    if !matches!(Content::of(headers), Content::Json | Content::Unknown) {
        return Err(Problem::new(&codes::CONTENT_TYPE, "this takes JSON"));
    }
    parse_json(read_body(headers, body, limit, limits).await?)
}

/// The text as JSON.
pub(crate) fn parse_json(text: Bytes) -> Result<JsonText, Problem> {
    JsonText::parse(text)
        .map_err(|error| Problem::new(&codes::MALFORMED_JSON, format!("the body is not JSON: {error}")))
}

async fn collect(
    mut body: Body,
    announced: Option<u64>,
    limit: usize,
    budget: &BodyBudget,
) -> Result<Bytes, Problem> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    let mut share = match announced {
        Some(length) if length > SMALL_BODY as u64 => Some(budget.take(length as usize)?),
        _ => None,
    };
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|_| Problem::new(&codes::BODY_BROKEN, "the connection failed within the body"))?;
        let Ok(data) = frame.into_data() else { continue };
        let length = first.len() + rest.len() + data.len();
        if length > limit {
            return Err(too_large(limit));
        }
        if length > SMALL_BODY && share.is_none() {
            share = Some(budget.take(limit)?);
        }
        // Most bodies are one frame, which is not copied.
        if first.is_empty() {
            first = data;
        } else {
            rest.extend_from_slice(&data);
        }
        if body.is_end_stream() {
            break;
        }
    }
    let mut whole = first;
    if !rest.is_empty() {
        let mut both = BytesMut::with_capacity(whole.len() + rest.len());
        both.extend_from_slice(&whole);
        both.extend_from_slice(&rest);
        whole = both.freeze();
    }
    match share {
        None => Ok(whole),
        Some(share) => Ok(Bytes::from_owner(Held { bytes: whole, _share: share })),
    }
}

fn too_large(limit: usize) -> Problem {
    Problem::new(&codes::TOO_LARGE, format!("the body has more than {limit} bytes"))
}
