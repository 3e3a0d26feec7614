//! The client: one pool of connections for all workflows, and the life of a call from request to response.
//!
//! It retries nothing, with one exception that is none: a request that found its pooled connection closed before
//! a byte of it was written goes out on another (hyper-util knows). Whether to try again is the document's word.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use http_body_util::Full;
use hyper_util::client::legacy::{Builder, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::auth::{Challenges, Digester, Tokens};
use crate::connect::{Connector, Tcp};
use crate::grpc::Channel;
use crate::rates::Rates;
use crate::redirect::Hop;
use crate::{Failure, HostRateUse, Options, Redirects, Request, Response, TimeoutPhase, response, tls};

/// Shorter than what common servers and balancers grant, so that mostly we close first.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(50);
/// A response head must fit in it (HTTP/1.1).
const MAX_HEAD_BYTES: usize = 256 * 1024;
/// The same for HTTP/2.
const MAX_HEADER_LIST_BYTES: u32 = 256 * 1024;
/// Many calls share an HTTP/2 connection; a dead one is noticed after interval plus timeout.
const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(20);
const HTTP2_PING_TIMEOUT: Duration = Duration::from_secs(10);

/// Sends requests. A cheap handle: clones share one pool.
#[derive(Clone)]
pub struct HttpClient(Arc<Inner>);

struct Inner {
    client: Client<Connector, Full<Bytes>>,
    grpc: Channel,
    tokens: Tokens,
    challenges: Challenges,
    rates: Rates,
    user_agent: HeaderValue,
    total_timeout: Duration,
    max_response_bytes: usize,
    max_redirects: u32,
}

/// Why a client cannot be made from its options.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// One of [`Options::extra_roots_pem`] holds no usable certificate.
    #[error("extra root {number} is not a PEM certificate: {reason}")]
    ExtraRoot {
        /// Which one, from 1.
        number: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// [`Options::user_agent`] cannot be a header.
    #[error("the user agent contains a line break or another control character")]
    UserAgent,
    /// rustls refuses its own defaults.
    #[error("cannot set up TLS")]
    Tls(#[source] rustls::Error),
}

// === impl HttpClient ===

impl HttpClient {
    /// Loads the trusted roots (some milliseconds) and opens nothing. The roots are the machine's
    /// (`SSL_CERT_FILE` and `SSL_CERT_DIR` count), or Mozilla's where the machine has none.
    pub fn new(options: Options) -> Result<Self, Error> {
        let user_agent = HeaderValue::from_str(&options.user_agent).map_err(|_| Error::UserAgent)?;
        let roots = tls::roots(&options.extra_roots_pem)?;
        let rates = Rates::new(&options.rates);
        let tcp = Tcp::new(&options);
        let connector = Connector::new(tcp.clone(), tls::config(&roots, &["h2", "http/1.1"])?);
        let client = pool(options.pool_idle_per_host).build(connector);
        // gRPC speaks nothing but HTTP/2, also without TLS, where nobody negotiates.
        let connector = Connector::new(tcp, tls::config(&roots, &["h2"])?);
        let grpc = Channel::new(
            pool(options.pool_idle_per_host).http2_only(true).build(connector),
            options.max_response_bytes,
            user_agent.clone(),
            rates.clone(),
        );
        Ok(Self(Arc::new(Inner {
            client,
            grpc,
            tokens: Tokens::new(),
            challenges: Challenges::new(),
            rates,
            user_agent,
            total_timeout: options.total_timeout,
            max_response_bytes: options.max_response_bytes,
            max_redirects: options.max_redirects,
        })))
    }

    /// Sends a request and reads its whole response. Dropping the future aborts the call. Needs a tokio runtime
    /// with time and IO.
    pub async fn send(&self, request: Request) -> Result<Response, Failure> {
        self.bounded(&request, None, self.0.max_response_bytes).await
    }

    /// The same for an answer that must not be large.
    pub async fn send_within(&self, request: Request, limit: usize) -> Result<Response, Failure> {
        self.bounded(&request, None, limit.min(self.0.max_response_bytes)).await
    }

    /// The same, answering challenges of digest authentication on the way.
    pub(crate) async fn send_digested(
        &self,
        request: Request,
        digester: Digester<'_>,
    ) -> Result<Response, Failure> {
        self.bounded(&request, Some(digester), self.0.max_response_bytes).await
    }

    async fn bounded(
        &self,
        request: &Request,
        digester: Option<Digester<'_>>,
        limit: usize,
    ) -> Result<Response, Failure> {
        let after = request.timeout.unwrap_or(self.0.total_timeout);
        match tokio::time::timeout(after, self.exchange(request, digester, limit)).await {
            Ok(result) => result,
            Err(_) => Err(Failure::Timeout { phase: TimeoutPhase::Total, after }),
        }
    }

    async fn exchange(
        &self,
        request: &Request,
        mut digester: Option<Digester<'_>>,
        limit: usize,
    ) -> Result<Response, Failure> {
        let inner = &*self.0;
        let mut hop = Hop::first(request)?;
        let mut followed = 0;
        if let Some(digester) = &mut digester {
            digester.begin(&hop);
        }
        loop {
            let mut outgoing = request.on_hop(&hop, &inner.user_agent)?;
            if let Some(digester) = &mut digester {
                digester.add_to(&mut outgoing, &hop);
            }
            inner.rates.wait(hop.url.host_str().unwrap_or_default()).await;
            let response = inner
                .client
                .request(outgoing)
                .await
                .map_err(|error| Failure::from_client(&error, hop.host()))?;
            if response.status() == StatusCode::UNAUTHORIZED
                && let Some(digester) = &mut digester
                && digester.learn(response.headers(), &hop)
            {
                response::drain(response).await;
                continue;
            }
            let next = match request.redirects {
                Redirects::Follow => hop.next(response.status(), response.headers())?,
                Redirects::Return => None,
            };
            let Some(next) = next else {
                let mut response = response::read(response, hop, limit).await?;
                response.credentials = digester.map(Digester::into_answers).unwrap_or_default();
                return Ok(response);
            };
            request.may_go(&hop, &next)?;
            if followed == inner.max_redirects {
                let host = next.host().to_owned();
                return Err(Failure::TooManyRedirects { limit: inner.max_redirects, host });
            }
            followed += 1;
            hop = next;
            if let Some(digester) = &mut digester {
                digester.begin(&hop);
            }
        }
    }

    /// How fast hosts may be called, and what that is used for.
    pub fn rates(&self) -> Vec<HostRateUse> {
        self.0.rates.uses()
    }

    pub(crate) fn grpc(&self) -> &Channel {
        &self.0.grpc
    }

    pub(crate) fn tokens(&self) -> &Tokens {
        &self.0.tokens
    }

    pub(crate) fn challenges(&self) -> &Challenges {
        &self.0.challenges
    }

    pub(crate) fn total_timeout(&self) -> Duration {
        self.0.total_timeout
    }
}

fn pool(idle_per_host: usize) -> Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .pool_max_idle_per_host(idle_per_host)
        .http1_max_buf_size(MAX_HEAD_BYTES)
        .http2_max_header_list_size(MAX_HEADER_LIST_BYTES)
        .http2_keep_alive_interval(HTTP2_PING_INTERVAL)
        .http2_keep_alive_timeout(HTTP2_PING_TIMEOUT);
    builder
}
