//! Plan and apply against given answers: differences, nothing sent where something is wrong, drift.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fake_server::FakeServer;
use crate::sandbox::Sandbox;

const OLD: &str = "document: { dsl: '1.0.3', namespace: shop, name: orders, version: '1.0.0' }\ndo:\n  - total:\n      set: { total: 1 }\n";
const NEW: &str = "document: { dsl: '1.0.3', namespace: shop, name: orders, version: '1.1.0' }\ndo:\n  - first:\n      set: { a: 1 }\n  - total:\n      set: { total: 2 }\n";
const TRIGGER: &str = "kind: webhook\npath: shop/orders\nauth: { kind: none }\n";

const WORKFLOW_PATH: &str = "/api/v1/workflows/shop/orders";
const TRIGGER_PATH: &str = "/api/v1/triggers/shop";

fn project(server: &FakeServer, workflow: &str) -> Sandbox {
    let sandbox = Sandbox::with(server);
    sandbox.write("tenon.yaml", "name: shop\nworkspace: team\n");
    sandbox.write("workflows/orders.yaml", workflow);
    sandbox.write("triggers/shop.yaml", TRIGGER);
    sandbox.write("README.md", "notes");
    sandbox
}

fn dry(path: &str) -> String {
    format!("{path}?dryRun=true")
}

fn current(revision: u64, document: &str) -> Value {
    json!({ "change": "update", "current": { "revision": revision, "digest": format!("d{revision}"), "document": document }, "diagnostics": [] })
}

fn saved(revision: u64) -> Value {
    json!({ "revision": revision, "digest": format!("d{revision}"), "unchanged": false, "diagnostics": [] })
}

const CREATE: fn() -> Value = || json!({ "change": "create", "current": null, "diagnostics": [] });
const SAME: fn() -> Value =
    || json!({ "change": "none", "current": { "revision": 1, "digest": "d1" }, "diagnostics": [] });

#[test]
fn plan_shows_each_changed_member() {
    let server = FakeServer::start();
    server.on("PUT", &dry(WORKFLOW_PATH), current(3, OLD)).on("PUT", &dry(TRIGGER_PATH), CREATE());
    let sandbox = project(&server, NEW);
    assert_snapshot!("plan", sandbox.run(&["plan"]));
    assert_snapshot!("plan_json", sandbox.run(&["plan", ".", "--output", "json"]));
    assert!(server.lines().iter().all(|line| line.ends_with("?dryRun=true")), "plan changes nothing");
    assert_eq!(server.asked()[0].header("tenon-workspace"), Some("team"));
    assert_eq!(server.asked()[0].body, NEW);
}

#[test]
fn apply_sends_what_the_plan_saw() {
    let server = FakeServer::start();
    server.on("PUT", &dry(WORKFLOW_PATH), current(3, OLD)).on("PUT", &dry(TRIGGER_PATH), CREATE());
    server.on("PUT", WORKFLOW_PATH, saved(4)).answer("PUT", TRIGGER_PATH, 201, saved(1));
    let sandbox = project(&server, NEW);
    assert_snapshot!("apply", sandbox.run(&["apply"]));
    let asked = server.asked();
    let sent: Vec<_> = asked.iter().filter(|asked| !asked.line.contains("dryRun")).collect();
    assert_eq!(sent[0].line, format!("PUT {WORKFLOW_PATH}"));
    assert_eq!(sent[0].header("if-match"), Some("\"3\""));
    assert_eq!(sent[1].line, format!("PUT {TRIGGER_PATH}"));
    assert_eq!(sent[1].header("if-none-match"), Some("*"));
}

#[test]
fn a_second_apply_sends_nothing() {
    let server = FakeServer::start();
    server.on("PUT", &dry(WORKFLOW_PATH), SAME()).on("PUT", &dry(TRIGGER_PATH), SAME());
    let sandbox = project(&server, NEW);
    assert_snapshot!("apply_again", sandbox.run(&["apply"]));
    assert!(server.lines().iter().all(|line| line.ends_with("?dryRun=true")));
}

