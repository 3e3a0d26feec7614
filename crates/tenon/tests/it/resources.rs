//! Workflows, triggers and events against given answers: what is printed, and what was asked.

use insta::assert_snapshot;
use serde_json::json;

use crate::fake_server::FakeServer;
use crate::sandbox::Sandbox;

fn workflow() -> serde_json::Value {
    json!({
        "namespace": "shop", "name": "orders", "version": "1.0.0", "revision": 3, "digest": "sha256:abcd",
        "enabled": true, "updatedAt": "2026-11-21T18:00:00.123456Z", "title": "Orders to the CRM",
    })
}

fn trigger() -> serde_json::Value {
    json!({
        "name": "shop", "kind": "webhook", "revision": 1, "digest": "sha256:ef01", "enabled": false,
        "updatedAt": "2026-11-21T18:00:00Z", "url": "/hooks/default/shop/orders",
    })
}

#[test]
fn workflow_list() {
    let server = FakeServer::start();
    let page = json!({ "items": [workflow()], "next": "c2" });
    server.on("GET", "/api/v1/workflows?limit=50", page.clone());
    server.on("GET", "/api/v1/workflows?limit=1&cursor=c1", page);
    let sandbox = Sandbox::with(&server);
    assert_snapshot!(sandbox.run(&["workflow", "list"]));
    assert_snapshot!(
        "workflow_list_yaml",
        sandbox.run(&["workflow", "list", "--limit", "1", "--cursor", "c1", "-o", "yaml"])
    );
    assert_eq!(server.asked()[0].header("tenon-workspace"), Some("default"));
}

#[test]
fn an_empty_list_says_so_beside_the_data() {
    let server = FakeServer::start();
    server.on("GET", "/api/v1/triggers?limit=50", json!({ "items": [], "next": null }));
    assert_snapshot!(Sandbox::with(&server).run(&["trigger", "list"]));
}

#[test]
fn workflow_show_and_versions() {
    let server = FakeServer::start();
    let mut shown = workflow();
    shown["document"] = json!("document:\n  name: orders\ndo: []\n");
    server.on("GET", "/api/v1/workflows/shop/orders?revision=3", shown);
    server.on(
        "GET",
        "/api/v1/workflows/shop/orders/versions?limit=50",
        json!({ "items": [workflow()], "next": null }),
    );
    let sandbox = Sandbox::with(&server);
    assert_snapshot!("workflow_show", sandbox.run(&["workflow", "show", "shop/orders", "--revision", "3"]));
    assert_snapshot!("workflow_versions", sandbox.run(&["workflow", "versions", "shop/orders"]));
}

#[test]
fn switches_and_delete() {
    let server = FakeServer::start();
    server.on("POST", "/api/v1/workflows/shop/orders/enable", workflow());
    server.on("POST", "/api/v1/triggers/shop/disable", trigger());
    server.raw(("DELETE", "/api/v1/workflows/shop/orders"), 204, &[], String::new());
    let sandbox = Sandbox::with(&server);
    assert_snapshot!("enable", sandbox.run(&["workflow", "enable", "shop/orders"]));
    assert_snapshot!("disable_json", sandbox.run(&["trigger", "disable", "shop", "--output", "json"]));
    assert_snapshot!("delete", sandbox.run(&["workflow", "delete", "shop/orders"]));
    assert_snapshot!("delete_missing", sandbox.run(&["trigger", "delete", "nobody"]));
}

#[test]
fn trigger_list_and_show() {
    let server = FakeServer::start();
    let mut shown = trigger();
    shown["document"] = json!("kind: webhook\npath: shop/orders\n");
    server.on("GET", "/api/v1/triggers?limit=50", json!({ "items": [trigger()], "next": null }));
    server.on("GET", "/api/v1/triggers/shop", shown);
    server.on("GET", "/api/v1/triggers/shop/notes?limit=10", json!({ "items": [], "next": null }));
    let sandbox = Sandbox::with(&server);
    assert_snapshot!("trigger_list", sandbox.run(&["trigger", "list"]));
    assert_snapshot!("trigger_show", sandbox.run(&["trigger", "show", "shop"]));
}

