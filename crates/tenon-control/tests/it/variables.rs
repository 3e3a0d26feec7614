//! Variables: values go in, values of secrets never come out; what a workflow reads and does not exist is advice.

use serde_json::{Value, json};

use crate::server::{Answer, Server, workflow};

const SECRET: &str = "hunter2-and-more";

async fn put(server: &Server, name: &str, body: &Value) -> Answer {
    server.send(&format!("PUT /api/v1/variables/{name}"), &body.to_string(), &[]).await
}

fn config(value: impl Into<Value>) -> Value {
    json!({ "kind": "config", "value": value.into() })
}

fn secret(value: impl Into<Value>) -> Value {
    json!({ "kind": "secret", "value": value.into() })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_value_is_a_new_version() {
    let server = Server::start().await;
    let first = put(&server, "price-limit", &config(json!({ "b": 1, "a": [1.5, null] }))).await;
    assert_eq!(first.etag.as_deref(), Some("\"1\""));
    assert_eq!(first.expect(201)["version"], 1);
    let same = put(&server, "price-limit", &config(json!({ "b": 1, "a": [1.5, null] }))).await.expect(200);
    assert_eq!((&same["version"], &same["unchanged"]), (&json!(1), &json!(true)));
    assert_eq!(put(&server, "price-limit", &config("text")).await.expect(200)["version"], 2);
    let shown = server.get("/api/v1/variables/price-limit").await;
    assert_eq!(shown.etag.as_deref(), Some("\"2\""));
    let shown = shown.expect(200);
    assert_eq!((&shown["value"], &shown["kind"]), (&json!("text"), &json!("config")));
    assert!(shown["updatedAt"].as_str().is_some_and(|at| at.ends_with('Z')), "{shown}");
    assert_eq!(server.send("DELETE /api/v1/variables/price-limit", "", &[]).await.status, 204);
    let gone = server.get("/api/v1/variables/price-limit").await.expect(404);
    assert_eq!(gone["code"], "TN0040");
    assert_eq!(
        server.send("DELETE /api/v1/variables/price-limit", "", &[]).await.expect(404)["code"],
        "TN0040"
    );
    assert_eq!(put(&server, "price-limit", &config("text")).await.expect(200)["version"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_has_the_value_of_a_secret() {
    let server = Server::start().await;
    let mut answers = Vec::new();
    answers.push(put(&server, "key", &secret(SECRET)).await.expect(201));
    let same = put(&server, "key", &secret(SECRET)).await.expect(200);
    assert_eq!(same["unchanged"], true);
    answers.push(same);
    answers.push(put(&server, "key", &config(SECRET)).await.expect(409));
    answers.push(put(&server, "key", &json!({ "kind": "secret", "valeu": SECRET })).await.expect(422));
    answers.push(put(&server, "key", &json!({ "kind": SECRET, "value": 1 })).await.expect(422));
    answers.push(
        server.send("PUT /api/v1/variables/key", &format!("{{\"kind\": {SECRET}"), &[]).await.expect(400),
    );
    answers.push(put(&server, "key?dryRun=true", &secret(SECRET)).await.expect(422));
    answers.push(put(&server, "key?dryRun=true", &json!({ "kind": "secret" })).await.expect(200));
    answers.push(server.get("/api/v1/variables/key").await.expect(200));
    answers.push(server.get("/api/v1/variables").await.expect(200));
    answers.push(server.get("/api/v1/audit").await.expect(200));
    for answer in &answers {
        assert!(!answer.to_string().contains(SECRET), "{answer}");
    }
    let shown = &answers[8];
    assert_eq!((&shown["kind"], &shown["version"], shown.get("value")), (&json!("secret"), &json!(1), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_stays() {
    let server = Server::start().await;
    put(&server, "x", &secret(1)).await.expect(201);
    let refused = put(&server, "x", &config(1)).await.expect(409);
    assert_eq!(refused["code"], "TN0042");
    assert!(
        refused["hint"].as_str().is_some_and(|hint| hint.contains("tenon variable delete x")),
        "{refused}"
    );
    assert_eq!(put(&server, "x?dryRun=true", &config(1)).await.expect(409)["code"], "TN0042");
    assert_eq!(server.send("DELETE /api/v1/variables/x", "", &[]).await.status, 204);
    put(&server, "x", &config(1)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_updates_are_conflicts() {
    let server = Server::start().await;
    let line = "PUT /api/v1/variables/x";
    let send = async |value: i64, header: (&str, &str)| {
        server.send(line, &config(value).to_string(), &[header]).await
    };
    assert_eq!(send(1, ("if-match", "\"1\"")).await.expect(409)["code"], "TN0021");
    send(1, ("if-none-match", "*")).await.expect(201);
    assert_eq!(send(2, ("if-none-match", "*")).await.expect(409)["code"], "TN0021");
    let stale = send(2, ("if-match", "\"7\"")).await.expect(409);
    assert!(stale["detail"].as_str().is_some_and(|detail| detail.contains("version 1, not 7")), "{stale}");
    assert_eq!(send(2, ("if-match", "one")).await.expect(400)["code"], "TN0022");
    send(2, ("if-match", "\"1\"")).await.expect(200);
    let delete = "DELETE /api/v1/variables/x";
    server.send(delete, "", &[("if-match", "\"1\"")]).await.expect(409);
    assert_eq!(server.send(delete, "", &[("if-match", "\"2\"")]).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_a_variable_says_why() {
    let server = Server::start().await;
    for (body, detail) in [
        (json!([1]), "not an object"),
        (json!({ "value": 1 }), "`kind` must be"),
        (json!({ "kind": "Secret", "value": 1 }), "`kind` must be"),
        (json!({ "kind": "config" }), "`value` is missing"),
        (json!({ "kind": "config", "value": 1, "note": 1 }), "unknown field `note`"),
        (config("x".repeat(64 << 10)), "65538 bytes"),
    ] {
        let refused = put(&server, "x", &body).await.expect(422);
        assert_eq!(refused["code"], "TN0041");
        assert!(refused["detail"].as_str().is_some_and(|found| found.contains(detail)), "{refused}");
    }
    let misspelt = put(&server, "x", &json!({ "kind": "config", "valeu": 1 })).await.expect(422);
    assert_eq!(misspelt["hint"], "did you mean `value`?");
    put(&server, "x", &config("x".repeat((64 << 10) - 2))).await.expect(201);
    let long = "x".repeat(129);
    for name in ["a%2Fb", "a%20b", "%C3%A4", "a:b", long.as_str()] {
        assert_eq!(put(&server, name, &config(1)).await.expect(422)["code"], "TN0041", "{name}");
    }
    put(&server, &"x".repeat(128), &config(1)).await.expect(201);
    server.get("/api/v1/variables?kind=config").await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_paged_and_show_configuration() {
    let server = Server::start().await;
    for (name, body) in [("a", config(1)), ("b", secret(2)), ("c", config(json!([3])))] {
        put(&server, name, &body).await.expect(201);
    }
    let first = server.get("/api/v1/variables?limit=2").await.expect(200);
    let shown = |item: &Value| (item["name"].clone(), item["kind"].clone(), item.get("value").cloned());
    let items: Vec<_> = first["items"].as_array().expect("items").iter().map(shown).collect();
    assert_eq!(items, [(json!("a"), json!("config"), Some(json!(1))), (json!("b"), json!("secret"), None)]);
    let next = first["next"].as_str().expect("more");
    let second = server.get(&format!("/api/v1/variables?limit=2&cursor={next}")).await.expect(200);
    assert_eq!((&second["items"][0]["value"], &second["next"]), (&json!([3]), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_changes_nothing() {
    let server = Server::start().await;
    let plan = async |body: Value| put(&server, "x?dryRun=true", &body).await.expect(200);
    assert_eq!(plan(config(1)).await["change"], "create");
    assert_eq!(plan(json!({ "kind": "secret" })).await["change"], "missing");
    server.get("/api/v1/variables/x").await.expect(404);
    let written = put(&server, "x", &config(1)).await.expect(201);
    let same = plan(config(1)).await;
    assert_eq!((&same["change"], &same["current"]["digest"]), (&json!("none"), &written["digest"]));
    let update = plan(config(2)).await;
    assert_eq!(update["change"], "update");
    assert_eq!(update["current"]["document"], json!({ "kind": "config", "value": 1 }));
    assert_eq!(server.get("/api/v1/variables/x").await.expect(200)["value"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_leaves_a_record() {
    let server = Server::start().await;
    put(&server, "key", &secret(SECRET)).await.expect(201);
    server.send("DELETE /api/v1/variables/key", "", &[]).await;
    let audit = server.get("/api/v1/audit").await.expect(200);
    let actions: Vec<_> =
        audit["items"].as_array().expect("items").iter().map(|item| &item["action"]).collect();
    assert_eq!(actions, ["variable.delete", "variable.put"]);
    assert_eq!(audit["items"][1]["subject"], "key");
}

/// A workflow that reads a secret in a header and a variable in the body.
const READER: &str = "use: {secrets: [api-key]}
do:
  - call:
      call: http
      with:
        method: post
        endpoint: http://127.0.0.1:1/
        headers: {x-key: '${ $secrets[\"api-key\"] }'}
        body: {limit: {$variable: price-limit}}
";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_workflow_reads_and_does_not_exist_is_advice() {
    let server = Server::start().await;
    let line = "PUT /api/v1/workflows/acme/reader";
    let codes = |answer: &Value| -> Vec<(String, String)> {
        let text = |finding: &Value, member: &str| finding[member].as_str().unwrap_or_default().to_owned();
        let findings = answer["diagnostics"].as_array().expect("diagnostics").iter();
        findings
            .filter(|finding| text(finding, "code").starts_with("TN005"))
            .map(|finding| (text(finding, "code"), text(finding, "pointer")))
            .collect()
    };
    let expected = |code: &str, pointer: &str| (code.to_owned(), pointer.to_owned());
    let (declared, read) = ("/use/secrets/0", "/do/0/call/with/body/limit");
    let planned =
        server.send(&format!("{line}?dryRun=true"), &workflow("reader", READER), &[]).await.expect(200);
    assert_eq!(codes(&planned), [expected("TN0050", declared), expected("TN0050", read)], "{planned}");
    let applied = server.send(line, &workflow("reader", READER), &[]).await.expect(201);
    assert_eq!(codes(&applied), [expected("TN0050", declared), expected("TN0050", read)]);
    let finding =
        applied["diagnostics"].as_array().expect("diagnostics").iter().find(|f| f["code"] == "TN0050");
    assert_eq!(finding.expect("one")["severity"], "warning");

    put(&server, "api-key", &config(1)).await.expect(201);
    put(&server, "price-limit", &config(1)).await.expect(201);
    let again = server.send(line, &workflow("reader", READER), &[]).await.expect(200);
    assert_eq!(codes(&again), [expected("TN0051", declared)], "also for what is unchanged");
    server.send("DELETE /api/v1/variables/api-key", "", &[]).await;
    put(&server, "api-key", &secret(1)).await.expect(200);
    let again = server.send(line, &workflow("reader", READER), &[]).await.expect(200);
    assert_eq!(codes(&again), []);
}
