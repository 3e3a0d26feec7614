//! Basic, bearer and digest on the wire.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::Full;
use ring::digest::{SHA256, SHA512_256, digest};
use serde_json::json;
use tenon_outbound::auth::{Authorized, Policy};
use tenon_outbound::{Request, Response};

use crate::callee::{Callee, Seen, answer, client, redirect_to};

fn get(url: String) -> impl FnMut(&Authorized) -> Result<Request, Infallible> {
    move |_| Ok(Request::new("GET", url.clone()))
}

async fn call(policy: &Policy, url: String) -> Response {
    client().send_authenticated(policy, get(url)).await.unwrap()
}

#[tokio::test]
async fn basic_and_bearer_are_sent_and_shown() {
    let callee = Callee::start(|_| answer(200, "")).await;
    let cases = [
        ("basic", json!({"username": "ada", "password": "päss:word"}), "Basic", "YWRhOnDDpHNzOndvcmQ="),
        ("bearer", json!({"token": "abc.def"}), "Bearer", "abc.def"),
    ];
    for (scheme, members, expected, parameter) in cases {
        let policy = Policy::parse(scheme, &members).unwrap();
        let mut shown = None;
        let url = callee.url("/");
        let build = |authorized: &Authorized| {
            shown = Some(authorized.clone());
            Ok::<_, Infallible>(Request::new("GET", url.clone()))
        };
        client().send_authenticated(&policy, build).await.unwrap();
        let shown = shown.unwrap();
        assert_eq!((shown.scheme, shown.parameter.as_str()), (expected, parameter));
        let seen = callee.seen().pop().unwrap();
        assert_eq!(seen.header("authorization"), Some(format!("{expected} {parameter}").as_str()));
        assert!(!format!("{policy:?}{shown:?}").contains(parameter));
    }
}

#[tokio::test]
async fn an_authorization_of_the_documents_own_stays() {
    let refusing = Digest { algorithm: "MD5", qop: true, hash: md5 };
    let callee = Callee::start(move |_| refusing.refusal("n", false)).await;
    let cases = [
        ("bearer", json!("abc"), "Bearer abc!"),
        ("digest", json!({"username": "ada", "password": "x"}), "Digest !"),
    ];
    for (scheme, members, expected) in cases {
        let policy = Policy::parse(scheme, &members).unwrap();
        let url = callee.url("/");
        let build = |authorized: &Authorized| {
            let mut request = Request::new("GET", url.clone());
            let own = format!("{} {}!", authorized.scheme, authorized.parameter);
            request.headers = vec![("Authorization".to_owned(), own)];
            Ok::<_, Infallible>(request)
        };
        assert_eq!(client().send_authenticated(&policy, build).await.unwrap().status, 401);
        assert_eq!(callee.seen().last().unwrap().header("authorization"), Some(expected));
    }
    assert_eq!(callee.seen().len(), 2);
}

#[tokio::test]
async fn credentials_stay_with_their_origin() {
    let elsewhere = Callee::start(|_| {
        let challenge = "Digest realm=\"x\", nonce=\"n\", qop=\"auth\"";
        http::Response::builder()
            .status(401)
            .header("www-authenticate", challenge)
            .body(Full::default())
            .unwrap()
    })
    .await;
    let to = elsewhere.url("/");
    let callee = Callee::start(move |_| redirect_to(307, &to)).await;
    let cases = [
        ("basic", json!({"username": "ada", "password": "x"})),
        ("bearer", json!("abc")),
        ("digest", json!({"username": "ada", "password": "x"})),
    ];
    for (scheme, members) in cases {
        let policy = Policy::parse(scheme, &members).unwrap();
        assert_eq!(call(&policy, callee.url("/")).await.status, 401);
        let seen = elsewhere.seen();
        assert_eq!(seen.last().unwrap().header("authorization"), None, "{scheme}");
    }
    assert_eq!(elsewhere.seen().len(), 3);
}

// === digest ===

