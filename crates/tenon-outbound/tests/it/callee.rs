//! Callees: an honest HTTP server that records what it sees, and raw sockets for those that are not honest.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Version};
use http_body_util::{BodyExt, Collected, Full};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tenon_outbound::{AddressRules, HttpClient, Options, PrivateAddresses};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// What a callee saw of one request.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) version: Version,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

type Answer = Box<dyn Fn(&Seen) -> http::Response<Full<Bytes>> + Send + Sync>;

struct Inner {
    answer: Answer,
    connections: AtomicUsize,
    seen: Mutex<Vec<Seen>>,
}

/// An honest server; lives as long as its test's runtime.
pub(crate) struct Callee {
    pub(crate) address: SocketAddr,
    inner: Arc<Inner>,
}

impl Callee {
    pub(crate) async fn start(
        answer: impl Fn(&Seen) -> http::Response<Full<Bytes>> + Send + Sync + 'static,
    ) -> Self {
        Self::start_at("127.0.0.1:0", None, answer).await
    }

    pub(crate) async fn start_at(
        bind: &str,
        tls: Option<TlsAcceptor>,
        answer: impl Fn(&Seen) -> http::Response<Full<Bytes>> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(bind).await.unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner {
            answer: Box::new(answer),
            connections: AtomicUsize::new(0),
            seen: Mutex::default(),
        });
        tokio::spawn(accept(listener, tls, Arc::clone(&inner)));
        Self { address, inner }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.inner.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.inner.seen.lock().unwrap().clone()
    }

    pub(crate) fn only(&self) -> Seen {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "one request was expected: {seen:?}");
        seen[0].clone()
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, inner: Arc<Inner>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        inner.connections.fetch_add(1, Ordering::SeqCst);
        let (tls, inner) = (tls.clone(), Arc::clone(&inner));
        tokio::spawn(async move {
            match tls {
                None => serve(stream, inner).await,
                // A client that distrusts us ends the handshake; that is its test's business.
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, inner).await;
                    }
                }
            }
        });
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, inner: Arc<Inner>) {
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let inner = Arc::clone(&inner);
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.map_or_else(|_| Bytes::new(), Collected::to_bytes);
            let seen = Seen {
                method: head.method,
                target: head.uri.path_and_query().map_or_else(String::new, ToString::to_string),
                headers: head.headers,
                body,
                version: head.version,
            };
            let response = (inner.answer)(&seen);
            inner.seen.lock().unwrap().push(seen);
            Ok::<_, Infallible>(response)
        }
    });
    // Clients that break off are part of the tests.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

/// A server that does what `behave` does with each connection.
pub(crate) async fn raw<F>(behave: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(behave(stream));
        }
    });
    address
}

/// Reads one request head (without body); `false` if the client closed instead.
pub(crate) async fn read_head(stream: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return false,
        }
    }
    true
}

pub(crate) fn answer(status: u16, body: impl Into<Bytes>) -> http::Response<Full<Bytes>> {
    http::Response::builder().status(status).body(Full::new(body.into())).unwrap()
}

pub(crate) fn redirect_to(status: u16, location: &str) -> http::Response<Full<Bytes>> {
    http::Response::builder().status(status).header("location", location).body(Full::default()).unwrap()
}

/// Options under which loopback may be called.
pub(crate) fn options() -> Options {
    Options {
        addresses: AddressRules { private: PrivateAddresses::Allow, ..AddressRules::default() },
        ..Options::default()
    }
}

pub(crate) fn client() -> HttpClient {
    HttpClient::new(options()).unwrap()
}

/// A bound on what a test waits for; only a broken test reaches it.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_mins(1), future).await.expect("it should have happened long ago")
}
