//! Opens connections: resolve, judge every address, TCP, TLS; all within the connect timeout.
//!
//! The judged address is the one that is connected to, so a name that changes its mind between the check and the
//! connection (DNS rebinding) gains nothing. hyper-util's pool calls this for new connections only.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tower_service::Service;

use crate::{AddressRules, Options, Refusal};

/// Lookups block a thread each and cannot be cancelled: names whose servers hang must not eat the runtime's
/// whole pool of blocking threads.
const MAX_LOOKUPS: usize = 32;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("connecting took longer than {} ms", .after.as_millis())]
    Timeout { after: Duration },
    #[error("{refusal}")]
    Forbidden { refusal: Refusal },
    #[error("its name cannot be resolved")]
    Resolve {
        #[source]
        source: io::Error,
    },
    #[error("{source}")]
    Tcp { source: io::Error },
    #[error("{detail}")]
    Tls { detail: String },
}

/// What the pool calls. One `Arc`, since hyper-util clones its connector for every request.
#[derive(Clone)]
pub(crate) struct Connector(Arc<Inner>);

struct Inner {
    https: HttpsConnector<Tcp>,
    connect_timeout: Duration,
}

/// Sockets to addresses that may be called. Clones share their bounds.
#[derive(Clone)]
pub(crate) struct Tcp {
    rules: Arc<AddressRules>,
    overrides: Arc<HashMap<(String, u16), SocketAddr>>,
    lookups: Arc<Semaphore>,
    connect_timeout: Duration,
}

/// Where a name leads.
enum Target {
    /// By resolution, or written as an address.
    Found(Vec<SocketAddr>),
    /// By the operator's word.
    Overridden(SocketAddr),
}

type Connecting<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

// === impl Connector ===

impl Connector {
    pub(crate) fn new(tcp: Tcp, tls: rustls::ClientConfig) -> Self {
        let connect_timeout = tcp.connect_timeout;
        Self(Arc::new(Inner { https: HttpsConnector::from((tcp, tls)), connect_timeout }))
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = Error;
    type Future = Connecting<Self::Response, Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let after = self.0.connect_timeout;
        let connecting = self.0.https.clone().call(uri);
        Box::pin(async move {
            match timeout(after, connecting).await {
                Ok(Ok(stream)) => Ok(stream),
                Ok(Err(error)) => {
                    Err(error.downcast::<Error>().map_or_else(|error| tls_error(&*error), |own| *own))
                }
                Err(_) => Err(Error::Timeout { after }),
            }
        })
    }
}

/// What did not come from [`Tcp`] is of the TLS handshake.
fn tls_error(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Error {
    let mut detail = format!("TLS: {error}");
    if detail.contains("UnknownIssuer") {
        detail.push_str(
            " (if its authority is to be trusted, add the authority's certificate to the extra roots)",
        );
    }
    Error::Tls { detail }
}

// === impl Tcp ===

impl Service<Uri> for Tcp {
    type Response = TokioIo<TcpStream>;
    type Error = Error;
    type Future = Connecting<Self::Response, Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let tcp = self.clone();
        Box::pin(async move {
            let allowed = match tcp.resolve(&uri).await? {
                Target::Found(candidates) => tcp.allowed(candidates)?,
                Target::Overridden(address) => vec![tcp.allowed_by_operator(address)?],
            };
            tcp.connect(&allowed).await.map(TokioIo::new)
        })
    }
}

impl Tcp {
    pub(crate) fn new(options: &Options) -> Self {
        let overrides = options.resolve.iter();
        let overrides = overrides.map(|(host, port, to)| ((bare(host).to_ascii_lowercase(), *port), *to));
        Self {
            rules: Arc::new(options.addresses.clone()),
            overrides: Arc::new(overrides.collect()),
            lookups: Arc::new(Semaphore::new(MAX_LOOKUPS)),
            connect_timeout: options.connect_timeout,
        }
    }

    async fn resolve(&self, uri: &Uri) -> Result<Target, Error> {
        let host = bare(uri.host().unwrap_or_default()).to_ascii_lowercase();
        let is_https = uri.scheme() == Some(&http::uri::Scheme::HTTPS);
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        let name = (host, port);
        if let Some(address) = self.overrides.get(&name) {
            return Ok(Target::Overridden(*address));
        }
        let (host, port) = name;
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok(Target::Found(vec![SocketAddr::new(ip, port)]));
        }
        let lookups = Arc::clone(&self.lookups);
        let permit = lookups.acquire_owned().await.expect("the semaphore is never closed");
        let lookup = tokio::task::spawn_blocking(move || {
            // Held until the lookup ends, also when nobody waits for it any more.
            let _permit = permit;
            (host.as_str(), port).to_socket_addrs().map(Iterator::collect)
        });
        let found = lookup.await.map_err(io::Error::other).flatten();
        found.map(Target::Found).map_err(|source| Error::Resolve { source })
    }

    /// The operator has named it, so that it may be private; what is never called stays so.
    fn allowed_by_operator(&self, address: SocketAddr) -> Result<SocketAddr, Error> {
        match self.rules.check(address) {
            Ok(()) | Err(Refusal::Private) => Ok(address),
            Err(refusal) => Err(Error::Forbidden { refusal }),
        }
    }

    /// The candidates that may be connected to; refused only if none is left.
    fn allowed(&self, candidates: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Error> {
        let mut refused = None;
        let mut allowed = candidates;
        allowed.retain(|address| match self.rules.check(*address) {
            Ok(()) => true,
            Err(refusal) => {
                refused.get_or_insert(refusal);
                false
            }
        });
        match refused {
            Some(refusal) if allowed.is_empty() => Err(Error::Forbidden { refusal }),
            _ => Ok(allowed),
        }
    }

    /// One candidate after the other, each with its share of the time, so that a dead first one (IPv6 without a
    /// route that says so) leaves time for the next.
    async fn connect(&self, candidates: &[SocketAddr]) -> Result<TcpStream, Error> {
        let share = self.connect_timeout / u32::try_from(candidates.len().max(1)).unwrap_or(u32::MAX);
        let mut failed = Error::Resolve { source: io::Error::other("the name has no addresses") };
        for address in candidates {
            failed = match timeout(share, TcpStream::connect(*address)).await {
                Ok(Ok(stream)) => {
                    // A request is written at once; waiting to fill a packet would only delay it.
                    stream.set_nodelay(true).map_err(|source| Error::Tcp { source })?;
                    return Ok(stream);
                }
                Ok(Err(source)) => Error::Tcp { source },
                Err(_) => Error::Timeout { after: self.connect_timeout },
            };
        }
        Err(failed)
    }
}

/// A host without the brackets of an IPv6 address.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}
