//! Webhooks beyond their document: paths with parameters that meet, secrets that are not set, and what came.

use serde_json::json;

use crate::server::Server;

const TRIGGERS: &str = "/api/v1/triggers";

async fn put(server: &Server, name: &str, document: &str) -> (u16, serde_json::Value) {
    let answer = server.send(&format!("PUT {TRIGGERS}/{name}"), document, &[]).await;
    (answer.status, answer.body)
}

#[tokio::test(flavor = "multi_thread")]
async fn patterns_of_the_same_place_are_a_conflict() {
    let server = Server::start().await;
    let of = |path: &str, methods: &str| {
        format!("kind: webhook\npath: '{path}'\nmethods: [{methods}]\nauth: none\n")
    };
    assert_eq!(put(&server, "one", &of("shop/{shop}", "POST")).await.0, 201);
    let (status, problem) = put(&server, "two", &of("shop/{other}", "GET, POST")).await;
    assert_eq!(
        (status, &problem["detail"]),
        (409, &json!("trigger `one` answers POST on `shop/{shop}` already"))
    );
    assert_eq!(put(&server, "two", &of("shop/{other}", "GET")).await.0, 201);
    assert_eq!(put(&server, "three", &of("{shop}/orders", "POST")).await.0, 201, "another place");
    assert_eq!(put(&server, "four", &of("shop/orders", "POST")).await.0, 201, "literal paths win");
    let shown = server.get(&format!("{TRIGGERS}/one")).await.expect(200);
    assert_eq!(shown["url"], "/hooks/default/shop/{shop}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_not_set_is_a_warning() {
    let server = Server::start().await;
    let document = "kind: webhook\npath: a\nauth: { kind: bearer, secret: nothing }\n";
    let (status, saved) = put(&server, "one", document).await;
    assert_eq!(status, 201);
    let said = saved["diagnostics"][0]["message"].as_str().unwrap_or_default();
    assert!(said.contains("`nothing`"), "{saved}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_requests_are_listed() {
    let server = Server::start().await;
    put(&server, "one", "kind: webhook\npath: a\nauth: none\nmask: [/body/card]\n").await;
    let captures = async || server.get(&format!("{TRIGGERS}/one/captures")).await.expect(200);
    assert_eq!(captures().await, json!({ "items": [], "next": null }));
    server.send("POST /hooks/default/a", r#"{"card":"4111","id":7}"#, &[]).await.expect(202);
    server.send("POST /hooks/default/a", "{", &[]).await.expect(400);
    let listed = captures().await;
    assert_eq!(
        (&listed["items"][0]["code"], listed["items"].as_array().map(Vec::len)),
        (&json!("TN0002"), Some(2))
    );
    let taken = &listed["items"][1];
    assert_eq!((&taken["body"], &taken["outcome"]), (&json!({"card": "***", "id": 7}), &json!("accepted")));
    assert_eq!(taken["headers"]["authorization"], "***");
    server.get(&format!("{TRIGGERS}/none/captures")).await.expect(404);
    put(&server, "one", "kind: webhook\npath: a\nauth: none\ncaptures: false\n").await;
    server.get(&format!("{TRIGGERS}/one/captures")).await.expect(409);
}
