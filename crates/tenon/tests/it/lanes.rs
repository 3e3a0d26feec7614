//! Lanes, and events that nobody wanted, against given answers.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fake_server::FakeServer;
use crate::sandbox::Sandbox;

fn lane(key: &str, state: &str) -> Value {
    json!({
        "workflow": { "namespace": "bank", "name": "book" }, "key": key, "length": 12, "head": "job_01J9",
        "state": state, "parked": state == "suspended", "since": "2026-11-21T18:00:00Z", "ageSeconds": 4210,
        "wakeAt": if state == "waiting" { json!("2026-11-21T20:00:00Z") } else { Value::Null },
    })
}

#[test]
fn lane_list() {
    let server = FakeServer::start();
    let items = json!([lane("A-2", "suspended"), lane("a key with blanks", "running")]);
    let path = "/api/v1/lanes?workflow=bank%2Fbook&limit=50";
    server.on("GET", path, json!({ "items": items, "next": null, "complete": true }));
    let path = "/api/v1/lanes?state=suspended&limit=1";
    server.on("GET", path, json!({ "items": [lane("A-2", "suspended")], "next": "7", "complete": true }));
    let path = "/api/v1/lanes?state=running%2Cwaiting&limit=50";
    server.on("GET", path, json!({ "items": [], "next": null, "complete": false }));
    let sandbox = Sandbox::with(&server);
    assert_snapshot!("lane_list", sandbox.run(&["lane", "list", "--workflow", "bank/book"]));
    assert_snapshot!("lane_list_parked", sandbox.run(&["lane", "list", "--parked", "--limit", "1"]));
    let none = sandbox.run(&["lane", "list", "--state", "running,waiting"]);
    assert_eq!((none.exit, none.stdout.as_str()), (Some(0), ""), "{none}");
    assert!(none.stderr.contains("some may be missing"), "{none}");
    assert_eq!(sandbox.run(&["lane", "list", "--parked", "--state", "running"]).exit, Some(2));
}

#[test]
fn lane_show() {
    let server = FakeServer::start();
    let error = json!({ "type": "x/communication", "status": 409, "title": "no", "detail": "account A-2 is closed", "instance": "/do/0/book" });
    let job = json!({ "id": "job_01J9", "state": "suspended", "event": "ev_1", "error": error });
    let path = "/api/v1/lanes?workflow=bank%2Fbook&key=A-2&limit=1";
    server.on("GET", path, json!({ "items": [lane("A-2", "suspended")], "next": null }));
    server.on("GET", "/api/v1/jobs/job_01J9", job);
    server.on(
        "GET",
        "/api/v1/lanes?workflow=bank%2Fbook&key=none&limit=1",
        json!({ "items": [], "next": null }),
    );
    let sandbox = Sandbox::with(&server);
    assert_snapshot!("lane_show", sandbox.run(&["lane", "show", "bank/book", "A-2"]));
    assert_snapshot!("lane_show_none", sandbox.run(&["lane", "show", "bank/book", "none"]));
}

#[test]
fn events_that_nobody_wanted() {
    let server = FakeServer::start();
    let event = json!({
        "id": "ev_1", "source": "/shop", "type": "com.acme.order.created", "subject": null, "wanted": false,
        "time": "2026-11-21T18:00:00Z", "capturedAt": "2026-11-21T18:00:00.5Z", "duplicates": 0, "jobs": [],
    });
    let mut shown = event.clone();
    shown["data"] = json!({ "id": 1 });
    server.on("GET", "/api/v1/events?wanted=false&limit=50", json!({ "items": [event], "next": null }));
    server.on("GET", "/api/v1/events/ev_1", shown);
    let sandbox = Sandbox::with(&server);
    assert_snapshot!("event_list_unwanted", sandbox.run(&["event", "list", "--unwanted"]));
    assert_snapshot!("event_show_unwanted", sandbox.run(&["event", "show", "ev_1"]));
}
