//! Files that documents refer to: fetched at deploy, pinned, fetched again by the next deploy.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use http::StatusCode;
use serde_json::{Value, json};

use crate::server::Server;

/// A host that serves one file.
#[derive(Clone, Default)]
struct Host(Arc<Mutex<Option<String>>>);

// === impl Host ===

impl Host {
    /// Gives the file's address, too.
    async fn serve() -> (Self, String) {
        let host = Self::default();
        let router = Router::new().fallback(file).with_state(host.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}/file", listener.local_addr().expect("bound"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (host, address)
    }

    fn set(&self, content: Option<&str>) {
        *self.0.lock().expect("no holder panics") = content.map(str::to_owned);
    }
}

async fn file(State(host): State<Host>) -> Result<String, StatusCode> {
    host.0.lock().expect("no holder panics").clone().ok_or(StatusCode::NOT_FOUND)
}

fn with_schema(address: &str) -> String {
    format!("input: {{schema: {{resource: {{endpoint: '{address}'}}}}}}\ndo: [{{a: {{set: {{n: 1}}}}}}]")
}

fn codes(answer: &Value) -> Vec<&str> {
    let all = answer["diagnostics"].as_array().expect("a list").iter();
    all.filter_map(|finding| finding["code"].as_str()).filter(|code| code.starts_with("TN005")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_document_is_a_new_revision_only_if_a_file_has_changed() {
    let server = Server::start().await;
    let (host, address) = Host::serve().await;
    let document = with_schema(&address);
    host.set(Some(r#"{"type": "object"}"#));
    let first = server.deploy("w", &document).await.expect(201);
    assert_eq!(codes(&first), [""; 0]);
    assert_eq!(server.deploy("w", &document).await.expect(200)["unchanged"], true);
    // Its host is down: nothing changes, and it is said.
    host.set(None);
    let kept = server.deploy("w", &document).await.expect(200);
    assert_eq!((&kept["unchanged"], codes(&kept)), (&json!(true), vec!["TN0053"]));
    host.set(Some(r#"{"type": "array"}"#));
    let changed = server.deploy("w", &document).await.expect(200);
    assert_eq!((&changed["unchanged"], &changed["revision"]), (&json!(false), &json!(2)));
    let line = "PUT /api/v1/workflows/acme/w?dryRun=true";
    let source = crate::server::workflow("w", &document);
    let plan = async || server.send(line, &source, &[]).await.expect(200)["change"].clone();
    assert_eq!(plan().await, "none");
    host.set(Some("{}"));
    assert_eq!(plan().await, "update");
    // What runs is what was pinned.
    let ran = server.send("POST /run/default/acme/w", "{}", &[("prefer", "wait=30")]).await;
    assert_eq!(ran.status, 400, "{}", ran.body);
    let ran = server.send("POST /run/default/acme/w", "[]", &[("prefer", "wait=30")]).await;
    assert_eq!(ran.expect(200), json!({"n": 1}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_missing_or_of_no_use_is_a_warning() {
    let server = Server::start().await;
    let (host, address) = Host::serve().await;
    let openapi = format!(
        "do: [{{a: {{call: openapi, with: {{document: {{endpoint: '{address}'}}, operationId: x}}}}}}]"
    );
    let grpc = format!(
        "do: [{{a: {{call: grpc, with: {{proto: {{endpoint: '{address}'}}, service: {{name: S, host: localhost}}, method: M}}}}}}]"
    );
    for (name, document) in [("schema", with_schema(&address)), ("openapi", openapi), ("grpc", grpc)] {
        for (content, said) in [(None, "its host answered 404"), (Some("{{ no"), "cannot be used")] {
            host.set(content);
            let deployed = server.deploy(name, &document).await.body;
            assert_eq!(codes(&deployed), ["TN0052"], "{name} {content:?}: {deployed}");
            let said_is = deployed["diagnostics"].to_string();
            assert!(said_is.contains(said), "{name} {content:?}: {said_is}");
        }
        let run =
            server.send(&format!("POST /run/default/acme/{name}"), "{}", &[("prefer", "wait=30")]).await;
        assert!(run.status >= 400, "{name}: {}", run.body);
        let jobs = server.get(&format!("/api/v1/jobs?workflow=acme/{name}")).await.expect(200);
        let kind = jobs["items"][0]["error"]["type"].as_str().unwrap_or_default().to_owned();
        assert!(kind.ends_with("/configuration"), "{name}: {jobs}");
    }
}
