//! OAuth2 and OpenID Connect: how tokens are asked for, kept, renewed and refused.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64_URL;
use ring::hmac;
use serde_json::{Value, json};
use tenon_outbound::auth::{Authorized, Error, Policy};
use tenon_outbound::{AddressRules, Failure, FailureKind, HttpClient, Options, Request, Response};

use crate::callee::{Callee, Seen, answer, client};

const SECRET: &str = "s3cr3t-value";

/// An authority and an API. The n-th token is `token-n`.
struct World {
    authority: Callee,
    api: Callee,
    client: HttpClient,
}

impl World {
    /// `accepts` says which tokens the API takes.
    async fn new(expires_in: Value, accepts: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        let issued = AtomicUsize::new(0);
        let authority = Callee::start(move |_| {
            let number = issued.fetch_add(1, Ordering::SeqCst) + 1;
            let token = json!({
                "access_token": format!("token-{number}"), "token_type": "bearer", "expires_in": expires_in,
                "refresh_token": format!("refresh-{number}"),
            });
            answer(200, token.to_string())
        })
        .await;
        let api = Callee::start(move |seen| {
            let token = seen.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
            let status = if token.is_some_and(&accepts) { 200 } else { 401 };
            answer(status, token.unwrap_or_default().to_owned())
        })
        .await;
        Self { authority, api, client: client() }
    }

    fn policy(&self, changes: &Value) -> Policy {
        let mut policy = json!({
            "authority": self.authority.url("/realm"), "grant": "client_credentials",
            "client": {"id": "me", "secret": SECRET},
        });
        for (name, value) in changes.as_object().unwrap() {
            policy[name] = value.clone();
        }
        Policy::parse("oauth2", &policy).unwrap()
    }

    async fn call(&self, policy: &Policy) -> Result<Response, Error<Infallible>> {
        let url = self.api.url("/");
        self.client.send_authenticated(policy, |_: &Authorized| Ok(Request::new("GET", url.clone()))).await
    }

    /// Status and token of a call.
    async fn outcome(&self, policy: &Policy) -> (u16, String) {
        let response = self.call(policy).await.unwrap();
        (response.status, String::from_utf8(response.body.to_vec()).unwrap())
    }
}

fn text(seen: &Seen) -> String {
    String::from_utf8(seen.body.to_vec()).unwrap()
}

// === requests ===

#[track_caller]
fn check_request(seen: &Seen, target: &str, authorization: Option<&str>, body: &str) {
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", target));
    assert_eq!(seen.header("authorization"), authorization);
    assert_eq!(seen.header("accept"), Some("application/json"));
    assert_eq!(text(seen), body);
}