#[test]
fn a_schedule_is_shown_and_fired() {
    let server = FakeServer::start();
    let mut shown = trigger();
    (shown["kind"], shown["url"], shown["enabled"]) = (json!("schedule"), json!(null), json!(true));
    shown["next"] = json!(["2026-11-22T02:00:00Z", "2026-11-23T02:00:00Z"]);
    shown["state"] = json!({ "last": "2026-11-21T02:00:00Z", "running": [{}], "version": 4 });
    shown["document"] = json!("kind: schedule\ncron: 0 2 * * *\n");
    let detail = json!({ "occurrence": "2026-11-21T02:00:00.000000Z", "jobs": ["job_1"] });
    let note = json!({ "at": "2026-11-21T02:00:00Z", "kind": "fired", "detail": detail });
    server.on("GET", "/api/v1/triggers/shop", shown);
    server.on("GET", "/api/v1/triggers/shop/notes?limit=10", json!({ "items": [note], "next": null }));
    let fired = json!({ "name": "shop", "events": ["ev_1"], "jobs": ["job_1"] });
    server.on("POST", "/api/v1/triggers/shop/fire", fired);
    let sandbox = Sandbox::with(&server);
    assert_snapshot!("schedule_show", sandbox.run(&["trigger", "show", "shop"]));
    assert_snapshot!("trigger_fire", sandbox.run(&["trigger", "fire", "shop"]));
}

#[test]
fn event_send_is_one_structured_cloud_event() {
    let server = FakeServer::start();
    server.answer("POST", "/events/default", 202, json!({ "event": "ev_1", "jobs": ["job_1", "job_2"] }));
    server.answer("POST", "/events/default", 202, json!({ "event": "ev_1", "jobs": [], "duplicate": true }));
    let sandbox = Sandbox::with(&server);
    sandbox.write("order.json", "{\"id\": 7}");
    let args = [
        "event",
        "send",
        "--type",
        "t",
        "--source",
        "/s",
        "--subject",
        "7",
        "--id",
        "x",
        "--data",
        "@order.json",
    ];
    assert_snapshot!("event_send", sandbox.run(&args));
    assert_snapshot!("event_send_duplicate", sandbox.run(&["event", "send", "--type", "t"]));
    let asked = server.asked();
    assert_eq!(asked[0].header("content-type"), Some("application/cloudevents+json; charset=utf-8"));
    let sent: serde_json::Value = serde_json::from_str(&asked[0].body).expect("JSON");
    let expected = json!({
        "specversion": "1.0", "id": "x", "source": "/s", "type": "t", "subject": "7",
        "datacontenttype": "application/json", "data": { "id": 7 },
    });
    assert_eq!(sent, expected);
    let id = |index: usize| {
        serde_json::from_str::<serde_json::Value>(&asked[index].body).expect("JSON")["id"].clone()
    };
    assert_ne!(id(0), id(1), "an event without an id gets a new one");
}

#[test]
fn event_list_and_show() {
    let server = FakeServer::start();
    let event = json!({
        "id": "ev_1", "source": "/shop", "type": "com.acme.order.created", "subject": null,
        "time": "2026-11-21T18:00:00Z", "capturedAt": "2026-11-21T18:00:00.5Z", "duplicates": 2, "jobs": ["job_1"],
    });
    let mut shown = event.clone();
    shown["data"] = json!({ "id": 1 });
    let path = "/api/v1/events?type=com.acme.order.created&since=2026-11-21T00%3A00%3A00Z&limit=50";
    server.on("GET", path, json!({ "items": [event], "next": null }));
    server.on("GET", "/api/v1/events/ev_", shown);
    let sandbox = Sandbox::with(&server);
    let args = ["event", "list", "--type", "com.acme.order.created", "--since", "2026-11-21"];
    assert_snapshot!("event_list", sandbox.run(&args));
    assert_snapshot!("event_show", sandbox.run(&["event", "show", "ev_"]));
}

