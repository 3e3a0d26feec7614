//! The server around the handlers: health, panics, the end; and the table of codes.

use axum::Router;
use axum::routing::get;
use tenon_gateway::{App, CODES, Limits, Peer, Workspace};

use crate::fixture::{Fixture, bearer};

#[tokio::test]
async fn health_needs_no_key_and_metrics_do() {
    let fixture = Fixture::new().await;
    assert_eq!(&fixture.send("GET /healthz", &[], "").await.expect(200).body[..], b"ok");
    fixture.send("GET /readyz", &[], "").await.expect(200);
    let (name, key) = bearer();
    let metrics = fixture.send("GET /metrics", &[(name, &key)], "").await.expect(200);
    let text = String::from_utf8(metrics.body.to_vec()).expect("text");
    assert!(text.contains("tenon_events_captured_total 0"), "{text}");
    assert!(text.contains("tenon_http_responses_total{class=\"2xx\"} 2"), "{text}");
    fixture.app.readiness().drain();
    fixture.send("GET /readyz", &[], "").await.expect_problem(503, "TN0017");
    fixture.send("GET /healthz", &[], "").await.expect(200);
}

async fn panics() -> &'static str {
    panic!("a bug with secrets in its text")
}

async fn who(Peer(peer): Peer, workspace: Workspace) -> String {
    format!("{} {}", peer.ip(), workspace.name)
}

#[tokio::test]
async fn other_routes_stand_beside_and_panics_are_contained() {
    let more: Router<App> = Router::new().route("/panic", get(panics)).route("/who", get(who));
    let fixture = Fixture::with(Limits::default(), more).await;
    let answer = fixture.send("GET /panic", &[], "").await;
    assert!(!String::from_utf8_lossy(&answer.body).contains("secrets"));
    answer.expect_problem(500, "TN0001");
    assert_eq!(fixture.app.metrics().panics.get(), 1);
    assert_eq!(&fixture.send("GET /who", &[], "").await.expect(200).body[..], b"127.0.0.1 default");
    let other = [("tenon-workspace", "other")];
    fixture.send("GET /who", &other, "").await.expect_problem(404, "TN0023");
}

#[tokio::test]
async fn the_server_ends_when_it_is_told_to() {
    let mut fixture = Fixture::new().await;
    fixture.send("GET /healthz", &[], "").await.expect(200);
    fixture.stop.take().expect("runs").send(()).expect("the server runs");
    // The kept-alive connection of the client must not hold it up.
    (&mut fixture.server).await.expect("no panic").expect("a clean end");
    assert_eq!(fixture.app.readiness().state(), tenon_gateway::State::Draining);
    assert_eq!(fixture.app.metrics().connections.get(), 0);
}

#[test]
fn codes_are_unique_and_explained() {
    assert!(CODES.windows(2).all(|pair| pair[0].code < pair[1].code));
    for code in CODES {
        assert!((400..=599).contains(&code.status), "{}", code.code);
        assert!(
            !code.title.is_empty() && !code.hint.is_empty() && code.explanation.ends_with('.'),
            "{}",
            code.code
        );
    }
}
