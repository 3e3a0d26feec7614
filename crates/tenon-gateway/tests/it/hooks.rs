//! What requests become: events, as their triggers say.

use serde_json::{Value, json};
use tenon_store::{Change, ChangeResource, Kind, Timestamp};

use crate::fixture::Fixture;

const OPEN: &str = "kind: webhook\npath: shop/orders\nauth: { kind: none }\n";

#[tokio::test]
async fn a_webhook_is_captured_with_its_jobs() {
    let fixture = Fixture::new().await;
    fixture.trigger("orders", OPEN).await;
    fixture.workflow("orders", json!({}), "io.tenon.webhook").await;
    let answer = fixture.post("/hooks/default/shop/orders", "{ \"id\" : 1.0 }").await.expect(202);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("content-security-policy"), Some("sandbox"));
    let body = answer.json();
    assert!(body["event"].as_str().expect("text").starts_with("ev_"));
    assert!(body["jobs"][0].as_str().expect("text").starts_with("job_"));
    assert_eq!((body["jobs"].as_array().map(Vec::len), body.get("duplicate")), (Some(1), None));
    let envelope = &fixture.envelopes().await[0];
    assert_eq!(envelope["id"], body["event"]);
    assert_eq!(envelope["source"], "/hooks/default/shop/orders");
    assert_eq!(envelope["type"], "io.tenon.webhook");
    assert_eq!(envelope["datacontenttype"], "application/json");
    assert_eq!(envelope["data"], json!({"id": 1.0}));
}

#[tokio::test]
async fn bodies_of_all_kinds_become_data() {
    let fixture = Fixture::new().await;
    fixture.trigger("orders", OPEN).await;
    let send = async |content_type: &str, body: &'static [u8]| {
        fixture
            .send("POST /hooks/default/shop/orders", &[("content-type", content_type)], body)
            .await
            .expect(202);
    };
    send("application/vnd.acme+json; charset=utf-8", b"[1]").await;
    send("text/plain", "grüß dich".as_bytes()).await;
    send("application/x-www-form-urlencoded", b"a=1&b=x+y&a=%C3%A4").await;
    send("application/octet-stream", b"\x00\xff").await;
    fixture.send("POST /hooks/default/shop/orders", &[], "").await.expect(202);
    let envelopes = fixture.envelopes().await;
    let data: Vec<_> = envelopes.iter().map(|envelope| envelope.get("data").cloned()).collect();
    assert_eq!(data[0], Some(json!([1])));
    assert_eq!(data[1], Some(json!("grüß dich")));
    assert_eq!(data[2], Some(json!({"a": ["1", "ä"], "b": "x y"})));
    assert_eq!((&data[3], &envelopes[3]["data_base64"]), (&None, &json!("AP8=")));
    assert_eq!(data[4], None);
    assert_eq!(envelopes[1]["datacontenttype"], "text/plain");
    assert_eq!(envelopes[4].get("datacontenttype"), None);
}

#[tokio::test]
async fn expressions_see_the_request() {
    let fixture = Fixture::new().await;
    fixture
        .trigger(
            "all",
            "
kind: webhook
path: all
methods: [PUT]
auth: none
emits:
  type: com.acme.${not-an-expression}
  source: '${ \"/\" + .method }'
  subject: ${ .body.id }
  data: { all: '${ . }', literal: 1 }
",
        )
        .await;
    let headers = [
        ("content-type", "application/json"),
        ("X-Delivery", "d-1"),
        ("authorization", "Bearer secret"),
        ("cookie", "secret=1"),
    ];
    fixture.send("PUT /hooks/default/all?a=1&a=2&b=%20", &headers, "{\"id\":7}").await.expect(202);
    let envelope = &fixture.envelopes().await[0];
    assert_eq!(
        (&envelope["type"], &envelope["source"]),
        (&json!("com.acme.${not-an-expression}"), &json!("/PUT"))
    );
    assert_eq!(envelope["subject"], "7");
    let all = &envelope["data"]["all"];
    let members: Vec<_> = all.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["method", "path", "query", "headers", "body", "raw"]);
    assert_eq!((&all["path"], &all["raw"]), (&json!("all"), &json!("{\"id\":7}")));
    assert_eq!(all["query"], json!({"a": ["1", "2"], "b": " "}));
    assert_eq!(all["headers"]["x-delivery"], "d-1");
    assert!(!envelope.to_string().contains("secret"), "credentials stay out of the data flow");
}

