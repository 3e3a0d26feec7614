//! Workflows and triggers: put, plan, show, versions, enable, disable, delete, and what is refused.

use serde_json::json;

use crate::server::{Server, workflow};

const ONE: &str = "do: [{a: {set: {n: 1}}}]";
const TWO: &str = "do: [{a: {set: {n: 2}}}]";

#[tokio::test(flavor = "multi_thread")]
async fn content_makes_revisions_and_the_same_content_none() {
    let server = Server::start().await;
    let first = server.deploy("w", ONE).await;
    assert_eq!(first.etag.as_deref(), Some("\"1\""));
    assert_eq!(first.expect(201)["revision"], 1);
    assert_eq!(server.deploy("w", ONE).await.expect(200)["unchanged"], true);
    let second = server.deploy("w", TWO).await.expect(200);
    assert_eq!((&second["revision"], &second["unchanged"]), (&json!(2), &json!(false)));
    let shown = server.get("/api/v1/workflows/acme/w").await.expect(200);
    assert_eq!(shown["document"], workflow("w", TWO));
    let older = server.get("/api/v1/workflows/acme/w?revision=1").await.expect(200);
    assert_eq!(older["document"], workflow("w", ONE));
    let versions = server.get("/api/v1/workflows/acme/w/versions").await.expect(200);
    assert_eq!(versions["items"].as_array().map(Vec::len), Some(2));
    let audit = server.get("/api/v1/audit").await.expect(200);
    assert_eq!(audit["items"].as_array().map(Vec::len), Some(2), "every change leaves a record: {audit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_changes_nothing() {
    let server = Server::start().await;
    let line = "PUT /api/v1/workflows/acme/w?dryRun=true";
    let plan = async |rest: &str| server.send(line, &workflow("w", rest), &[]).await.expect(200);
    assert_eq!(plan(ONE).await["change"], "create");
    server.get("/api/v1/workflows/acme/w").await.expect(404);
    server.deploy("w", ONE).await.expect(201);
    assert_eq!(plan(ONE).await["change"], "none");
    assert_eq!(plan(TWO).await["change"], "update");
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_updates_are_conflicts() {
    let server = Server::start().await;
    server.deploy("w", ONE).await.expect(201);
    let line = "PUT /api/v1/workflows/acme/w";
    let three = workflow("w", "do: [{a: {set: {n: 3}}}]");
    let problem = server.send(line, &three, &[("if-match", "\"7\"")]).await.expect(409);
    assert_eq!(problem["code"], "TN0021");
    server.send(line, &three, &[("if-none-match", "*")]).await.expect(409);
    server.send(line, &three, &[("if-match", "\"1\"")]).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_document_is_refused_with_places_and_the_one_before_stays() {
    let server = Server::start().await;
    server.deploy("w", ONE).await.expect(201);
    let problem = server.deploy("w", "do: [{a: {sett: {n: 1}}}]").await.expect(422);
    let finding = &problem["diagnostics"][0];
    assert_eq!(finding["pointer"], "/do/0/a/sett", "{problem}");
    assert_eq!(finding["line"], 2);
    assert!(finding["hint"].as_str().is_some_and(|hint| hint.contains("`set`")), "{finding}");
    assert_eq!(server.get("/api/v1/workflows/acme/w").await.expect(200)["revision"], 1);
    let other = server.send("PUT /api/v1/workflows/acme/other", &workflow("w", ONE), &[]).await;
    assert_eq!(other.expect(400)["code"], "TN0022");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_the_linter_refuse_and_warnings_are_told() {
    let server = Server::start().await;
    let problem = server.deploy("w", "do: [{a: {set: '${ 1 + \"a\" }', then: continue}}]").await.expect(422);
    let codes = |answer: &serde_json::Value| -> Vec<String> {
        let list = answer["diagnostics"].as_array().expect("a list").iter();
        list.map(|finding| format!("{} {}", finding["code"], finding["severity"])).collect()
    };
    assert_eq!(codes(&problem), [r#""TN1530" "error""#], "{problem}");
    let told = server.deploy("w", "do: [{a: {if: 'true', set: {n: 1}, then: continue}}]").await.expect(201);
    assert_eq!(codes(&told), [r#""TN1514" "warning""#], "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_workflow_starts_nothing_and_a_deleted_one_is_gone() {
    let server = Server::start().await;
    server.deploy("w", ONE).await.expect(201);
    server.post("/run/default/acme/w", "{}").await.expect(202);
    let disabled = server.post("/api/v1/workflows/acme/w/disable", "").await.expect(200);
    assert_eq!(disabled["enabled"], false);
    server.post("/run/default/acme/w", "{}").await.expect(409);
    server.post("/api/v1/workflows/acme/w/enable", "").await.expect(200);
    server.post("/run/default/acme/w", "{}").await.expect(202);
    assert_eq!(server.send("DELETE /api/v1/workflows/acme/w", "", &[]).await.status, 204);
    server.post("/run/default/acme/w", "{}").await.expect(404);
    server.get("/api/v1/workflows/acme/w").await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_is_listed_with_its_address() {
    let server = Server::start().await;
    let trigger = "kind: webhook\npath: shop/orders\nauth: {kind: none}\nemits: {type: com.acme.order}\n";
    server.send("PUT /api/v1/triggers/orders", trigger, &[]).await.expect(201);
    let list = server.get("/api/v1/triggers").await.expect(200);
    assert_eq!(list["items"][0]["url"], "/hooks/default/shop/orders");
    assert_eq!(list["items"][0]["kind"], "webhook");
    let accepted = server.post("/hooks/default/shop/orders", "{\"id\":1}").await.expect(202);
    let event = accepted["event"].as_str().expect("an id");
    let shown = server.get(&format!("/api/v1/events/{event}")).await.expect(200);
    assert_eq!((&shown["type"], &shown["data"]), (&json!("com.acme.order"), &json!({"id": 1})));
    let misspelt = trigger.replace("path", "pfad");
    let problem = server.send("PUT /api/v1/triggers/orders", &misspelt, &[]).await.expect(422);
    assert_eq!(problem["diagnostics"][0]["line"], 2, "{problem}");
}

/// A webhook on a path; `rest` may name its methods.
fn webhook(path: &str, rest: &str) -> String {
    format!("kind: webhook\npath: {path}\nauth: {{kind: none}}\nemits: {{type: com.acme.order}}\n{rest}")
}

#[tokio::test(flavor = "multi_thread")]
async fn two_triggers_do_not_answer_the_same_requests() {
    let server = Server::start().await;
    let put = async |name: &str, document: &str| {
        server.send(&format!("PUT /api/v1/triggers/{name}"), document, &[]).await
    };
    let posts = webhook("shop/orders", "methods: [POST]\n");
    put("first", &posts).await.expect(201);
    for (document, what) in [
        (posts.clone(), "the same method"),
        (webhook("shop/orders", "methods: [GET, POST]\n"), "one method of two"),
        (webhook("shop/orders", ""), "the default methods"),
    ] {
        let problem = put("second", &document).await.expect(409);
        assert_eq!(problem["code"], "TN0021", "{what}");
        let detail = problem["detail"].as_str().expect("a detail");
        assert!(detail.contains("`first`") && detail.contains("POST"), "{what}: {detail}");
        let plan = server.send("PUT /api/v1/triggers/second?dryRun=true", &document, &[]).await;
        assert_eq!(plan.expect(409)["code"], "TN0021", "{what}: a plan says so already");
    }
    server.get("/api/v1/triggers/second").await.expect(404);
    put("second", &webhook("shop/orders", "methods: [PUT]\n")).await.expect(201);
    put("third", &webhook("shop/returns", "methods: [POST]\n")).await.expect(201);
    put("first", &webhook("shop/orders", "methods: [POST, PATCH]\n")).await.expect(200);
    assert_eq!(put("first", &webhook("shop/orders", "methods: [PUT]\n")).await.expect(409)["code"], "TN0021");
    assert_eq!(server.send("DELETE /api/v1/triggers/first", "", &[]).await.status, 204);
    put("fourth", &posts).await.expect(201);
    let accepted = server.post("/hooks/default/shop/orders", "{}").await.expect(202);
    assert!(accepted["event"].is_string(), "{accepted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_has_no_slash_however_it_is_written() {
    let server = Server::start().await;
    let trigger = webhook("shop/orders", "");
    let long = "x".repeat(101);
    for name in ["a%2Fb", "a%2fb", "%2E%2E%2Fb", "a%20b", "a%00b", "a%3Fb", "%C3%A4", long.as_str()] {
        let problem = server.send(&format!("PUT /api/v1/triggers/{name}"), &trigger, &[]).await.expect(400);
        assert_eq!(problem["code"], "TN0022", "{name}");
        server.get(&format!("/api/v1/triggers/{name}")).await.expect(400);
        let line = format!("PUT /api/v1/workflows/acme/{name}");
        assert_eq!(server.send(&line, ONE, &[]).await.expect(400)["code"], "TN0022", "{name}");
    }
    assert_eq!(server.get("/api/v1/triggers").await.expect(200)["items"], json!([]));
    let longest = "x".repeat(100);
    server.send(&format!("PUT /api/v1/triggers/{longest}"), &trigger, &[]).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_paged_and_parameters_are_checked() {
    let server = Server::start().await;
    for name in ["a", "b", "c"] {
        server.deploy(name, ONE).await.expect(201);
    }
    let first = server.get("/api/v1/workflows?limit=2").await.expect(200);
    let names = |page: &serde_json::Value| {
        let items = page["items"].as_array().expect("items").clone();
        items.iter().map(|item| item["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&first), ["a", "b"]);
    let next = first["next"].as_str().expect("more");
    let second = server.get(&format!("/api/v1/workflows?limit=2&cursor={next}")).await.expect(200);
    assert_eq!(names(&second), ["c"]);
    for bad in ["limit=0", "limit=x", "state=done", "nonsense=1"] {
        assert_eq!(server.get(&format!("/api/v1/jobs?{bad}")).await.expect(400)["code"], "TN0022", "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_without_the_key() {
    let server = Server::start().await;
    for path in ["/api/v1/workflows", "/api/v1/jobs", "/api/v1/stream", "/api/v1/doctor", "/metrics"] {
        let answer = server.send(&format!("GET {path}"), "", &[("authorization", "Bearer tn_wrong")]).await;
        assert_eq!(answer.status, 401, "{path}");
    }
}
