//! Starting a child job.

use tenon_capture::{Child, Error};
use tenon_engine::{ChildRequest, FailureKind, Outcome};
use tenon_store::JobId;

use super::deferred::Prepared;
use super::{Identity, failed};
use crate::Context;
use crate::family::HeldLane;

/// Starts a child, or finds the one that was started before a crash. It must not be broken off: whoever asks has
/// to learn that the child is there. The error is the store's.
pub(crate) async fn start(
    context: &Context,
    parent: JobId,
    request: &ChildRequest,
    (identity, held): (&Identity, &[HeldLane]),
) -> Result<Outcome, tenon_store::Error> {
    let mut input = request.input.clone();
    if let Some(deferred) = &request.deferred {
        let prepared = Prepared::new(context, identity, Some(deferred)).await?;
        match deferred.child_input(&prepared.resolved) {
            Ok(complete) => input = complete,
            Err(failure) => return Ok(prepared.seal(Outcome::Failed(failure))),
        }
    }
    let child = Child {
        workspace: identity.workspace,
        workflow: format!("{}/{}", request.namespace, request.name),
        version: request.version.clone(),
        input,
        parent,
        is_awaited: request.is_awaited,
        key: key(identity),
        hops: identity.hops.saturating_add(1),
        is_lifecycle: identity.is_lifecycle,
        is_masked: identity.masked_by.is_some(),
        held: held.to_vec(),
    };
    Ok(match context.capture.child(child).await {
        Ok(job) => Outcome::Started { job: job.to_string() },
        Err(Error::Store(error)) => return Err(error),
        Err(error @ (Error::Busy | Error::PayloadGone | Error::TooManyHops(_))) => {
            failed(FailureKind::Runtime, 500, error.to_string())
        }
        Err(error) => failed(FailureKind::Configuration, 400, error.to_string()),
    })
}

/// What a repeat after a crash has, too. Another attempt is another child: the one before has ended.
fn key(identity: &Identity) -> String {
    match identity.attempt {
        1 => identity.idempotency_key.clone(),
        attempt => format!("{attempt}:{}", identity.idempotency_key),
    }
}
