//! Where a redirect leads and what is taken along. Pure: follows the Fetch standard in rewriting methods, and is
//! stricter in what it sends on to another origin. Whether the new address may be reached is `connect.rs`'s
//! business, as for any other.

use http::header::{CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, HOST, LOCATION};
use http::{HeaderMap, HeaderName, Method, StatusCode};
use url::{Position, Url};

use crate::request::check_url;
use crate::{Failure, Request};

/// One request of a call: the first, or one that a redirect led to.
pub(crate) struct Hop {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// Lost for good once a redirect changed the method to GET.
    pub(crate) keeps_body: bool,
    /// Stays set when a later redirect leads back: the way there went through someone else.
    crossed_origin: bool,
}

/// A header whose name contains one of these is a credential, or meant for one callee only. Names are lower case.
const CREDENTIAL_MARKS: [&str; 9] =
    ["auth", "cookie", "credential", "key", "token", "secret", "session", "signature", "password"];

// === impl Hop ===

impl Hop {
    pub(crate) fn first(request: &Request) -> Result<Self, Failure> {
        let mut url = request.checked_url()?;
        url.set_fragment(None);
        Ok(Self { method: request.checked_method()?, url, keeps_body: true, crossed_origin: false })
    }

    /// Host and port, for messages; nothing of the path or query.
    pub(crate) fn host(&self) -> &str {
        &self.url[Position::BeforeHost..Position::AfterPort]
    }

    /// Whether the way here led through another origin: credentials stay behind.
    pub(crate) fn crossed_origin(&self) -> bool {
        self.crossed_origin
    }

    /// The next hop that a response asks for; `None` if it is not a redirect, or one that says not where to.
    pub(crate) fn next(&self, status: StatusCode, headers: &HeaderMap) -> Result<Option<Self>, Failure> {
        if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        let Some(location) = headers.get(LOCATION) else {
            return Ok(None);
        };
        let url = self.target(location.as_bytes()).map_err(|reason| {
            Failure::communication(format!("`{}` redirects to where no call may go: {reason}", self.host()))
        })?;
        let becomes_get = match status.as_u16() {
            303 => self.method != Method::GET && self.method != Method::HEAD,
            301 | 302 => self.method == Method::POST,
            _ => false,
        };
        Ok(Some(Self {
            method: if becomes_get { Method::GET } else { self.method.clone() },
            keeps_body: self.keeps_body && !becomes_get,
            crossed_origin: self.crossed_origin || url.origin() != self.url.origin(),
            url,
        }))
    }

    fn target(&self, location: &[u8]) -> Result<Url, String> {
        let location = str::from_utf8(location).map_err(|_| "the address is not text".to_owned())?;
        let mut url = self.url.join(location).map_err(|error| error.to_string())?;
        url.set_fragment(None);
        check_url(&url)?;
        if self.url.scheme() == "https" && url.scheme() == "http" {
            return Err("from https to http, which would expose the call".to_owned());
        }
        Ok(url)
    }

    /// Whether a header of the document goes along on this hop.
    pub(crate) fn sends(&self, header: &HeaderName) -> bool {
        // The client says the length itself; what was given has been compared with the body.
        if header == CONTENT_LENGTH {
            return false;
        }
        if !self.keeps_body && [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LANGUAGE].contains(header) {
            return false;
        }
        !self.crossed_origin || (header != HOST && !is_credential(header))
    }
}

/// `Authorization`, `Cookie`, `Idempotency-Key`, and what looks like them (`X-Api-Key`, `X-Auth-Token`): a
/// header kept back by mistake fails visibly, a credential sent on by mistake does not.
pub(crate) fn is_credential(header: &HeaderName) -> bool {
    CREDENTIAL_MARKS.iter().any(|mark| header.as_str().contains(mark))
}