#[test]
fn workflow_run() {
    let server = FakeServer::start();
    let path = "/run/default/shop/orders";
    server.answer("POST", path, 202, json!({ "job": "job_1" }));
    server.raw(
        ("POST", path),
        200,
        &[("content-type", "application/json"), ("tenon-job", "job_2")],
        "{\"total\":3}".to_owned(),
    );
    server.raw(
        ("POST", path),
        202,
        &[("content-type", "application/json")],
        "{\"job\":\"job_3\"}".to_owned(),
    );
    let fault = json!({ "type": "x/communication", "status": 404, "title": "not there", "detail": "the CRM knows no such order" });
    let headers = [("content-type", "application/problem+json"), ("tenon-job", "job_4")];
    server.raw(("POST", path), 404, &headers, fault.to_string());
    server.on("GET", "/api/v1/jobs/job_3", json!({ "id": "job_3", "state": "running" }));
    let sandbox = Sandbox::with(&server);
    assert_snapshot!("run", sandbox.run(&["workflow", "run", "shop/orders", "--input", "{\"id\":1}"]));
    assert_snapshot!("run_wait", sandbox.run(&["workflow", "run", "shop/orders", "--wait"]));
    assert_snapshot!("run_wait_too_short", sandbox.run(&["workflow", "run", "shop/orders", "--wait=1"]));
    assert_snapshot!("run_faulted", sandbox.run(&["workflow", "run", "shop/orders", "--wait"]));
    let asked = server.asked();
    assert_eq!((asked[0].header("prefer"), asked[0].body.as_str()), (None, "{\"id\":1}"));
    assert_eq!(asked[1].header("prefer"), Some("wait=300"));
    assert_eq!(asked[2].header("prefer"), Some("wait=1"));
}

#[test]
fn a_wrong_key_is_refused_and_its_origin_is_said() {
    let server = FakeServer::start();
    assert_snapshot!(Sandbox::with(&server).run_with(&["job", "list"], &[("TENON_KEY", "tn_wrong")]));
}

#[test]
fn doctor() {
    let server = FakeServer::start();
    server.on("GET", "/api/v1/version", json!({ "version": env!("CARGO_PKG_VERSION"), "semantics": 1 }));
    server.on(
        "GET",
        "/api/v1/doctor",
        json!({
            "checks": [
                { "name": "store", "state": "ok", "detail": "writes take 0.4 ms" },
                { "name": "backup", "state": "warning", "detail": "no backup in 7 days", "hint": "make one" },
            ],
            "disk": { "bytes": 10_485_760, "free": 1_073_741_824, "events": 3, "jobs": 2, "openJobs": 1 },
        }),
    );
    let events = json!({ "kind": "events", "rows": 3, "bytes": 4096, "estimate": false });
    server.on("GET", "/api/v1/doctor/disk", json!({ "parts": [events] }));
    let sandbox = Sandbox::with(&server);
    let ran = sandbox.run_with(&["doctor"], &[("TENON_LISTN", "x")]);
    let checks = ran.stdout.split("\n\n").next().expect("checks").to_owned();
    assert_eq!(ran.exit, Some(0), "{ran}");
    assert_snapshot!(checks);
    assert!(ran.stdout.contains("TENON_SERVER") && ran.stdout.contains("limits.event"), "{ran}");
    assert!(ran.stdout.contains("what the server's disk holds") && ran.stdout.contains("4.0 KiB"), "{ran}");
}

#[test]
fn doctor_without_a_server() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(&["doctor", "--server", "http://127.0.0.1:1"]);
    assert_eq!(ran.exit, Some(6), "{ran}");
    assert!(ran.stdout.contains("✗ error    server: cannot reach http://127.0.0.1:1"), "{ran}");
    assert!(ran.stderr.starts_with("error: 1 thing is wrong\nhint:"), "{ran}");
}
