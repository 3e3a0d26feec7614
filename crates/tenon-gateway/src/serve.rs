//! The listener: connections within bounds, panics contained, and an end that finishes what was begun.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tower_service::Service as _;

use crate::{App, Peer, Problem, codes};

/// Bounds of the listener.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Most connections at once; more wait in the system's queue.
    pub max_connections: usize,
    /// How long a request's head may take to arrive, and a connection may be idle.
    pub header_time: Duration,
    /// Largest head of a request, in bytes.
    pub max_header_bytes: usize,
    /// Most headers of a request.
    pub max_headers: usize,
    /// Most requests on their way at once; more are answered 429.
    pub max_requests: usize,
    /// Most streams of one HTTP/2 connection.
    pub max_streams: u32,
    /// How long requests on their way may take once the server stops.
    pub drain_time: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            header_time: Duration::from_mins(1),
            max_header_bytes: 64 << 10,
            max_headers: 100,
            max_requests: 10_000,
            max_streams: 250,
            drain_time: Duration::from_secs(8),
        }
    }
}

/// How long accepting pauses when the system gives no more connections (out of file descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `shutdown` ends, then drains: takes no new connections and no new work, lets requests on
/// their way finish within the drain time, and cuts off what is left.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    app: App,
    options: ServeOptions,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let builder = Arc::new(builder(&options));
    let slots = Arc::new(Semaphore::new(options.max_connections));
    let requests = Arc::new(Semaphore::new(options.max_requests));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let (stream, peer, slot) = tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => continue,
            next = accept(&listener, &slots) => next,
        };
        let requests = Arc::clone(&requests);
        let connection = Connection { app: app.clone(), router: router.clone(), peer: Peer(peer), requests };
        let (builder, watcher) = (Arc::clone(&builder), graceful.watcher());
        connections.spawn(async move {
            let _slot = slot;
            connection.app.metrics().connections.add(1);
            let metrics = connection.app.clone();
            let service = service_fn(move |request| connection.clone().answer(request));
            let serving = builder.serve_connection(TokioIo::new(stream), service);
            if let Err(error) = watcher.watch(serving).await {
                tracing::debug!(%error, %peer, "connection ended");
            }
            metrics.metrics().connections.add(-1);
        });
    }
    drop(listener);
    app.readiness().drain();
    if tokio::time::timeout(options.drain_time, graceful.shutdown()).await.is_err() {
        tracing::warn!(left = connections.len(), "connections are cut off: the drain time is over");
    }
    connections.shutdown().await;
    Ok(())
}

fn builder(options: &ServeOptions) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(options.header_time)
        .max_buf_size(options.max_header_bytes)
        .max_headers(options.max_headers);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(options.max_streams)
        .max_header_list_size(u32::try_from(options.max_header_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(options.header_time)
        .keep_alive_timeout(options.header_time);
    builder
}

/// The next connection, when there is a slot for it. Errors of single connections are nobody else's.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let slot = Arc::clone(slots).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are small and wanted now; a connection that cannot do this still works.
                let _ = stream.set_nodelay(true);
                return (stream, peer, slot);
            }
            Err(error) if is_about_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections for now");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_about_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[derive(Clone)]
struct Connection {
    app: App,
    router: Router,
    peer: Peer,
    requests: Arc<Semaphore>,
}

// === impl Connection ===

impl Connection {
    async fn answer(mut self, request: Request<Incoming>) -> Result<Response, Infallible> {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(self.peer);
        let metrics = self.app.metrics();
        let Ok(_room) = self.requests.try_acquire() else {
            let problem = Problem::new(&codes::TOO_MUCH_AT_ONCE, "too many requests are on their way");
            metrics.responses[3].increment();
            return Ok(problem.into_response());
        };
        let handled = AssertUnwindSafe(async { self.router.call(request).await }).catch_unwind();
        let response = match handled.await {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(panic) => {
                metrics.panics.increment();
                Problem::internal("panic", &panic_text(&*panic)).into_response()
            }
        };
        let class = usize::from(response.status().as_u16() / 100).clamp(1, 5) - 1;
        metrics.responses[class].increment();
        Ok(response)
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "unknown".to_owned())
}
