//! Who may call a webhook: passwords, tokens, signatures, replays, handshakes; and the documented refusals.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::json;

use crate::fixture::{Answer, Fixture};

const STANDARD_HOOK: &str = "
kind: webhook
path: signed
auth: { kind: signature, scheme: standard-webhooks, secrets: [new-key, old-key] }
";

async fn deployed(document: &str, secrets: &[(&str, &str)]) -> Fixture {
    let fixture = Fixture::new().await;
    fixture.trigger("hook", document).await;
    fixture.workflow("orders", json!({}), "io.tenon.webhook").await;
    for (name, value) in secrets {
        fixture.secret(name, value).await;
    }
    fixture
}

#[expect(clippy::disallowed_methods, reason = "senders have a clock")]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    since.as_secs() as i64
}

pub(crate) fn sign(key: &[u8], content: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), content.as_bytes()).as_ref().to_vec()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

async fn deliver(fixture: &Fixture, key: &str, (id, at): (&str, i64), body: &'static str) -> Answer {
    let signature = sign(key.as_bytes(), &format!("{id}.{at}.{body}"));
    let signature = format!("v1,{}", STANDARD.encode(signature));
    let at = at.to_string();
    let headers = [
        ("content-type", "application/json"),
        ("webhook-id", id),
        ("webhook-timestamp", &at),
        ("webhook-signature", &signature),
    ];
    fixture.send("POST /hooks/default/signed", &headers, body).await
}

fn standard_secret(key: &str) -> String {
    format!("whsec_{}", STANDARD.encode(key))
}

#[tokio::test]
async fn signed_deliveries_are_taken_and_replays_start_nothing() {
    let secrets = [("new-key", standard_secret("new")), ("old-key", standard_secret("old"))];
    let secrets: Vec<_> = secrets.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let fixture = deployed(STANDARD_HOOK, &secrets).await;
    let first = deliver(&fixture, "new", ("msg_1", now()), "{}").await.expect(202).json();
    assert_eq!(first["jobs"].as_array().map(Vec::len), Some(1));
    let replay = deliver(&fixture, "new", ("msg_1", now()), "{}").await.expect(202).json();
    assert_eq!((&replay["event"], &replay["duplicate"]), (&first["event"], &json!(true)));
    let old = deliver(&fixture, "old", ("msg_2", now()), "{}").await.expect(202).json();
    assert_eq!(old.get("duplicate"), None, "while secrets change both are right");
    assert_eq!(fixture.envelopes().await.len(), 2);
}

#[tokio::test]
async fn wrong_and_stale_signatures_are_refused() {
    let key = standard_secret("new");
    let fixture = deployed(STANDARD_HOOK, &[("new-key", &key), ("old-key", &key)]).await;
    deliver(&fixture, "other", ("msg_1", now()), "{}").await.expect_problem(401, "TN0060");
    let stale = deliver(&fixture, "new", ("msg_1", now() - 400), "{}").await;
    assert_eq!(stale.header("www-authenticate"), Some("Signature"));
    stale.expect_problem(401, "TN0061");
    deliver(&fixture, "new", ("msg_1", now() + 400), "{}").await.expect_problem(401, "TN0061");
    let problem = fixture.post("/hooks/default/signed", "{}").await.expect_problem(401, "TN0060");
    assert_eq!(problem["detail"], "the header `webhook-id` is missing");
    fixture.assert_nothing_captured().await;
}

#[tokio::test]
async fn a_missing_secret_opens_no_door() {
    let fixture = deployed(STANDARD_HOOK, &[]).await;
    let refused = deliver(&fixture, "", ("msg_1", now()), "{}").await;
    assert_eq!(refused.header("retry-after"), Some("1"));
    let problem = refused.expect_problem(503, "TN0063");
    assert!(!problem.to_string().contains("new-key"), "names are the operator's");
    fixture.secret("old-key", &standard_secret("old")).await;
    // Signed with the secret that is not there: nobody can say that it is wrong.
    deliver(&fixture, "new", ("msg_1", now()), "{}").await.expect_problem(503, "TN0063");
    deliver(&fixture, "old", ("msg_1", now()), "{}").await.expect(202);
    fixture.secret("new-key", &standard_secret("new")).await;
    deliver(&fixture, "new", ("msg_2", now()), "{}").await.expect(202);
    fixture.secret("new-key", "whsec_").await;
    deliver(&fixture, "", ("msg_3", now()), "{}").await.expect_problem(503, "TN0063");
    let unset = "kind: webhook\npath: b\nauth: { kind: bearer, secret: nothing }\n";
    fixture.trigger("unset", unset).await;
    let headers = [("authorization", "Bearer undefined")];
    fixture.send("POST /hooks/default/b", &headers, "").await.expect_problem(503, "TN0063");
}

