//! Between tonic and our connections: bounds the body, and keeps what went wrong as what it was.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderValue;
use http::header::USER_AGENT;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper_util::client::legacy::Client;
use tonic::body::Body;
use tower_service::Service;

use crate::Failure;
use crate::connect::Connector;
use crate::rates::Rates;

/// What tonic calls.
#[derive(Clone)]
pub(super) struct Transport {
    pool: Client<Connector, Body>,
    max_bytes: usize,
    user_agent: HeaderValue,
    rates: Rates,
}

/// A failure on its way through tonic.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Broken(pub(super) Failure);

type Answering =
    Pin<Box<dyn Future<Output = Result<http::Response<UnsyncBoxBody<Bytes, Broken>>, Broken>> + Send>>;

// === impl Transport ===

impl Transport {
    pub(super) fn new(
        pool: Client<Connector, Body>,
        max_bytes: usize,
        user_agent: HeaderValue,
        rates: Rates,
    ) -> Self {
        Self { pool, max_bytes, user_agent, rates }
    }
}

impl Service<http::Request<Body>> for Transport {
    type Response = http::Response<UnsyncBoxBody<Bytes, Broken>>;
    type Error = Broken;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Answering {
        let host = request.uri().authority().map_or_else(String::new, ToString::to_string);
        request.headers_mut().insert(USER_AGENT, self.user_agent.clone());
        let limit = self.max_bytes;
        let (pool, rates) = (self.pool.clone(), self.rates.clone());
        Box::pin(async move {
            rates.wait(request.uri().host().unwrap_or_default()).await;
            let response =
                pool.request(request).await.map_err(|error| Broken(Failure::from_client(&error, &host)))?;
            Ok(response.map(|body| {
                let broken = move |error: Box<dyn std::error::Error + Send + Sync>| {
                    Broken(match error.downcast_ref::<hyper::Error>() {
                        Some(error) => Failure::from_body(error, &host),
                        None if error.is::<LengthLimitError>() => Failure::TooLarge { limit },
                        None => {
                            Failure::communication(format!("the response of `{host}` broke off: {error}"))
                        }
                    })
                };
                Limited::new(body, limit).map_err(broken).boxed_unsync()
            }))
        })
    }
}
