//! Keys: what is shown, what is asked, and what a person is told to do next.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fake_server::FakeServer;
use crate::sandbox::Sandbox;

#[test]
fn show() {
    let server = FakeServer::start();
    let keys = json!([
        { "number": 1, "madeAt": null, "role": "idle", "variables": 0 },
        { "number": 2, "madeAt": "2026-11-20T18:00:00Z", "role": "payloads", "variables": 0 },
        { "number": 3, "madeAt": "2026-11-21T18:00:00Z", "role": "newest", "variables": 4 },
    ]);
    let never = json!({ "id": "00ff", "since": null, "file": null });
    let changed = json!({ "id": "11ee", "since": "2026-11-21T18:00:00Z", "file": "/keys/2.key" });
    server.on(
        "GET",
        "/api/v1/vault",
        json!({ "masterKey": never, "workspace": "default", "dataKeys": keys }),
    );
    let warning = "the next start would find master key 00ff, the data needs 11ee; do something";
    let after =
        json!({ "masterKey": changed, "workspace": "default", "dataKeys": [keys[0]], "warning": warning });
    server.on("GET", "/api/v1/vault", after);
    let sandbox = Sandbox::with(&server);
    assert_snapshot!("show", sandbox.run(&["vault", "show"]));
    assert_snapshot!("show_changed", sandbox.run(&["vault", "show"]));
    assert_snapshot!("show_json", sandbox.run(&["vault", "show", "-o", "json"]));
}

#[test]
fn rotate_master() {
    let server = FakeServer::start();
    let master = json!({ "id": "11ee", "since": "2026-11-21T18:00:00Z", "file": "/keys/2.key" });
    let answer = json!({
        "key": "master", "masterKey": master, "previous": "00ff", "made": true, "dataKeys": 2,
        "nextStart": "before the server starts again, put the new key in the place of the old one",
    });
    server.on("POST", "/api/v1/vault/rotate", answer);
    let sandbox = Sandbox::with(&server);
    let args = ["vault", "rotate-master", "--new-key-file", "/keys/2.key"];
    assert_snapshot!("rotate_master", sandbox.run(&args));
    let ran = sandbox.run(&["vault", "rotate-master", "--new-key-file", "2.key", "-o", "json"]);
    assert_eq!(ran.exit, Some(0), "{ran}");
    let asked: Vec<Value> =
        server.asked().iter().map(|asked| serde_json::from_str(&asked.body).expect("JSON")).collect();
    assert_eq!(asked[0], json!({ "key": "master", "newKeyFile": "/keys/2.key" }));
    let relative = sandbox.path().join("work/2.key").display().to_string();
    assert_eq!(asked[1]["newKeyFile"], relative, "the server does not know where we are");
    assert_snapshot!("rotate_master_without_file", sandbox.run(&["vault", "rotate-master"]));
}

#[test]
fn a_refused_file_says_what_to_do() {
    let server = FakeServer::start();
    let problem = json!({
        "status": 422, "code": "TN0044", "detail": "/data/2.key is in the data directory /data",
        "hint": "choose a file elsewhere",
    });
    server.answer("POST", "/api/v1/vault/rotate", 422, problem);
    let args = ["vault", "rotate-master", "--new-key-file", "/data/2.key"];
    assert_snapshot!("rotate_master_refused", Sandbox::with(&server).run(&args));
}

#[test]
fn rotate_data() {
    let server = FakeServer::start();
    server.on("POST", "/api/v1/vault/rotate", json!({ "key": "data", "workspace": "default", "dataKey": 2 }));
    let sandbox = Sandbox::with(&server);
    assert_snapshot!("rotate_data", sandbox.run(&["vault", "rotate-data"]));
    assert_eq!(server.asked()[0].body, "{\"key\":\"data\"}");
    assert_snapshot!("help", sandbox.run(&["vault", "--help"]));
}