#[tokio::test]
async fn replays_may_be_allowed_and_are_known_whatever_the_authors_key() {
    let github = "kind: webhook\npath: hub\nauth: { kind: signature, scheme: github, secret: key }\n";
    let fixture = deployed(github, &[("key", "k")]).await;
    let signature = format!("sha256={}", hex(&sign(b"k", "{}")));
    let send = async |delivery: &str| {
        let headers = [
            ("content-type", "application/json"),
            ("x-hub-signature-256", signature.as_str()),
            ("x-github-delivery", delivery),
        ];
        fixture.send("POST /hooks/default/hub", &headers, "{}").await.expect(202).json()
    };
    let first = send("1").await;
    assert_eq!(first.get("duplicate"), None);
    assert_eq!(send("2").await["duplicate"], true, "what is not signed makes no new delivery");
    fixture.trigger("hook", &github.replace("secret: key", "secret: key, replays: allow")).await;
    assert_eq!(send("3").await.get("duplicate"), None);
    let keyed = format!("{github}dedupKey: '${{ .headers[\"x-github-delivery\"] }}'\n");
    fixture.trigger("hook", &keyed).await;
    let replay = send("4").await;
    assert_eq!(
        (&replay["duplicate"], &replay["event"]),
        (&json!(true), &first["event"]),
        "a new key on an old body, also where the key is new to the trigger"
    );
}

#[tokio::test]
async fn passwords_and_tokens() {
    let basic = "kind: webhook\npath: a\nauth: { kind: basic, user: shop, secrets: [one, two] }\n";
    let fixture = deployed(basic, &[("one", "p:1"), ("two", "p2")]).await;
    let send = async |header: &str, value: &str, path: &str| {
        fixture.send(&format!("POST /hooks/default/{path}"), &[(header, value)], "").await
    };
    let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
    for pair in ["shop:p:1", "shop:p2"] {
        send("authorization", &basic(pair), "a").await.expect(202);
    }
    for pair in ["shop:p1", "Shop:p2", "shop:", ":p2", "shop"] {
        let refused = send("authorization", &basic(pair), "a").await;
        assert!(refused.header("www-authenticate").is_some_and(|text| text.starts_with("Basic")));
        refused.expect_problem(401, "TN0062");
    }
    send("authorization", "Bearer p2", "a").await.expect_problem(401, "TN0062");
    fixture.trigger("bearer", "kind: webhook\npath: b\nauth: { kind: bearer, secret: one }\n").await;
    send("authorization", "Bearer p:1", "b").await.expect(202);
    send("authorization", "Bearer p:2", "b").await.expect_problem(401, "TN0062");
    send("x-other", "1", "b").await.expect_problem(401, "TN0062");
    fixture.secret("two", "schlüssel").await;
    fixture.trigger("umlaut", "kind: webhook\npath: d\nauth: { kind: bearer, secret: two }\n").await;
    send("authorization", "Bearer schlüssel", "d").await.expect(202);
    send("authorization", "Bearer schlössel", "d").await.expect_problem(401, "TN0062");
    let own = "
kind: webhook
path: c
auth: { kind: bearer, header: X-Gitlab-Token, secret: one }
emits: { data: '${ .headers }' }
";
    fixture.trigger("own", own).await;
    send("x-gitlab-token", "p:1", "c").await.expect(202);
    send("authorization", "Bearer p:1", "c").await.expect_problem(401, "TN0062");
    let envelopes = fixture.envelopes().await;
    let last = envelopes.last().expect("captured").to_string();
    assert!(
        !last.contains("p:1") && !last.contains("gitlab"),
        "credentials stay out of the data flow: {last}"
    );
}

#[tokio::test]
async fn handshakes_are_answered_and_make_no_event() {
    let slack = "
kind: webhook
path: slack
auth: { kind: signature, scheme: slack, secret: key }
challenge: slack
";
    let fixture = deployed(slack, &[("key", "k"), ("token", "t")]).await;
    let body = r#"{"token":"x","challenge":"3eZbrw1a","type":"url_verification"}"#;
    let at = now().to_string();
    let send = async |key: &[u8]| {
        let signature = format!("v0={}", hex(&sign(key, &format!("v0:{at}:{body}"))));
        let headers = [
            ("content-type", "application/json"),
            ("x-slack-request-timestamp", at.as_str()),
            ("x-slack-signature", &signature),
        ];
        fixture.send("POST /hooks/default/slack", &headers, body).await
    };
    let answer = send(b"k").await.expect(200);
    assert_eq!(
        (&answer.body[..], answer.header("content-type")),
        (&b"3eZbrw1a"[..], Some("text/plain; charset=utf-8"))
    );
    send(b"other").await.expect_problem(401, "TN0060");
    let meta = "
kind: webhook
path: meta
methods: [GET, POST]
auth: { kind: signature, scheme: github, secret: key }
challenge: { kind: meta, secret: token }
";
    fixture.trigger("meta", meta).await;
    let get = async |query: &str| fixture.send(&format!("GET /hooks/default/meta?{query}"), &[], "").await;
    let right = "hub.mode=subscribe&hub.verify_token=t&hub.challenge=1158201444";
    let answer = get(right).await.expect(200);
    assert_eq!(&answer.body[..], b"1158201444");
    get(&right.replace("token=t", "token=x")).await.expect_problem(403, "TN0068");
    get(&right.replace("subscribe", "other")).await.expect_problem(403, "TN0068");
    for part in
        ["hub.verify_token=t", "hub.mode=subscribe&hub.verify_token=t", "hub.challenge=1", "hub.mode="]
    {
        let problem = get(part).await.expect_problem(400, "TN0022");
        assert!(problem["hint"].as_str().is_some_and(|hint| hint.contains("hub.challenge")), "{problem}");
    }
    get("").await.expect_problem(401, "TN0060");
    fixture.assert_nothing_captured().await;
}
