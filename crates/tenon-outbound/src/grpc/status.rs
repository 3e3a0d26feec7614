//! What a gRPC status means to a workflow.

use std::error::Error as _;

use tonic::{Code, Status};

use super::Refusal;
use super::transport::Broken;
use crate::Failure;

/// A status that is not OK. The callee's message is told whole, which the bound on headers bounds: whoever records it
/// takes secrets out first, and half of one could not be found.
pub(super) fn refusal(status: Status, host: &str, max_bytes: usize) -> Refusal {
    if let Some(failure) = broken(&status) {
        return Refusal::Other(failure);
    }
    // tonic's word for a message whose announced length is above our bound.
    if status.code() == Code::OutOfRange && status.message().contains("message length too large") {
        return Refusal::Other(Failure::TooLarge { limit: max_bytes });
    }
    let (name, number) = (name(status.code()), i32::from(status.code()));
    let mut detail = format!("`{host}` answered {name} (grpc-status {number})");
    if !status.message().is_empty() {
        detail.push_str(": ");
        detail.push_str(status.message());
    }
    let communication = |status| Failure::Communication { status, detail: detail.clone() };
    Refusal::Other(match status.code() {
        Code::Unauthenticated => return Refusal::Unauthenticated(Failure::Authentication(detail)),
        Code::PermissionDenied => Failure::Authorization(detail),
        Code::DeadlineExceeded => Failure::Deadline(detail),
        Code::InvalidArgument => communication(400),
        Code::NotFound => communication(404),
        Code::AlreadyExists | Code::Aborted => communication(409),
        Code::ResourceExhausted => communication(429),
        Code::Unimplemented => communication(501),
        Code::Unavailable => communication(503),
        Code::Unknown | Code::Internal | Code::DataLoss => communication(500),
        Code::Ok | Code::Cancelled | Code::FailedPrecondition | Code::OutOfRange => communication(502),
    })
}

/// What went wrong below gRPC.
fn broken(status: &Status) -> Option<Failure> {
    let mut source = status.source();
    while let Some(cause) = source {
        if let Some(Broken(failure)) = cause.downcast_ref::<Broken>() {
            return Some(failure.clone());
        }
        source = cause.source();
    }
    None
}

fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