#[tokio::test]
async fn requests_are_as_the_policy_says() {
    let exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
    let secret = "client_id=me&client_secret=s3cr3t-value";
    let cases = [
        (json!({}), "/realm/oauth2/token", None, format!("grant_type=client_credentials&{secret}")),
        (
            json!({"endpoints": {"token": "protocol/token"}, "scopes": ["a b", "c"], "audiences": ["x", "y"]}),
            "/realm/protocol/token",
            None,
            format!("grant_type=client_credentials&scope=a+b+c&audience=x&audience=y&{secret}"),
        ),
        (
            json!({"client": {"id": "m:e", "secret": "a b", "authentication": "client_secret_basic"}}),
            "/realm/oauth2/token",
            // `m%3Ae:a+b`
            Some("Basic bSUzQWU6YSti"),
            "grant_type=client_credentials".to_owned(),
        ),
        (
            json!({"client": {"id": "me", "authentication": "none"}}),
            "/realm/oauth2/token",
            None,
            "grant_type=client_credentials&client_id=me".to_owned(),
        ),
        (
            json!({"client": {"id": "me", "authentication": "private_key_jwt", "assertion": "h.c.s"}}),
            "/realm/oauth2/token",
            None,
            "grant_type=client_credentials&client_assertion=h.c.s&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A\
             client-assertion-type%3Ajwt-bearer&client_id=me"
                .to_owned(),
        ),
        (
            json!({"grant": "password", "username": "ada", "password": "p&q"}),
            "/realm/oauth2/token",
            None,
            format!("grant_type=password&username=ada&password=p%26q&{secret}"),
        ),
        (
            json!({"grant": "refresh_token", "subject": {"token": "r1"}}),
            "/realm/oauth2/token",
            None,
            format!("grant_type=refresh_token&refresh_token=r1&{secret}"),
        ),
        (
            json!({"grant": exchange, "subject": {"token": "s", "type": "t"}, "actor": {"token": "a", "type": "u"}}),
            "/realm/oauth2/token",
            None,
            format!(
                "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=s&subject_token_type=t\
                 &actor_token=a&actor_token_type=u&{secret}"
            ),
        ),
        (
            json!({"request": {"encoding": "application/json"}, "scopes": ["a"], "audiences": ["x", "y"]}),
            "/realm/oauth2/token",
            None,
            r#"{"grant_type":"client_credentials","scope":"a","audience":["x","y"],"client_id":"me","client_secret":"s3cr3t-value"}"#
                .to_owned(),
        ),
    ];
    for (changes, target, authorization, body) in cases {
        let world = World::new(json!(60), |_| true).await;
        assert_eq!(world.outcome(&world.policy(&changes)).await, (200, "token-1".to_owned()));
        check_request(&world.authority.only(), target, authorization, &body);
    }
}

#[tokio::test]
async fn an_assertion_is_signed_with_the_secret() {
    let world = World::new(json!(60), |_| true).await;
    let client = json!({"id": "me", "secret": SECRET, "authentication": "client_secret_jwt"});
    world.call(&world.policy(&json!({"client": client}))).await.unwrap();
    let body = text(&world.authority.only());
    let (_, assertion) = body.split_once("client_assertion=").unwrap();
    let (assertion, _) = assertion.split_once('&').unwrap();
    let (signed, signature) = assertion.rsplit_once('.').unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    hmac::verify(&key, signed.as_bytes(), &BASE64_URL.decode(signature).unwrap()).unwrap();
    let claims = BASE64_URL.decode(signed.split_once('.').unwrap().1).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!("me"), &json!("me")));
    assert_eq!(claims["aud"], json!(world.authority.url("/realm/oauth2/token")));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 300);
}

// === keeping ===

#[tokio::test]
async fn a_token_is_kept_until_it_expires() {
    for (expires_in, expected) in [(json!(60), 1), (json!("60"), 1), (Value::Null, 1), (json!(0), 3)] {
        let world = World::new(expires_in.clone(), |_| true).await;
        let policy = world.policy(&json!({}));
        for _ in 0..3 {
            assert_eq!(world.outcome(&policy).await.0, 200);
        }
        assert_eq!(world.authority.seen().len(), expected, "{expires_in}");
    }
}

#[tokio::test]
async fn each_policy_has_its_own_token() {
    let world = World::new(json!(60), |_| true).await;
    assert_eq!(world.outcome(&world.policy(&json!({}))).await.1, "token-1");
    assert_eq!(world.outcome(&world.policy(&json!({"scopes": ["x"]}))).await.1, "token-2");
    assert_eq!(world.outcome(&world.policy(&json!({}))).await.1, "token-1");
}

