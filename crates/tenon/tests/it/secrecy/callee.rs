//! The callee of the hunt: APIs that check who calls, an authority that issues tokens, gRPC, and echoes that say
//! back what they were told.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use super::authority;
use super::echo::{Seen, html};

/// What the gRPC callee speaks.
const DEFINITION: &str = "syntax = \"proto3\"; message Text { string text = 1; bytes data = 2; int32 number = 3; } \
    service Echo { rpc Say (Text) returns (Text); rpc Refuse (Text) returns (Text); }";
/// An operation that takes a secret everywhere.
const API: &str = r#"{"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "paths": {"/echo/{id}": {"post": {
    "operationId": "book", "parameters": [
        {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}},
        {"name": "q", "in": "query", "schema": {"type": "string"}},
        {"name": "X-Key", "in": "header", "schema": {"type": "string"}}],
    "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
    "responses": {"200": {"description": "ok"}}}}}}"#;

pub(crate) type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// Listens on two addresses until it is dropped.
pub(crate) struct Callee {
    home: SocketAddr,
    away: SocketAddr,
    state: Arc<State>,
    gate: watch::Sender<bool>,
    _stop: oneshot::Sender<()>,
}

/// What the callee remembers.
#[derive(Default)]
pub(crate) struct State {
    seen: Mutex<Vec<Seen>>,
    came: Condvar,
    /// Tokens, and whatever else calls were authenticated with.
    shown: Mutex<BTreeSet<String>>,
}

// === impl Callee ===

impl Callee {
    pub(crate) fn start() -> Self {
        let state = Arc::new(State::default());
        let (stop, stopped) = oneshot::channel::<()>();
        let (gate, open) = watch::channel(false);
        let (told, listening) = std::sync::mpsc::channel();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let home = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                let away = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                let addresses = [&home, &away].map(|listener| listener.local_addr().expect("an address"));
                told.send(addresses).expect("the test waits for it");
                let away_address = addresses[1];
                let world = World { state: shared, open, away: away_address };
                tokio::select! {
                    () = serve(home, false, world.clone()) => {}
                    () = serve(away, true, world) => {}
                    _ = stopped => {}
                }
            });
        });
        let [home, away] = listening.recv().expect("the thread runs");
        Self { home, away, state, gate, _stop: stop }
    }

    pub(crate) fn home(&self) -> String {
        format!("http://{}", self.home)
    }

    pub(crate) fn port(&self) -> u16 {
        self.home.port()
    }

    pub(crate) fn away(&self) -> String {
        format!("http://{}", self.away)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.seen().clone()
    }

    /// Waits until this path was asked for so often.
    pub(crate) fn wait_for(&self, path: &str, times: usize) {
        let count = |seen: &[Seen]| seen.iter().filter(|seen| seen.path() == path).count();
        let waiting = self.state.came.wait_while(self.state.seen(), |seen| count(seen) < times);
        drop(waiting.expect("nobody panics with it"));
    }

    /// From now on `/gate` answers.
    pub(crate) fn open_gate(&self) {
        self.gate.send_replace(true);
    }

    /// Tokens that were issued, and what calls were authenticated with.
    pub(crate) fn shown(&self) -> BTreeSet<String> {
        self.state.shown().clone()
    }
}

// === impl State ===

impl State {
    pub(crate) fn seen(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn shown(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone)]
struct World {
    state: Arc<State>,
    open: watch::Receiver<bool>,
    away: SocketAddr,
}

async fn serve(listener: TcpListener, is_away: bool, world: World) {
    while let Ok((stream, _)) = listener.accept().await {
        let world = world.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, is_away, world.clone()));
            // Clients that break off are part of the hunt.
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    request: http::Request<Incoming>,
    is_away: bool,
    mut world: World,
) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_or_else(|_| Bytes::new(), http_body_util::Collected::to_bytes);
    let target = head.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str).to_owned();
    let seen = Seen { is_away, method: head.method, target, headers: head.headers, body };
    authority::note(&seen, &world.state);
    world.state.seen().push(seen.clone());
    world.state.came.notify_all();
    match seen.path().split('/').nth(1).unwrap_or_default() {
        "hold" => std::future::pending().await,
        "gate" => {
            let _ = world.open.wait_for(|open| *open).await;
            Ok(json(200, &seen.echo()))
        }
        _ => Ok(routed(&seen, &world)),
    }
}

