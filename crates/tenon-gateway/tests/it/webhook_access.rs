//! How often, from which pages, and what can be looked at afterwards.

use serde_json::json;

use crate::fixture::Fixture;

#[tokio::test]
async fn a_rate_limit_answers_429() {
    let fixture = Fixture::new().await;
    let document = "kind: webhook\npath: a\nauth: none\nrateLimit: { limit: 1, per: PT1H, burst: 2 }\n";
    fixture.trigger("hook", document).await;
    for _ in 0..2 {
        fixture.post("/hooks/default/a", "{}").await.expect(202);
    }
    let refused = fixture.post("/hooks/default/a", "{}").await;
    let seconds: u32 = refused.header("retry-after").and_then(|text| text.parse().ok()).expect("seconds");
    assert!((3_590..=3_600).contains(&seconds), "{seconds}");
    refused.expect_problem(429, "TN0064");
    // Another change of the workspace does not fill the bucket, another limit does.
    fixture.workflow("other", json!({}), "x").await;
    fixture.post("/hooks/default/a", "{}").await.expect_problem(429, "TN0064");
    fixture.trigger("hook", &document.replace("burst: 2", "burst: 3")).await;
    fixture.post("/hooks/default/a", "{}").await.expect(202);
    assert_eq!(fixture.envelopes().await.len(), 3);
}

#[tokio::test]
async fn strangers_do_not_use_up_the_limit() {
    let fixture = Fixture::new().await;
    fixture.secret("token", "t").await;
    let document =
        "kind: webhook\npath: a\nauth: { kind: bearer, secret: token }\nrateLimit: { limit: 1, per: PT1H }\n";
    fixture.trigger("hook", document).await;
    for _ in 0..5 {
        fixture.post("/hooks/default/a", "{}").await.expect_problem(401, "TN0062");
    }
    fixture.send("POST /hooks/default/a", &[("authorization", "Bearer t")], "").await.expect(202);
}

