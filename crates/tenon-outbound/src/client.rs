//! The client: one pool of connections for all workflows, and the life of a call from request to response.
//!
//! It retries nothing, with one exception that is none: a request that found its pooled connection closed before
//! a byte of it was written goes out on another (hyper-util knows). Whether to try again is the document's word.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::connect::Connector;
use crate::redirect::Hop;
use crate::{Failure, Options, Redirects, Request, Response, TimeoutPhase, response};

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
        let tls = tls_config(&options.extra_roots_pem)?;
        let connector = Connector::new(options.addresses, tls, options.connect_timeout);
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .pool_max_idle_per_host(options.pool_idle_per_host)
            .http1_max_buf_size(MAX_HEAD_BYTES)
            .http2_max_header_list_size(MAX_HEADER_LIST_BYTES)
            .http2_keep_alive_interval(HTTP2_PING_INTERVAL)
            .http2_keep_alive_timeout(HTTP2_PING_TIMEOUT)
            .build(connector);
        Ok(Self(Arc::new(Inner {
            client,
            user_agent,
            total_timeout: options.total_timeout,
            max_response_bytes: options.max_response_bytes,
            max_redirects: options.max_redirects,
        })))
    }

    /// Sends a request and reads its whole response. Dropping the future aborts the call. Needs a tokio runtime
    /// with time and IO.
    pub async fn send(&self, request: Request) -> Result<Response, Failure> {
        let after = request.timeout.unwrap_or(self.0.total_timeout);
        match tokio::time::timeout(after, self.exchange(&request)).await {
            Ok(result) => result,
            Err(_) => Err(Failure::Timeout { phase: TimeoutPhase::Total, after }),
        }
    }

    async fn exchange(&self, request: &Request) -> Result<Response, Failure> {
        let inner = &*self.0;
        let mut hop = Hop::first(request)?;
        let mut followed = 0;
        loop {
            let outgoing = request.on_hop(&hop, &inner.user_agent)?;
            let response = inner
                .client
                .request(outgoing)
                .await
                .map_err(|error| Failure::from_client(&error, hop.host()))?;
            let next = match request.redirects {
                Redirects::Follow => hop.next(response.status(), response.headers())?,
                Redirects::Return => None,
            };
            let Some(next) = next else {
                return response::read(response, hop, inner.max_response_bytes).await;
            };
            if followed == inner.max_redirects {
                let host = next.host().to_owned();
                return Err(Failure::TooManyRedirects { limit: inner.max_redirects, host });
            }
            followed += 1;
            hop = next;
        }
    }
}

fn tls_config(extra_roots_pem: &[Vec<u8>]) -> Result<ClientConfig, Error> {
    let mut roots = machine_roots();
    for (index, pem) in extra_roots_pem.iter().enumerate() {
        add_extra_root(&mut roots, pem).map_err(|reason| Error::ExtraRoot { number: index + 1, reason })?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn machine_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    for error in &native.errors {
        tracing::warn!(%error, "a root certificate of this machine cannot be read");
    }
    // Stores of real machines hold certificates that are out of date in form; those are left out.
    roots.add_parsable_certificates(native.certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

fn add_extra_root(roots: &mut RootCertStore, pem: &[u8]) -> Result<(), String> {
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.len() == before {
        return Err("it holds no certificate".to_owned());
    }
    Ok(())
}