#[test]
fn drift_is_a_conflict_until_the_files_may_win() {
    let server = FakeServer::start();
    server.on("PUT", &dry(TRIGGER_PATH), SAME());
    // Applied from here; then somebody made revision 5 of it.
    server.on("PUT", &dry(WORKFLOW_PATH), current(3, OLD)).on("PUT", &dry(WORKFLOW_PATH), current(5, OLD));
    server.on("PUT", WORKFLOW_PATH, saved(4)).on("PUT", WORKFLOW_PATH, saved(6));
    let sandbox = project(&server, NEW);
    assert_eq!(sandbox.run(&["apply"]).exit, Some(0));
    let before = server.asked().len();
    assert_snapshot!("drift", sandbox.run(&["apply"]));
    assert!(server.lines()[before..].iter().all(|line| line.ends_with("?dryRun=true")), "nothing is sent");
    assert_snapshot!("drift_plan", sandbox.run(&["plan"]));
    assert_snapshot!("drift_overwrite", sandbox.run(&["apply", "--overwrite"]));
    let last = server.asked().pop().expect("asked");
    assert_eq!(last.header("if-match"), Some("\"5\""));
}

#[test]
fn a_race_is_a_conflict() {
    let server = FakeServer::start();
    server.on("PUT", &dry(WORKFLOW_PATH), current(3, OLD)).on("PUT", &dry(TRIGGER_PATH), SAME());
    let problem = json!({ "detail": "the workflow is at revision 4, not 3", "code": "TN0109" });
    server.answer("PUT", WORKFLOW_PATH, 409, problem);
    assert_snapshot!("race", project(&server, NEW).run(&["apply"]));
}

#[test]
fn one_bad_file_keeps_all_from_being_sent() {
    let server = FakeServer::start();
    let problem = json!({
        "detail": "the document has 1 error", "code": "TN0110",
        "diagnostics": [{
            "code": "TN1010", "severity": "error", "pointer": "/do/0/total/sett", "line": 4, "column": 7,
            "message": "unknown field `sett`", "hint": "did you mean `set`?",
        }],
    });
    server.answer("PUT", &dry(WORKFLOW_PATH), 422, problem).on("PUT", &dry(TRIGGER_PATH), CREATE());
    assert_snapshot!("refused", project(&server, NEW).run(&["apply"]));
    assert!(server.lines().iter().all(|line| line.ends_with("?dryRun=true")));
}

#[test]
fn what_is_not_understood_is_refused_before_anything_is_asked() {
    let server = FakeServer::start();
    let refused = |files: &[(&str, &str)]| {
        let sandbox = Sandbox::with(&server);
        sandbox.write("workflows/orders.yaml", OLD);
        for (path, text) in files {
            sandbox.write(path, text);
        }
        sandbox.run(&["apply"])
    };
    assert_snapshot!("later_folder", refused(&[("functions/total.ts", "export {}")]));
    assert_snapshot!("misspelt_folder", refused(&[("workflow/orders.yaml", OLD)]));
    assert_snapshot!("stray_file", refused(&[("orders.yaml", OLD)]));
    assert_snapshot!("unknown_file", refused(&[("workflows/orders.ts", "export {}")]));
    assert_snapshot!("twice", refused(&[("workflows/again.yaml", OLD)]));
    assert_snapshot!("unnamed", refused(&[("workflows/unnamed.yaml", "do: []\n")]));
    assert_snapshot!("broken", refused(&[("workflows/broken.yaml", "a: [\n")]));
    assert!(server.asked().is_empty());
}

#[test]
fn an_empty_directory_is_no_project() {
    assert_snapshot!("empty", Sandbox::new().run(&["plan"]));
    assert_snapshot!("missing", Sandbox::new().run(&["plan", "nowhere"]));
}

#[test]
fn single_files_are_known_by_folder_or_content() {
    let server = FakeServer::start();
    server.on("PUT", &dry(WORKFLOW_PATH), CREATE()).on("PUT", &dry(TRIGGER_PATH), CREATE());
    let sandbox = Sandbox::with(&server);
    sandbox.write("elsewhere/any.yaml", OLD);
    sandbox.write("triggers/shop.yaml", TRIGGER);
    assert_snapshot!("files", sandbox.run(&["plan", "elsewhere/any.yaml", "triggers/shop.yaml"]));
}
