//! Who calls: keys, and the extractor that turns a request's key into a [`Caller`].

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use ring::digest::{SHA256, digest};

use crate::codes;
use crate::{App, Problem};

/// Who a request comes from, as far as its key says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The key's name, for audit records.
    pub actor: Arc<str>,
}

/// The address at the other end of the connection; [`crate::serve`] adds it to every request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// The keys that are accepted. Only their hashes are kept.
#[derive(Debug, Default)]
pub struct Keys(Vec<Key>);

#[derive(Debug)]
struct Key {
    hash: [u8; 32],
    actor: Arc<str>,
    reach: Reach,
}

/// Where a key works from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Loopback,
}

// === impl Keys ===

impl Keys {
    /// The owner's key, which works from loopback only.
    pub fn owner(key: &str) -> Self {
        Self(vec![Key { hash: hash(key), actor: "owner".into(), reach: Reach::Loopback }])
    }

    /// The caller of a request.
    pub fn verify(&self, headers: &HeaderMap, peer: Option<Peer>) -> Result<Caller, Problem> {
        let Some(header) = headers.get(AUTHORIZATION) else {
            return Err(Problem::new(&codes::KEY_MISSING, "this needs a key"));
        };
        let presented = header.to_str().ok().and_then(bearer).ok_or_else(|| {
            Problem::new(&codes::KEY_MISSING, "the `Authorization` header is not `Bearer <key>`")
        })?;
        let presented = hash(presented);
        // Hashes are compared, and all of them, so that time tells nothing about any key.
        let found = self
            .0
            .iter()
            .fold(None, |found, key| if equal(&key.hash, &presented) { Some(key) } else { found });
        let key =
            found.ok_or_else(|| Problem::new(&codes::KEY_WRONG, "the key is not one of this server's"))?;
        if key.reach == Reach::Loopback && !is_from_loopback(headers, peer) {
            return Err(Problem::new(&codes::KEY_NOT_FROM_HERE, "the owner key works from loopback only"));
        }
        Ok(Caller { actor: Arc::clone(&key.actor) })
    }
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, key) = header.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty()).then_some(key)
}

fn hash(key: &str) -> [u8; 32] {
    digest(&SHA256, key.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

fn equal(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// What comes through a proxy comes from elsewhere, whatever address the proxy has.
fn is_from_loopback(headers: &HeaderMap, peer: Option<Peer>) -> bool {
    let is_loopback = peer.is_some_and(|Peer(address)| match address.ip() {
        IpAddr::V4(address) => address.is_loopback(),
        IpAddr::V6(address) => {
            address.is_loopback() || address.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback())
        }
    });
    let is_forwarded =
        ["forwarded", "x-forwarded-for", "x-real-ip"].iter().any(|name| headers.contains_key(*name));
    is_loopback && !is_forwarded
}

// === impl Caller ===

impl<S: Sync> FromRequestParts<S> for Caller
where
    App: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let app = App::from_ref(state);
        app.keys().verify(&parts.headers, parts.extensions.get::<Peer>().copied())
    }
}

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    /// Unknown peers are nobody's loopback.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        Ok(parts.extensions.get::<Self>().copied().unwrap_or(Self(nowhere)))
    }
}
