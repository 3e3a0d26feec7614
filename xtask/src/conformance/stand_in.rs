//! One server that stands in for every host the scenarios name, with TLS and without.
//!
//! It answers what the scenarios say (`callee.rs`), else as the kit's public hosts (`petstore.rs`) and the
//! gRPC greeter would, else 404. It knows nothing of Tenon.

use super::authority::Authority;
use super::callee::{Answer, Call, Callees};
use super::{greeter, petstore};
use crate::clock;
use anyhow::{Context, Result};
use bytes::Bytes;
use futures_util::stream::{Iter, iter};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Collected, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::{Map, Value, json};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

type Body = StreamBody<Iter<std::vec::IntoIter<Result<Frame<Bytes>, Infallible>>>>;

/// The running server; ends when dropped.
pub(super) struct StandIn {
    pub(super) callees: Arc<Callees>,
    pub(super) plain: SocketAddr,
    pub(super) tls: SocketAddr,
    _runtime: Runtime,
}

/// What every connection shares.
#[derive(Clone)]
struct Desk {
    callees: Arc<Callees>,
    scheme: &'static str,
    begun: Instant,
}

impl StandIn {
    /// Listens on two free ports of the loopback interface.
    pub(super) fn start(authority: &Authority) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("could not start the stand-in")?;
        let callees = Arc::<Callees>::default();
        let desk = |scheme| Desk { callees: Arc::clone(&callees), scheme, begun: clock::now() };
        let plain = runtime.block_on(listen(None, desk("http")))?;
        let tls = runtime.block_on(listen(Some(authority.acceptor.clone()), desk("https")))?;
        Ok(Self { callees, plain, tls, _runtime: runtime })
    }
}

async fn listen(tls: Option<TlsAcceptor>, desk: Desk) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("no free port on 127.0.0.1")?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream, tls.clone(), desk.clone()));
        }
    });
    Ok(address)
}

/// One connection. Whoever breaks off, or does not trust us, has a reason.
async fn converse(stream: TcpStream, tls: Option<TlsAcceptor>, desk: Desk) {
    let _ = stream.set_nodelay(true);
    match tls {
        None => serve(stream, desk).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                serve(stream, desk).await;
            }
        }
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, desk: Desk) {
    let service = service_fn(move |request| desk.clone().respond(request));
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

// === impl Desk ===

impl Desk {
    /// An error closes the connection.
    async fn respond(self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let call = self.read(request).await;
        if call.header("content-type").is_some_and(|kind| kind.starts_with("application/grpc")) {
            return greeting(&call);
        }
        let answer = self.callees.take(&call).or_else(|| petstore::answer(&call)).unwrap_or_else(|| {
            if call.address == greeter::PROTO.0 {
                return Answer::file("text/plain", greeter::PROTO.1);
            }
            Answer::json(404, &json!({ "error": format!("nothing is at {}", call.address) }))
        });
        if !answer.after.is_zero() {
            tokio::time::sleep(answer.after).await;
        }
        if answer.closes {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        response(answer)
    }

    async fn read(&self, request: Request<Incoming>) -> Call {
        let at = self.begun.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_or_else(|_| Bytes::new(), Collected::to_bytes);
        let host = head.headers.get("host").and_then(|host| host.to_str().ok());
        let host = head.uri.authority().map_or(host, |authority| Some(authority.as_str()));
        let host = host.unwrap_or_default().to_owned();
        let mut headers = Map::new();
        for (name, value) in &head.headers {
            headers.insert(name.to_string(), Value::from(String::from_utf8_lossy(value.as_bytes())));
        }
        Call {
            method: head.method.to_string(),
            address: format!("{}://{host}{}", self.scheme, head.uri.path()),
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers,
            body,
            at,
        }
    }
}

fn response(answer: Answer) -> io::Result<Response<Body>> {
    let mut builder = Response::builder().status(answer.status).header("content-length", answer.body.len());
    for (name, value) in &answer.headers {
        builder = builder.header(name, value);
    }
    let frames = vec![Ok(Frame::data(answer.body))];
    builder.body(StreamBody::new(iter(frames))).map_err(io::Error::other)
}

/// The greeter's answer: messages, then how it went in the trailers.
fn greeting(call: &Call) -> io::Result<Response<Body>> {
    let reply = greeter::reply(&call.address, &call.body);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", reply.status.into());
    trailers.insert("grpc-message", HeaderValue::from_static(reply.message));
    let frames = vec![Ok(Frame::data(reply.messages)), Ok(Frame::trailers(trailers))];
    let response = Response::builder().status(200).header("content-type", "application/grpc");
    response.body(StreamBody::new(iter(frames))).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Connection, Request};
    use std::time::Duration;

    #[test]
    fn it_answers_as_the_scenario_says_and_else_404() {
        let authority = Authority::new(vec!["crm.example".to_owned()]).unwrap();
        let stand_in = StandIn::start(&authority).unwrap();
        let answers = Answer::list(&json!([{ "status": 201, "text": "made" }])).unwrap();
        let target = format!("POST http://{}/orders", stand_in.plain);
        stand_in.callees.answer_with("a test", &target, answers).unwrap();
        let mut connection = Connection::new(stand_in.plain, Duration::from_secs(10));
        let mut ask = |target| {
            let request = Request { method: "POST", target, headers: &[("X-A", "1")], body: b"{\"n\":1}" };
            let received = connection.send(&request).unwrap();
            (received.status().unwrap(), String::from_utf8(received.body).unwrap())
        };
        assert_eq!(ask("/orders?x=1"), (201, "made".to_owned()));
        assert_eq!(ask("/nothing").0, 404);
        let calls = stand_in.callees.calls(&target).unwrap();
        assert_eq!((&calls[0]["query"], &calls[0]["headers"]["x-a"]), (&json!({"x": "1"}), &json!("1")));
    }
}
