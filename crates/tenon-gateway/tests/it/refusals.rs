//! Every way in which a request is refused: the documented status, and nothing captured.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use serde_json::json;
use tenon_gateway::{BodyBudget, Limits};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fixture::{Answer, Fixture, bearer};

const OPEN: &str = "kind: webhook\npath: open\nauth: { kind: none }\n";
const LOCKED: &str = "kind: webhook\npath: locked/deep\nmethods: [POST, PUT]\nauth: { kind: key }\n";
const STRICT: &str = "
kind: webhook
path: strict
auth: none
schema: { type: object, required: [id], properties: { id: { type: integer }, lines: { type: array, items: { type: string } } } }
emits: { type: com.acme.order, subject: '${ .body.customer.name | ascii_downcase }' }
";

async fn deployed() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.trigger("open", OPEN).await;
    fixture.trigger("locked", LOCKED).await;
    fixture.trigger("strict", STRICT).await;
    fixture
}

#[tokio::test]
async fn bad_bodies() {
    let fixture = deployed().await;
    let malformed = fixture.post("/hooks/default/open", "{\"a\":").await;
    assert_eq!(malformed.header("content-security-policy"), Some("sandbox"));
    assert_eq!(malformed.header("x-content-type-options"), Some("nosniff"));
    malformed.expect_problem(400, "TN0002");
    fixture.post("/hooks/default/open", "").await.expect_problem(400, "TN0002");
    fixture.post("/hooks/default/open", "[".repeat(5000)).await.expect_problem(400, "TN0002");
    fixture.post("/hooks/default/open", &b"\"\xff\""[..]).await.expect_problem(400, "TN0002");
    let plain = [("content-type", "text/plain")];
    fixture.send("POST /hooks/default/strict", &plain, "{}").await.expect_problem(415, "TN0003");
    fixture.send("POST /hooks/default/strict", &[], "{}").await.expect_problem(415, "TN0003");
    fixture.send("POST /hooks/default/open", &plain, &b"\xff"[..]).await.expect_problem(415, "TN0003");
    fixture.assert_nothing_captured().await;
}

#[tokio::test]
async fn schema_violations_are_listed_with_pointers() {
    let fixture = deployed().await;
    let body = json!({"lines": ["a", 7]}).to_string();
    let problem = fixture.post("/hooks/default/strict", body).await.expect_problem(422, "TN0010");
    let violations = problem["violations"].as_array().expect("a list");
    let pointers: Vec<_> = violations.iter().map(|v| v["pointer"].as_str().expect("text")).collect();
    assert!(pointers.contains(&"") && pointers.contains(&"/lines/1"), "{problem}");
    fixture.assert_nothing_captured().await;
}

#[tokio::test]
async fn expressions_that_fail() {
    let fixture = deployed().await;
    let body = json!({"id": 1, "customer": {"name": 5}}).to_string();
    let problem = fixture.post("/hooks/default/strict", body).await.expect_problem(422, "TN0011");
    assert!(problem["detail"].as_str().expect("text").contains("emits.subject"), "{problem}");
    fixture.trigger("bomb", "kind: webhook\npath: bomb\nauth: none\ndedupKey: '${ [range(1e12)] }'\n").await;
    fixture.post("/hooks/default/bomb", "{}").await.expect_problem(422, "TN0011");
    fixture
        .trigger("typeless", "kind: webhook\npath: t\nauth: none\nemits: { type: '${ .body.type }' }\n")
        .await;
    fixture.post("/hooks/default/t", "{}").await.expect_problem(422, "TN0011");
    fixture.assert_nothing_captured().await;
}

#[tokio::test]
async fn too_large_with_and_without_announcement() {
    let fixture = deployed().await;
    let large = format!("\"{}\"", "x".repeat(1 << 20));
    fixture.post("/hooks/default/open", large.clone()).await.expect_problem(413, "TN0004");
    // Chunked: the size is not known before it is there.
    let address = fixture.address.strip_prefix("http://").expect("http");
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let head = "POST /hooks/default/open HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for _ in 0..40 {
        if stream.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 413");
    // The event around the body counts too.
    let nearly = format!("\"{}\"", "x".repeat((1 << 20) - 10));
    fixture.post("/hooks/default/open", nearly).await.expect_problem(413, "TN0004");
    fixture.assert_nothing_captured().await;
}

#[tokio::test]
async fn large_bodies_share_a_budget() {
    let limits = Limits { body_budget: BodyBudget::new(150 << 10), ..Limits::default() };
    let fixture = Fixture::with(limits, Router::new()).await;
    fixture.trigger("open", OPEN).await;
    let body = |kibibytes: usize| format!("\"{}\"", "x".repeat(kibibytes << 10));
    let refused = fixture.post("/hooks/default/open", body(200)).await;
    assert_eq!(refused.header("retry-after"), Some("1"));
    refused.expect_problem(429, "TN0032");
    fixture.assert_nothing_captured().await;
    for _ in 0..5 {
        fixture.post("/hooks/default/open", body(100)).await.expect(202);
    }
    fixture.post("/hooks/default/open", body(60)).await.expect(202);
}

