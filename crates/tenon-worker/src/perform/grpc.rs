//! A gRPC call.

use serde_json::Value;
use tenon_engine::{Answer, GrpcRequest, Outcome};
use tenon_outbound::grpc::{Call, Client};

use super::{Identity, http};
use crate::Context;

/// What the journal says of a call that was answered: gRPC has no statuses of HTTP's kind.
const OK: u16 = 200;

/// Performs a call that is complete.
pub(super) async fn send(context: &Context, request: &GrpcRequest, identity: Identity) -> Outcome {
    match client(context).call(call(request, &identity)).await {
        Ok(content) => answered(content),
        Err(failed) => Outcome::Failed(http::failure(&failed)),
    }
}

pub(super) fn client(context: &Context) -> Client {
    Client::new(context.http.clone())
}

/// What goes out.
pub(super) fn call(request: &GrpcRequest, identity: &Identity) -> Call {
    Call {
        definition: request.definition.clone(),
        service: request.service.clone(),
        host: request.host.clone(),
        port: request.port,
        method: request.method.clone(),
        arguments: request.arguments.clone(),
        idempotency_key: Some(identity.idempotency_key.clone()),
        attempt: identity.attempt,
        timeout: None,
    }
}

pub(super) fn answered(content: Value) -> Outcome {
    Outcome::Answered(Answer { status: OK, headers: None, content, used: Vec::new() })
}
