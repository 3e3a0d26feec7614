//! How calls show who they are: the authentication policies of the workflow language.
//!
//! A [`Policy`] is made of what a document or a secret holds. Basic, bearer and digest need nothing but it; for
//! OAuth2 and OpenID Connect a token is fetched, kept in memory until shortly before it expires, and fetched
//! again when a callee refuses it. No message here contains a credential, and nothing here is written anywhere.

mod challenge;
mod digest;
mod discovery;
mod members;
mod oauth2;
mod policy;
mod sending;
mod token_request;
mod tokens;

use std::fmt;

pub(crate) use digest::{Challenges, Digester};
pub use policy::Policy;
pub(crate) use tokens::Tokens;

use crate::Failure;

/// What a request shows, `$authorization` of the workflow language.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorized {
    /// `Basic`, `Bearer` or `Digest`.
    pub scheme: &'static str,
    /// The credentials; empty with `Digest`, where each request has its own. Must not be recorded.
    pub parameter: String,
}

/// Why an authenticated call gave no response.
#[derive(Debug, thiserror::Error)]
pub enum Error<E> {
    /// The request could not be made of the authorization; the reason is the maker's.
    #[error("the request could not be made")]
    Build(E),
    /// There was no token, or no response.
    #[error(transparent)]
    Failed(#[from] Failure),
}

// === impl Authorized ===

impl Authorized {
    /// As a header's value.
    pub(crate) fn header(&self) -> Option<String> {
        (!self.parameter.is_empty()).then(|| format!("{} {}", self.scheme, self.parameter))
    }
}

impl fmt::Debug for Authorized {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Authorized({})", self.scheme)
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.map(|half| char::from(DIGITS[usize::from(half)])).collect()
}

/// Something that was never said before, as 32 hexadecimal digits.
fn unique() -> String {
    use ring::rand::SecureRandom as _;
    let mut bytes = [0; 16];
    ring::rand::SystemRandom::new().fill(&mut bytes).expect("a system without randomness runs no TLS either");
    hex(&bytes)
}
