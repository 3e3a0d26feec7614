//! Why a call gave no response, in the words of the workflow language (rule 24).
//!
//! Messages may be shown to users and stored, so they name the host but never a path, query, header or body, and
//! not the address a name resolved to.

use std::error::Error as StdError;
use std::time::Duration;

use crate::{Refusal, connect};

/// A call that gave no response. A response of any status is not a failure here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Time ran out.
    #[error("{phase} took longer than {} ms", .after.as_millis())]
    Timeout {
        /// Which bound was reached.
        phase: TimeoutPhase,
        /// The bound.
        after: Duration,
    },
    /// The network or the callee broke the exchange.
    #[error("{detail}")]
    Communication {
        /// The status the error carries; 502 for all network faults.
        status: u16,
        /// What happened, for people.
        detail: String,
    },
    /// The callee said that the deadline has passed (gRPC).
    #[error("{0}")]
    Deadline(String),
    /// Who the caller is could not be shown: no token, or credentials that a gRPC callee refused.
    #[error("{0}")]
    Authentication(String),
    /// A gRPC callee knows the caller and refuses.
    #[error("{0}")]
    Authorization(String),
    /// None of the addresses of the host may be called.
    #[error("calls to `{host}` are refused: {refusal}")]
    Forbidden {
        /// The host as the URL names it, with its port.
        host: String,
        /// The rule that refused it.
        refusal: Refusal,
    },
    /// The request cannot be sent as it is; says what is wrong with it.
    #[error("{0}")]
    InvalidRequest(String),
    /// The response body is larger than the limit; its connection was closed.
    #[error("the response body is larger than {limit} bytes")]
    TooLarge {
        /// [`Options::max_response_bytes`](crate::Options::max_response_bytes).
        limit: usize,
    },
    /// The callee redirected more often than allowed.
    #[error("more than {limit} redirects: the last one leads to `{host}`")]
    TooManyRedirects {
        /// [`Options::max_redirects`](crate::Options::max_redirects).
        limit: u32,
        /// Host and port that would have been next.
        host: String,
    },
}

/// Which bound a timeout was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeoutPhase {
    /// Name resolution, TCP and TLS.
    Connect,
    /// The whole call.
    Total,
}

/// The error type of the workflow language that a failure maps to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// `…/errors/timeout`
    Timeout,
    /// `…/errors/communication`
    Communication,
    /// `…/errors/configuration`
    Configuration,
    /// `…/errors/authentication`
    Authentication,
    /// `…/errors/authorization`
    Authorization,
}

// === impl Failure ===

impl Failure {
    /// The `status` of the workflow error: 408 when the call took too long, 504 when connecting did, 400 for
    /// what the document or the operator must mend, 401 and 403 where credentials do not help, 502 for the rest.
    pub fn status(&self) -> u16 {
        match self {
            Self::Timeout { phase: TimeoutPhase::Total, .. } | Self::Deadline(_) => 408,
            Self::Timeout { phase: TimeoutPhase::Connect, .. } => 504,
            Self::Communication { status, .. } => *status,
            Self::Authentication(_) => 401,
            Self::Authorization(_) => 403,
            Self::Forbidden { .. } | Self::InvalidRequest(_) => 400,
            Self::TooLarge { .. } | Self::TooManyRedirects { .. } => 502,
        }
    }

    /// The type of the workflow error. Connecting that takes too long is *communication* (rule 24).
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Timeout { phase: TimeoutPhase::Total, .. } | Self::Deadline(_) => FailureKind::Timeout,
            Self::Authentication(_) => FailureKind::Authentication,
            Self::Authorization(_) => FailureKind::Authorization,
            Self::Timeout { phase: TimeoutPhase::Connect, .. }
            | Self::Communication { .. }
            | Self::TooLarge { .. }
            | Self::TooManyRedirects { .. } => FailureKind::Communication,
            Self::Forbidden { .. } | Self::InvalidRequest(_) => FailureKind::Configuration,
        }
    }

    pub(crate) fn communication(detail: impl Into<String>) -> Self {
        Self::Communication { status: 502, detail: detail.into() }
    }

    /// The exchange with `host` failed before a response head was there.
    pub(crate) fn from_client(error: &hyper_util::client::legacy::Error, host: &str) -> Self {
        let mut source = error.source();
        while let Some(cause) = source {
            if let Some(cause) = cause.downcast_ref::<connect::Error>() {
                return Self::from_connect(cause, host);
            }
            source = cause.source();
        }
        // hyper-util's own message ("client error (SendRequest)") says nothing; its causes do.
        let detail = error.source().map_or_else(|| error.to_string(), causes);
        Self::communication(format!("no response from `{host}`: {detail}"))
    }

    /// The response of `host` broke off.
    pub(crate) fn from_body(error: &hyper::Error, host: &str) -> Self {
        Self::communication(format!("the response of `{host}` broke off: {}", causes(error)))
    }

    fn from_connect(error: &connect::Error, host: &str) -> Self {
        match error {
            connect::Error::Timeout { after } => {
                Self::Timeout { phase: TimeoutPhase::Connect, after: *after }
            }
            connect::Error::Forbidden { refusal } => {
                Self::Forbidden { host: host.to_owned(), refusal: *refusal }
            }
            connect::Error::Resolve { .. } | connect::Error::Tcp { .. } | connect::Error::Tls { .. } => {
                Self::communication(format!("cannot connect to `{host}`: {}", causes(error)))
            }
        }
    }
}

impl std::fmt::Display for TimeoutPhase {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Connect => "connecting",
            Self::Total => "the call",
        })
    }
}

/// The message of an error and of all its causes, without immediate repeats.
fn causes(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let message = cause.to_string();
        if !text.ends_with(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        source = cause.source();
    }
    text
}
