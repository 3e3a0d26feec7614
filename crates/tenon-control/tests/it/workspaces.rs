//! What a workspace says for itself: set, shown with who says what, refused where it makes no sense, and in force.

use std::time::Duration;

use serde_json::{Value, json};

use crate::server::Server;

const SHOP: &str = "PUT /api/v1/workspaces/shop";
const OTHER: [(&str, &str); 1] = [("tenon-workspace", "shop")];

fn said(jobs: Value, payloads: Value, concurrency: Value) -> Value {
    json!({ "name": "shop", "retention": { "jobs": jobs, "payloads": payloads }, "concurrency": concurrency })
}

async fn actions(server: &Server) -> Vec<Value> {
    let audit = server.send("GET /api/v1/audit", "", &OTHER).await.expect(200);
    let items = audit["items"].as_array().expect("a list");
    items.iter().map(|record| record["action"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_named_is_changed_and_the_rest_stays() {
    let server = Server::start().await;
    let check = async |body: &str, status: u16, expected: Value| {
        let mut answer = server.send(SHOP, body, &[]).await.expect(status);
        let shown = server.get("/api/v1/workspaces/shop").await.expect(200);
        assert_eq!(answer, shown, "{body}");
        let in_force = answer.as_object_mut().expect("an object").remove("inForce").expect("it is shown");
        assert_eq!(answer, expected, "{body}");
        in_force
    };
    let none = || said(Value::Null, Value::Null, Value::Null);
    let held = check("", 201, none()).await;
    assert_eq!(held["retention"]["jobs"], json!({ "value": "P30D", "from": "server" }));
    assert_eq!(held["retention"]["payloads"], json!({ "value": null, "from": "server" }));
    assert_eq!(held["concurrency"], json!({ "value": null, "from": "server" }));
    let body = r#"{"retention": {"jobs": "P14D", "payloads": {"hours": 36}}, "concurrency": 100}"#;
    let held = check(body, 200, said("P14D".into(), "P1DT12H".into(), 100.into())).await;
    assert_eq!(held["retention"]["jobs"], json!({ "value": "P14D", "from": "workspace" }));
    assert_eq!(held["retention"]["payloads"], json!({ "value": "P1DT12H", "from": "workspace" }));
    assert_eq!(held["concurrency"], json!({ "value": 100, "from": "workspace" }));
    check("", 200, said("P14D".into(), "P1DT12H".into(), 100.into())).await;
    check(r#"{"concurrency": 7}"#, 200, said("P14D".into(), "P1DT12H".into(), 7.into())).await;
    check(r#"{"retention": {"payloads": null}}"#, 200, said("P14D".into(), Value::Null, 7.into())).await;
    assert_eq!(actions(&server).await.len(), 4, "one of making it, and one of each change");
    check(r#"{"retention": null, "concurrency": null}"#, 200, none()).await;
    let listed = server.get("/api/v1/workspaces").await.expect(200);
    assert_eq!(listed["items"][1], none());
    assert_eq!(actions(&server).await[0], "workspace.set");
    server.get("/api/v1/workspaces/none").await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_whole() {
    let server = Server::start().await;
    let check = async |body: &str, expected: &str| {
        let problem = server.send(SHOP, body, &[]).await.expect(400);
        let text = format!("{} / {}", problem["detail"], problem["hint"]);
        assert!(text.contains(expected), "{body}: {text}");
    };
    check("[]", "not an object").await;
    check("{", "not JSON").await;
    check(r#"{"retention": "P30D"}"#, "`retention` is not an object").await;
    check(r#"{"retention": {"jobs": "30d"}}"#, "`retention.jobs`: `30d` is not an ISO 8601 duration").await;
    check(r#"{"retention": {"jobs": "P1M"}}"#, "no fixed length").await;
    check(r#"{"retention": {"jobs": "P40000D"}}"#, "longer than 36,500 days").await;
    check(r#"{"retention": {"job": "P1D"}}"#, "did you mean `retention.jobs`?").await;
    check(r#"{"concurency": 1}"#, "did you mean `concurrency`?").await;
    for wrong in ["0", "-1", "1.5", "\"7\"", "1000001"] {
        check(&format!(r#"{{"concurrency": {wrong}}}"#), "whole number from 1 to 1000000").await;
    }
    check(r#"{"retention": {"jobs": "P7D", "payloads": "P8D"}}"#, "kept for P8D: their jobs go after P7D")
        .await;
    check(r#"{"retention": {"payloads": "P31D"}}"#, "their jobs go after P30D").await;
    server.get("/api/v1/workspaces/shop").await.expect(404);
    server.send(SHOP, r#"{"retention": {"payloads": "P8D"}}"#, &[]).await.expect(201);
    check(r#"{"retention": {"jobs": "P7D"}, "concurrency": 3}"#, "kept for P8D").await;
    let shown = server.get("/api/v1/workspaces/shop").await.expect(200);
    assert_eq!((&shown["retention"]["jobs"], &shown["concurrency"]), (&Value::Null, &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_holds_and_is_shown_where_people_look() {
    let server = Server::start().await;
    let body = r#"{"retention": {"jobs": "PT30M"}, "concurrency": 9}"#;
    server.send("PUT /api/v1/workspaces/default", body, &[]).await.expect(200);
    server.deploy("w", "do: [{one: {set: {n: 1}}}]").await.expect(201);
    server.send("POST /run/default/acme/w", "{}", &[("prefer", "wait=30")]).await.expect(200);
    let doctor = server.get("/api/v1/doctor").await.expect(200);
    let checks = doctor["checks"].as_array().expect("a list");
    let found = checks.iter().find(|check| check["name"] == "workspace").expect("it is told");
    assert_eq!(
        found["detail"],
        "default keeps jobs and events for PT30M (workspace), payloads as long as their job (server), and runs 9 \
         jobs at once (workspace)"
    );
    let limits = server.get("/api/v1/limits").await.expect(200);
    let items = limits["items"].as_array().expect("a list");
    let row = items.iter().find(|item| item["kind"] == "workspaceConcurrency").expect("it is told");
    assert_eq!((&row["limit"], &row["setting"]), (&json!(9), &json!("workspace concurrency")));
    let now = server.app.capture().ports().clock.now();
    let later = now.after(Duration::from_hours(1));
    while server.app.store().prune(later, 1000).await.expect("it works") > 0 {}
    for list in ["jobs", "events"] {
        let left = server.get(&format!("/api/v1/{list}")).await.expect(200);
        assert_eq!(left["items"], json!([]), "{list}");
    }
}