fn routed(seen: &Seen, world: &World) -> Response<Body> {
    let path = seen.path();
    let first = path.split('/').nth(1).unwrap_or_default();
    match first {
        "flaky" if times(seen, world) < 3 => text(503, &seen.complaint()),
        "echo" | "flaky" => json(200, &seen.echo()),
        "keep" => text(200, "kept"),
        "kept" => text(200, &kept(world)),
        "value" => json(200, &serde_json::from_slice(&seen.body).expect("JSON")),
        "echo.proto" => text(200, DEFINITION),
        "openapi.json" => json(200, &serde_json::from_str(API).expect("JSON")),
        "refuse" => {
            text(path.split('/').nth(2).and_then(|code| code.parse().ok()).unwrap_or(400), &seen.complaint())
        }
        "page" => html_page(seen),
        "bytes" => bytes(seen),
        "broken" => broken(seen),
        "redirect" => redirect(302, &format!("/echo?{}&seen={}", query(seen), encoded(&seen.whole()))),
        "leave" => redirect(307, &format!("http://{}/echo", world.away)),
        "lost" => redirect(302, &format!("gopher://{}/", encoded(&seen.understood()))),
        "Echo" => grpc(seen),
        _ => authority::answer(seen, &world.state).unwrap_or_else(|| text(404, "there is nothing")),
    }
}

fn times(seen: &Seen, world: &World) -> usize {
    world.state.seen().iter().filter(|other| other.target == seen.target).count()
}

/// What was sent to be kept.
fn kept(world: &World) -> String {
    world.state.seen().iter().filter(|seen| seen.path() == "/keep").map(Seen::complaint).collect()
}

fn query(seen: &Seen) -> &str {
    seen.target.split_once('?').map_or("", |(_, query)| query)
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

// === answers ===

fn response(status: u16, kind: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let body = Full::new(body.into()).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response.headers_mut().insert("content-type", HeaderValue::from_static(kind));
    response
}

/// What it saw is among the headers, too.
pub(crate) fn json(status: u16, body: &Value) -> Response<Body> {
    let mut response = response(status, "application/json", body.to_string());
    let copy = body["headers"]["authorization"].as_str().unwrap_or_default();
    if let Ok(copy) = HeaderValue::from_bytes(copy.as_bytes()) {
        response.headers_mut().insert("x-copy", copy);
    }
    response
}

pub(crate) fn text(status: u16, body: &str) -> Response<Body> {
    response(status, "text/plain; charset=utf-8", body.to_owned())
}

fn html_page(seen: &Seen) -> Response<Body> {
    let page = format!("<html><body><p>No {}</p></body></html>", html(&seen.understood()));
    response(500, "text/html", page)
}

/// Something that is no text.
fn bytes(seen: &Seen) -> Response<Body> {
    let status = if seen.path().ends_with("refused") { 418 } else { 200 };
    let body = [&b"\xff\xfe\x00"[..], seen.understood().as_bytes(), b"\x80\x00"].concat();
    response(status, "application/octet-stream", body)
}

fn redirect(status: u16, to: &str) -> Response<Body> {
    let mut response = text(status, to);
    let location = HeaderValue::from_bytes(to.as_bytes()).expect("encoded");
    response.headers_mut().insert("location", location);
    response
}

/// Says everything and then breaks off.
fn broken(seen: &Seen) -> Response<Body> {
    let mut response = text(200, "");
    *response.body_mut() = Breaking(Some(Bytes::from(seen.complaint()))).boxed_unsync();
    response
}

struct Breaking(Option<Bytes>);

impl hyper::body::Body for Breaking {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Poll::Ready(Some(match self.0.take() {
            Some(data) => Ok(Frame::data(data)),
            None => Err(std::io::Error::other("it broke")),
        }))
    }
}

/// The message as it came, or a refusal that quotes it after a text of almost the length at which it is cut.
fn grpc(seen: &Seen) -> Response<Body> {
    let mut ending = HeaderMap::new();
    let is_refusal = seen.path().ends_with("/Refuse");
    if is_refusal {
        let credentials = seen.credentials("Bearer").unwrap_or_default();
        let message = format!("{}{credentials} {}", ".".repeat(2_035), seen.whole());
        ending.insert("grpc-status", HeaderValue::from_static("3"));
        ending.insert("grpc-message", encoded(&message).parse().expect("ASCII"));
    } else {
        ending.insert("grpc-status", HeaderValue::from_static("0"));
    }
    let data = if is_refusal { Bytes::new() } else { seen.body.clone() };
    let body = Full::new(data).with_trailers(async { Some(Ok(ending)) });
    let mut response = response(200, "application/grpc", "");
    *response.body_mut() = body.map_err(|never| match never {}).boxed_unsync();
    response
}
