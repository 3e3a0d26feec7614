//! Reading trigger documents: what is taken, and what is said about what is not.

use std::time::Duration;

use tenon_capture::trigger::{Auth, CODES, EmitData, Needs, Respond, Trigger, Webhook};

fn webhook(source: &str) -> Webhook {
    match Trigger::parse(source) {
        Ok(Trigger::Webhook(webhook)) => *webhook,
        other => panic!("refused: {other:?}"),
    }
}

#[track_caller]
fn refused(source: &str, expected: &[(&str, &str)]) {
    let findings = Trigger::parse(source).expect_err("must be refused");
    let found: Vec<_> = findings.iter().map(|finding| (finding.code, finding.pointer.as_str())).collect();
    assert_eq!(found, expected, "{findings:#?}");
}

const SMALL: &str = "kind: webhook\npath: shop/orders\nauth: { kind: none }\n";

#[test]
fn the_smallest_webhook_has_defaults() {
    let webhook = webhook(SMALL);
    assert_eq!(webhook.path.text(), "shop/orders");
    assert_eq!(webhook.methods, ["POST"]);
    assert_eq!(webhook.auth, Auth::None);
    assert_eq!(webhook.respond, Respond::Accepted);
    assert!(matches!(webhook.emits.data, EmitData::Body));
    assert!(webhook.schema.is_none() && webhook.dedup_key.is_none() && webhook.needs.is_empty());
    let trigger = Trigger::parse(SMALL).expect("valid");
    assert_eq!((trigger.kind(), trigger.keys()), ("webhook", vec!["shop/orders".to_owned()]));
    assert_eq!(trigger.url("default").as_deref(), Some("/hooks/default/shop/orders"));
}

#[test]
fn the_whole_webhook_is_read() {
    let webhook = webhook(
        r#"
kind: webhook
path: shop/orders
methods: [POST, PUT, POST]
auth: key
schema: { type: object, required: [id] }
emits: { type: com.acme.order.created, subject: "${ .body.id }", data: "${ .body }" }
dedupKey: ${ .headers["x-delivery"] }
dedupFor: PT2H
respond: wait
metadata: { owner: { team: shop } }
"#,
    );
    assert_eq!(webhook.methods, ["POST", "PUT"]);
    assert_eq!((webhook.auth, webhook.respond), (Auth::Key, Respond::Wait));
    assert_eq!(webhook.dedup_for, Duration::from_hours(2));
    assert!(matches!(webhook.emits.data, EmitData::Body), "`.body` alone is spliced, not evaluated");
    assert!(webhook.needs.has(Needs::BODY) && webhook.needs.has(Needs::HEADERS));
    assert!(!webhook.needs.has(Needs::RAW) && !webhook.needs.has(Needs::QUERY));
}

#[test]
fn unknown_fields_are_errors_with_a_suggestion() {
    let findings =
        Trigger::parse(&format!("{SMALL}dedupkey: x\nemit: {{}}\nzzzzzzzzz: 1\n")).expect_err("refused");
    let said: Vec<_> =
        findings.iter().map(|f| (f.pointer.as_str(), f.hint.as_deref().unwrap_or(""))).collect();
    assert_eq!(said[0], ("/dedupkey", "did you mean `dedupKey`?"));
    assert_eq!(said[1], ("/emit", "did you mean `emits`?"));
    assert!(said[2].0 == "/zzzzzzzzz" && said[2].1.starts_with("possible: `kind`"), "{said:?}");
    refused(&format!("{SMALL}emits: {{ typ: x }}\n"), &[("TN0501", "/emits/typ")]);
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    refused(
        "kind: webhook\npath: /shop/orders\nmethods: [FETCH]\nrespond: later\n",
        &[("TN0506", "/path"), ("TN0504", "/methods/0"), ("TN0502", "/auth"), ("TN0504", "/respond")],
    );
}

#[test]
fn later_kinds_are_refused_by_name() {
    refused("kind: stream\n", &[("TN0505", "/kind")]);
}

#[test]
fn paths_are_plain() {
    for path in
        ["''", "/a", "a/", "a//b", "a/../b", "'a b'", "'a?b'", "'{id}'", "a/{1d}", "a/{id", "a/{x}/{x}", "ä"]
    {
        refused(&format!("kind: webhook\npath: {path}\nauth: none\n"), &[("TN0506", "/path")]);
    }
}

#[test]
fn expressions_schemas_and_durations_are_checked() {
    refused(&format!("{SMALL}dedupKey: ${{ .a | }}\n"), &[("TN0507", "/dedupKey")]);
    refused(&format!("{SMALL}dedupKey: constant\n"), &[("TN0510", "/dedupKey")]);
    refused(&format!("{SMALL}dedupFor: PT1H\n"), &[("TN0510", "/dedupFor")]);
    refused(&format!("{SMALL}dedupKey: ${{ .raw }}\ndedupFor: 1h\n"), &[("TN0509", "/dedupFor")]);
    refused(&format!("{SMALL}emits:\n  data: {{ a: [ '${{ $x }}' ] }}\n"), &[("TN0507", "/emits/data/a/0")]);
    refused(&format!("{SMALL}schema: {{ type: 7 }}\n"), &[("TN0508", "/schema")]);
    refused(&format!("{SMALL}emits: {{ type: '' }}\n"), &[("TN0503", "/emits/type")]);
}

#[test]
fn text_that_is_no_document_is_said_to_be_none() {
    assert!(Trigger::parse("kind: [").is_err());
    refused("- a\n", &[("TN0503", "")]);
}

#[test]
fn every_code_is_listed_once_in_order() {
    assert!(CODES.windows(2).all(|pair| pair[0].0 < pair[1].0));
}
