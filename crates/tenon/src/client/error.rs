//! How a request can fail, and what that means at a terminal.

use std::time::Duration;

use http::StatusCode;
use hyper_util::client::legacy;
use serde_json::Value;

use super::Answer;
use crate::failure::{Exit, Failure};
use crate::settings::Settings;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot reach {server}: {reason}")]
    Unreachable { server: String, origin: String, loopback: bool, reason: String },
    #[error("no answer within {} s", limit.as_secs())]
    Timeout { limit: Duration },
    #[error("the connection broke while the answer was read: {reason}")]
    Broken { reason: String },
    #[error("{0}")]
    Refused(Box<Problem>),
    #[error("cannot read this machine's certificates: {0}")]
    Certificates(#[source] std::io::Error),
    #[error("the request cannot be written: {0}")]
    Request(#[source] http::Error),
}

/// A refusal, as the server explained it (RFC 9457).
#[derive(Debug, thiserror::Error)]
#[error("{message}{}", code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default())]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    pub(crate) code: Option<String>,
    pub(crate) hints: Vec<String>,
    /// The whole document.
    pub(crate) document: Value,
    /// The job that failed, where a workflow's answer was waited for.
    pub(crate) job: Option<String>,
}

impl Error {
    pub(super) fn unreachable(settings: &Settings, error: &legacy::Error) -> Self {
        Self::Unreachable {
            server: settings.server.to_string(),
            origin: settings.server.origin.to_string(),
            loopback: settings.server.is_loopback(),
            reason: innermost(error),
        }
    }

    pub(super) fn refused(settings: &Settings, answer: &Answer) -> Self {
        let document = &answer.body;
        let text =
            |member: &str| document[member].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let fallback = || format!("the server answered {}", answer.status);
        let message = text("detail").or_else(|| text("title")).unwrap_or_else(fallback);
        let mut hints: Vec<String> = text("hint").into_iter().collect();
        if answer.status == StatusCode::UNAUTHORIZED {
            hints.extend(key_hint(settings));
        }
        let code = text("code");
        hints.extend(code.as_ref().map(|code| format!("`tenon explain {code}` says more")));
        let job = answer.headers.get("tenon-job").and_then(|job| job.to_str().ok()).map(str::to_owned);
        let status = answer.status;
        Self::Refused(Box::new(Problem { status, message, code, hints, document: document.clone(), job }))
    }

    /// What the server explained, if it did.
    pub(crate) fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) => Some(problem),
            _ => None,
        }
    }
}

fn key_hint(settings: &Settings) -> Option<String> {
    match (&settings.key, &settings.withheld) {
        (Some(key), _) => Some(format!("the key came from {}", key.origin)),
        (None, Some(withheld)) => {
            Some(format!("{withheld}; name the server yourself with --server or TENON_SERVER"))
        }
        (None, None) => Some(
            "give a key with TENON_KEY or --key; a local server's is found with --data-dir DIR".to_owned(),
        ),
    }
}

/// hyper's own words ("client error (Connect)") say nothing; the cause does.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if let Some(error) = cause.downcast_ref::<std::io::Error>() {
        return match error.kind() {
            std::io::ErrorKind::ConnectionRefused => "nothing listens there".to_owned(),
            std::io::ErrorKind::TimedOut => "no answer to the connection".to_owned(),
            _ => error.to_string(),
        };
    }
    cause.to_string()
}

impl Problem {
    pub(crate) fn exit(&self) -> Exit {
        match self.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Exit::NotAllowed,
            StatusCode::NOT_FOUND => Exit::NotFound,
            StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => Exit::Conflict,
            _ => Exit::Failed,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Unreachable { origin, loopback, .. } => {
                let failure = Self::new(Exit::Unreachable, message);
                let failure = if loopback { failure.hint("start a server with `tenon up`") } else { failure };
                failure
                    .hint(format!("the address comes from {origin}; --server or TENON_SERVER names another"))
            }
            Error::Timeout { .. } | Error::Broken { .. } => {
                Self::new(Exit::Unreachable, message).hint("`tenon doctor` says how the server is")
            }
            Error::Refused(problem) => {
                let failure = Self::new(problem.exit(), message);
                problem.hints.iter().fold(failure, Self::hint)
            }
            Error::Certificates(_) | Error::Request(_) => Self::new(Exit::Failed, message),
        }
    }
}

impl From<http::Error> for Error {
    fn from(error: http::Error) -> Self {
        Self::Request(error)
    }
}

impl From<http::header::InvalidHeaderValue> for Error {
    fn from(error: http::header::InvalidHeaderValue) -> Self {
        Self::Request(error.into())
    }
}
