//! What came back, read within its bound. Never larger in memory than the bound plus one frame.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use crate::Failure;
use crate::redirect::Hop;

/// A longer body costs more than a new connection.
const DRAINED_BYTES: usize = 64 * 1024;

/// A response of any status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// 200–599 as the callee said.
    pub status: u16,
    /// Names in lower case; the values of a repeated header in their order. Bytes that are not UTF-8 are read as
    /// Latin-1.
    pub headers: Vec<(String, String)>,
    /// As sent: a `Content-Encoding` that the document asked for is not undone.
    pub body: Bytes,
    /// Where it came from: the URL after query and redirects.
    pub url: String,
    /// What digest authentication showed on the way: hashes from which a weak password could be guessed. Must not be
    /// recorded.
    pub credentials: Vec<String>,
}

/// Reads the rest of a response. Giving up drops the body, which closes its connection (HTTP/1.1) or resets its
/// stream (HTTP/2): nobody reads on.
pub(crate) async fn read(
    response: http::Response<Incoming>,
    hop: Hop,
    limit: usize,
) -> Result<Response, Failure> {
    let (head, body) = response.into_parts();
    // Of the body, not of a header: the answer to HEAD has a length but no body.
    if body.size_hint().lower() > limit as u64 {
        return Err(Failure::TooLarge { limit });
    }
    let body = read_body(body, hop.host(), limit).await?;
    Ok(Response {
        status: head.status.as_u16(),
        headers: owned(&head.headers),
        body,
        url: hop.url.into(),
        credentials: Vec::new(),
    })
}

/// Reads a short body that nobody needs, so that its connection can be used again.
pub(crate) async fn drain(response: http::Response<Incoming>) {
    let mut body = http_body_util::Limited::new(response.into_body(), DRAINED_BYTES);
    while let Some(Ok(_)) = body.frame().await {}
}

async fn read_body(mut body: Incoming, host: &str, limit: usize) -> Result<Bytes, Failure> {
    // Most bodies are one frame, which needs no copy.
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Failure::from_body(&error, host))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if first.len().max(joined.len()) + data.len() > limit {
            return Err(Failure::TooLarge { limit });
        }
        if first.is_empty() {
            first = data;
            continue;
        }
        if joined.is_empty() {
            joined.extend_from_slice(&first);
        }
        joined.extend_from_slice(&data);
    }
    Ok(if joined.is_empty() { first } else { joined.freeze() })
}

fn owned(headers: &HeaderMap) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

fn text(value: &HeaderValue) -> String {
    match str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => value.as_bytes().iter().copied().map(char::from).collect(),
    }
}