#[tokio::test]
async fn one_call_fetches_and_the_others_wait() {
    let world = Arc::new(World::new(json!(60), |_| true).await);
    let calls: Vec<_> = (0..30)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.outcome(&world.policy(&json!({}))).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), (200, "token-1".to_owned()));
    }
    assert_eq!(world.authority.seen().len(), 1);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let world = World::new(json!(60), |token| token == "token-2").await;
    let policy = world.policy(&json!({}));
    let mut shown = Vec::new();
    let url = world.api.url("/");
    let build = |authorized: &Authorized| {
        shown.push(authorized.parameter.clone());
        Ok::<_, Infallible>(Request::new("GET", url.clone()))
    };
    assert_eq!(world.client.send_authenticated(&policy, build).await.unwrap().status, 200);
    assert_eq!(shown, ["token-1", "token-2"]);
    assert_eq!(world.outcome(&policy).await, (200, "token-2".to_owned()));
    assert_eq!(world.api.seen().len(), 3);

    let never = World::new(json!(60), |_| false).await;
    assert_eq!(never.outcome(&never.policy(&json!({}))).await, (401, "token-2".to_owned()));
    assert_eq!((never.api.seen().len(), never.authority.seen().len()), (2, 2));
}

#[tokio::test]
async fn a_refresh_token_is_replaced_by_the_one_that_came() {
    let world = World::new(json!(0), |_| true).await;
    let policy = world.policy(&json!({"grant": "refresh_token", "subject": {"token": "mine"}}));
    for _ in 0..2 {
        world.call(&policy).await.unwrap();
    }
    let bodies: Vec<String> = world.authority.seen().iter().map(text).collect();
    assert!(bodies[0].contains("refresh_token=mine&"), "{bodies:?}");
    assert!(bodies[1].contains("refresh_token=refresh-1&"), "{bodies:?}");
}

// === failures ===

/// The failure of a call whose authority answers so.
async fn failed(status: u16, body: &'static str, changes: Value) -> (Failure, Callee) {
    let authority = Callee::start(move |_| {
        let mut response = answer(status, body);
        response.headers_mut().insert("location", "/elsewhere".parse().unwrap());
        response
    })
    .await;
    let mut policy = json!({
        "authority": authority.url(""), "grant": "client_credentials", "client": {"id": "me", "secret": SECRET},
    });
    for (name, value) in changes.as_object().unwrap() {
        policy[name] = value.clone();
    }
    let policy = Policy::parse("oauth2", &policy).unwrap();
    (client().authorize(&policy).await.unwrap_err(), authority)
}

#[tokio::test]
async fn what_authorities_say_is_told_without_secrets() {
    let issuers = json!({"issuers": ["https://id.example"]});
    // Its claims are `{"iss":"https://other.example"}`.
    let other = r#"{"access_token": "e30.eyJpc3MiOiJodHRwczovL290aGVyLmV4YW1wbGUifQ.x"}"#;
    let cases = [
        (401, r#"{"error": "invalid_client"}"#, json!({}), "it answered 401 (invalid_client)"),
        (
            400,
            r#"{"error": "no s3cr3t-value", "error_description": "s3cr3t-value"}"#,
            json!({}),
            "it answered 400",
        ),
        (500, "<html>s3cr3t-value", json!({}), "it answered 500"),
        (307, "", json!({}), "it answered 307"),
        (200, "", json!({}), "its answer has no `access_token` that can be sent"),
        (200, r#"{"access_token": "a b"}"#, json!({}), "its answer has no `access_token` that can be sent"),
        (
            200,
            r#"{"access_token": "a", "token_type": "DPoP"}"#,
            json!({}),
            "its token is bound to a key (`token_type`), which is not supported",
        ),
        (
            200,
            r#"{"access_token": "opaque"}"#,
            issuers.clone(),
            "the token does not say its issuer, so that `issuers` cannot be checked",
        ),
        (200, other, issuers, "the token's issuer is not among `issuers`"),
    ];
    for (status, body, changes, expected) in cases {
        let (failure, authority) = failed(status, body, changes).await;
        assert_eq!((failure.kind(), failure.status()), (FailureKind::Authentication, 401));
        assert_eq!(failure.to_string(), format!("no token from `{}`: {expected}", authority.address));
        assert_eq!(authority.seen().len(), 1);
    }
}

#[tokio::test]
async fn an_authority_that_cannot_be_reached() {
    let policy = |authority: &str| {
        let policy = json!({"authority": authority, "grant": "client_credentials", "client": {"id": "me"}});
        Policy::parse("oauth2", &policy).unwrap()
    };
    let failure = client().authorize(&policy("http://127.0.0.1:1")).await.unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Authentication);
    assert!(failure.to_string().starts_with("no token from `127.0.0.1:1`: cannot connect"), "{failure}");

    let strict = Options { addresses: AddressRules::default(), ..Options::default() };
    let failure =
        HttpClient::new(strict).unwrap().authorize(&policy("http://127.0.0.1:1")).await.unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Configuration);
}