#[tokio::test]
async fn pages_of_allowed_origins_may_call() {
    let fixture = Fixture::new().await;
    let document = "
kind: webhook
path: a
methods: [POST, PUT]
auth: key
cors: { origins: [https://shop.example], headers: [content-type, X-Page], maxAge: PT1M }
";
    fixture.trigger("hook", document).await;
    let preflight = async |origin: &str, method: &str| {
        let headers = [("origin", origin), ("access-control-request-method", method)];
        fixture.send("OPTIONS /hooks/default/a", &headers, "").await
    };
    let answer = preflight("https://shop.example", "PUT").await.expect(204);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://shop.example"));
    assert_eq!(answer.header("access-control-allow-methods"), Some("POST, PUT"));
    assert_eq!(answer.header("access-control-allow-headers"), Some("content-type, x-page"));
    assert_eq!(
        (answer.header("access-control-max-age"), answer.header("vary")),
        (Some("60"), Some("origin"))
    );
    let other = preflight("https://evil.example", "PUT").await.expect(204);
    assert_eq!(other.header("access-control-allow-origin"), None);
    preflight("https://shop.example", "DELETE").await.expect_problem(405, "TN0006");
    fixture.send("OPTIONS /hooks/default/a", &[], "").await.expect_problem(405, "TN0006");
    // Refusals can be read by the page too.
    let refused = fixture.send("POST /hooks/default/a", &[("origin", "https://shop.example")], "").await;
    assert_eq!(refused.header("access-control-allow-origin"), Some("https://shop.example"));
    assert_eq!(refused.header("access-control-allow-credentials"), None);
    refused.expect_problem(401, "TN0007");
}

#[tokio::test]
async fn the_last_requests_can_be_looked_at() {
    let fixture = Fixture::new().await;
    let document = "
kind: webhook
path: 'a/{id}'
auth: none
mask: [/body/card/number, /body/people/*/name, /query/code, /headers/X-Person]
";
    fixture.trigger("hook", document).await;
    let headers = [
        ("content-type", "application/json"),
        ("authorization", "Bearer hidden-1"),
        ("cookie", "hidden-2"),
        ("x-api-key", "hidden-3"),
        ("x-hub-signature", "hidden-4"),
        ("x-person", "hidden-5"),
        ("x-plain", "shown"),
    ];
    let body = r#"{"card":{"number":"hidden-6","kind":"credit"},"people":[{"name":"hidden-7","age":7}]}"#;
    fixture.send("POST /hooks/default/a/7?code=hidden-8&page=2", &headers, body).await.expect(202);
    fixture.post("/hooks/default/a/7", "{broken hidden-9").await.expect_problem(400, "TN0002");
    let captured = fixture.captured("hook").await;
    assert!(!json!(captured).to_string().contains("hidden"), "{captured:#?}");
    let (refused, taken) = (&captured[0], &captured[1]);
    assert_eq!((&refused["outcome"], &refused["code"]), (&json!("refused"), &json!("TN0002")));
    assert_eq!(refused["body"], "***", "what cannot be read cannot be masked");
    assert_eq!((&taken["method"], &taken["path"]), (&json!("POST"), &json!("/hooks/default/a/7")));
    assert_eq!(
        taken["body"],
        json!({"card": {"number": "***", "kind": "credit"}, "people": [{"name": "***", "age": 7}]})
    );
    assert_eq!(
        (&taken["query"], &taken["headers"]["x-plain"]),
        (&json!({"code": "***", "page": "2"}), &json!("shown"))
    );
    assert_eq!((&taken["outcome"], &taken["size"]), (&json!("accepted"), &json!(body.len())));
    assert_eq!(taken["event"], fixture.envelopes().await[0]["id"]);
}

#[tokio::test]
async fn a_body_in_which_a_masked_value_is_not_where_it_should_be_is_not_shown() {
    let fixture = Fixture::new().await;
    fixture.trigger("hook", "kind: webhook\npath: a\nauth: none\nmask: [/body/card]\n").await;
    for (content_type, body) in [
        ("application/x-www-form-urlencoded", r#"{"id":1,"card":"hidden"}"#),
        ("text/plain", "card: hidden"),
        ("application/octet-stream", "hidden"),
        ("application/json", r#"[{"card":"hidden"}]"#),
    ] {
        fixture.send("POST /hooks/default/a", &[("content-type", content_type)], body).await.expect(202);
        assert_eq!(fixture.captured("hook").await[0]["body"], "***", "{content_type}");
    }
    fixture.post("/hooks/default/a", r#"{"id":1}"#).await.expect(202);
    assert_eq!(fixture.captured("hook").await[0]["body"], json!({"id": 1}), "it may be optional");
}

#[tokio::test]
async fn ten_of_each_sort_are_kept_and_large_bodies_in_part() {
    let fixture = Fixture::new().await;
    fixture.trigger("hook", "kind: webhook\npath: a\nauth: none\n").await;
    for number in 0..12 {
        fixture.post("/hooks/default/a", number.to_string()).await.expect(202);
        fixture.post("/hooks/default/a", "{").await.expect_problem(400, "TN0002");
    }
    let large = format!("\"{}\"", "x".repeat(70 << 10));
    fixture.post("/hooks/default/a", large.clone()).await.expect(202);
    let captured = fixture.captured("hook").await;
    let taken: Vec<_> = captured.iter().filter(|item| item["outcome"] == "accepted").collect();
    assert_eq!((captured.len(), taken.len()), (20, 10));
    assert_eq!((&taken[0]["size"], &taken[0]["truncated"]), (&json!(large.len()), &json!(true)));
    assert_eq!(taken[0]["raw"].as_str().map(str::len), Some(64 << 10));
    assert_eq!((&taken[1]["body"], &taken[9]["body"]), (&json!(11), &json!(3)));
    fixture.trigger("hook", "kind: webhook\npath: b\nauth: none\ncaptures: false\n").await;
    fixture.post("/hooks/default/b", "77").await.expect(202);
    assert!(fixture.captured("hook").await.iter().all(|item| item["body"] != json!(77)));
}