/// What a server says, and how it checks what comes back.
#[derive(Clone, Copy)]
struct Digest {
    algorithm: &'static str,
    qop: bool,
    hash: fn(&str) -> String,
}

const USER: &str = "Mufasa";
const PASSWORD: &str = "Circle of \"Life\"";
const REALM: &str = "a \"realm\", with commas";

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

fn md5(text: &str) -> String {
    hex(md5::compute(text).0)
}

fn sha256(text: &str) -> String {
    hex(digest(&SHA256, text.as_bytes()))
}

fn sha512_256(text: &str) -> String {
    hex(digest(&SHA512_256, text.as_bytes()))
}

impl Digest {
    fn refusal(self, nonce: &str, stale: bool) -> http::Response<Full<Bytes>> {
        let realm = REALM.replace('"', "\\\"");
        let mut challenge =
            format!("Digest realm=\"{realm}\", nonce=\"{nonce}\", opaque=\"o\", stale={stale}");
        if !self.algorithm.is_empty() {
            challenge.push_str(", algorithm=");
            challenge.push_str(self.algorithm);
        }
        if self.qop {
            challenge.push_str(", qop=\"auth,auth-int\"");
        }
        http::Response::builder()
            .status(401)
            .header("www-authenticate", "Negotiate")
            .header("www-authenticate", challenge)
            .body(Full::from("who are you?"))
            .unwrap()
    }

    /// The count of the nonce, if the answer is right.
    fn check(self, seen: &Seen, nonce: &str) -> Option<String> {
        let header = seen.header("authorization")?.strip_prefix("Digest ")?;
        let field = |name: &str| {
            let start = header.find(&format!(" {name}="))? + name.len() + 2;
            let rest = &header[start..];
            match rest.strip_prefix('"') {
                Some(quoted) => Some(quoted.split_once('"')?.0.to_owned()),
                None => Some(rest.split(',').next()?.to_owned()),
            }
        };
        if field("nonce")? != nonce || field("uri")? != seen.target || field("opaque")? != "o" {
            return None;
        }
        let mut secret = (self.hash)(&format!("{USER}:{REALM}:{PASSWORD}"));
        if self.algorithm.ends_with("-sess") {
            secret = (self.hash)(&format!("{secret}:{nonce}:{}", field("cnonce")?));
        }
        let request = (self.hash)(&format!("{}:{}", seen.method, seen.target));
        let (count, middle) = if self.qop {
            let count = field("nc")?;
            (count.clone(), format!("{nonce}:{count}:{}:auth", field("cnonce")?))
        } else {
            (String::new(), nonce.to_owned())
        };
        (field("response")? == (self.hash)(&format!("{secret}:{middle}:{request}"))).then_some(count)
    }
}

fn policy(password: &str) -> Policy {
    Policy::parse("digest", &json!({"username": USER, "password": password})).unwrap()
}

#[tokio::test]
async fn every_algorithm_is_answered_and_nonces_are_counted() {
    let cases = [
        Digest { algorithm: "", qop: false, hash: md5 },
        Digest { algorithm: "MD5", qop: true, hash: md5 },
        Digest { algorithm: "MD5-sess", qop: true, hash: md5 },
        Digest { algorithm: "SHA-256", qop: true, hash: sha256 },
        Digest { algorithm: "SHA-256-sess", qop: true, hash: sha256 },
        Digest { algorithm: "SHA-512-256", qop: true, hash: sha512_256 },
    ];
    for case in cases {
        let callee = Callee::start(move |seen| match case.check(seen, "n/1=") {
            Some(count) => answer(200, count),
            None => case.refusal("n/1=", false),
        })
        .await;
        let client = client();
        let policy = policy(PASSWORD);
        for count in ["00000001", "00000002", "00000003"] {
            let request = get(callee.url("/a b?q=1,\"2\""));
            let response = client.send_authenticated(&policy, request).await.unwrap();
            let expected = if case.qop { count } else { "" };
            assert_eq!(
                (response.status, &response.body[..]),
                (200, expected.as_bytes()),
                "{}",
                case.algorithm
            );
        }
        // One challenge, then all is said at once.
        assert_eq!(callee.seen().len(), 4, "{}", case.algorithm);
        assert_eq!(callee.connections(), 1);
    }
}