#[tokio::test]
async fn those_who_waited_for_a_failure_share_it() {
    let authority = Callee::start(|_| answer(500, "")).await;
    let policy =
        json!({"authority": authority.url(""), "grant": "client_credentials", "client": {"id": "me"}});
    let policy = Policy::parse("oauth2", &policy).unwrap();
    let client = client();
    let all = futures_util::future::join_all((0..20).map(|_| client.authorize(&policy))).await;
    assert!(all.iter().all(Result::is_err));
    assert_eq!(authority.seen().len(), 1);
    client.authorize(&policy).await.unwrap_err();
    assert_eq!(authority.seen().len(), 2);
}

// === OpenID Connect ===

/// An authority that describes itself.
async fn described(issuer: &'static str, token_endpoint: &'static str) -> Callee {
    Callee::start(move |seen| match seen.target.as_str() {
        "/realm/.well-known/openid-configuration" => {
            let here = format!("http://{}", seen.header("host").unwrap());
            let endpoint = token_endpoint.replace("{here}", &here);
            answer(200, json!({"issuer": issuer, "token_endpoint": endpoint}).to_string())
        }
        "/tokens" => answer(200, r#"{"access_token": "abc", "expires_in": 0}"#),
        _ => answer(404, ""),
    })
    .await
}

fn oidc(authority: &Callee, path: &str, issuers: &[&str]) -> Policy {
    let policy = json!({
        "authority": authority.url(path), "grant": "client_credentials", "client": {"id": "me", "secret": SECRET},
        "issuers": issuers,
    });
    Policy::parse("oidc", &policy).unwrap()
}

#[tokio::test]
async fn endpoints_are_discovered_once() {
    let authority = described("https://id.example", "{here}/tokens").await;
    let client = client();
    for path in ["/realm", "/realm/", "/realm/.well-known/openid-configuration"] {
        let authorized = client.authorize(&oidc(&authority, path, &[])).await.unwrap();
        assert_eq!(authorized.parameter, "abc");
    }
    let targets: Vec<String> = authority.seen().iter().map(|seen| seen.target.clone()).collect();
    assert_eq!(targets, ["/realm/.well-known/openid-configuration", "/tokens", "/tokens", "/tokens"]);
}

#[tokio::test]
async fn a_discovery_that_leads_nowhere() {
    let cases = [
        (
            "https://id.example",
            "{here}/tokens",
            "/realm",
            &["https://other"][..],
            "the authority is not among `issuers`",
        ),
        ("x", "{here}/tokens", "/nowhere", &[], "its OpenID configuration cannot be read: it answered 404"),
        (
            "x",
            "ftp://h/",
            "/realm",
            &[],
            "its OpenID configuration names no `token_endpoint` that can be called",
        ),
        ("x", "{here}/none", "/realm", &[], "it answered 404"),
    ];
    for (issuer, endpoint, path, issuers, expected) in cases {
        let authority = described(issuer, endpoint).await;
        let failure = client().authorize(&oidc(&authority, path, issuers)).await.unwrap_err();
        assert_eq!(failure.kind(), FailureKind::Authentication);
        assert_eq!(failure.to_string(), format!("no token from `{}`: {expected}", authority.address));
    }
}
