//! Reading triggers of `kind: poll`.

use std::time::Duration;

use tenon_capture::trigger::poll::{CursorOrder, Poll};
use tenon_capture::trigger::{POLL_KEY, Trigger};

const SMALL: &str =
    "kind: poll\nevery: PT1M\ncall: http\nwith: { method: get, endpoint: http://localhost/items }\n";

fn poll(source: &str) -> Poll {
    match Trigger::parse(source) {
        Ok(Trigger::Poll(poll)) => *poll,
        other => panic!("not a poller: {other:?}"),
    }
}

#[track_caller]
fn refused(rest: &str, expected: &[(&str, &str)]) {
    let findings = Trigger::parse(&format!("{SMALL}{rest}")).expect_err("must be refused");
    let found: Vec<_> = findings.iter().map(|finding| (finding.code, finding.pointer.as_str())).collect();
    assert_eq!(found, expected, "{findings:#?}");
    assert!(findings.iter().all(|finding| finding.line > 0), "{findings:#?}");
}

#[test]
fn the_smallest_poller_has_defaults() {
    let poll = poll(SMALL);
    assert_eq!((poll.every, poll.dedup_for), (Duration::from_mins(1), Duration::from_hours(7 * 24)));
    assert!(poll.items.is_none() && poll.cursor.is_none() && poll.more.is_none() && poll.dedup_key.is_none());
    assert_eq!((poll.max_items, poll.cursor_order), (10_000, CursorOrder::Ascending));
    assert!(poll.program().secrets.is_empty() && poll.call.references.is_empty());
    let trigger = Trigger::parse(SMALL).expect("valid");
    assert_eq!((trigger.kind(), trigger.keys()), ("poll", vec![POLL_KEY.to_owned()]));
    assert_eq!(trigger.url("default"), None);
}

#[test]
fn the_whole_poller_is_read() {
    let source = r#"
kind: poll
every: PT5M
call: openapi
with:
  document: { endpoint: http://localhost/api.json }
  operationId: listContacts
  parameters: { since: '${ $cursor // "1970-01-01T00:00:00Z" }', key: '${ $secrets.crm }' }
  authentication: { use: crm }
use:
  secrets: [crm, login]
  authentications: { crm: { bearer: { use: login } } }
items: ${ .results }
cursor: ${ [.results[].updatedAt] | max }
cursorOrder: none
more: ${ .hasMore }
dedupKey: ${ "\(.id)@\(.updatedAt)" }
dedupFor: P30D
maxItems: 500
wokenBy: [shop/orders, shop/orders, crm]
emits: { type: com.acme.contact.changed, source: /crm, subject: "${ .id }", time: "${ .updatedAt }", data: "${ {id} }" }
metadata: { owner: crm }
"#;
    let poll = poll(source);
    assert_eq!(poll.program().secrets, ["crm", "login"]);
    let reference = &poll.call.references[0];
    assert_eq!(
        (reference.uri.as_str(), reference.pointer.as_str()),
        ("http://localhost/api.json", "/with/document/endpoint")
    );
    assert_eq!((poll.max_items, poll.cursor_order), (500, CursorOrder::None));
    assert_eq!(poll.dedup_for, Duration::from_hours(30 * 24));
    let trigger = Trigger::parse(source).expect("valid");
    assert_eq!(trigger.keys(), ["@poll", "@wake:crm", "@wake:shop/orders"]);
    assert_eq!(trigger.references().len(), 1);
}

#[test]
fn bad_pollers_are_refused_where_they_are_wrong() {
    refused("every: PT0.5S\n", &[("TN1004", "/every")]);
    refused("items: .results\n", &[("TN0503", "/items")]);
    refused("items: ${ .results[ }\n", &[("TN0507", "/items")]);
    refused("cursor: ${ $other }\n", &[("TN0507", "/cursor")]);
    refused("more: ${ .hasMore }\n", &[("TN0510", "/more")]);
    refused("cursorOrder: none\n", &[("TN0510", "/cursorOrder")]);
    refused("cursor: ${ .c }\ncursorOrder: descending\n", &[("TN0504", "/cursorOrder")]);
    refused("dedupFor: PT1H\n", &[("TN0510", "/dedupFor")]);
    refused("maxItems: 0\n", &[("TN0504", "/maxItems")]);
    refused("wokenBy: shop/orders\n", &[("TN0503", "/wokenBy")]);
    refused("wokenBy: [/shop/orders]\n", &[("TN0506", "/wokenBy/0")]);
    refused("emits: { typ: x }\n", &[("TN0501", "/emits/typ")]);
    refused("emits: { subject: '${ $secrets.x }' }\n", &[("TN0507", "/emits/subject")]);
    refused("use: { functions: {} }\n", &[("TN0501", "/use/functions")]);
    refused("path: shop\n", &[("TN0501", "/path")]);
}

#[track_caller]
fn refused_call(source: &str, expected: (&str, &str)) {
    let findings =
        Trigger::parse(&format!("kind: poll\nevery: PT1M\n{source}")).expect_err("must be refused");
    let found: Vec<_> = findings.iter().map(|finding| (finding.code, finding.pointer.as_str())).collect();
    assert!(found.contains(&expected), "{findings:#?}");
    assert!(findings.iter().all(|finding| finding.line > 0), "{findings:#?}");
}

#[test]
fn the_call_is_checked_as_in_a_workflow() {
    refused_call("", ("TN0502", "/call"));
    refused_call("call: crm.contacts.list\n", ("TN0505", "/call"));
    refused_call("call: [http]\n", ("TN0503", "/call"));
    let with = |with: &str| format!("call: http\nwith: {with}\n");
    refused_call(&with("{ method: get }"), ("TN1011", "/with"));
    refused_call(&with("{ method: get, endpoint: http://x, heders: {} }"), ("TN1010", "/with/heders"));
    refused_call(
        &with("{ method: get, endpoint: http://x, query: { q: '${ $nothing }' } }"),
        ("TN1201", "/with/query/q"),
    );
    refused_call(
        &with("{ method: get, endpoint: http://x, query: { q: '${ $secrets.x }' } }"),
        ("TN1103", "/with/query/q"),
    );
}

#[test]
fn the_interval_is_bounded() {
    for every in ["PT0.5S", "P367D", "every minute"] {
        let source = SMALL.replace("PT1M", every);
        let findings = Trigger::parse(&source).expect_err("must be refused");
        assert_eq!((findings[0].code, findings[0].pointer.as_str()), ("TN0509", "/every"), "{findings:?}");
    }
}