#[tokio::test]
async fn what_was_shown_is_told_so_that_it_can_be_kept_out_of_records() {
    let case = Digest { algorithm: "SHA-256", qop: true, hash: sha256 };
    let callee = Callee::start(move |seen| match case.check(seen, "n") {
        Some(_) => answer(200, ""),
        None => case.refusal("n", false),
    })
    .await;
    let response = call(&policy(PASSWORD), callee.url("/")).await;
    let sent = callee.seen()[1].header("authorization").unwrap().to_owned();
    assert_eq!(response.credentials.len(), 1);
    assert!(sent.contains(&format!("response=\"{}\"", response.credentials[0])), "{sent}");
}

#[tokio::test]
async fn the_body_is_sent_again() {
    let case = Digest { algorithm: "SHA-256", qop: true, hash: sha256 };
    let callee = Callee::start(move |seen| match case.check(seen, "n") {
        Some(_) => answer(200, seen.body.clone()),
        None => case.refusal("n", false),
    })
    .await;
    let url = callee.url("/");
    let build = |_: &Authorized| {
        let mut request = Request::new("POST", url.clone());
        request.body = Some(Bytes::from_static(b"body"));
        Ok::<_, Infallible>(request)
    };
    let response = client().send_authenticated(&policy(PASSWORD), build).await.unwrap();
    assert_eq!(response.body, "body");
}

#[tokio::test]
async fn a_stale_nonce_is_replaced() {
    let case = Digest { algorithm: "SHA-256", qop: true, hash: sha256 };
    let requests = AtomicUsize::new(0);
    let callee = Callee::start(move |seen| {
        // From the third request on, the first nonce is stale.
        let nonce = if requests.fetch_add(1, Ordering::SeqCst) < 2 { "one" } else { "two" };
        match case.check(seen, nonce) {
            Some(count) => answer(200, count),
            None => case.refusal(nonce, nonce == "two"),
        }
    })
    .await;
    let client = client();
    for _ in 0..2 {
        let response = client.send_authenticated(&policy(PASSWORD), get(callee.url("/"))).await.unwrap();
        assert_eq!((response.status, &response.body[..]), (200, b"00000001".as_slice()));
    }
    assert_eq!(callee.seen().len(), 4);
}

#[tokio::test]
async fn what_does_not_help_is_not_repeated() {
    let case = Digest { algorithm: "SHA-256", qop: true, hash: sha256 };
    let callee = Callee::start(move |_| case.refusal("n", false)).await;
    assert_eq!(call(&policy("wrong"), callee.url("/")).await.status, 401);
    assert_eq!(callee.seen().len(), 2);
    let ever_stale = Callee::start(move |_| case.refusal("n", true)).await;
    assert_eq!(call(&policy(PASSWORD), ever_stale.url("/")).await.status, 401);
    assert_eq!(ever_stale.seen().len(), 3);
    let other = Callee::start(|_| answer(401, "")).await;
    assert_eq!(call(&policy(PASSWORD), other.url("/")).await.status, 401);
    assert_eq!(other.seen().len(), 1);
}

#[tokio::test]
async fn a_redirect_within_the_origin_is_challenged_anew() {
    let case = Digest { algorithm: "SHA-256", qop: true, hash: sha256 };
    let callee = Callee::start(move |seen| match (seen.target.as_str(), case.check(seen, "n")) {
        ("/start", _) => redirect_to(302, "/end"),
        (_, Some(_)) => answer(200, "end"),
        (_, None) => case.refusal("n", false),
    })
    .await;
    assert_eq!(call(&policy(PASSWORD), callee.url("/start")).await.body, "end");
}
