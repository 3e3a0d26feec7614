//! Pollers that call by a description of an API, from the trigger's document to the events: `call: openapi` and
//! `call: grpc`, with the files that they refer to pinned.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::grpc_callee;
use crate::server::Server;

/// An API of contacts that describes itself, and whatever else is to be fetched.
#[derive(Clone, Default)]
struct Crm(Arc<Mutex<Contacts>>);

#[derive(Default)]
struct Contacts {
    all: Vec<Value>,
    is_down: bool,
    /// What `/description` gives; empty: nothing.
    description: String,
    /// What each call asked for.
    asked: Vec<String>,
}

#[derive(serde::Deserialize)]
struct Since {
    since: u64,
}

// === impl Crm ===

impl Crm {
    /// Gives its address, too.
    async fn serve() -> (Self, String) {
        let crm = Self::default();
        let router = Router::new().route("/description", get(description)).route("/contacts", get(contacts));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let router = router.with_state(crm.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (crm, address)
    }

    fn with<T>(&self, change: impl FnOnce(&mut Contacts) -> T) -> T {
        change(&mut self.0.lock().expect("no holder panics"))
    }
}

async fn description(State(crm): State<Crm>) -> Result<String, StatusCode> {
    let text = crm.with(|crm| crm.description.clone());
    if text.is_empty() { Err(StatusCode::NOT_FOUND) } else { Ok(text) }
}

/// Two at a time, from a moment on.
async fn contacts(
    State(crm): State<Crm>,
    Query(Since { since }): Query<Since>,
) -> Result<Json<Value>, StatusCode> {
    crm.with(|crm| {
        crm.asked.push(since.to_string());
        if crm.is_down {
            return Err(StatusCode::SERVICE_UNAVAILABLE);
        }
        let changed = |contact: &&Value| contact["at"].as_u64() > Some(since);
        let found: Vec<&Value> = crm.all.iter().filter(changed).collect();
        let (page, rest) = found.split_at(found.len().min(2));
        Ok(Json(json!({ "results": page, "hasMore": !rest.is_empty() })))
    })
}

fn contact(name: &str, at: u64) -> Value {
    json!({ "name": name, "at": at })
}

async fn apply(server: &Server, document: &str) -> Value {
    server.send("PUT /api/v1/triggers/contacts", document, &[]).await.expect(201)
}

/// Waits until the poller, which asks at once when it is new, stands there.
async fn reaches_cursor(server: &Server, cursor: &Value) {
    let look = async {
        // polls: what a poller does by itself tells nobody
        while server.get("/api/v1/triggers/contacts").await.expect(200)["state"]["cursor"] != *cursor {}
    };
    tokio::time::timeout(Duration::from_secs(30), look).await.expect("the cursor comes so far");
}

/// The subjects of all that came, oldest first.
async fn subjects(server: &Server) -> Vec<String> {
    let events = server.get("/api/v1/events?type=contact").await.expect(200);
    let items = events["items"].as_array().expect("a list").iter().rev();
    items.map(|event| event["subject"].as_str().expect("text").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poller_calls_an_operation_of_an_openapi_document() {
    let server = Server::start().await;
    let (crm, address) = Crm::serve().await;
    let parameter =
        json!({ "name": "since", "in": "query", "required": true, "schema": { "type": "integer" } });
    let description = json!({
        "openapi": "3.0.3", "info": { "title": "CRM", "version": "1" }, "servers": [{ "url": address }],
        "paths": { "/contacts": { "get": {
            "operationId": "changed", "parameters": [parameter],
            "responses": { "200": { "description": "ok" } },
        } } },
    });
    crm.with(|crm| {
        crm.description = description.to_string();
        crm.all = vec![contact("ada", 1), contact("bob", 2), contact("cem", 3)];
    });
    let document = format!(
        "kind: poll\nevery: PT1H\ncall: openapi\nwith:\n  document: {{ endpoint: '{address}/description' }}\n  \
         operationId: changed\n  parameters: {{ since: '${{ $cursor // 0 }}' }}\nitems: ${{ .results }}\n\
         cursor: ${{ [.results[].at] | max }}\nmore: ${{ .hasMore }}\n\
         emits: {{ type: contact, subject: '${{ .name }}' }}\n"
    );
    assert_eq!(apply(&server, &document).await["diagnostics"], json!([]));
    reaches_cursor(&server, &json!(3)).await;
    assert_eq!(subjects(&server).await, ["ada", "bob", "cem"]);
    assert_eq!(crm.with(|crm| crm.asked.clone()), ["0", "2"]);

    // The description is pinned; nobody asks for it again.
    crm.with(|crm| {
        crm.description.clear();
        crm.all.push(contact("dee", 4));
        crm.is_down = true;
    });
    let failed = server.post("/api/v1/triggers/contacts/fire", "").await;
    assert!(failed.status >= 400, "{}", failed.body);
    let state = server.get("/api/v1/triggers/contacts").await.expect(200)["state"].clone();
    assert_eq!((&state["cursor"], &state["failures"]), (&json!(3), &json!(1)), "{state}");
    crm.with(|crm| crm.is_down = false);
    server.post("/api/v1/triggers/contacts/fire", "").await.expect(200);
    assert_eq!(subjects(&server).await, ["ada", "bob", "cem", "dee"]);
    assert_eq!(crm.with(|crm| crm.asked.clone()), ["0", "2", "3", "3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poller_calls_a_method_of_a_grpc_service() {
    let server = Server::start().await;
    let (crm, files) = Crm::serve().await;
    crm.with(|crm| grpc_callee::DEFINITION.clone_into(&mut crm.description));
    let (heard, address) = grpc_callee::serve().await;
    // The callee says what it is told: one item for each call, the cursor counts them.
    let document = format!(
        "kind: poll\nevery: PT1H\ncall: grpc\nwith:\n  proto: {{ endpoint: '{files}/description' }}\n  \
         service: {{ name: Echo, host: 127.0.0.1, port: {} }}\n  method: Say\n  \
         arguments: {{ text: '${{ $cursor // 0 | tostring }}' }}\nitems: ${{ [.text] }}\n\
         cursor: ${{ .text | tonumber + 1 }}\nmore: ${{ (.text | tonumber) < 2 }}\ndedupKey: ${{ . }}\n\
         emits: {{ type: contact, subject: '${{ . }}' }}\n",
        address.port()
    );
    assert_eq!(apply(&server, &document).await["diagnostics"], json!([]));
    reaches_cursor(&server, &json!(3)).await;
    assert_eq!(subjects(&server).await, ["0", "1", "2"]);
    assert_eq!(heard.lock().expect("no holder panics").len(), 3);

    // With an older cursor it asks at once for what was there before; its items are known by their keys.
    server.send("PUT /api/v1/triggers/contacts/cursor", "{\"cursor\":1}", &[]).await.expect(200);
    reaches_cursor(&server, &json!(3)).await;
    assert_eq!(subjects(&server).await, ["0", "1", "2"]);
    assert_eq!(heard.lock().expect("no holder panics").len(), 5);
    server.post("/api/v1/triggers/contacts/fire", "").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn firing_beyond_the_rate_is_refused_with_the_time_to_come_again() {
    let server = Server::start().await;
    let (crm, address) = Crm::serve().await;
    crm.with(|crm| crm.all = vec![contact("ada", 1)]);
    let document = format!(
        "kind: poll\nevery: PT1H\ncall: http\nwith:\n  method: get\n  endpoint: {address}/contacts\n  \
         query: {{ since: '${{ $cursor // 0 }}' }}\nitems: ${{ .results }}\ncursor: ${{ [.results[].at] | max }}\n\
         rateLimit: {{ limit: 1, per: PT1H, burst: 1 }}\n"
    );
    apply(&server, &document).await;
    // A new poller asks at once, and that was the one call of this hour.
    reaches_cursor(&server, &json!(1)).await;
    let refused = server.post("/api/v1/triggers/contacts/fire", "").await;
    let seconds: u64 = refused.retry_after.as_deref().unwrap_or_default().parse().expect("seconds");
    assert!((3_500..=3_600).contains(&seconds), "{seconds}");
    let problem = refused.expect(429);
    assert_eq!(problem["code"], "TN0064");
    assert!(problem["detail"].as_str().expect("text").contains("`rateLimit`"), "{problem}");
    assert_eq!(crm.with(|crm| crm.asked.len()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_description_that_is_not_there_fails_the_poll_and_says_so() {
    let server = Server::start().await;
    let (_, files) = Crm::serve().await;
    let openapi = format!(
        "call: openapi\nwith: {{ document: {{ endpoint: '{files}/description' }}, operationId: x }}\n"
    );
    let grpc = format!(
        "call: grpc\nwith: {{ proto: {{ endpoint: '{files}/description' }}, service: {{ name: S, host: localhost }}, \
         method: M }}\n"
    );
    for (name, call) in [("by-openapi", openapi), ("by-grpc", grpc)] {
        let line = format!("PUT /api/v1/triggers/{name}");
        let applied = server.send(&line, &format!("kind: poll\nevery: PT1H\n{call}"), &[]).await.expect(201);
        assert_eq!(applied["diagnostics"][0]["code"], "TN0052", "{applied}");
        let failed = server.post(&format!("/api/v1/triggers/{name}/fire"), "").await;
        let said = failed.body.to_string();
        assert!(failed.status >= 400 && said.contains("/description"), "{name}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_to_wake_and_is_not_there_is_a_warning() {
    let server = Server::start().await;
    let poller = "kind: poll\nevery: PT1H\ncall: http\nwith: { method: get, endpoint: 'http://127.0.0.1:1/' }\n\
                  wokenBy:\n  - crm/changed\n  - 'crm/{shop}'\n";
    let put = async |name: &str, document: &str| {
        let answer = server.send(&format!("PUT /api/v1/triggers/{name}"), document, &[]).await.body;
        let found = answer["diagnostics"].as_array().expect("a list").clone();
        let told = found.iter().map(|it| format!("{} {} {}", it["code"], it["pointer"], it["line"]));
        told.collect::<Vec<String>>()
    };
    let both = ["\"TN0054\" \"/wokenBy/0\" 6", "\"TN0054\" \"/wokenBy/1\" 7"];
    assert_eq!(put("a-poller", poller).await, both);
    // Another webhook that takes the same requests has not the same path.
    assert!(put("other", "kind: webhook\npath: 'crm/{id}'\nauth: none\n").await.is_empty());
    assert!(put("changed", "kind: webhook\npath: crm/changed\nauth: none\n").await.is_empty());
    assert_eq!(put("a-poller", poller).await, both[1..]);
    server.send("DELETE /api/v1/triggers/other", "", &[]).await.expect(204);
    assert!(put("shop", "kind: webhook\npath: 'crm/{shop}'\nauth: none\n").await.is_empty());
    assert!(put("a-poller", poller).await.is_empty());
    server.post("/api/v1/triggers/changed/disable", "").await.expect(200);
    assert_eq!(put("a-poller", poller).await, both[..1], "nobody is woken by what is disabled");
}
