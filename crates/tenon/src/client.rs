//! A small HTTP client for the server's API: one address, one key, one workspace. Knows HTTP and problem documents;
//! knows no command. Paths and queries are built here, so that nothing is escaped twice or not at all.

mod error;
mod path;
mod stream;

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::settings::Settings;

pub(crate) use error::Error;
pub(crate) use path::{Query, path};
pub(crate) use stream::{Stream, StreamEvent};

/// A request takes at most so long, unless it says otherwise.
const TIMEOUT: Duration = Duration::from_mins(1);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer that is read, in bytes: a whole trace may be large.
const MAX_ANSWER_BYTES: usize = 256 * 1024 * 1024;

/// Talks to one server as one caller.
pub(crate) struct Client {
    pool: Pool<HttpsConnector<HttpConnector>, Full<Bytes>>,
    settings: Settings,
}

/// One request.
#[derive(Debug)]
pub(crate) struct Request {
    method: Method,
    path: String,
    headers: Vec<(HeaderName, String)>,
    content_type: &'static str,
    body: Bytes,
    timeout: Duration,
}

/// A successful answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// `null` where there was no body.
    pub(crate) body: Value,
}

// === impl Request ===

impl Request {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        let (headers, body) = (Vec::new(), Bytes::new());
        Self { method, path: path.into(), headers, content_type: "", body, timeout: TIMEOUT }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    pub(crate) fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn body(mut self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.content_type = content_type;
        self.body = body.into();
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub(crate) fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

// === impl Client ===

impl Client {
    pub(crate) fn new(settings: Settings) -> Result<Self, Error> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        // Certificates of the machine are only read when they are needed: that takes longer than most commands.
        let builder = if settings.server.is_tls() {
            HttpsConnectorBuilder::new().with_native_roots().map_err(Error::Certificates)?
        } else {
            HttpsConnectorBuilder::new().with_tls_config(no_roots())
        };
        let connector = builder.https_or_http().enable_http1().wrap_connector(connector);
        Ok(Self { pool: Pool::builder(TokioExecutor::new()).build(connector), settings })
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The body of a `GET`.
    pub(crate) async fn get(&self, path: impl Into<String>) -> Result<Value, Error> {
        Ok(self.send(Request::get(path)).await?.body)
    }

    /// The answer, if its status is 2xx.
    pub(crate) async fn send(&self, request: Request) -> Result<Answer, Error> {
        let limit = request.timeout;
        let whole = async {
            let response = self.start(request).await?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
            let body = body.map_err(|error| Error::Broken { reason: error.to_string() })?.to_bytes();
            let body = parse(&head.headers, &body);
            Ok::<_, Error>(Answer { status: head.status, headers: head.headers, body })
        };
        let answer: Answer =
            tokio::time::timeout(limit, whole).await.map_err(|_| Error::Timeout { limit })??;
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(Error::refused(&self.settings, &answer))
    }

    /// Server-sent events of `path`, from now on.
    pub(crate) async fn stream(&self, path: impl Into<String>) -> Result<Stream, Error> {
        let request = Request::get(path).header(ACCEPT, "text/event-stream");
        let opening = tokio::time::timeout(TIMEOUT, self.start(request)).await;
        let response = opening.map_err(|_| Error::Timeout { limit: TIMEOUT })??;
        if response.status().is_success() {
            return Ok(Stream::new(response.into_body()));
        }
        let (head, body) = response.into_parts();
        let body =
            Limited::new(body, MAX_ANSWER_BYTES).collect().await.map(http_body_util::Collected::to_bytes);
        let body = parse(&head.headers, &body.unwrap_or_default());
        Err(Error::refused(&self.settings, &Answer { status: head.status, headers: head.headers, body }))
    }

    async fn start(&self, request: Request) -> Result<http::Response<Incoming>, Error> {
        let mut builder = http::Request::builder()
            .method(request.method)
            .uri(format!("{}{}", self.settings.server.as_str(), request.path))
            .header(USER_AGENT, concat!("tenon-cli/", env!("CARGO_PKG_VERSION")))
            .header("tenon-workspace", self.settings.workspace.as_str());
        if let Some(key) = &self.settings.key {
            let mut value = HeaderValue::try_from(format!("Bearer {}", key.value))?;
            value.set_sensitive(true);
            builder = builder.header(AUTHORIZATION, value);
        }
        if !request.content_type.is_empty() {
            builder = builder.header(CONTENT_TYPE, request.content_type);
        }
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        let request = builder.body(Full::new(request.body))?;
        self.pool.request(request).await.map_err(|error| Error::unreachable(&self.settings, &error))
    }
}

impl Answer {
    /// The revision in the entity tag.
    pub(crate) fn revision(&self) -> Option<u64> {
        self.headers.get(ETAG)?.to_str().ok()?.trim_matches('"').parse().ok()
    }
}

/// JSON where it says so; other text as a string, so that a proxy's page can still be quoted.
fn parse(headers: &HeaderMap, body: &[u8]) -> Value {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if body.is_empty() {
        return Value::Null;
    }
    let text = || Value::String(String::from_utf8_lossy(body).into_owned());
    if kind.contains("json") { serde_json::from_slice(body).unwrap_or_else(|_| text()) } else { text() }
}

/// For plain HTTP: TLS is never begun, so nobody is trusted.
fn no_roots() -> rustls::ClientConfig {
    rustls::ClientConfig::builder()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}
