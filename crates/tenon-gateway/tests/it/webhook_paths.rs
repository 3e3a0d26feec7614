//! Paths with parameters: who takes what, and what expressions see.

use serde_json::json;

use crate::fixture::Fixture;

async fn deployed(paths: &[&str]) -> Fixture {
    let fixture = Fixture::new().await;
    for (number, path) in paths.iter().enumerate() {
        let document = format!(
            "kind: webhook\npath: '{path}'\nauth: none\nemits: {{ type: '{path}', data: '${{ {{path, params}} }}' }}\n"
        );
        fixture.trigger(&format!("hook-{number}"), &document).await;
    }
    fixture
}

/// Which trigger takes a path, by the type of the event.
async fn check(fixture: &Fixture, path: &str, expected: &str) {
    fixture.post(&format!("/hooks/default/{path}"), "{}").await.expect(202);
    let envelopes = fixture.envelopes().await;
    let last = envelopes.last().expect("captured");
    assert_eq!(last["type"], expected, "{path}");
}

#[tokio::test]
async fn parameters_are_values() {
    let fixture = deployed(&["shop/{shop}/orders/{id}"]).await;
    fixture.post("/hooks/default/shop/acme/orders/a%2Fb%20c", "{}").await.expect(202);
    let envelope = &fixture.envelopes().await[0];
    assert_eq!(envelope["data"]["params"], json!({"shop": "acme", "id": "a/b c"}));
    assert_eq!(envelope["data"]["path"], "shop/acme/orders/a/b c");
    assert_eq!(envelope["source"], "/hooks/default/shop/acme/orders/a%2Fb%20c");
    for path in [
        "shop/acme/orders",
        "shop/acme/orders/",
        "shop//orders/7",
        "shop/acme/orders/7/8",
        "@path",
        "%40path",
    ] {
        fixture.post(&format!("/hooks/default/{path}"), "{}").await.expect_problem(404, "TN0005");
    }
}

#[tokio::test]
async fn the_most_literal_path_wins() {
    let fixture = deployed(&["{a}/orders", "shop/{b}", "shop/orders", "{a}/{b}"]).await;
    check(&fixture, "shop/orders", "shop/orders").await;
    check(&fixture, "shop/other", "shop/{b}").await;
    check(&fixture, "other/orders", "{a}/orders").await;
    check(&fixture, "other/other", "{a}/{b}").await;
    check(&fixture, "@ada/orders", "{a}/orders").await;
    // A new literal path counts at once.
    fixture.trigger("late", "kind: webhook\npath: other/other\nauth: none\nemits: { type: late }\n").await;
    check(&fixture, "other/other", "late").await;
    check(&fixture, "other/more", "{a}/{b}").await;
}

#[tokio::test]
async fn an_encoded_slash_is_no_border() {
    let fixture = deployed(&["shop/a/b", "shop/{name}"]).await;
    check(&fixture, "shop/a/b", "shop/a/b").await;
    check(&fixture, "shop/%61/b", "shop/a/b").await;
    for path in ["shop/a%2Fb", "shop/a%2fb", "shop/%61%2fb"] {
        check(&fixture, path, "shop/{name}").await;
    }
    fixture.post("/hooks/default/shop%2Fa%2Fb", "{}").await.expect_problem(404, "TN0005");
    check(&fixture, "shop/a/b", "shop/a/b").await;
}

#[tokio::test]
async fn methods_are_of_the_place_and_parameters_of_the_trigger() {
    let fixture = Fixture::new().await;
    for (name, path, method) in [("get", "a/{one}", "GET"), ("put", "a/{two}", "PUT")] {
        let document = format!(
            "kind: webhook\npath: '{path}'\nmethods: [{method}]\nauth: none\nemits: {{ data: '${{ .params }}' }}\n"
        );
        fixture.trigger(name, &document).await;
    }
    fixture.send("GET /hooks/default/a/x", &[], "").await.expect(202);
    fixture.send("PUT /hooks/default/a/x", &[], "").await.expect(202);
    let envelopes = fixture.envelopes().await;
    assert_eq!((&envelopes[0]["data"], &envelopes[1]["data"]), (&json!({"one": "x"}), &json!({"two": "x"})));
    let refused = fixture.send("POST /hooks/default/a/x", &[], "").await;
    assert_eq!(refused.header("allow"), Some("GET, PUT"));
    refused.expect_problem(405, "TN0006");
}
