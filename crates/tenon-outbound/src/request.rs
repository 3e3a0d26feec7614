//! What to send, and its checked form. Checks here are the last: what passes cannot inject a header, leave HTTP
//! or carry credentials in its URL.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use http_body_util::Full;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::Failure;
use crate::redirect::Hop;

/// One call.
#[derive(Clone)]
pub struct Request {
    /// An HTTP method in any case (`post`); sent in upper case. `CONNECT` and `TRACE` are refused.
    pub method: String,
    /// An absolute `http` or `https` URL without user name and password.
    pub url: String,
    /// Sent in this order. What concerns the connection (`Connection`, `Transfer-Encoding`, …) is refused.
    pub headers: Vec<(String, String)>,
    /// Appended to the URL's query, percent-encoded.
    pub query: Vec<(String, String)>,
    /// Sent as it is; its `Content-Type` is among the headers.
    pub body: Option<Bytes>,
    /// What to do with a 3xx that has a `Location`.
    pub redirects: Redirects,
    /// Names of headers that hold secrets, in any case: a redirect to another origin does not take them along.
    pub secret_headers: Vec<String>,
    /// Whether the body holds secrets: a redirect that would take it to another origin is a failure.
    pub has_secret_body: bool,
    /// Sent as `Idempotency-Key`, unless `headers` has one.
    pub idempotency_key: Option<String>,
    /// Sent as `Tenon-Attempt`; the first is 1.
    pub attempt: u32,
    /// Instead of [`Options::total_timeout`](crate::Options::total_timeout).
    pub timeout: Option<Duration>,
}

/// What to do with a redirect.
///
/// The language's `redirect` (HTTP and OpenAPI calls) says whether 300–399 is an error. The worker maps
/// `redirect: false` (default) to [`Follow`](Self::Follow): up to five are followed, and a 3xx that is left over
/// is an error like any status outside 200–299. It maps `redirect: true` to [`Return`](Self::Return): the 3xx
/// itself is the call's result, since following would leave nothing of what the author asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Redirects {
    /// Follow 301, 302, 303, 307 and 308.
    #[default]
    Follow,
    /// Give the 3xx back.
    Return,
}

static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
static TENON_ATTEMPT: HeaderName = HeaderName::from_static("tenon-attempt");

/// Headers that belong to the connection or to the framing of the body: the client's business, and the stuff of
/// request smuggling.
const CONNECTION_HEADERS: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

/// All but RFC 3986's unreserved characters; a space is `%20`, which every server reads as a space.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

// === impl Request ===

