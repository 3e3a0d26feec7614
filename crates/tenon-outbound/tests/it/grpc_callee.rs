//! A gRPC server made by hand: frames in, frames and trailers out.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What the server speaks; also given to the client.
pub(crate) const DEFINITION: &str = r#"
syntax = "proto3";
package shop.v1;
import "google/protobuf/timestamp.proto";
import "google/protobuf/struct.proto";
enum Size { SMALL = 0; LARGE = 1; }
message Line { string item_name = 1; int64 count = 2; }
message Order {
  string name = 1;
  int64 number = 2;
  bool paid = 3;
  Size size = 4;
  bytes data = 5;
  repeated Line lines = 6;
  map<string, double> prices = 7;
  google.protobuf.Timestamp made = 8;
  google.protobuf.Value extra = 9;
  optional int32 rank = 10;
  oneof delivery { string street = 11; Line other = 12; }
}
service Orders {
  rpc Place (Order) returns (Order);
  rpc Watch (Order) returns (stream Order);
  rpc Upload (stream Order) returns (Order);
  rpc Chat (stream Order) returns (stream Order);
}
"#;

/// One call, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Called {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// The message, as JSON.
    pub(crate) message: Value,
}

impl Called {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// What the server says.
#[derive(Clone)]
pub(crate) struct Reply {
    /// Frames, each with its five bytes before it.
    pub(crate) frames: BytesMut,
    pub(crate) status: Option<u8>,
    pub(crate) message: &'static str,
    /// Without a body: the status is among the headers.
    pub(crate) at_once: bool,
    pub(crate) http_status: u16,
}

impl Reply {
    pub(crate) fn messages(messages: &[Value]) -> Self {
        let mut frames = BytesMut::new();
        for message in messages {
            let kind = pool().get_message_by_name("shop.v1.Order").unwrap();
            let bytes = DynamicMessage::deserialize(kind, message).unwrap().encode_to_vec();
            frames.put_u8(0);
            frames.put_u32(u32::try_from(bytes.len()).unwrap());
            frames.put_slice(&bytes);
        }
        Self { frames, status: Some(0), message: "", at_once: false, http_status: 200 }
    }

    pub(crate) fn status(status: u8, message: &'static str) -> Self {
        Self { status: Some(status), message, at_once: true, ..Self::messages(&[]) }
    }
}

type Answer = Box<dyn Fn(&Called) -> Reply + Send + Sync>;

struct Inner {
    answer: Answer,
    called: Mutex<Vec<Called>>,
}

pub(crate) struct GrpcCallee {
    pub(crate) address: SocketAddr,
    inner: Arc<Inner>,
}

fn pool() -> DescriptorPool {
    static POOL: std::sync::OnceLock<DescriptorPool> = std::sync::OnceLock::new();
    let compile = || {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("shop.proto"), DEFINITION).unwrap();
        let set = protox::compile(["shop.proto"], [folder.path()]).unwrap();
        DescriptorPool::from_file_descriptor_set(set).unwrap()
    };
    POOL.get_or_init(compile).clone()
}

impl GrpcCallee {
    pub(crate) async fn start(answer: impl Fn(&Called) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_with(None, answer).await
    }

    pub(crate) async fn start_with(
        tls: Option<TlsAcceptor>,
        answer: impl Fn(&Called) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner { answer: Box::new(answer), called: Mutex::default() });
        tokio::spawn(accept(listener, tls, Arc::clone(&inner)));
        Self { address, inner }
    }

    pub(crate) fn called(&self) -> Vec<Called> {
        self.inner.called.lock().unwrap().clone()
    }

    pub(crate) fn only(&self) -> Called {
        let called = self.called();
        assert_eq!(called.len(), 1, "one call was expected: {called:?}");
        called[0].clone()
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, inner: Arc<Inner>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
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
            let body = body.collect().await.unwrap().to_bytes();
            assert_eq!(body[0], 0, "not compressed");
            assert_eq!(u32::from_be_bytes(body[1..5].try_into().unwrap()) as usize, body.len() - 5);
            let kind = pool().get_message_by_name("shop.v1.Order").unwrap();
            let message = DynamicMessage::decode(kind, &body[5..]).unwrap();
            let called = Called {
                path: head.uri.path().to_owned(),
                headers: head.headers,
                message: serde_json::to_value(&message).unwrap(),
            };
            let reply = (inner.answer)(&called);
            inner.called.lock().unwrap().push(called);
            Ok::<_, Infallible>(response(reply))
        }
    });
    // Clients that break off are part of the tests.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

fn response(reply: Reply) -> http::Response<UnsyncBoxBody<Bytes, Infallible>> {
    let mut ending = HeaderMap::new();
    if let Some(status) = reply.status {
        ending.insert("grpc-status", HeaderValue::from(u16::from(status)));
    }
    if !reply.message.is_empty() {
        ending.insert("grpc-message", HeaderValue::from_static(reply.message));
    }
    let mut response =
        http::Response::builder().status(reply.http_status).header("content-type", "application/grpc");
    if reply.at_once {
        response.headers_mut().unwrap().extend(ending);
        return response.body(Full::default().boxed_unsync()).unwrap();
    }
    let trailers = async move { (!ending.is_empty()).then_some(Ok(ending)) };
    response.body(Full::from(reply.frames.freeze()).with_trailers(trailers).boxed_unsync()).unwrap()
}
