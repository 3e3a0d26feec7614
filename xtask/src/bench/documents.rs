//! The workflows and triggers that are measured.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

/// The body of every webhook: 200 bytes of JSON.
pub(super) const BODY: &str = concat!(
    r#"{"id":"order-000001","customer":{"id":"customer-17","email":"customer@example.com"},"total":129.9,"#,
    r#""currency":"EUR","lines":[{"sku":"sku-104","quantity":3,"price":43.3}],"note":"leave at the red door"}"#
);

/// Namespace of all workflows of the bench.
pub(super) const NAMESPACE: &str = "bench";

/// A webhook trigger at `/hooks/default/bench/<name>` that emits `dev.tenon.bench.<name>`.
pub(super) fn trigger(name: &str, respond: &str) -> String {
    trigger_for(name, &event_type(name), respond)
}

/// A webhook trigger that emits a given type.
pub(super) fn trigger_for(name: &str, event_type: &str, respond: &str) -> String {
    format!(
        "kind: webhook\npath: bench/{name}\nmethods: [POST]\nauth: {{ kind: none }}\n\
         emits:\n  type: {event_type}\n  data: ${{ .body }}\nrespond: {respond}\n"
    )
}

pub(super) fn event_type(name: &str) -> String {
    format!("dev.tenon.bench.{name}")
}

/// One `set`.
pub(super) fn one_set(name: &str) -> String {
    header(name) + "  - keep:\n      set:\n        id: ${ .[0].id }\n        total: ${ .[0].total }\n"
}

/// `set`, so many POSTs to the callee one after another, `set`.
pub(super) fn flow(name: &str, calls: u32, callee: SocketAddr) -> String {
    let mut document = header(name);
    document.push_str("  - prepare:\n      set:\n        id: ${ .[0].id }\n        total: ${ .[0].total }\n");
    for call in 1..=calls {
        let _ = write!(
            document,
            "  - call{call}:\n      call: http\n      with:\n        method: post\n        \
             endpoint: http://{callee}/echo\n        body:\n          id: ${{ $steps.prepare.id }}\n"
        );
    }
    document.push_str("  - answer:\n      set:\n        id: ${ $steps.prepare.id }\n        ok: ${ .ok }\n");
    document
}

/// In order by `.key`: one POST each to `<callee>/<key>/<turn>`.
pub(super) fn ordered(name: &str, callee: SocketAddr) -> String {
    let document = header(name)
        + &format!(
            "  - tell:\n      call: http\n      with:\n        method: post\n        \
             endpoint: ${{ \"http://{callee}/\\(.[0].key)/\\(.[0].turn)\" }}\n"
        );
    let document = document.replacen("schedule:\n", "timeout:\n  after: PT1H\nschedule:\n", 1);
    with_setting(&document, "orderingKey: ${ .data.key }")
}

/// One `set` that starts once a day.
pub(super) fn one_a_day(name: &str) -> String {
    with_setting(&one_set(name), "rateLimit: { limit: 1, per: P1D }")
}

/// One `set` whose jobs are kept so long.
pub(super) fn kept(name: &str, keep: Duration) -> String {
    with_setting(&one_set(name), &format!("retention: {{ jobs: PT{}S }}", keep.as_secs()))
}

fn with_setting(document: &str, setting: &str) -> String {
    document.replacen("'1.0.0'\n", &format!("'1.0.0'\n  metadata:\n    tenon:\n      {setting}\n"), 1)
}

/// Waits for a day.
pub(super) fn wait_a_day(name: &str) -> String {
    header(name) + "  - rest:\n      wait: P1D\n"
}

/// Document and schedule of a workflow that its trigger's events start.
fn header(name: &str) -> String {
    format!(
        "document:\n  dsl: '1.0.3'\n  namespace: {NAMESPACE}\n  name: {name}\n  version: '1.0.0'\n\
         schedule:\n  on:\n    one:\n      with:\n        type: {}\ndo:\n",
        event_type(name)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_json_of_200_bytes() {
        serde_json::from_str::<serde_json::Value>(BODY).unwrap();
        assert_eq!(BODY.len(), 200);
    }

    #[track_caller]
    fn check(text: &str) {
        let document = tenon_workflow::Document::parse(text).unwrap();
        tenon_workflow::compile(&document).unwrap();
        let mut found = tenon_workflow::lint(&document);
        found.retain(|finding| finding.severity != tenon_workflow::Severity::Information);
        assert_eq!(found, []);
    }

    #[test]
    fn every_workflow_compiles_without_a_warning() {
        let callee = "127.0.0.1:99".parse().unwrap();
        check(&one_set("a"));
        check(&flow("a", 1, callee));
        check(&flow("a", 5, callee));
        check(&wait_a_day("a"));
        check(&ordered("a", callee));
        check(&one_a_day("a"));
        check(&kept("a", Duration::from_secs(90)));
    }

    #[test]
    fn a_flow_has_its_calls() {
        let document = flow("five", 5, "127.0.0.1:99".parse().unwrap());
        assert_eq!(document.matches("call: http\n").count(), 5);
        assert_eq!(document.matches("endpoint: http://127.0.0.1:99/echo").count(), 5);
    }
}
