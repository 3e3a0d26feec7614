//! Webhooks that a poller is woken by: those of the same project are there in the end, whatever comes first.

use serde_json::{Value, json};

use crate::fake_server::FakeServer;
use crate::sandbox::Sandbox;

const POLLER: &str = "kind: poll\nevery: PT1H\nwokenBy: [crm/changed, crm/other]\n";
const HOOK: &str = "kind: webhook\npath: crm/changed\nauth: none\n";

fn missing(path: &str) -> Value {
    let message = format!("no enabled webhook of this workspace has the path `{path}`");
    json!({
        "code": "TN0054", "severity": "warning", "pointer": "/wokenBy", "line": 3, "column": 1,
        "message": message, "hint": null,
    })
}

/// What is said of the poller when its project is planned or applied.
#[track_caller]
fn check(command: &str, change: &str) {
    let server = FakeServer::start();
    let found = json!([missing("crm/changed"), missing("crm/other")]);
    let current = json!({ "revision": 1, "digest": "d1", "document": "x" });
    let current = if change == "none" { current } else { Value::Null };
    let poller = json!({ "change": change, "current": current, "diagnostics": found });
    let hook = json!({ "change": "create", "current": null, "diagnostics": [] });
    server.on("PUT", "/api/v1/triggers/contacts?dryRun=true", poller);
    server.on("PUT", "/api/v1/triggers/crm-hook?dryRun=true", hook);
    let saved = json!({ "revision": 1, "digest": "d1", "diagnostics": found });
    server.on("PUT", "/api/v1/triggers/contacts", saved);
    server.on(
        "PUT",
        "/api/v1/triggers/crm-hook",
        json!({ "revision": 1, "digest": "d2", "diagnostics": [] }),
    );
    let sandbox = Sandbox::with(&server);
    sandbox.write("triggers/contacts.yaml", POLLER);
    sandbox.write("triggers/crm-hook.yaml", HOOK);
    let ran = sandbox.run(&[command]).to_string();
    assert!(!ran.contains("`crm/changed`"), "{command} {change}: the project makes it: {ran}");
    assert!(ran.contains("`crm/other`"), "{command} {change}: nobody makes it: {ran}");
}

#[test]
fn only_webhooks_that_nobody_makes_are_missing() {
    for command in ["plan", "apply"] {
        for change in ["create", "none"] {
            check(command, change);
        }
    }
}
