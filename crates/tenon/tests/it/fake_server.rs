//! A server whose answers are given beforehand, and which remembers what it was asked.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Listens on a free port until it is dropped.
pub(crate) struct FakeServer {
    address: SocketAddr,
    state: Arc<State>,
    _stop: tokio::sync::oneshot::Sender<()>,
}

#[derive(Default)]
struct State {
    routes: Mutex<Vec<Route>>,
    asked: Mutex<Vec<Asked>>,
}

struct Route {
    method: &'static str,
    /// Path with query.
    path: String,
    /// The last one is given again and again.
    answers: VecDeque<Answer>,
}

#[derive(Clone)]
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

/// A request as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// `GET /path?query`
    pub(crate) line: String,
    headers: http::HeaderMap,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }
}

impl FakeServer {
    pub(crate) const KEY: &'static str = "tn_test_key";

    pub(crate) fn start() -> Self {
        let state = Arc::new(State::default());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (told, listening) = std::sync::mpsc::channel();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                told.send(listener.local_addr().expect("an address")).expect("the test waits for it");
                tokio::select! {
                    () = serve(listener, shared) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address: listening.recv().expect("the thread runs"), state, _stop: stop }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers `200` with `body`; said again for the same request, the next answer.
    pub(crate) fn on(&self, method: &'static str, path: &str, body: Value) -> &Self {
        self.answer(method, path, 200, body)
    }

    pub(crate) fn answer(&self, method: &'static str, path: &str, status: u16, body: Value) -> &Self {
        let kind = if status < 400 { "application/json" } else { "application/problem+json" };
        self.raw((method, path), status, &[("content-type", kind)], body.to_string())
    }

    /// Answers with server-sent events and then ends the stream.
    pub(crate) fn stream(&self, path: &str, text: &str) -> &Self {
        self.raw(("GET", path), 200, &[("content-type", "text/event-stream")], text.to_owned())
    }

    /// `request` is method and path with query.
    pub(crate) fn raw(
        &self,
        request: (&'static str, &str),
        status: u16,
        headers: &[(&'static str, &str)],
        body: String,
    ) -> &Self {
        let (method, path) = request;
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let answer = Answer { status, headers, body };
        let mut routes = self.state.routes.lock().unwrap_or_else(PoisonError::into_inner);
        match routes.iter_mut().find(|route| route.method == method && route.path == path) {
            Some(route) => route.answers.push_back(answer),
            None => routes.push(Route { method, path: path.to_owned(), answers: [answer].into() }),
        }
        self
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The request lines only.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let service = service_fn(|request| answer(request, &state));
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(request: Request<Incoming>, state: &State) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let path = head.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str).to_owned();
    let authorized = head
        .headers
        .get("authorization")
        .is_some_and(|value| value == format!("Bearer {}", FakeServer::KEY).as_str());
    state.asked.lock().unwrap_or_else(PoisonError::into_inner).push(Asked {
        line: format!("{} {path}", head.method),
        headers: head.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    let answer = if authorized { find(head.method.as_str(), &path, state) } else { unauthorized() };
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::from(answer.body)).expect("a response"))
}

fn find(method: &str, path: &str, state: &State) -> Answer {
    let mut routes = state.routes.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(route) = routes.iter_mut().find(|route| route.method == method && route.path == path) else {
        return problem(404, "TN0404", &format!("there is no {method} {path}"));
    };
    if route.answers.len() > 1 {
        route.answers.pop_front().expect("more than one")
    } else {
        route.answers.front().cloned().expect("a route has an answer")
    }
}

fn unauthorized() -> Answer {
    problem(401, "TN0101", "the key is missing or wrong")
}

fn problem(status: u16, code: &str, detail: &str) -> Answer {
    let body = json!({ "status": status, "title": "refused", "detail": detail, "code": code });
    Answer {
        status,
        headers: vec![("content-type", "application/problem+json".to_owned())],
        body: body.to_string(),
    }
}
