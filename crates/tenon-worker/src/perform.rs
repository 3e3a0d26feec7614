//! Effects, performed: calls go out, emitted events go back to capture. Never fails: whatever goes wrong is an
//! outcome.

pub(crate) mod child;
mod deferred;
mod derived;
mod emit;
mod grpc;
mod http;
pub(crate) mod scrub;

use std::sync::Arc;
use std::time::Duration;

use tenon_capture::Deployed;
use tenon_engine::{EffectAction, Failure, FailureKind, Outcome};
use tenon_store::{JobId, WorkspaceId};

use crate::Context;

/// How long to wait before something is asked again of a store that has no room or failed.
const FULL_DISK_PAUSE: Duration = Duration::from_millis(500);

/// How much of a failure is kept, bytes: callees may say a lot.
const DETAIL_BYTES: usize = 4_096;

/// What identifies an attempt to the outside, and whose it is.
pub(crate) struct Identity {
    pub(crate) workspace: WorkspaceId,
    pub(crate) idempotency_key: String,
    pub(crate) attempt: u32,
    /// Of the job.
    pub(crate) hops: u32,
    /// Whether a lifecycle event started the job.
    pub(crate) is_lifecycle: bool,
    /// The job, if it has values that nobody is shown.
    pub(crate) masked_by: Option<JobId>,
    /// Its workflow.
    pub(crate) deployed: Arc<Deployed>,
}

// === impl Identity ===

impl Identity {
    /// Whether its workflow reads secrets, so that they may be in what comes back.
    fn is_of_secrets(&self) -> bool {
        !self.deployed.program.secrets.is_empty()
    }
}

/// Performs an effect that ends by itself.
pub(crate) async fn perform(context: &Context, action: &EffectAction, identity: Identity) -> Outcome {
    let mut outcome = match action {
        EffectAction::Http(call) => match &call.deferred {
            None if identity.is_of_secrets() => {
                Box::pin(deferred::complete_http(context, call, identity)).await
            }
            None => http::send(context, call, identity).await,
            // On the heap, so that calls without secrets do not carry its state.
            Some(deferred) => Box::pin(deferred::http(context, deferred, identity)).await,
        },
        EffectAction::Grpc(call) => match &call.deferred {
            None if identity.is_of_secrets() => {
                Box::pin(deferred::complete_grpc(context, call, identity)).await
            }
            None => Box::pin(grpc::send(context, call, identity)).await,
            Some(deferred) => Box::pin(deferred::grpc(context, deferred, identity)).await,
        },
        EffectAction::Emit(event) => emit::emit(context, event, identity).await,
        EffectAction::StartChild(_)
        | EffectAction::Timer { .. }
        | EffectAction::Listen(_)
        | EffectAction::AwaitChild { .. } => unreachable!("children and waits are kept apart"),
    };
    // Not before secrets are taken out: half of one would not be found.
    if let Outcome::Failed(Failure { detail, .. }) = &mut outcome {
        detail.truncate(detail.floor_char_boundary(DETAIL_BYTES));
    }
    outcome
}

fn failed(error: FailureKind, status: u16, detail: String) -> Outcome {
    Outcome::Failed(Failure { error, status, detail, used: Vec::new() })
}
