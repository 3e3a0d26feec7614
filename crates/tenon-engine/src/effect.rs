//! Effects: the only things that leave the core. And their outcomes: the only things that come back.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenon_expr::is_deeper;
use tenon_workflow::{ErrorType, EventTypes, HttpOutput};

pub(crate) mod arguments;
mod deferred;
pub(crate) mod request;

pub(crate) use deferred::policy;
pub use deferred::{Deferred, Resolved};

use crate::{Error, Timestamp, digest};

/// The longest `Idempotency-Key` that is sent as it is.
const IDEMPOTENCY_KEY_BYTES: usize = 200;

/// Something to be done outside, at a stable address.
#[derive(Debug, Clone)]
pub struct Effect {
    /// Call-site path with loop indexes and visit counts; the same after a crash and for every attempt.
    pub id: Arc<str>,
    /// From 1.
    pub attempt: u32,
    /// Hash of what is to be done; a replay must find the same.
    pub arguments: u64,
    /// What is to be done.
    pub action: EffectAction,
}

// === impl Effect ===

impl Effect {
    /// Whether it is nothing but something to wait for, which the job can sleep through.
    pub fn is_wait(&self) -> bool {
        matches!(
            self.action,
            EffectAction::Timer { .. } | EffectAction::Listen(_) | EffectAction::AwaitChild { .. }
        )
    }

    /// `<job>.<effect id>`, the same for every attempt; hashed if it would not fit a header.
    pub fn idempotency_key(&self, job: &str) -> String {
        let key = format!("{job}.{}", self.id);
        let sendable = key.bytes().all(|byte| byte.is_ascii_graphic());
        if key.len() <= IDEMPOTENCY_KEY_BYTES && sendable {
            return key;
        }
        format!("{job}.{}", digest::hex(key.as_bytes()))
    }
}

/// What is to be done.
#[derive(Debug, Clone)]
pub enum EffectAction {
    /// An HTTP call.
    Http(Box<HttpRequest>),
    /// A gRPC call.
    Grpc(Box<GrpcRequest>),
    /// Capture this event (its whole envelope).
    Emit(Arc<Value>),
    /// Start a child job. Its outcome is [`Outcome::Started`].
    StartChild(Box<ChildRequest>),
    /// Nothing until a child job has ended. Its outcome is [`Outcome::Ended`]. Withdrawn: the child is cancelled
    /// ([`Execution::take_abandoned`](crate::Execution::take_abandoned)).
    AwaitChild {
        /// `job_…`.
        job: String,
    },
    /// Nothing until an event comes that [`Execution::wants`](crate::Execution::wants). Its outcome is
    /// [`Outcome::Received`].
    Listen(Vec<EventTypes>),
    /// Nothing until a moment.
    Timer {
        /// When.
        due: Timestamp,
    },
}

/// A child job to start, arguments evaluated.
#[derive(Debug, Clone, Serialize)]
pub struct ChildRequest {
    /// The workflow's namespace.
    pub namespace: String,
    /// The workflow's name.
    pub name: String,
    /// `document.version`, or `latest`.
    pub version: String,
    /// Its input, with secrets by name.
    pub input: Value,
    /// Whether its end is awaited.
    #[serde(rename = "await")]
    pub is_awaited: bool,
    /// How to complete the input, if it reads secrets or configuration.
    #[serde(skip)]
    pub deferred: Option<Arc<Deferred>>,
}

/// A gRPC call, arguments evaluated.
#[derive(Debug, Clone, Serialize)]
pub struct GrpcRequest {
    /// The protocol definition, as pinned.
    #[serde(skip)]
    pub definition: Arc<str>,
    /// The service's full name.
    pub service: String,
    /// Host, perhaps with `http://` or `https://` before it.
    pub host: String,
    /// Its port, if one is given.
    pub port: Option<u16>,
    /// The method's name.
    pub method: String,
    /// Its message, as JSON.
    pub arguments: Value,
    /// The scheme of its authentication.
    pub authentication: Option<&'static str>,
    /// How to complete it, if it reads secrets or configuration or authenticates.
    #[serde(skip)]
    pub deferred: Option<Arc<Deferred>>,
}

