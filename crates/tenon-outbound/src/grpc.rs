//! gRPC calls: a definition compiled at run time, JSON in and out, over the same connections, address rules and
//! trust as HTTP calls.
//!
//! Arguments and answers follow the JSON mapping of protocol buffers: names in camel case (the definition's own
//! names are read, too), 64-bit integers as text, bytes as base64, enum values by name; in answers, fields that
//! have their default value are left out. Compression is neither offered nor accepted.

mod definition;
mod message;
mod status;
mod target;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use hyper_util::client::legacy;
use prost_reflect::{DynamicMessage, MethodDescriptor};
use serde_json::Value;
use tonic::client::Grpc;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};

use crate::auth::{Authorized, Error, Policy};
use crate::connect::Connector;
use crate::rates::Rates;
use crate::{Failure, HttpClient, TimeoutPhase};
use definition::Definitions;
use message::JsonCodec;
use target::Target;
use transport::Transport;

/// Most messages of a stream.
const MAX_MESSAGES: usize = 10_000;

/// One call.
#[derive(Clone)]
pub struct Call {
    /// The text of the protocol definition.
    pub definition: Arc<str>,
    /// The service's full name; its last part, if no other service has it.
    pub service: String,
    /// A host, perhaps with `http://` (plain text) or `https://` (TLS) before it and a port behind it. A bare host
    /// is spoken to in plain text on loopback and over TLS elsewhere.
    pub host: String,
    /// Its port; default 443 with TLS, else 80.
    pub port: Option<u16>,
    /// The method's name.
    pub method: String,
    /// The message; `null` is an empty one.
    pub arguments: Value,
    /// Sent as `idempotency-key`.
    pub idempotency_key: Option<String>,
    /// Sent as `tenon-attempt`; the first is 1.
    pub attempt: u32,
    /// Instead of [`Options::total_timeout`](crate::Options::total_timeout).
    pub timeout: Option<Duration>,
}

/// Makes calls. A cheap handle.
#[derive(Clone)]
pub struct Client(HttpClient);

/// What all clients share.
pub(crate) struct Channel {
    transport: Transport,
    definitions: Definitions,
    max_bytes: usize,
}

/// What became of a call, if not a message.
enum Refusal {
    /// The callee wants (other) credentials.
    Unauthenticated(Failure),
    Other(Failure),
}

// === impl Channel ===

impl Channel {
    pub(crate) fn new(
        pool: legacy::Client<Connector, tonic::body::Body>,
        max_bytes: usize,
        user_agent: HeaderValue,
        rates: Rates,
    ) -> Self {
        Self {
            transport: Transport::new(pool, max_bytes, user_agent, rates),
            definitions: Definitions::new(),
            max_bytes,
        }
    }
}

// === impl Client ===

impl Client {
    /// Over the connections of this client.
    pub fn new(http: HttpClient) -> Self {
        Self(http)
    }

    /// Whether a definition compiles; the failure says what is wrong with it, and on which line.
    pub async fn check(&self, definition: &Arc<str>) -> Result<(), Failure> {
        self.0.grpc().definitions.compiled(definition).await.map(|_| ())
    }

    /// Whether calls can be made with this definition; the failure says what is wrong with it.
    pub async fn check_definition(&self, definition: &Arc<str>) -> Result<(), Failure> {
        self.0.grpc().definitions.compiled(definition).await.map(drop)
    }

    /// Calls a method: the answer's message, or of a stream the list of all its messages. Dropping the future
    /// aborts the call.
    pub async fn call(&self, call: Call) -> Result<Value, Failure> {
        Box::pin(self.bounded(&call, None)).await.map_err(Refusal::into_failure)
    }

    /// Calls a method under a policy, whose credentials are sent as `authorization`. `build` makes the call of the
    /// authorization; it is called again with a fresh token when the callee refuses one, once, in the same
    /// attempt. All together is bounded by [`Options::total_timeout`](crate::Options::total_timeout).
    pub async fn call_authenticated<E>(
        &self,
        policy: &Policy,
        build: impl FnMut(&Authorized) -> Result<Call, E>,
    ) -> Result<Value, Error<E>> {
        let after = self.0.total_timeout();
        match tokio::time::timeout(after, Box::pin(self.authenticated(policy, build))).await {
            Ok(result) => result,
            Err(_) => Err(Failure::Timeout { phase: TimeoutPhase::Total, after }.into()),
        }
    }

