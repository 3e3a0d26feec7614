//! Variables as files: planned and applied like everything else; secrets by name only.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fake_server::FakeServer;
use crate::sandbox::Sandbox;

const LIMIT: &str = "/api/v1/variables/limit";
const LIMIT_PLAN: &str = "/api/v1/variables/limit?dryRun=true";
const KEY_PLAN: &str = "/api/v1/variables/key?dryRun=true";
const WORKFLOW: &str = "document: { dsl: '1.0.3', namespace: shop, name: orders, version: '1.0.0' }\ndo:\n  - total:\n      set: { total: 1 }\n";
const WORKFLOW_PATH: &str = "/api/v1/workflows/shop/orders";

fn project(server: &FakeServer) -> Sandbox {
    let sandbox = Sandbox::with(server);
    sandbox.write("variables/limit.yaml", "kind: config\nvalue: { eu: 1000, us: 900 }\n");
    sandbox.write("variables/key.yaml", "kind: secret # asked for by the CRM\n");
    sandbox
}

fn answer(change: &str, current: Value) -> Value {
    json!({ "change": change, "current": current, "diagnostics": [] })
}

fn current(version: u32, value: Value) -> Value {
    let document = json!({ "kind": "config", "value": value });
    json!({ "revision": version, "digest": format!("d{version}"), "document": document })
}

fn key(version: u32) -> Value {
    json!({ "revision": version, "digest": null, "document": { "kind": "secret" } })
}

fn saved(version: u32) -> Value {
    json!({ "name": "limit", "kind": "config", "version": version, "digest": format!("d{version}") })
}

#[test]
fn plan_shows_each_changed_member_and_missing_secrets() {
    let server = FakeServer::start();
    server.on("PUT", LIMIT_PLAN, answer("update", current(3, json!({ "eu": 1000, "us": 800 }))));
    server.on("PUT", KEY_PLAN, answer("missing", Value::Null));
    let sandbox = project(&server);
    assert_snapshot!("plan", sandbox.run(&["plan"]));
    assert_snapshot!("plan_json", sandbox.run(&["plan", "--output", "json"]));
    let bodies: Vec<Value> =
        server.asked().iter().map(|asked| serde_json::from_str(&asked.body).expect("JSON")).collect();
    assert_eq!(bodies[0], json!({ "kind": "secret" }));
    assert_eq!(bodies[1], json!({ "kind": "config", "value": { "eu": 1000, "us": 900 } }));
}

#[test]
fn apply_gives_values_and_warns_of_secrets_without() {
    let server = FakeServer::start();
    server.on("PUT", LIMIT_PLAN, answer("create", Value::Null));
    server.on("PUT", KEY_PLAN, answer("missing", Value::Null));
    let etag = [("content-type", "application/json"), ("etag", "\"1\"")];
    server.raw(("PUT", LIMIT), 201, &etag, saved(1).to_string());
    let sandbox = project(&server);
    assert_snapshot!("apply", sandbox.run(&["apply"]));
    let sent: Vec<_> = server.asked().into_iter().filter(|asked| !asked.line.contains("dryRun")).collect();
    assert_eq!(sent.len(), 1, "a file gives no secret a value: {:?}", server.lines());
    assert_eq!(sent[0].line, format!("PUT {LIMIT}"));
    assert_eq!(sent[0].header("if-none-match"), Some("*"));
    assert_eq!(sent[0].header("content-type"), Some("application/json"));
}

#[test]
fn a_second_apply_sends_nothing_and_drift_is_a_conflict() {
    let server = FakeServer::start();
    let value = || json!({ "eu": 1000, "us": 900 });
    server.on("PUT", LIMIT_PLAN, answer("none", current(1, value())));
    server.on("PUT", LIMIT_PLAN, answer("update", current(2, json!("somebody else's"))));
    server.on("PUT", KEY_PLAN, answer("none", key(1))).on("PUT", KEY_PLAN, answer("none", key(2)));
    let etag = [("content-type", "application/json"), ("etag", "\"3\"")];
    server.raw(("PUT", LIMIT), 200, &etag, saved(3).to_string());
    let sandbox = project(&server);
    assert_snapshot!("apply_again", sandbox.run(&["apply"]));
    assert_snapshot!("drift", sandbox.run(&["apply"]));
    assert!(server.lines().iter().all(|line| line.contains("dryRun")), "{:?}", server.lines());
    assert_snapshot!("overwrite", sandbox.run(&["apply", "--overwrite"]));
    assert_eq!(server.asked().last().and_then(|asked| asked.header("if-match")), Some("\"2\""));
}

#[test]
fn what_is_not_understood_is_refused_before_anything_is_asked() {
    let server = FakeServer::start();
    let refused = |text: &str| {
        let sandbox = Sandbox::with(&server);
        sandbox.write("variables/limit.yaml", text);
        sandbox.run(&["apply"])
    };
    assert_snapshot!("unknown_field", refused("kind: config\nvalues: 1\n"));
    assert_snapshot!("secret_in_file", refused("kind: secret\nvalue: hunter2\n"));
    assert_snapshot!("unknown_kind", refused("kind: webhook\nvalue: 1\n"));
    assert!(server.asked().is_empty());
}

#[test]
fn variables_go_first_and_single_files_are_known_by_content() {
    let server = FakeServer::start();
    server.on("PUT", LIMIT_PLAN, answer("create", Value::Null));
    server.on("PUT", &format!("{WORKFLOW_PATH}?dryRun=true"), answer("create", Value::Null));
    let sandbox = Sandbox::with(&server);
    sandbox.write("a/orders.yaml", WORKFLOW);
    sandbox.write("b/limit.yaml", "kind: config\nvalue: 1\n");
    assert_snapshot!("order", sandbox.run(&["plan", "a/orders.yaml", "b/limit.yaml"]));
}

/// The server says that a workflow reads variables that do not exist.
#[test]
fn advice_about_variables_is_shown_unless_the_plan_makes_them() {
    let server = FakeServer::start();
    let finding = |name: &str, line: u32| {
        json!({
            "code": "TN0050", "severity": "warning", "pointer": "/do/0/total", "line": line, "column": 1,
            "message": format!("there is no variable `{name}` in this workspace"), "hint": format!("set {name}"),
        })
    };
    let mut planned = answer("none", json!({ "revision": 1, "digest": "w1", "document": WORKFLOW }));
    planned["diagnostics"] = json!([finding("limit", 3), finding("other", 4)]);
    server.on("PUT", &format!("{WORKFLOW_PATH}?dryRun=true"), planned);
    server.on("PUT", LIMIT_PLAN, answer("create", Value::Null));
    let sandbox = Sandbox::with(&server);
    sandbox.write("workflows/orders.yaml", WORKFLOW);
    sandbox.write("variables/limit.yaml", "kind: config\nvalue: 1\n");
    assert_snapshot!("advice", sandbox.run(&["plan"]));
}
