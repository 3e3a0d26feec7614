//! What retention leaves of a job, and what the disk holds.

use std::time::Duration;

use serde_json::{Value, json};

use crate::server::Server;

/// Retention as it will be in an hour.
async fn prune(server: &Server) {
    let now = server.app.capture().ports().clock.now();
    while server.app.store().prune(now.after(Duration::from_hours(1)), 1000).await.expect("it works") > 0 {}
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_go_before_their_job() {
    let server = Server::start().await;
    let document = "
document:
  dsl: '1.0.3'
  namespace: acme
  name: w
  version: '1.0.0'
  metadata: {tenon: {retention: {payloads: PT10M, jobs: P7D}}}
do: [{one: {set: {n: '${ .n + 1 }'}}}]";
    server.send("PUT /api/v1/workflows/acme/w", document, &[]).await.expect(201);
    server.deploy("keeps", "do: [{one: {set: {n: 7}}}]").await.expect(201);
    for name in ["w", "keeps"] {
        let line = format!("POST /run/default/acme/{name}");
        server.send(&line, "{\"n\":1}", &[("prefer", "wait=30")]).await.expect(200);
    }
    let of = async |name: &str| {
        let list = server.get(&format!("/api/v1/jobs?workflow=acme/{name}")).await.expect(200);
        format!("/api/v1/jobs/{}", list["items"][0]["id"].as_str().expect("an id"))
    };
    let job = of("w").await;
    let before = server.get(&job).await.expect(200);
    assert_eq!((&before["output"], &before["payloadsGone"]), (&json!({"n": 2}), &json!(false)));
    prune(&server).await;
    let after = server.get(&job).await.expect(200);
    assert_eq!((&after["state"], &after["payloadsGone"]), (&json!("completed"), &json!(true)));
    assert_eq!((&after["input"], &after["output"]), (&Value::Null, &Value::Null));
    assert_eq!(after["endedAt"], before["endedAt"]);
    let event = server.get(&format!("/api/v1/events/{}", after["event"].as_str().expect("an id"))).await;
    assert_eq!(event.expect(200)["data"], Value::Null);
    for (method, part) in [("GET", "trace"), ("GET", "journal"), ("POST", "verify"), ("POST", "rerun")] {
        let refused = server.send(&format!("{method} {job}/{part}"), "{}", &[]).await.expect(409);
        assert_eq!(refused["code"], "TN0030", "{part}: {refused}");
    }
    let kept = of("keeps").await;
    assert_eq!(server.get(&kept).await.expect(200)["output"], json!({"n": 7}));
    server.get(&format!("{kept}/trace")).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_what_the_disk_holds() {
    let server = Server::start().await;
    server.deploy("w", "do: [{one: {set: {n: 1}}}]").await.expect(201);
    for _ in 0..3 {
        server.send("POST /run/default/acme/w", "{}", &[("prefer", "wait=30")]).await.expect(200);
    }
    let disk = server.get("/api/v1/doctor/disk").await.expect(200);
    let part = |kind: &str| {
        let parts = disk["parts"].as_array().expect("a list");
        parts.iter().find(|part| part["kind"] == kind).unwrap_or_else(|| panic!("no {kind} in {parts:?}"))
    };
    assert_eq!((&part("jobs")["rows"], &part("jobs")["estimate"]), (&json!(3), &json!(false)));
    assert!(part("events")["bytes"].as_u64().is_some_and(|bytes| bytes >= 4096), "{disk}");
    let of = &disk["workflows"][0];
    assert_eq!((&of["workflow"], &of["jobs"]), (&json!("acme/w"), &json!(3)));
    assert!(of["bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{disk}");
    assert!(disk["oldestJob"].is_string() && disk["oldestEvent"].is_string(), "{disk}");
    assert!(disk["next"]["from"].is_string() && disk["log"].is_u64() && disk["unused"].is_u64(), "{disk}");
}
