//! Digest authentication (RFC 7616): MD5, SHA-256 and SHA-512-256, with and without `-sess`; `qop` `auth`, or none
//! as in RFC 2069. A challenge is remembered per policy and origin, so that later calls answer it at once.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue};
use http_body_util::Full;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use quick_cache::sync::Cache;
use ring::digest::{SHA256, SHA512_256, digest};
use url::Position;

use super::challenge::{self, challenges};
use super::{hex, unique};
use crate::redirect::Hop;

/// How many challenges are remembered.
const MAX_CHALLENGES: usize = 4_096;
/// How many challenges one request answers: one, and one more if a nonce was stale.
const MAX_ROUNDS: u32 = 2;

/// Challenges by policy and origin.
pub(crate) struct Challenges(Cache<[u8; 32], Arc<Challenge>>);

/// A user name and password.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(super) username: String,
    pub(super) password: String,
}

/// Answers challenges for one call.
pub(crate) struct Digester<'a> {
    challenges: &'a Challenges,
    credentials: &'a Credentials,
    key: [u8; 32],
    /// The challenge to be answered now.
    current: Option<Arc<Challenge>>,
    rounds: u32,
    /// The hashes that were sent.
    answers: Vec<String>,
}

struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    /// As the server wrote it.
    algorithm: Option<String>,
    hash: Hash,
    session: bool,
    qop: bool,
    userhash: bool,
    /// Ours, the same for all that answers this challenge: `-sess` demands it.
    cnonce: String,
    /// How many requests have answered it.
    count: AtomicU32,
}

#[derive(Clone, Copy)]
enum Hash {
    Md5,
    Sha256,
    Sha512Trimmed,
}

// === impl Challenges ===

impl Challenges {
    pub(crate) fn new() -> Self {
        Self(Cache::new(MAX_CHALLENGES))
    }
}

// === impl Digester ===

impl<'a> Digester<'a> {
    pub(crate) fn new(challenges: &'a Challenges, credentials: &'a Credentials, key: [u8; 32]) -> Self {
        Self { challenges, credentials, key, current: None, rounds: 0, answers: Vec::new() }
    }

    /// A request to somewhere new begins.
    pub(crate) fn begin(&mut self, hop: &Hop) {
        self.rounds = 0;
        self.current = self.challenges.0.get(&self.place(hop));
    }

    /// Adds an answer, if a challenge is known; an `Authorization` of the document's own stays.
    pub(crate) fn add_to(&mut self, request: &mut http::Request<Full<Bytes>>, hop: &Hop) {
        if hop.crossed_origin() || request.headers().contains_key(AUTHORIZATION) {
            return;
        }
        let Some(challenge) = &self.current else { return };
        let target = &hop.url[Position::BeforePath..Position::AfterQuery];
        let (answer, hash) = challenge.answer(self.credentials, request.method().as_str(), target);
        self.answers.push(hash);
        if let Ok(mut value) = HeaderValue::from_str(&answer) {
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
    }

    /// Whether a refusal has a challenge that is worth an answer; it is then answered by the next request.
    pub(crate) fn learn(&mut self, headers: &HeaderMap, hop: &Hop) -> bool {
        if hop.crossed_origin() || self.rounds == MAX_ROUNDS {
            return false;
        }
        let values = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let mut offered = values.flat_map(challenges);
        let Some((challenge, stale)) = offered.find_map(|offered| Challenge::read(&offered)) else {
            return false;
        };
        // The credentials themselves are refused.
        if self.rounds > 0 && !stale {
            return false;
        }
        self.rounds += 1;
        let challenge = Arc::new(challenge);
        self.challenges.0.insert(self.place(hop), Arc::clone(&challenge));
        self.current = Some(challenge);
        true
    }

    /// What must not be recorded of what was sent.
    pub(crate) fn into_answers(self) -> Vec<String> {
        self.answers
    }

    fn place(&self, hop: &Hop) -> [u8; 32] {
        let origin = hop.url.origin().ascii_serialization();
        let hashed = digest(&SHA256, &[&self.key, origin.as_bytes()].concat());
        hashed.as_ref().try_into().expect("SHA-256 has 32 bytes")
    }
}

// === impl Challenge ===

impl Challenge {
    /// `None` if it is of another scheme, or asks for what is not supported. And whether it only replaces a nonce.
    fn read(offered: &challenge::Challenge) -> Option<(Self, bool)> {
        if !offered.scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let algorithm = offered.get("algorithm");
        let (hash, session) = hash(algorithm.unwrap_or("MD5"))?;
        let qop = match offered.get("qop") {
            None => false,
            Some(offers) if offers.split(',').any(|offer| offer.trim().eq_ignore_ascii_case("auth")) => true,
            Some(_) => return None,
        };
        let says = |name: &str| offered.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let challenge = Self {
            realm: offered.get("realm").unwrap_or_default().to_owned(),
            nonce: offered.get("nonce")?.to_owned(),
            opaque: offered.get("opaque").map(str::to_owned),
            algorithm: algorithm.map(str::to_owned),
            hash,
            session,
            qop,
            userhash: says("userhash"),
            cnonce: unique(),
            count: AtomicU32::new(0),
        };
        Some((challenge, says("stale")))
    }

