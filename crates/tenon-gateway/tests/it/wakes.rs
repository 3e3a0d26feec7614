//! Webhooks that wake pollers.

use std::time::Duration;

use serde_json::json;
use tenon_store::Kind;

use crate::fixture::Fixture;

const HOOK: &str = "{ kind: webhook, path: crm/changed, auth: { kind: none }, schema: { type: object } }";
const PATTERN: &str = "{ kind: webhook, path: 'crm/{tenant}/changed', auth: { kind: none } }";
const POLLER: &str = "
kind: poll
every: PT1H
call: http
with: { method: get, endpoint: http://127.0.0.1/ }
wokenBy: [crm/changed, 'crm/{tenant}/changed']
";

async fn deployed() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.workflow("orders", json!({}), "io.tenon.webhook").await;
    fixture.trigger("hook", HOOK).await;
    fixture.trigger("pattern", PATTERN).await;
    fixture.trigger("poller", POLLER).await;
    fixture
}

#[tokio::test]
async fn they_capture_nothing_and_bursts_are_one_hint() {
    let fixture = deployed().await;
    let poller = fixture.store.resource(fixture.workspace, Kind::Trigger, "poller").await.expect("read");
    let poller = poller.expect("it is there").revision.resource;
    // Nobody waits: the poller asks when it would anyway.
    let answer = fixture.post("/hooks/default/crm/changed", "{}").await.expect(202);
    assert_eq!(answer.json(), json!({ "woken": true }));
    let wake = fixture.app.capture().wakes().wait_for(fixture.workspace, poller);
    for path in ["/hooks/default/crm/changed", "/hooks/default/crm/acme/changed"] {
        for _ in 0..3 {
            fixture.post(path, "{}").await.expect(202);
        }
        tokio::time::timeout(Duration::from_secs(30), wake.came()).await.expect("a hint");
        let second = tokio::time::timeout(Duration::ZERO, wake.came()).await;
        assert!(second.is_err(), "all of a burst are one");
    }
    fixture.assert_nothing_captured().await;
}

/// An event is what the author wants; the poller is woken besides, also by a repeat.
#[tokio::test]
async fn with_emits_they_do_both() {
    let fixture = deployed().await;
    let hook = "
kind: webhook
path: crm/changed
auth: { kind: none }
emits: { type: com.acme.changed }
dedupKey: ${ .body.id }
";
    fixture.trigger("hook", hook).await;
    fixture.workflow("changed", json!({}), "com.acme.changed").await;
    let poller = fixture.store.resource(fixture.workspace, Kind::Trigger, "poller").await.expect("read");
    let poller = poller.expect("it is there").revision.resource;
    let wake = fixture.app.capture().wakes().wait_for(fixture.workspace, poller);
    for is_duplicate in [None, Some(&json!(true))] {
        let answer = fixture.post("/hooks/default/crm/changed", "{\"id\":1}").await.expect(202).json();
        assert_eq!(answer["jobs"].as_array().map(Vec::len), Some(1), "{answer}");
        assert_eq!(answer.get("duplicate"), is_duplicate);
        tokio::time::timeout(Duration::from_secs(30), wake.came()).await.expect("a hint");
    }
    assert_eq!(fixture.envelopes().await.len(), 1);
    assert_eq!(fixture.captured("hook").await.len(), 2, "they can be looked at");
    fixture.post("/hooks/default/crm/acme/changed", "{}").await.expect(202);
    assert_eq!(fixture.envelopes().await.len(), 1, "the other has no `emits`");
}

#[tokio::test]
async fn what_is_refused_wakes_nobody() {
    let fixture = deployed().await;
    fixture.post("/hooks/default/crm/changed", "[]").await.expect(422);
    fixture.assert_nothing_captured().await;
}

#[tokio::test]
async fn without_the_poller_they_capture_as_they_say() {
    let fixture = Fixture::new().await;
    fixture.workflow("orders", json!({}), "io.tenon.webhook").await;
    fixture.trigger("hook", HOOK).await;
    let answer = fixture.post("/hooks/default/crm/changed", "{}").await.expect(202).json();
    assert!(answer["event"].is_string(), "{answer}");
}