/// An HTTP call, arguments evaluated.
#[derive(Debug, Clone, Serialize)]
pub struct HttpRequest {
    /// Upper case.
    pub method: String,
    /// Absolute.
    pub url: String,
    /// Name and value; in document order.
    pub headers: Vec<(String, String)>,
    /// Name and value; appended to the URL's own query.
    pub query: Vec<(String, String)>,
    /// A text is sent as it is, anything else as JSON.
    pub body: Option<Value>,
    /// Whether a 3xx answer is the result (else redirects are followed).
    pub redirect: bool,
    /// The scheme of its authentication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication: Option<&'static str>,
    /// What the task's raw output is.
    #[serde(skip)]
    pub output: HttpOutput,
    /// How to complete it, if it reads secrets or configuration or authenticates.
    #[serde(skip)]
    pub deferred: Option<Arc<Deferred>>,
}

/// What came of an effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Outcome {
    /// The callee answered as asked.
    Answered(Answer),
    /// The effect failed; becomes an error of the task.
    Failed(Failure),
    /// The event is captured.
    Emitted,
    /// The child job exists.
    Started {
        /// `job_…`.
        job: String,
    },
    /// The child job has ended.
    Ended(ChildEnd),
    /// An event came: its whole envelope.
    Received {
        /// The event's id in the store (`evt_…`), by which a `listen` knows what it has consumed.
        event: String,
        /// Its envelope.
        envelope: Value,
    },
    /// The timer fired.
    Fired,
    /// The job is cancelled (its effect id is `cancel`).
    Cancelled,
    /// A person had the job go on after it had faulted and was parked (its effect id is `resume`).
    Resumed,
    /// A person gave a task another raw input (its effect id is `input`).
    Replaced {
        /// The task's address in the job.
        address: String,
        /// Its raw input.
        input: Value,
    },
}

/// How a child job ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum ChildEnd {
    /// With an output.
    Completed {
        /// The output.
        output: Value,
    },
    /// With an error.
    Faulted {
        /// The error.
        error: Error,
    },
    /// Cancelled.
    Cancelled,
}

/// A secret or configuration variable that was read while an effect was performed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Its name.
    pub name: String,
    /// Its version at that moment.
    pub version: u32,
}

/// An HTTP answer, decoded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Kept only where the document asks for the whole response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<Vec<(String, String)>>,
    /// The body: JSON decoded, text as text, else base64; `null` if empty.
    pub content: Value,
    /// The versions of variables that the call read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub used: Vec<Used>,
}

/// Why an effect failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Which standard error it becomes.
    pub error: FailureKind,
    /// Its status.
    pub status: u16,
    /// What happened.
    pub detail: String,
    /// The versions of variables that the effect read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub used: Vec<Used>,
}

// === impl Failure ===

impl Failure {
    /// The error of the task at this place.
    pub(crate) fn to_error(&self, instance: &str) -> Error {
        Error::standard(self.error.error_type(), instance, self.detail.clone()).with_status(self.status)
    }
}

/// The standard errors that effects end in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FailureKind {
    /// Network faults and unwanted statuses.
    Communication,
    /// The call took too long.
    Timeout,
    /// The call is not possible as the document has it.
    Configuration,
    /// What the call is given does not fit what it takes.
    Validation,
    /// Who the caller is could not be shown (401: no token, refused credentials).
    Authentication,
    /// The caller may not.
    Authorization,
    /// An expression over secrets failed.
    Expression,
    /// Tenon itself could not.
    Runtime,
}

// === impl FailureKind ===

impl FailureKind {
    /// The error of the language.
    pub fn error_type(self) -> ErrorType {
        match self {
            Self::Communication => ErrorType::Communication,
            Self::Timeout => ErrorType::Timeout,
            Self::Configuration => ErrorType::Configuration,
            Self::Validation => ErrorType::Validation,
            Self::Authentication => ErrorType::Authentication,
            Self::Authorization => ErrorType::Authorization,
            Self::Expression => ErrorType::Expression,
            Self::Runtime => ErrorType::Runtime,
        }
    }
}

