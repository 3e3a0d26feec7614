//! What starts by itself, through the API: shown with what comes next, fired by hand, with notes of what happened.

use serde_json::{Value, json};

use crate::server::Server;

const NIGHTLY: &str = "kind: schedule\ncron: '0 2 1 1 *'\nrun: [{ workflow: acme/sync }]\n";

async fn deploy(server: &Server, name: &str, document: &str) -> Value {
    server.send(&format!("PUT /api/v1/triggers/{name}"), document, &[]).await.expect(201)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_shown_and_fired_by_hand() {
    let server = Server::start().await;
    server.deploy("sync", "do:\n  - a: {set: {x: 1}}\n").await.expect(201);
    deploy(&server, "nightly", NIGHTLY).await;
    let shown = server.get("/api/v1/triggers/nightly").await.expect(200);
    assert_eq!(shown["kind"], "schedule");
    let next = shown["next"].as_array().expect("a list");
    assert_eq!(next.len(), 5);
    assert!(next[0].as_str().expect("text").ends_with("-01-01T02:00:00.000000Z"), "{shown}");

    let fired = server.post("/api/v1/triggers/nightly/fire", "").await.expect(200);
    let job = fired["jobs"][0].as_str().expect("it started one");
    let job = server.get(&format!("/api/v1/jobs/{job}")).await.expect(200);
    assert_eq!(job["workflow"]["name"], "sync");
    let notes = server.get("/api/v1/triggers/nightly/notes?limit=1").await.expect(200);
    assert_eq!(notes["items"][0]["kind"], "fired");
    assert_eq!(notes["items"][0]["detail"]["jobs"], fired["jobs"]);
    assert_eq!(notes["items"][0]["detail"]["by"], "owner");
    let audit = server.get("/api/v1/audit").await.expect(200);
    let record = &audit["items"][0];
    assert_eq!((&record["action"], &record["subject"]), (&json!("trigger.fire"), &json!("nightly")));

    server.post("/api/v1/triggers/nightly/disable", "").await.expect(200);
    server.post("/api/v1/triggers/nightly/fire", "").await.expect(409);
    let shown = server.get("/api/v1/triggers/nightly").await.expect(200);
    assert_eq!(shown["next"], json!([]), "a disabled schedule has nothing before it");
    server.post("/api/v1/triggers/missing/fire", "").await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn enabling_writes_what_a_schedule_goes_on_with() {
    let server = Server::start().await;
    deploy(&server, "nightly", NIGHTLY).await;
    server.post("/api/v1/triggers/nightly/disable", "").await.expect(200);
    let shown = async || server.get("/api/v1/triggers/nightly").await.expect(200)["state"].clone();
    let disabled = shown().await;
    assert!(disabled["paused"].is_string(), "{disabled}");
    server.post("/api/v1/triggers/nightly/enable", "").await.expect(200);
    assert!(shown().await.get("paused").is_none(), "in the same transaction, whoever has looked");
    let notes = async || server.get("/api/v1/triggers/nightly/notes").await.expect(200)["items"].clone();
    // polls: the note is written by who sees it next, which nobody is told.
    while notes().await.as_array().is_none_or(Vec::is_empty) {
        tokio::task::yield_now().await;
    }
    let note = notes().await[0].clone();
    assert_eq!((&note["kind"], &note["detail"]["disabled"]), (&json!("noticed"), &disabled["paused"]));
    let versions = [&disabled, &shown().await].map(|state| state["version"].as_u64().expect("a number"));
    assert_eq!(versions[1] - versions[0], 2, "enabling wrote one, who saw it the other");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_others_cannot_be_fired() {
    let server = Server::start().await;
    deploy(&server, "hook", "kind: webhook\npath: a\nauth: none\n").await;
    let problem = server.post("/api/v1/triggers/hook/fire", "").await.expect(409);
    assert!(problem["detail"].as_str().expect("text").contains("only schedules and pollers"), "{problem}");
    assert_eq!(server.get("/api/v1/triggers/hook").await.expect(200)["next"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_with_a_schedule_says_when_it_runs() {
    let server = Server::start().await;
    let rest = "schedule: {cron: '0 2 1 1 *'}\ndo:\n  - a: {set: {x: 1}}\n";
    server.deploy("yearly", rest).await.expect(201);
    server.deploy("plain", "do:\n  - a: {set: {x: 1}}\n").await.expect(201);
    let shown = server.get("/api/v1/workflows/acme/yearly").await.expect(200);
    assert_eq!(shown["next"].as_array().map(Vec::len), Some(5));
    assert!(server.get("/api/v1/workflows/acme/plain").await.expect(200).get("next").is_none());
    server.post("/api/v1/workflows/acme/yearly/fire", "").await.expect(200);
    let notes = server.get("/api/v1/workflows/acme/yearly/notes").await.expect(200);
    assert_eq!(notes["items"][0]["kind"], "fired");
}

#[tokio::test(flavor = "multi_thread")]
async fn unusable_schedules_are_refused_with_a_place() {
    let server = Server::start().await;
    for (fields, code, pointer) in [
        ("cron: '0 0 30 2 *'\nrun: [{ workflow: a/b }]", "TN0520", "/cron"),
        ("cron: '* * * *'\nrun: [{ workflow: a/b }]", "TN0520", "/cron"),
        ("cron: '* * * * *'\ntimeZone: Berlin\nrun: [{ workflow: a/b }]", "TN0520", "/timeZone"),
        ("every: PT0.5S\nrun: [{ workflow: a/b }]", "TN0509", "/every"),
        ("every: PT1S\ntimeZone: UTC\nrun: [{ workflow: a/b }]", "TN0510", "/timeZone"),
        ("every: PT1S\ncron: '* * * * *'\nrun: [{ workflow: a/b }]", "TN0510", "/every"),
        ("at: tomorrow\nrun: [{ workflow: a/b }]", "TN0520", "/at"),
        ("run: [{ workflow: a/b }]", "TN0502", "/cron"),
        ("every: PT1S", "TN0502", ""),
        ("every: PT1S\nrun: [{ function: crm.export }]", "TN0505", "/run/0/function"),
        ("every: PT1S\nrun: [{ workflow: b }]", "TN0504", "/run/0/workflow"),
        ("every: PT1S\nrun: []", "TN0503", "/run"),
        ("every: PT1S\nmissed: some\nrun: [{ workflow: a/b }]", "TN0504", "/missed"),
        ("every: PT1S\nemits: { typ: x }", "TN0501", "/emits/typ"),
        ("every: PT1S\nemits: { data: '${ . + }' }", "TN0507", "/emits/data"),
    ] {
        let document = format!("kind: schedule\n{fields}\n");
        let problem = server.send("PUT /api/v1/triggers/t", &document, &[]).await.expect(422);
        let found = &problem["diagnostics"][0];
        assert_eq!(
            (&found["code"], &found["pointer"]),
            (&json!(code), &json!(pointer)),
            "{fields}: {problem}"
        );
        assert!(found["hint"].is_string() || code == "TN0507", "{fields}: {found}");
    }
}
