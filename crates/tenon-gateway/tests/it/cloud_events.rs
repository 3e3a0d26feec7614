//! `/events/{workspace}` in its three modes.

use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture, bearer};

const STRUCTURED: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json; charset=utf-8";

async fn send(fixture: &Fixture, headers: &[(&str, &str)], body: impl Into<bytes::Bytes>) -> Answer {
    let (name, key) = bearer();
    let mut all = vec![(name, key.as_str())];
    all.extend_from_slice(headers);
    fixture.send("POST /events/default", &all, body).await
}

fn event(id: &str) -> Value {
    json!({"specversion": "1.0", "id": id, "source": "/shop", "type": "order", "data": {"id": id}})
}

#[tokio::test]
async fn binary_mode_has_attributes_in_headers() {
    let fixture = Fixture::new().await;
    fixture.workflow("orders", json!({}), "order").await;
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "/shop"),
        ("ce-type", "order"),
        ("ce-subject", "gr%C3%BC%C3%9Fe"),
        ("ce-region", "eu"),
        ("content-type", "application/json"),
    ];
    let first = send(&fixture, &headers, "{\"a\":1}").await.expect(202).json();
    assert_eq!(first["jobs"].as_array().map(Vec::len), Some(1));
    let again = send(&fixture, &headers, "{\"a\":1}").await.expect(202).json();
    assert_eq!((&again["event"], &again["duplicate"]), (&first["event"], &json!(true)));
    let envelope = &fixture.envelopes().await[0];
    assert_eq!((&envelope["id"], &envelope["subject"]), (&json!("1"), &json!("grüße")));
    assert_eq!((&envelope["region"], &envelope["data"]), (&json!("eu"), &json!({"a": 1})));
}

#[tokio::test]
async fn structured_mode_is_one_object() {
    let fixture = Fixture::new().await;
    let answer =
        send(&fixture, &[("content-type", STRUCTURED)], event("1").to_string()).await.expect(202).json();
    assert_eq!(answer["jobs"], json!([]));
    let mut nameless = event("2");
    nameless.as_object_mut().expect("an object").remove("id");
    let answer =
        send(&fixture, &[("content-type", STRUCTURED)], nameless.to_string()).await.expect(202).json();
    assert_eq!(fixture.envelopes().await[1]["id"], answer["event"], "without an id it gets one");
}

#[tokio::test]
async fn a_batch_is_answered_event_by_event() {
    let fixture = Fixture::new().await;
    let batch = json!([event("1"), event("2"), event("1")]).to_string();
    let answer = send(&fixture, &[("content-type", BATCH)], batch).await.expect(202).json();
    let events = answer["events"].as_array().expect("a list");
    assert_eq!(events.len(), 3);
    assert_eq!((&events[2]["event"], &events[2]["duplicate"]), (&events[0]["event"], &json!(true)));
    let empty = send(&fixture, &[("content-type", BATCH)], "[]").await.expect(202).json();
    assert_eq!(empty, json!({"events": []}));
    assert_eq!(fixture.envelopes().await.len(), 2);
}

#[tokio::test]
async fn what_is_no_event_is_refused_whole() {
    let fixture = Fixture::new().await;
    let structured = [("content-type", STRUCTURED)];
    send(&fixture, &structured, "{").await.expect_problem(400, "TN0002");
    send(&fixture, &structured, "[]").await.expect_problem(400, "TN0012");
    let mut bad = event("1");
    bad["time"] = json!("soon");
    let problem = send(&fixture, &structured, bad.to_string()).await.expect_problem(400, "TN0012");
    assert_eq!(problem["violations"][0]["pointer"], "/time");
    let batch = [("content-type", BATCH)];
    let problem =
        send(&fixture, &batch, json!([event("1"), bad]).to_string()).await.expect_problem(400, "TN0012");
    assert_eq!(problem["violations"][0]["pointer"], "/1/time");
    send(&fixture, &batch, event("1").to_string()).await.expect_problem(400, "TN0012");
    let many = json!(vec![event("1"); 1001]).to_string();
    send(&fixture, &batch, many).await.expect_problem(413, "TN0004");
    send(&fixture, &[("content-type", "application/json")], "{}").await.expect_problem(415, "TN0003");
    send(&fixture, &[("content-type", "application/cloudevents+avro")], "x")
        .await
        .expect_problem(415, "TN0003");
    send(&fixture, &[("ce-specversion", "1.0"), ("ce-id", "1")], "").await.expect_problem(400, "TN0012");
    let mut looping = event("1");
    looping["tenonhops"] = json!(33);
    send(&fixture, &structured, looping.to_string()).await.expect_problem(422, "TN0013");
    let large =
        json!({"specversion": "1.0", "source": "/", "type": "t", "data": "x".repeat(1 << 20)}).to_string();
    send(&fixture, &structured, large.clone()).await.expect_problem(413, "TN0004");
    send(&fixture, &batch, format!("[{large}]")).await.expect_problem(413, "TN0004");
    fixture.assert_nothing_captured().await;
    let (name, key) = bearer();
    let nowhere = fixture.send("POST /events/nowhere", &[(name, &key), structured[0]], "{}").await;
    nowhere.expect_problem(404, "TN0023");
}