#[tokio::test]
async fn the_dedup_key_suppresses_the_event() {
    let fixture = Fixture::new().await;
    fixture.workflow("orders", json!({}), "io.tenon.webhook").await;
    for name in ["one", "two"] {
        let document = format!(
            "kind: webhook\npath: {name}\nauth: none\ndedupKey: ${{ .headers[\"x-delivery\"] }}\ndedupFor: PT1H\n"
        );
        fixture.trigger(name, &document).await;
    }
    let send = async |name: &str, delivery: &str| {
        let headers = [("content-type", "application/json"), ("x-delivery", delivery)];
        fixture.send(&format!("POST /hooks/default/{name}"), &headers, "{}").await.expect(202).json()
    };
    let first = send("one", "d-1").await;
    let again = send("one", "d-1").await;
    assert_eq!((&again["event"], &again["jobs"]), (&first["event"], &first["jobs"]));
    assert_eq!(again["duplicate"], Value::Bool(true));
    assert_eq!(send("one", "d-2").await.get("duplicate"), None);
    assert_eq!(send("two", "d-1").await.get("duplicate"), None, "keys of one trigger are not another's");
    fixture.post("/hooks/default/one", "{}").await.expect(202);
    fixture.post("/hooks/default/one", "{}").await.expect(202);
    assert_eq!(fixture.envelopes().await.len(), 5, "without a key nothing is suppressed");
}

#[tokio::test]
async fn changes_of_triggers_count_at_once() {
    let fixture = Fixture::new().await;
    fixture.post("/hooks/default/shop/orders", "{}").await.expect(404);
    fixture.trigger("orders", OPEN).await;
    fixture.post("/hooks/default/shop/orders", "{}").await.expect(202);
    fixture.trigger("orders", &format!("{OPEN}emits: {{ type: com.acme.order }}\n")).await;
    fixture.post("/hooks/default/shop/orders", "{}").await.expect(202);
    assert_eq!(fixture.envelopes().await[1]["type"], "com.acme.order");
    // Another node changes it: nobody tells our caches, the capture finds out.
    let change = |change| ChangeResource {
        workspace: fixture.workspace,
        kind: Kind::Trigger,
        name: "orders".to_owned(),
        change,
        state: None,
        actor: "test".to_owned(),
        at: Timestamp(2),
    };
    fixture.store.change_resource(change(Change::Disable)).await.expect("it exists");
    fixture.post("/hooks/default/shop/orders", "{}").await.expect_problem(404, "TN0005");
    fixture.store.change_resource(change(Change::Enable)).await.expect("it exists");
    fixture.post("/hooks/default/shop/orders", "{}").await.expect(202);
    assert_eq!(fixture.envelopes().await.len(), 3);
}

#[tokio::test]
async fn two_triggers_share_a_path_by_method() {
    let fixture = Fixture::new().await;
    fixture.trigger("post", OPEN).await;
    let put = "kind: webhook\npath: shop/orders\nmethods: [PUT]\nauth: none\nemits: { type: put }\n";
    fixture.trigger("put", put).await;
    fixture.post("/hooks/default/shop/orders", "{}").await.expect(202);
    let json = [("content-type", "application/json")];
    fixture.send("PUT /hooks/default/shop/orders", &json, "{}").await.expect(202);
    let types: Vec<_> = fixture.envelopes().await.iter().map(|envelope| envelope["type"].clone()).collect();
    assert_eq!(types, ["io.tenon.webhook", "put"]);
}
