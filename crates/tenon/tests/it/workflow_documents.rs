//! `tenon workflow explain` and `tenon workflow schema`: what is said of documents, in files and deployed.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fake_server::FakeServer;
use crate::sandbox::Sandbox;

const ORDERS: &str = "\
document:
  dsl: '1.0.3'
  namespace: shop
  name: orders
  version: '1.0.0'
  title: Handle an order
  metadata:
    tenon: { orderingKey: '${ .data.customerId }', concurrency: 10 }
schedule:
  on: { one: { with: { type: com.acme.order.created } } }
use:
  retries:
    patiently: { delay: PT2S, backoff: { exponential: {} }, limit: { attempt: { count: 5 } } }
do:
  - findCustomer:
      metadata: { title: Look up the customer }
      try:
        - ask: { call: http, with: { method: get, endpoint: 'https://crm.example.com/{customerId}' } }
      catch:
        errors: { with: { status: 503 } }
        retry: patiently
  - size:
      switch:
        - big: { when: .total > 1000, then: approve }
        - usual: { then: ship }
  - approve: { set: '${ . + {approved: true} }' }
  - ship:
      for: { each: line, in: .lines }
      do:
        - send: { emit: { event: { with: { type: com.acme.line.shipped, data: { sku: '${ $line.sku }' } } } } }
";

#[test]
fn explain_of_a_file() {
    let sandbox = Sandbox::new();
    sandbox.write("orders.yaml", ORDERS);
    assert_snapshot!(sandbox.run(&["workflow", "explain", "orders.yaml"]));
    let text = sandbox.run(&["workflow", "explain", "orders.yaml", "--output", "text"]);
    assert_eq!(text.to_string(), sandbox.run(&["workflow", "explain", "orders.yaml"]).to_string());
    assert_snapshot!(
        "explain_of_a_file_markdown",
        sandbox.run(&["workflow", "explain", "orders.yaml", "--output", "markdown"])
    );
}

#[test]
fn explain_for_programs() {
    let sandbox = Sandbox::new();
    sandbox.write("orders.yaml", ORDERS);
    let ran = sandbox.run(&["workflow", "explain", "orders.yaml", "--output", "json"]);
    let answer: Value = serde_json::from_str(&ran.stdout).expect("it is JSON");
    assert_eq!(
        (&answer["namespace"], &answer["name"], &answer["version"]),
        (&json!("shop"), &json!("orders"), &json!("1.0.0"))
    );
    let lines = answer["lines"].as_array().expect("a list");
    assert_eq!(
        lines.iter().find(|line| line["number"] == "1.1"),
        Some(&json!({
            "depth": 1,
            "number": "1.1",
            "pointer": "/do/0/findCustomer/try/0/ask",
            "text": "ask: GET https://crm.example.com/{customerId}",
        }))
    );
}

#[test]
fn explain_of_a_deployed_workflow() {
    let server = FakeServer::start();
    let revision = |document: &str| json!({ "namespace": "shop", "name": "orders", "document": document });
    server.on("GET", "/api/v1/workflows/shop/orders", revision(ORDERS));
    let old = ORDERS.replace("PT2S", "PT7S");
    server.on("GET", "/api/v1/workflows/shop/orders?revision=3", revision(&old));
    let sandbox = Sandbox::with(&server);
    let newest = sandbox.run(&["workflow", "explain", "shop/orders"]);
    assert!(newest.stdout.contains("waiting 2 s, 4 s, 8 s…"), "{newest}");
    let third = sandbox.run(&["workflow", "explain", "shop/orders", "--revision", "3"]);
    assert!(third.stdout.contains("waiting 7 s, 14 s, 28 s…"), "{third}");
    assert_eq!((newest.exit, third.exit), (Some(0), Some(0)));
}

#[test]
fn explain_of_what_is_no_workflow() {
    let sandbox = Sandbox::new();
    sandbox.write("broken.yaml", "document: {\n");
    sandbox.write("bad.yaml", &ORDERS.replace("then: ship", "then: shop").replace("set:", "sett:"));
    assert_snapshot!("explain_broken", sandbox.run(&["workflow", "explain", "broken.yaml"]));
    assert_snapshot!("explain_bad", sandbox.run(&["workflow", "explain", "bad.yaml"]));
    assert_snapshot!("explain_missing", sandbox.run(&["workflow", "explain", "nowhere.yaml"]));
    assert_snapshot!("explain_no_name", sandbox.run(&["workflow", "explain", "orders"]));
    assert_snapshot!(
        "explain_file_revision",
        sandbox.run(&["workflow", "explain", "bad.yaml", "--revision", "3"])
    );
}

#[test]
fn only_prose_is_printed_as_markdown() {
    assert_snapshot!(Sandbox::new().run(&["explain", "--output", "markdown"]));
}

#[test]
fn help_of_explain_and_schema() {
    let sandbox = Sandbox::new();
    assert_snapshot!("help_of_workflow_explain", sandbox.run(&["workflow", "explain", "--help"]));
    assert_snapshot!("help_of_workflow_schema", sandbox.run(&["workflow", "schema", "--help"]));
}

#[test]
fn schema() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(&["workflow", "schema"]);
    let schema: Value = serde_json::from_str(&ran.stdout).expect("it is JSON");
    // Its definitions are the table of shapes, which has tests of its own.
    let mut outer = schema.clone();
    outer.as_object_mut().expect("an object").remove("$defs");
    assert_snapshot!(format!("exit: {:?}\n{outer:#}", ran.exit));
    assert_snapshot!("schema_of_a_wait", format!("{:#}", schema["$defs"]["waitTask"]));
    let yaml = sandbox.run(&["workflow", "schema", "--output", "yaml"]);
    assert!(yaml.stdout.starts_with("$schema: "), "{yaml}");
}
