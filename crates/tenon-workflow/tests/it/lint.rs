//! Advice.

use tenon_workflow::{Severity, compile, lint};

use crate::documents::{document, lines, place};

#[track_caller]
fn advises(parts: &str, expected: &[&str]) {
    let document = document(parts);
    let program = compile(&document).unwrap_or_else(|found| panic!("{}", lines(&found)));
    let found = lint(&document, &program);
    assert_eq!(found.iter().map(place).collect::<Vec<_>>(), expected, "\n{}", lines(&found));
    assert!(found.iter().all(|finding| finding.severity == Severity::Warning && finding.hint.is_some()));
}

const SET: &str = "set: {x: 1}";

#[test]
fn unreachable_tasks() {
    advises(&format!("do:\n  - a: {{{SET}, then: end}}\n  - b: {{{SET}}}\n"), &["8 /do/1/b TN1501"]);
    advises(&format!("do:\n  - a: {{{SET}, then: exit}}\n  - b: {{{SET}}}\n"), &["8 /do/1/b TN1501"]);
    advises(
        &format!("do:\n  - a: {{{SET}, then: c}}\n  - b: {{{SET}}}\n  - c: {{{SET}}}\n"),
        &["8 /do/1/b TN1501"],
    );
    advises(&format!("do:\n  - a: {{{SET}, if: .x, then: end}}\n  - b: {{{SET}}}\n"), &[]);
    advises(
        &format!("do:\n  - a: {{raise: {{error: {{type: x, status: 400}}}}}}\n  - b: {{{SET}}}\n"),
        &["8 /do/1/b TN1501"],
    );
    advises(
        &format!("do:\n  - a:\n      do:\n        - c: {{{SET}, then: end}}\n        - d: {{{SET}}}\n"),
        &["10 /do/0/a/do/1/d TN1501"],
    );
    advises(
        &format!(
            "do:\n  - a:\n      try: []\n      catch: {{then: c}}\n      then: end\n  - b: {{{SET}}}\n  - c: {{{SET}}}\n"
        ),
        &["11 /do/1/b TN1501"],
    );
}

#[test]
fn cases_that_run_into_each_other() {
    let switch = "do:\n  - s:\n      switch:\n        - one: {when: .x, then: a}\n        - two: {then: b}\n";
    advises(&format!("{switch}  - a: {{{SET}}}\n  - b: {{{SET}}}\n"), &["11 /do/1/a TN1502"]);
    advises(&format!("{switch}  - a: {{{SET}, then: exit}}\n  - b: {{{SET}}}\n"), &[]);
}

#[test]
fn unused_definitions() {
    advises(
        "use:\n  retries: {used: {}, unused: {}}\n  errors: {e: {type: x, status: 400}}\n  timeouts: {t: {after: PT1S}}\ndo:\n  - a:\n      try: []\n      catch: {retry: used}\n",
        &["7 /use/retries/unused TN1503", "8 /use/errors/e TN1503", "9 /use/timeouts/t TN1503"],
    );
    advises("use: {timeouts: {t: {after: PT1S}}}\ntimeout: t\ndo: []\n", &[]);
}

#[test]
fn unsafe_retries() {
    let call = |headers: &str, method: &str| {
        format!(
            "do:\n  - a:\n      try:\n        - c:\n            call: http\n            with: {{method: {method}, endpoint: 'http://x', headers: {{{headers}}}}}\n      catch: {{retry: {{}}}}\n"
        )
    };
    advises(
        &call("idempotency-key: ''", "post"),
        &["11 /do/0/a/try/0/c/with/headers/idempotency-key TN1504"],
    );
    advises(&call("Idempotency-Key: abc", "post"), &[]);
    advises(&call("Idempotency-Key: ''", "get"), &[]);
    advises(&call("x: y", "post"), &[]);
}

#[test]
fn names_of_steps() {
    advises(
        &format!(
            "do:\n  - lookUp: {{{SET}}}\n  - b: {{set: {{a: '${{ $steps.lookUp.x + $steps.lookup.y }}'}}}}\n"
        ),
        &["8 /do/1/b/set/a TN1505"],
    );
}

#[test]
fn texts_like_expressions() {
    advises(
        "do:\n  - a:\n      call: http\n      with:\n        method: post\n        endpoint: http://x\n        body: {customer: .customer, fine: '${ .x }', file: .hidden file, price: $5, sum: 'a ${ .b }'}\n",
        &["12 /do/0/a/with/body/customer TN1507", "12 /do/0/a/with/body/sum TN1507"],
    );
    advises("do:\n  - a: {set: {error: $error}}\n", &["7 /do/0/a/set/error TN1507"]);
}

#[test]
fn retries_that_only_time_limits() {
    let retry = |retry: &str| format!("do:\n  - a:\n      try: []\n      catch: {{retry: {{{retry}}}}}\n");
    advises(&retry("limit: {duration: PT1H}"), &["9 /do/0/a/catch/retry TN1508"]);
    advises(&retry("delay: PT5S, limit: {duration: PT1H}"), &[]);
    advises(&retry("limit: {duration: PT1H, attempt: {count: 5}}"), &[]);
}

#[test]
fn ordered_lanes_without_a_timeout() {
    let source = |extra: &str| {
        let parts = format!("do:\n  - a: {{wait: PT1S}}\n{extra}");
        crate::documents::workflow(&parts)
            .replace("  version:", "  metadata: {tenon: {orderingKey: .data.x}}\n  version:")
    };
    for (extra, expected) in
        [("", vec!["5 /document/metadata/tenon/orderingKey TN1506"]), ("timeout: {after: PT1M}\n", vec![])]
    {
        let document = tenon_workflow::Document::parse(&source(extra)).expect("it is YAML");
        let program = compile(&document).unwrap_or_else(|found| panic!("{}", lines(&found)));
        assert_eq!(lint(&document, &program).iter().map(place).collect::<Vec<_>>(), expected);
    }
}