    /// The header's value for the next request, and the hash in it that the password is part of.
    fn answer(&self, credentials: &Credentials, method: &str, target: &str) -> (String, String) {
        let Credentials { username, password } = credentials;
        let Self { realm, nonce, cnonce, .. } = self;
        let mut secret = self.hash.of(&format!("{username}:{realm}:{password}"));
        if self.session {
            secret = self.hash.of(&format!("{secret}:{nonce}:{cnonce}"));
        }
        let request = self.hash.of(&format!("{method}:{target}"));
        let count = format!("{:08x}", self.count.fetch_add(1, Ordering::Relaxed).wrapping_add(1));
        let response = if self.qop {
            self.hash.of(&format!("{secret}:{nonce}:{count}:{cnonce}:auth:{request}"))
        } else {
            self.hash.of(&format!("{secret}:{nonce}:{request}"))
        };
        let mut header = format!("Digest {}", self.user(username));
        let mut add =
            |part: std::fmt::Arguments<'_>| header.write_fmt(part).expect("a text takes what is written");
        add(format_args!(", realm=\"{}\", nonce=\"{}\", uri=\"{target}\"", escaped(realm), escaped(nonce)));
        add(format_args!(", response=\"{response}\""));
        if let Some(algorithm) = &self.algorithm {
            add(format_args!(", algorithm={algorithm}"));
        }
        if self.qop {
            add(format_args!(", qop=auth, nc={count}"));
        }
        if self.qop || self.session {
            add(format_args!(", cnonce=\"{cnonce}\""));
        }
        if let Some(opaque) = &self.opaque {
            add(format_args!(", opaque=\"{}\"", escaped(opaque)));
        }
        (header, response)
    }

    fn user(&self, username: &str) -> String {
        if self.userhash {
            return format!(
                "username=\"{}\", userhash=true",
                self.hash.of(&format!("{username}:{}", self.realm))
            );
        }
        if username.is_ascii() {
            return format!("username=\"{}\"", escaped(username));
        }
        format!("username*=UTF-8''{}", utf8_percent_encode(username, NON_ALPHANUMERIC))
    }
}

fn hash(algorithm: &str) -> Option<(Hash, bool)> {
    let name = algorithm.to_ascii_uppercase();
    let (name, session) = name.strip_suffix("-SESS").map_or((name.as_str(), false), |name| (name, true));
    match name {
        "MD5" => Some((Hash::Md5, session)),
        "SHA-256" => Some((Hash::Sha256, session)),
        "SHA-512-256" => Some((Hash::Sha512Trimmed, session)),
        _ => None,
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

// === impl Hash ===

impl Hash {
    fn of(self, text: &str) -> String {
        match self {
            Self::Md5 => hex(&md5::compute(text).0),
            Self::Sha256 => hex(digest(&SHA256, text.as_bytes()).as_ref()),
            Self::Sha512Trimmed => hex(digest(&SHA512_256, text.as_bytes()).as_ref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 7616, section 3.9, and of RFC 2617, section 3.5 (the same in MD5).
    #[track_caller]
    fn check(challenge: &str, username: &str, password: &str, cnonce: &str, expected: &str) {
        let offered = challenges(challenge).remove(0);
        let (mut challenge, _) = Challenge::read(&offered).expect("a challenge that is supported");
        challenge.cnonce = cnonce.to_owned();
        let credentials = Credentials { username: username.to_owned(), password: password.to_owned() };
        let target = if challenge.userhash { "/doe.json" } else { "/dir/index.html" };
        let (answer, _) = challenge.answer(&credentials, "GET", target);
        assert!(answer.contains(expected), "{answer}");
    }

    const MUFASA: &str = "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", \
         nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
    const CNONCE: &str = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

    #[test]
    fn the_examples_of_the_standards() {
        let md5 = format!("{MUFASA}, algorithm=MD5");
        check(&md5, "Mufasa", "Circle of Life", CNONCE, "response=\"8ca523f5e9506fed4657c9700eebdbec\"");
        let sha = format!("{MUFASA}, algorithm=SHA-256");
        check(
            &sha,
            "Mufasa",
            "Circle of Life",
            CNONCE,
            "response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\"",
        );
        check(&sha, "Mufasa", "Circle of Life", CNONCE, "qop=auth, nc=00000001, cnonce=\"f2/wE4q74E6z");
        check(
            "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", \
             opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
            "Mufasa",
            "Circle Of Life",
            "0a4f113b",
            "response=\"6629fae49393a05397450978507c4ef1\"",
        );
        check(
            "Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"",
            "Mufasa",
            "Circle Of Life",
            "",
            "response=\"670fd8c2df070c60b045671b8b24ff02\"",
        );
    }

    #[test]
    fn a_hashed_name_and_sha_512_256() {
        let challenge = "Digest realm=\"api@example.org\", qop=\"auth\", algorithm=SHA-512-256, \
             nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\", \
             charset=UTF-8, userhash=true";
        let cnonce = "NTg6RKcb9boFIAS3KrFK9BGeh+niz/sm";
        check(
            challenge,
            "J\u{e4}s\u{f8}n Doe",
            "Secret, or not?",
            cnonce,
            "username=\"793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b\", userhash=true",
        );
    }

    #[test]
    fn what_is_not_supported_is_no_challenge() {
        for offered in [
            "Basic realm=\"x\"",
            "Digest realm=\"x\"",
            "Digest nonce=n, qop=\"auth-int\"",
            "Digest nonce=n, algorithm=SHA-1",
        ] {
            assert!(Challenge::read(&challenges(offered).remove(0)).is_none(), "{offered}");
        }
    }
}