    async fn authenticated<E>(
        &self,
        policy: &Policy,
        mut build: impl FnMut(&Authorized) -> Result<Call, E>,
    ) -> Result<Value, Error<E>> {
        let mut renewed = false;
        loop {
            let authorized = self.0.authorize(policy).await?;
            let Some(header) = authorized.header() else {
                let message =
                    "digest authentication cannot be used with gRPC: use basic, bearer, oauth2 or oidc";
                return Err(Failure::InvalidRequest(message.to_owned()).into());
            };
            let call = build(&authorized).map_err(Error::Build)?;
            match Box::pin(self.bounded(&call, Some(&header))).await {
                Ok(answer) => return Ok(answer),
                Err(Refusal::Unauthenticated(failure)) => {
                    if renewed || !self.0.refused(policy, &authorized).await {
                        return Err(failure.into());
                    }
                    renewed = true;
                }
                Err(Refusal::Other(failure)) => return Err(failure.into()),
            }
        }
    }

    async fn bounded(&self, call: &Call, authorization: Option<&str>) -> Result<Value, Refusal> {
        let after = call.timeout.unwrap_or(self.0.total_timeout());
        match tokio::time::timeout(after, self.exchange(call, authorization, after)).await {
            Ok(result) => result,
            Err(_) => Err(Refusal::Other(Failure::Timeout { phase: TimeoutPhase::Total, after })),
        }
    }

    async fn exchange(
        &self,
        call: &Call,
        authorization: Option<&str>,
        after: Duration,
    ) -> Result<Value, Refusal> {
        let channel = self.0.grpc();
        let target = Target::read(&call.host, call.port)?;
        let pool = channel.definitions.compiled(&call.definition).await?;
        let method = definition::method(&pool, &call.service, &call.method)?;
        let arguments = message::read(method.input(), &call.arguments)?;
        let mut request = tonic::Request::new(arguments);
        *request.metadata_mut() = metadata(call, authorization)?;
        request.set_timeout(after);
        let mut grpc = Grpc::with_origin(channel.transport.clone(), target.origin)
            .max_decoding_message_size(channel.max_bytes);
        let failed = |status: tonic::Status| status::refusal(status, &target.host, channel.max_bytes);
        grpc.ready().await.map_err(|error| Refusal::Other(error.0))?;
        let codec = JsonCodec::new(method.output());
        if !method.is_server_streaming() {
            let answer = grpc.unary(request, path(&method), codec).await.map_err(failed)?;
            return Ok(message::write(answer.get_ref(), &target.host)?);
        }
        let answers = grpc.server_streaming(request, path(&method), codec).await.map_err(failed)?;
        collect(answers.into_inner(), failed, &target.host).await
    }
}

async fn collect(
    mut answers: tonic::Streaming<DynamicMessage>,
    failed: impl Fn(tonic::Status) -> Refusal,
    host: &str,
) -> Result<Value, Refusal> {
    let mut messages = Vec::new();
    while let Some(answer) = answers.message().await.map_err(&failed)? {
        if messages.len() == MAX_MESSAGES {
            let detail = format!("the stream of `{host}` has more than {MAX_MESSAGES} messages");
            return Err(Refusal::Other(Failure::communication(detail)));
        }
        messages.push(message::write(&answer, host)?);
    }
    Ok(Value::Array(messages))
}

fn path(method: &MethodDescriptor) -> http::uri::PathAndQuery {
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    path.parse().expect("names of a compiled definition are letters, digits, underscores and dots")
}

fn metadata(call: &Call, authorization: Option<&str>) -> Result<MetadataMap, Failure> {
    let mut metadata = MetadataMap::new();
    let value = |name: &str, text: &str| {
        AsciiMetadataValue::try_from(text)
            .map_err(|_| Failure::InvalidRequest(format!("`{name}` has characters that gRPC cannot send")))
    };
    metadata.insert("tenon-attempt", AsciiMetadataValue::from(call.attempt));
    if let Some(key) = &call.idempotency_key {
        metadata.insert("idempotency-key", value("idempotency-key", key)?);
    }
    if let Some(authorization) = authorization {
        let mut authorization = value("authorization", authorization)?;
        authorization.set_sensitive(true);
        metadata.insert("authorization", authorization);
    }
    Ok(metadata)
}

// === impl Refusal ===

impl Refusal {
    fn into_failure(self) -> Failure {
        match self {
            Self::Unauthenticated(failure) | Self::Other(failure) => failure,
        }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Other(failure)
    }
}
