//! Replays of signed deliveries: beside the author's own key, at once, on paths with parameters, within a rate limit.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture};
use crate::webhook_auth::{hex, sign};

/// The key is read from a header that nobody signs.
const KEYED: &str = "
kind: webhook
path: hub
auth: { kind: signature, scheme: github, secret: key }
dedupKey: ${ .headers[\"x-github-delivery\"] }
";

async fn deployed(document: &str) -> Fixture {
    let fixture = Fixture::new().await;
    fixture.trigger("hook", document).await;
    fixture.workflow("orders", json!({}), "io.tenon.webhook").await;
    fixture.secret("key", "k").await;
    fixture
}

async fn deliver(fixture: &Fixture, path: &str, id: &str, body: &'static str) -> Answer {
    let signature = format!("sha256={}", hex(&sign(b"k", body)));
    let headers = [
        ("content-type", "application/json"),
        ("x-hub-signature-256", signature.as_str()),
        ("x-github-delivery", id),
    ];
    fixture.send(&format!("POST /hooks/default/{path}"), &headers, body).await
}

async fn event_of(fixture: &Fixture, path: &str, id: &str, body: &'static str) -> (Value, bool) {
    let answer = deliver(fixture, path, id, body).await.expect(202).json();
    (answer["event"].clone(), answer.get("duplicate").is_some())
}

#[tokio::test]
async fn of_many_replays_at_once_one_is_an_event() {
    let fixture = deployed(KEYED).await;
    let ids: Vec<String> = (0..16).map(|number| number.to_string()).collect();
    let answers = join_all(ids.iter().map(|id| event_of(&fixture, "hub", id, "{}"))).await;
    let new: Vec<_> = answers.iter().filter(|(_, is_duplicate)| !is_duplicate).collect();
    assert_eq!(new.len(), 1, "{answers:?}");
    assert!(answers.iter().all(|(event, _)| *event == new[0].0), "{answers:?}");
    assert_eq!(fixture.envelopes().await.len(), 1);
}

#[tokio::test]
async fn a_delivery_is_known_by_its_signature_and_by_the_authors_key() {
    let fixture = deployed(KEYED).await;
    let (first, is_duplicate) = event_of(&fixture, "hub", "1", "1").await;
    assert!(!is_duplicate);
    assert_eq!(event_of(&fixture, "hub", "1", "2").await, (first.clone(), true), "the author's key");
    assert_eq!(event_of(&fixture, "hub", "2", "1").await, (first.clone(), true), "the signature");
    assert_eq!(event_of(&fixture, "hub", "3", "2").await, (first, true), "a repeat that is replayed");
    let (_, is_duplicate) = event_of(&fixture, "hub", "2", "3").await;
    assert!(!is_duplicate, "a replay uses up no key");
}

#[tokio::test]
async fn paths_with_other_parameters_are_other_deliveries() {
    let document = "
kind: webhook
path: 'hub/{shop}/{list}'
auth: { kind: signature, scheme: github, secret: key }
";
    let fixture = deployed(document).await;
    let (first, is_duplicate) = event_of(&fixture, "hub/acme/a", "1", "{}").await;
    assert!(!is_duplicate);
    for path in ["hub/other/a", "hub/acme/b", "hub/acmea/%2C", "hub/acme/a%0A", "hub/%22/a"] {
        let (_, is_duplicate) = event_of(&fixture, path, "1", "{}").await;
        assert!(!is_duplicate, "{path}");
    }
    for path in ["hub/acme/a", "hub/%61cme/a"] {
        assert_eq!(event_of(&fixture, path, "1", "{}").await, (first.clone(), true), "{path}");
    }
}

/// The same bytes with the same signature, cut at another place, are nothing that was sent.
#[tokio::test]
async fn a_delivery_that_is_cut_elsewhere_is_refused_or_a_replay() {
    const REFUSED: u16 = 401;
    const REPLAY: u16 = 202;
    let base = "/hooks/default/hub";
    for (signed, first, other, expected) in [
        ("{path}.{body}", ("a", "", "b.c"), ("a.b", "", "c"), REFUSED),
        ("{path}{body}", ("a", "", "bc"), ("ab", "", "c"), REPLAY),
        ("{id}{body}", ("a", "1", "bc"), ("a", "1b", "c"), REPLAY),
        ("{body}.{id}", ("a", "1", "b.c"), ("a", "c.1", "b"), REFUSED),
        ("{body}.{path}", ("a", "", "x"), ("a", "", "x"), REPLAY),
    ] {
        let id = if signed.contains("{id}") { ", id: x-id" } else { "" };
        let auth = format!(
            "{{ kind: signature, scheme: hmac, secret: key, header: x-sign{id}, signed: '{signed}' }}"
        );
        let fixture = deployed(&format!("kind: webhook\npath: 'hub/{{shop}}'\nauth: {auth}\n")).await;
        let (shop, id, body) = first;
        let path = format!("{base}/{shop}");
        let bytes = signed.replace("{path}", &path).replace("{id}", id).replace("{body}", body);
        let signature = hex(&sign(b"k", &bytes));
        let send = async |(shop, id, body): (&str, &str, &'static str)| {
            let headers = [("content-type", "text/plain"), ("x-sign", signature.as_str()), ("x-id", id)];
            fixture.send(&format!("POST {base}/{shop}"), &headers, body).await
        };
        send(first).await.expect(202);
        let answer = send(other).await.expect(expected).json();
        assert_eq!(answer.get("duplicate").is_some(), expected == REPLAY, "{signed}: {answer}");
        assert_eq!(fixture.envelopes().await.len(), 1, "{signed}");
    }
}

/// What its trigger says of a path cannot be moved, only what its parameters match.
#[tokio::test]
async fn the_fixed_part_of_a_path_may_contain_what_separates_it() {
    for (pattern, signed, sent) in [
        ("v1.2/{shop}", "{path}.{body}", [("v1.2/a", 202), ("v1%2E2/a", 202), ("v1.2/a.b", 401)]),
        ("{shop}/v1.2", "{path}.{body}", [("a/v1.2", 202), ("%61/v1.2", 202), ("a.b/v1.2", 401)]),
        ("v1/{shop}", "{path}/{body}", [("v1/a", 202), ("v1/%2F", 202), ("v1/a.b", 202)]),
    ] {
        let auth =
            format!("{{ kind: signature, scheme: hmac, secret: key, header: x-sign, signed: '{signed}' }}");
        let fixture = deployed(&format!("kind: webhook\npath: '{pattern}'\nauth: {auth}\n")).await;
        for (path, expected) in sent {
            let path = format!("/hooks/default/{path}");
            let bytes = signed.replace("{path}", &path).replace("{body}", "hello");
            let signature = hex(&sign(b"k", &bytes));
            let headers = [("content-type", "text/plain"), ("x-sign", signature.as_str())];
            fixture.send(&format!("POST {path}"), &headers, "hello").await.expect(expected);
        }
    }
}

/// A moment behind the path says where it ends.
#[tokio::test]
async fn a_path_may_contain_what_separates_it_from_a_timestamp() {
    let auth = "{ kind: signature, scheme: hmac, secret: key, header: x-sign, timestamp: x-at, signed: '{path}.{timestamp}.{body}' }";
    let fixture = deployed(&format!("kind: webhook\npath: 'hub/{{shop}}'\nauth: {auth}\n")).await;
    let path = "/hooks/default/hub/shop.example";
    let at = (fixture.app.capture().ports().clock.now().0 / 1_000_000).to_string();
    let signature = hex(&sign(b"k", &format!("{path}.{at}.hello")));
    let headers = [("content-type", "text/plain"), ("x-sign", signature.as_str()), ("x-at", at.as_str())];
    fixture.send(&format!("POST {path}"), &headers, "hello").await.expect(202);
}

#[tokio::test]
async fn repeats_do_not_use_up_the_limit() {
    let fixture = deployed(&format!("{KEYED}rateLimit: {{ limit: 1, per: PT1H, burst: 3 }}\n")).await;
    deliver(&fixture, "hub", "1", "1").await.expect(202);
    for (id, body) in [("1", "1"), ("2", "1"), ("1", "2")] {
        let answer = deliver(&fixture, "hub", id, body).await.expect(202).json();
        assert_eq!(answer["duplicate"], true);
    }
    for (id, body) in [("3", "3"), ("4", "4")] {
        deliver(&fixture, "hub", id, body).await.expect(202);
    }
    deliver(&fixture, "hub", "5", "5").await.expect_problem(429, "TN0064");
    deliver(&fixture, "hub", "3", "3").await.expect_problem(429, "TN0064");
    assert_eq!(fixture.envelopes().await.len(), 3);
}

/// Without `auth` anybody may repeat a request: at most as many as the limit lets through do not count.
#[tokio::test]
async fn whoever_sends_nothing_but_repeats_is_bounded_too() {
    let fixture = Fixture::new().await;
    let document = "
kind: webhook
path: open
auth: none
dedupKey: ${ .body.id }
rateLimit: { limit: 1, per: PT1H, burst: 3 }
";
    fixture.trigger("hook", document).await;
    for number in 0..6 {
        let answer = fixture.post("/hooks/default/open", "{\"id\":1}").await.expect(202).json();
        assert_eq!(answer.get("duplicate").is_some(), number > 0, "{number}");
    }
    fixture.post("/hooks/default/open", "{\"id\":1}").await.expect_problem(429, "TN0064");
    fixture.post("/hooks/default/open", "{\"id\":2}").await.expect_problem(429, "TN0064");
}