#[tokio::test]
async fn unknown_paths_and_methods() {
    let fixture = deployed().await;
    for path in [
        "/hooks/default/nothing",
        "/hooks/default/open/",
        "/hooks/default/OPEN",
        "/hooks/other/open",
        "/x",
        "/hooks/default",
    ] {
        fixture.post(path, "{}").await.expect_problem(404, "TN0005");
    }
    let locked = fixture.send("DELETE /hooks/default/locked/deep", &[], "").await;
    assert_eq!(locked.header("allow"), Some("POST, PUT"));
    locked.expect_problem(405, "TN0006");
    let run = fixture.send("GET /run/default/acme/x", &[], "").await;
    assert_eq!(run.header("allow"), Some("POST"));
    run.expect_problem(405, "TN0006");
    fixture.assert_nothing_captured().await;
}

#[tokio::test]
async fn missing_and_wrong_keys() {
    let fixture = deployed().await;
    let (name, key) = bearer();
    for path in ["/hooks/default/locked/deep", "/events/default", "/run/default/acme/x", "/events/unknown"] {
        let missing = fixture.post(path, "{}").await;
        assert_eq!(missing.header("www-authenticate"), Some("Bearer"));
        missing.expect_problem(401, "TN0007");
        let line = format!("POST {path}");
        fixture.send(&line, &[(name, "Basic dTpw")], "{}").await.expect_problem(401, "TN0007");
        fixture.send(&line, &[(name, "Bearer tn_wrong")], "{}").await.expect_problem(401, "TN0008");
        let proxied = [(name, key.as_str()), ("x-forwarded-for", "203.0.113.9")];
        fixture.send(&line, &proxied, "{}").await.expect_problem(403, "TN0009");
    }
    fixture
        .post("/hooks/default/locked/deep?key=tn_owner-of-the-test", "{}")
        .await
        .expect_problem(401, "TN0007");
    fixture.send("GET /metrics", &[], "").await.expect_problem(401, "TN0007");
    fixture.assert_nothing_captured().await;
    let right = [(name, key.as_str()), ("content-type", "application/json")];
    fixture.send("PUT /hooks/default/locked/deep", &right, "{}").await.expect(202);
}

/// Posts until it is answered in this way: the store looks at the disk ten times a second.
async fn post_until(fixture: &Fixture, status: u16) -> Answer {
    for _ in 0..400 {
        let answer = fixture.post("/hooks/default/open", "{}").await;
        if answer.status.as_u16() == status {
            return answer;
        }
        // polls: the store looks at the disk ten times a second
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never answered with {status}");
}

#[tokio::test]
async fn a_full_disk_and_its_end() {
    let fixture = deployed().await;
    fixture.is_full.store(true, Ordering::SeqCst);
    post_until(&fixture, 507).await.expect_problem(507, "TN0016");
    let before = fixture.store.disk_use().await.expect("readable").events;
    fixture.post("/hooks/default/open", "{}").await.expect_problem(507, "TN0016");
    assert_eq!(fixture.store.disk_use().await.expect("readable").events, before);
    fixture.is_full.store(false, Ordering::SeqCst);
    post_until(&fixture, 202).await;
    assert_eq!(fixture.store.disk_use().await.expect("readable").events, before + 1);
}

#[tokio::test]
async fn a_closed_store_and_a_draining_server() {
    let fixture = deployed().await;
    fixture.post("/hooks/default/open", "{}").await.expect(202);
    fixture.store.close().await;
    let closed = fixture.post("/hooks/default/open", "{}").await;
    assert_eq!(closed.header("retry-after"), Some("1"));
    closed.expect_problem(503, "TN0017");
    let fixture = deployed().await;
    fixture.app.readiness().drain();
    let (name, key) = bearer();
    for path in ["/hooks/default/open", "/events/default", "/run/default/acme/x"] {
        let line = format!("POST {path}");
        let draining = fixture.send(&line, &[(name, &key), ("content-type", "application/json")], "{}").await;
        assert_eq!(draining.header("retry-after"), Some("1"));
        draining.expect_problem(503, "TN0017");
    }
    fixture.assert_nothing_captured().await;
}

#[tokio::test]
async fn a_body_that_does_not_arrive() {
    let limits = Limits { body_time: Duration::from_millis(50), ..Limits::default() };
    let fixture = Fixture::with(limits, Router::new()).await;
    fixture.trigger("open", OPEN).await;
    let address = fixture.address.strip_prefix("http://").expect("http");
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let head = "POST /hooks/default/open HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                Content-Length: 10\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 400");
    fixture.assert_nothing_captured().await;
}
