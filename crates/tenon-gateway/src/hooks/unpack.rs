//! `Content-Encoding`: bodies are unpacked within the same bound as plain ones, so that a small one cannot become large.

use std::io::Read;

use bytes::Bytes;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderValue};
use hyper::{HeaderMap, StatusCode};

use crate::codes;
use crate::{Limits, Problem};

/// The body as it was before it was packed.
pub(super) fn unpack(headers: &HeaderMap, body: Bytes, limits: &Limits) -> Result<Bytes, Problem> {
    // Of several headers each counts: what is packed twice must not pass for a body that is not packed.
    let encodings =
        headers.get_all(CONTENT_ENCODING).iter().map(|value| value.to_str().unwrap_or("?").trim());
    let encoding = encodings.collect::<Vec<_>>().join(", ").to_ascii_lowercase();
    let limit = limits.event_bytes;
    let most = limit as u64 + 1;
    let mut whole = Vec::new();
    let read = match encoding.as_str() {
        "" | "identity" => return Ok(body),
        "gzip" | "x-gzip" => MultiGzDecoder::new(&body[..]).take(most).read_to_end(&mut whole),
        "deflate" => ZlibDecoder::new(&body[..]).take(most).read_to_end(&mut whole),
        _ => {
            let encoding: String = encoding.chars().take(60).collect();
            let problem = Problem::new(&codes::ENCODING, format!("`{encoding}` is not taken"));
            return Err(problem.with_header(ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate")));
        }
    };
    if whole.len() > limit {
        let detail = format!("the body has more than {limit} bytes when it is unpacked");
        return Err(Problem::new(&codes::TOO_LARGE, detail));
    }
    if let Err(error) = read {
        let detail = format!("the body is not {encoding}: {error}");
        return Err(Problem::new(&codes::ENCODING, detail).with_status(StatusCode::BAD_REQUEST));
    }
    limits.body_budget.hold(whole.into())
}
