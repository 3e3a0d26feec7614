//! Workspaces: what is asked of the server, and what is shown of them.

use serde_json::{Value, json};

use crate::fake_server::FakeServer;
use crate::sandbox::Sandbox;

const SHOP: &str = "/api/v1/workspaces/shop";

fn shop() -> Value {
    let entry = |value: Value, from: &str| json!({ "value": value, "from": from });
    json!({
        "name": "shop", "retention": { "jobs": "P7D", "payloads": null }, "concurrency": null,
        "inForce": {
            "retention": { "jobs": entry("P7D".into(), "workspace"), "payloads": entry(Value::Null, "server") },
            "concurrency": entry(Value::Null, "server"),
        },
    })
}

#[test]
fn what_is_in_force_is_shown_with_who_says_so() {
    let server = FakeServer::start();
    server.on("GET", SHOP, shop());
    server.on("GET", "/api/v1/workspaces", json!({ "items": [shop()], "next": null }));
    let sandbox = Sandbox::with(&server);
    let check = |arguments: &[&str], expected: &[&str]| {
        let ran = sandbox.run(arguments);
        let lines: Vec<String> =
            ran.stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(
            (ran.exit, lines),
            (Some(0), expected.iter().map(|line| (*line).to_owned()).collect()),
            "{ran}"
        );
    };
    let held = [
        "SETTING VALUE FROM",
        "retention.jobs P7D workspace",
        "retention.payloads as long as the job server",
        "concurrency no limit server",
    ];
    check(&["workspace", "show", "shop"], &held);
    check(&["workspace", "list"], &["NAME JOBS KEPT PAYLOADS KEPT CONCURRENCY", "shop P7D - -"]);
}

#[test]
fn only_what_is_named_is_sent() {
    let check = |arguments: &[&str], expected: Value| {
        let server = FakeServer::start();
        server.on("GET", SHOP, shop());
        server.on("PUT", SHOP, shop());
        let ran = Sandbox::with(&server).run(&[&["workspace"], arguments].concat());
        assert_eq!(ran.exit, Some(0), "{ran}");
        let asked = server.asked().pop().expect("it was asked");
        assert_eq!(asked.line, format!("PUT {SHOP}"));
        let body = if asked.body.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&asked.body).expect("JSON")
        };
        assert_eq!(body, expected, "{arguments:?}");
    };
    check(&["create", "shop"], Value::Null);
    check(&["create", "shop", "--concurrency", "20"], json!({ "concurrency": 20 }));
    check(&["set", "shop", "--retain-payloads", "P1D"], json!({ "retention": { "payloads": "P1D" } }));
    check(
        &["set", "shop", "--retain-jobs", "P9D", "--retain-payloads", "default", "--concurrency", "default"],
        json!({ "retention": { "jobs": "P9D", "payloads": null }, "concurrency": null }),
    );
}

#[test]
fn what_cannot_be_set_is_not_sent() {
    let server = FakeServer::start();
    let missing = json!({ "status": 404, "code": "TN0023", "detail": "there is no workspace `shop`" });
    server.answer("GET", SHOP, 404, missing);
    let sandbox = Sandbox::with(&server);
    let check = |arguments: &[&str], exit: i32, expected: &str| {
        let ran = sandbox.run(&[&["workspace", "set", "shop"], arguments].concat());
        assert!(ran.exit == Some(exit) && ran.stderr.contains(expected), "{ran}");
    };
    check(&[], 2, "nothing is to be set");
    check(&["--concurrency", "many"], 2, "`default`");
    check(&["--concurrency", "7"], 4, "there is no workspace `shop`");
    assert!(
        server.asked().iter().all(|asked| asked.line.starts_with("GET ")),
        "a misspelt name makes nothing"
    );
}
