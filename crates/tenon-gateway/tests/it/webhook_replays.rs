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

#[tokio::test]
async fn repeats_do_not_use_up_the_limit() {
    let fixture = deployed(&format!("{KEYED}rateLimit: {{ limit: 1, per: PT1H, burst: 2 }}\n")).await;
    deliver(&fixture, "hub", "1", "1").await.expect(202);
    for (id, body) in [("1", "1"), ("2", "1"), ("1", "2")] {
        let answer = deliver(&fixture, "hub", id, body).await.expect(202).json();
        assert_eq!(answer["duplicate"], true);
    }
    deliver(&fixture, "hub", "3", "3").await.expect(202);
    deliver(&fixture, "hub", "4", "4").await.expect_problem(429, "TN0064");
    deliver(&fixture, "hub", "3", "3").await.expect_problem(429, "TN0064");
    assert_eq!(fixture.envelopes().await.len(), 2);
}