/// How deep an answer may nest: it is stored inside an outcome, which must be readable again.
const ANSWER_DEPTH: usize = 100;

/// What stands for a credential where a request is shown.
const REDACTED: &str = "<redacted>";
const CREDENTIALS: [&str; 3] = ["authorization", "proxy-authorization", "cookie"];

/// How much of an unwanted answer's body goes into `detail`, bytes.
const DETAIL_BYTES: usize = 2048;

// === impl HttpRequest ===

impl HttpRequest {
    /// Its headers as people may see them.
    pub(crate) fn shown_headers(&self) -> Vec<(String, String)> {
        let shown = self.headers.iter().map(|(name, value)| {
            let is_credential = CREDENTIALS.iter().any(|known| name.eq_ignore_ascii_case(known));
            (name.clone(), if is_credential { REDACTED.to_owned() } else { value.clone() })
        });
        shown.collect()
    }

    /// The whole request as people may see it.
    pub(crate) fn shown(&self) -> Value {
        let shown = Self { headers: self.shown_headers(), ..self.clone() };
        serde_json::to_value(shown).expect("a request has only JSON values")
    }

    /// Whether an answer with this status is the call's result.
    pub fn is_result(&self, status: u16) -> bool {
        let highest = if self.redirect { 399 } else { 299 };
        (200..=highest).contains(&status)
    }

    /// Rule 24: which answers are results, which are communication errors; and how bodies are read.
    pub fn outcome(&self, status: u16, headers: Vec<(String, String)>, body: &[u8]) -> Outcome {
        if !self.is_result(status) {
            return Outcome::Failed(Failure {
                error: FailureKind::Communication,
                status,
                detail: detail(status, body),
                used: Vec::new(),
            });
        }
        let content = match self.output {
            HttpOutput::Raw => Value::String(BASE64.encode(body)),
            HttpOutput::Content | HttpOutput::Response => match decode(&headers, body) {
                Ok(content) => content,
                Err(failure) => return Outcome::Failed(failure),
            },
        };
        let headers = (self.output == HttpOutput::Response).then_some(headers);
        Outcome::Answered(Answer { status, headers, content, used: Vec::new() })
    }
}

fn detail(status: u16, body: &[u8]) -> String {
    let start = &body[..body.len().min(DETAIL_BYTES)];
    let text = String::from_utf8_lossy(start);
    if text.trim().is_empty() {
        return format!("the callee answered {status} without a body");
    }
    text.into_owned()
}

fn decode(headers: &[(String, String)], body: &[u8]) -> Result<Value, Failure> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    let content_type = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        .map(|(_, value)| value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
        .unwrap_or_default();
    if content_type == "application/json" || content_type.ends_with("+json") {
        let unreadable = |reason: String| Failure {
            error: FailureKind::Communication,
            status: 502,
            detail: format!("the answer says it is {content_type} but cannot be read: {reason}"),
            used: Vec::new(),
        };
        let value: Value = serde_json::from_slice(body).map_err(|error| unreadable(error.to_string()))?;
        if is_deeper(&value, ANSWER_DEPTH) {
            return Err(unreadable(format!("it nests more than {ANSWER_DEPTH} levels")));
        }
        return Ok(value);
    }
    let textual = content_type.starts_with("text/")
        || content_type.is_empty()
        || content_type.ends_with("+xml")
        || matches!(
            content_type.as_str(),
            "application/xml" | "application/yaml" | "application/x-www-form-urlencoded"
        );
    match std::str::from_utf8(body) {
        Ok(text) if textual => Ok(Value::String(text.to_owned())),
        _ => Ok(Value::String(BASE64.encode(body))),
    }
}

// === impl Outcome ===

impl Outcome {
    /// As the journal keeps it.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an outcome has only JSON values")
    }

    /// From the journal; the error says what is damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }
}
