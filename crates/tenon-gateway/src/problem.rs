//! What a refusal looks like: `application/problem+json` (RFC 9457) with a stable code.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::response::{IntoResponse, Response};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};
use tenon_capture::Error as CaptureError;
use tenon_store::Error as StoreError;

use crate::codes::{self, Code};

pub use tenon_workflow::Violation;

/// Seconds after which a refused request may come again.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// One refusal. Small to pass around; turned into a response at the very end.
#[derive(Debug, Clone)]
pub struct Problem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    code: &'static Code,
    status: StatusCode,
    detail: Cow<'static, str>,
    hint: Cow<'static, str>,
    /// Members beside the standard ones; those of the same name as a standard one replace it.
    extras: Map<String, Value>,
    headers: HeaderMap,
}

// === impl Problem ===

impl Problem {
    /// A problem of this kind; `detail` says what is special about this occurrence.
    pub fn new(code: &'static Code, detail: impl Into<Cow<'static, str>>) -> Self {
        let status = StatusCode::from_u16(code.status).expect("the table has valid statuses");
        let hint = Cow::Borrowed(code.hint);
        let inner = Inner {
            code,
            status,
            detail: detail.into(),
            hint,
            extras: Map::new(),
            headers: HeaderMap::new(),
        };
        let problem = Self(Box::new(inner));
        match code.status {
            401 => problem.with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            429 | 503 => problem.with_header(RETRY_AFTER, RETRY_SECONDS),
            _ => problem,
        }
    }

    /// What must not be told: it goes to the log, the caller learns only that something failed.
    pub fn internal(context: &str, cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, context, "request failed");
        Self::new(&codes::INTERNAL, "the server could not do this")
    }

    /// A better hint than the code's.
    pub fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.0.hint = hint.into();
        self
    }

    /// Another status than the code's.
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = status;
        self
    }

    /// One more member.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.extras.insert(name.to_owned(), value.into());
        self
    }

    /// Where the body breaks a schema.
    pub fn with_violations(self, violations: &[Violation]) -> Self {
        let list: Vec<Value> =
            violations.iter().map(|v| json!({"pointer": v.pointer, "message": v.message})).collect();
        self.with("violations", list)
    }

    /// One more header.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// Its code.
    pub fn code(&self) -> &'static Code {
        self.0.code
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// What is special about this occurrence.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    fn body(&self) -> Value {
        let Inner { code, status, detail, hint, extras, .. } = &*self.0;
        let mut body = json!({
            "type": format!("https://tenon.dev/errors/{}", code.code),
            "title": code.title,
            "status": status.as_u16(),
            "detail": detail,
            "instance": format!("urn:tenon:problem:{:x}", occurrence()),
            "code": code.code,
            "hint": hint,
        });
        let members = body.as_object_mut().expect("built as an object above");
        members.extend(extras.clone());
        body
    }
}

/// A number that no other problem of this server has had for a long time.
fn occurrence() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = self.body().to_string();
        let mut response = (self.0.status, body).into_response();
        let headers = response.headers_mut();
        headers.extend(self.0.headers);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => Self::new(&codes::DISK_FULL, "the disk that holds the data is full"),
            StoreError::Closed | StoreError::Fenced => {
                Self::new(&codes::UNAVAILABLE, "the server is stopping or another one has taken over")
            }
            StoreError::NotFound(what) => Self::new(&codes::NOT_FOUND, format!("{what} not found")),
            StoreError::Conflict(reason) => Self::new(&codes::CONFLICT, reason),
            StoreError::Damaged(_) | StoreError::Internal(_) => Self::internal("store", &error),
        }
    }
}

impl From<CaptureError> for Problem {
    fn from(error: CaptureError) -> Self {
        let text = error.to_string();
        match error {
            CaptureError::Store(error) => error.into(),
            CaptureError::TooLarge { .. } => Self::new(&codes::TOO_LARGE, text),
            CaptureError::Invalid(invalid) => {
                let violation = Violation { pointer: invalid.pointer, message: invalid.message };
                Self::new(&codes::CLOUD_EVENT, text).with_violations(&[violation])
            }
            CaptureError::TooManyHops(_) => Self::new(&codes::HOPS, text),
            CaptureError::UnknownWorkflow(_) => Self::new(&codes::WORKFLOW_NOT_FOUND, text),
            CaptureError::Disabled(_) => Self::new(&codes::WORKFLOW_DISABLED, text),
            CaptureError::UnknownRevision | CaptureError::UnknownVersion { .. } => {
                Self::new(&codes::NOT_FOUND, text)
            }
            // Only children wait for lanes of their ancestors, and nobody starts one over HTTP.
            CaptureError::LaneHeld(_) => Self::new(&codes::CONFLICT, text),
            CaptureError::PayloadGone => Self::new(&codes::PAYLOAD_GONE, text),
            CaptureError::TriggerChanged | CaptureError::Busy => Self::new(&codes::BUSY, text),
            CaptureError::TooManyWatches(_) => Self::new(&codes::TOO_MANY_WAITING, text),
            CaptureError::Program { .. } => {
                tracing::error!(error = text, "a deployed workflow cannot be run");
                Self::new(&codes::NOT_RUNNABLE, "a workflow that this starts cannot be run by this version")
            }
        }
    }
}
