//! A gRPC callee without generated code: one method that says what it was told.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};

/// What the callee implements.
pub(crate) const DEFINITION: &str =
    "syntax = \"proto3\"; message Text { string text = 1; } service Echo { rpc Say (Text) returns (Text); }";

/// The `authorization` of each call.
pub(crate) type Heard = Arc<Mutex<Vec<String>>>;

/// Serves on a free port.
pub(crate) async fn serve() -> (Heard, SocketAddr) {
    let heard = Heard::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let all = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let heard = Arc::clone(&all);
            let service = service_fn(move |request| say(Arc::clone(&heard), request));
            let server = http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(connection), service));
        }
    });
    (heard, address)
}

/// The message as it came: request and answer are of one type.
async fn say(
    heard: Heard,
    request: Request<Incoming>,
) -> Result<Response<impl hyper::body::Body<Data = Bytes, Error = Infallible>>, hyper::Error> {
    let authorization = request.headers().get("authorization").map(HeaderValue::as_bytes).unwrap_or_default();
    heard.lock().expect("no holder panics").push(String::from_utf8_lossy(authorization).into_owned());
    let message = request.into_body().collect().await?.to_bytes();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let frames = [Ok(Frame::data(message)), Ok(Frame::trailers(trailers))];
    let mut response = Response::new(StreamBody::new(stream::iter(frames)));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    Ok(response)
}
