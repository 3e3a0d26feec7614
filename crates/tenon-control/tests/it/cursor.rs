//! The cursor of a poller, set by a person.

use serde_json::{Value, json};

use crate::server::{Answer, Server};

const POLLER: &str = "
kind: poll
every: PT1H
call: http
with: { method: get, endpoint: http://127.0.0.1:9/ }
cursor: ${ .next }
";
const CURSOR: &str = "PUT /api/v1/triggers/contacts/cursor";

/// A poller that is off, so that nobody but the test moves its cursor.
async fn poller() -> Server {
    let server = Server::start().await;
    server.send("PUT /api/v1/triggers/contacts", POLLER, &[]).await.expect(201);
    server.post("/api/v1/triggers/contacts/disable", "").await.expect(200);
    server
}

async fn put(server: &Server, body: &Value, headers: &[(&str, &str)]) -> Answer {
    server.send(CURSOR, &body.to_string(), headers).await
}

async fn state(server: &Server) -> Value {
    server.get("/api/v1/triggers/contacts").await.expect(200)["state"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_set_shown_and_written_down() {
    let server = poller().await;
    let cursor = json!({ "page": 7, "at": "2026-01-01T00:00:00Z" });
    let answer = put(&server, &json!({ "cursor": cursor }), &[]).await;
    let etag = answer.etag.clone().expect("the version of the state");
    let answer = answer.expect(200);
    assert_eq!((&answer["name"], &answer["state"]["cursor"]), (&json!("contacts"), &cursor));
    let shown = state(&server).await;
    assert_eq!((&shown["cursor"], &shown["failures"]), (&cursor, &json!(0)));
    assert_eq!(format!("\"{}\"", shown["version"]), etag);
    let next = put(&server, &json!({ "cursor": null }), &[("if-match", &etag)]).await;
    assert_eq!(next.expect(200)["state"]["cursor"], Value::Null);
    put(&server, &json!({ "cursor": 1 }), &[("if-match", &etag)]).await.expect(409);
    let audit = server.get("/api/v1/audit").await.expect(200);
    let actions: Vec<&Value> = audit["items"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|record| record["action"] == "trigger.cursor" && record["subject"] == "contacts")
        .collect();
    assert_eq!(actions.len(), 2, "{audit}");
    // A new revision goes on with it.
    server.send("PUT /api/v1/triggers/contacts", &POLLER.replace("PT1H", "PT2H"), &[]).await.expect(200);
    assert_eq!(state(&server).await["version"], json!(shown["version"].as_u64().expect("a number") + 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused() {
    let server = poller().await;
    let before = state(&server).await;
    for body in
        [json!({}), json!([]), json!({ "cursor": 1, "if": 2 }), json!({ "cursor": "x".repeat(20_000) })]
    {
        put(&server, &body, &[]).await.expect(400);
    }
    put(&server, &json!({ "cursor": 1 }), &[("if-match", "seven")]).await.expect(400);
    server.send("PUT /api/v1/triggers/nobody/cursor", "{\"cursor\":1}", &[]).await.expect(404);
    let hook = "{ kind: webhook, path: shop, auth: { kind: none } }";
    server.send("PUT /api/v1/triggers/hook", hook, &[]).await.expect(201);
    server.send("PUT /api/v1/triggers/hook/cursor", "{\"cursor\":1}", &[]).await.expect(409);
    assert_eq!(state(&server).await, before);
}