impl Request {
    /// A first attempt without headers or body.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            query: Vec::new(),
            body: None,
            redirects: Redirects::default(),
            secret_headers: Vec::new(),
            has_secret_body: false,
            idempotency_key: None,
            attempt: 1,
            timeout: None,
        }
    }

    pub(crate) fn checked_method(&self) -> Result<Method, Failure> {
        let method = Method::from_bytes(self.method.to_ascii_uppercase().as_bytes())
            .map_err(|_| invalid(format!("`{}` is not an HTTP method", self.method.escape_debug())))?;
        if method == Method::CONNECT || method == Method::TRACE {
            return Err(invalid(format!("the method {method} is not supported")));
        }
        Ok(method)
    }

    pub(crate) fn checked_url(&self) -> Result<Url, Failure> {
        // The URL standard would silently drop line breaks and tabs.
        if self.url.contains(|character: char| character.is_ascii_control()) {
            return Err(invalid("the URL contains a line break or another control character"));
        }
        let mut url = Url::parse(&self.url)
            .map_err(|error| invalid(format!("the URL is not absolute or malformed: {error}")))?;
        check_url(&url).map_err(invalid)?;
        if !self.query.is_empty() {
            let query = self.joined_query(url.query().unwrap_or_default());
            url.set_query(Some(&query));
        }
        Ok(url)
    }

    fn joined_query(&self, of_url: &str) -> String {
        let mut joined = of_url.to_owned();
        for (name, value) in &self.query {
            if !joined.is_empty() {
                joined.push('&');
            }
            joined.extend(utf8_percent_encode(name, QUERY));
            joined.push('=');
            joined.extend(utf8_percent_encode(value, QUERY));
        }
        joined
    }

    /// Whether a redirect may be followed with what is left of the request there.
    pub(crate) fn may_go(&self, from: &Hop, to: &Hop) -> Result<(), Failure> {
        if !self.has_secret_body || self.body.is_none() || !to.keeps_body || !to.crossed_origin() {
            return Ok(());
        }
        let (from, to) = (from.host(), to.host());
        let detail = format!("`{from}` redirects to `{to}`, which must not get the secrets in the body");
        Err(Failure::communication(detail))
    }

    /// The request as it goes out on this hop.
    pub(crate) fn on_hop(
        &self,
        hop: &Hop,
        user_agent: &HeaderValue,
    ) -> Result<http::Request<Full<Bytes>>, Failure> {
        let uri = Uri::from_maybe_shared(Bytes::copy_from_slice(hop.url.as_str().as_bytes()))
            .map_err(|error| invalid(format!("the URL cannot be sent: {error}")))?;
        let body = match &self.body {
            Some(body) if hop.keeps_body => body.clone(),
            _ => Bytes::new(),
        };
        let headers = self.headers_on_hop(hop, body.len(), user_agent)?;
        let mut request = http::Request::new(Full::new(body));
        *request.method_mut() = hop.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn headers_on_hop(
        &self,
        hop: &Hop,
        body_length: usize,
        user_agent: &HeaderValue,
    ) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::with_capacity(self.headers.len() + 5);
        for (name, value) in &self.headers {
            let (name, mut value) = self.checked_header(name, value)?;
            let is_secret = self.secret_headers.iter().any(|secret| name == secret.as_str());
            value.set_sensitive(is_secret || value.is_sensitive());
            if hop.sends(&name) && !(is_secret && hop.crossed_origin()) {
                headers.append(name, value);
            }
        }
        if let Some(key) = &self.idempotency_key
            && hop.sends(&IDEMPOTENCY_KEY)
            && !headers.contains_key(&IDEMPOTENCY_KEY)
        {
            let key = HeaderValue::from_bytes(key.as_bytes()).map_err(|_| {
                invalid("the idempotency key contains a line break or another control character")
            })?;
            headers.insert(&IDEMPOTENCY_KEY, key);
        }
        headers.insert(&TENON_ATTEMPT, HeaderValue::from(self.attempt));
        if !headers.contains_key(USER_AGENT) {
            headers.insert(USER_AGENT, user_agent.clone());
        }
        // hyper says the length of a body that is there; servers want to hear of an empty one, too.
        if body_length == 0 && matches!(hop.method, Method::POST | Method::PUT | Method::PATCH) {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
        }
        Ok(headers)
    }

    /// Messages name the header and never its value, which may be a credential.
    fn checked_header(&self, name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Failure> {
        let header = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| invalid(format!("`{}` is not a header name", name.escape_debug())))?;
        if CONNECTION_HEADERS.contains(&header.as_str()) {
            return Err(invalid(format!("the header `{name}` belongs to the connection: remove it")));
        }
        let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
            invalid(format!("the header `{name}` contains a line break or another control character"))
        })?;
        if header == CONTENT_LENGTH && value != self.body.as_ref().map_or(0, Bytes::len).to_string() {
            return Err(invalid("the header `content-length` differs from the body: remove it"));
        }
        value.set_sensitive(crate::redirect::is_credential(&header));
        Ok((header, value))
    }
}

/// What every URL must fulfil, of requests and of redirects.
pub(crate) fn check_url(url: &Url) -> Result<(), String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("the URL's scheme is `{}`: only http and https are called", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the URL contains a user name or password: use authentication instead".to_owned());
    }
    Ok(())
}

fn invalid(detail: impl Into<String>) -> Failure {
    Failure::InvalidRequest(detail.into())
}
