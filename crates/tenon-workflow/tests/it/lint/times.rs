//! Timeouts and waits.

use super::{rule, setting};

const ORDER: &str = "orderingKey: .data.x";

#[test]
fn ordered_lanes() {
    let wait = "do:\n  - a: {wait: PT1S}\n";
    setting("TN1506", (ORDER, wait), true);
    setting("TN1506", (ORDER, "do:\n  - a: {wait: PT1S}\ntimeout: {after: PT1M}\n"), false);
    setting("TN1506", (ORDER, "do:\n  - a: {wait: PT1S, timeout: {after: PT1M}}\n"), false);
    setting("TN1506", (ORDER, "do:\n  - a: {set: {x: 1}}\n"), false);
    setting("TN1506", ("priority: 1", wait), false);
    setting("TN1558", (ORDER, "do:\n  - a: {wait: P1D}\n"), true);
    setting("TN1558", (ORDER, "do:\n  - a: {wait: {}, metadata: {tenon: {until: .x}}}\n"), true);
    setting("TN1558", (ORDER, "do:\n  - a: {listen: {to: {any: []}}}\n"), true);
    setting("TN1558", (ORDER, "do:\n  - a: {listen: {to: {any: []}}, timeout: {after: PT1M}}\n"), false);
    setting("TN1558", (ORDER, wait), false);
    let retry = |policy: &str| {
        format!(
            "do:\n  - a:\n      try: [c: {{call: http, with: {{method: get, endpoint: https://x.example}}}}]\n      catch: {{retry: {{{policy}}}}}\n"
        )
    };
    for (policy, expected) in [
        ("delay: PT20M", true),
        ("delay: PT1M, backoff: {exponential: {}}, limit: {attempt: {count: 12}}", true),
        ("delay: PT1S, limit: {duration: P1D}", true),
        ("delay: PT1S", false),
        ("delay: PT20M, limit: {duration: PT30M}", false),
    ] {
        setting("TN1557", (ORDER, &retry(policy)), expected);
    }
    setting("TN1557", ("priority: 1", &retry("delay: PT20M")), false);
}

#[test]
fn nothing_ends_it() {
    let call = |more: &str| {
        format!("do:\n  - a: {{call: http, with: {{method: get, endpoint: https://x.example}}{more}}}\n")
    };
    rule("TN1565", &[&call("")], &[&call(", timeout: {after: PT1S}"), "do:\n  - a: {wait: PT1S}\n"]);
    let listen = |more: &str| format!("do:\n  - a: {{listen: {{to: {{any: []}}}}{more}}}\n");
    rule(
        "TN1566",
        &[&listen("")],
        &[&listen(", timeout: {after: P1D}"), &format!("timeout: {{after: P1D}}\n{}", listen(""))],
    );
}

#[test]
fn in_each_others_way() {
    let wait =
        |timeout: &str, wait: &str| format!("timeout: {{after: {timeout}}}\ndo:\n  - a: {{wait: {wait}}}\n");
    rule(
        "TN1576",
        &[
            &wait("PT1H", "P1D"),
            &wait("PT1H", "{hours: 1}"),
            "do:\n  - a: {do: [b: {wait: PT2M}], timeout: {after: PT1M}}\n",
            "do:\n  - b: {wait: PT2M, timeout: {after: PT1M}}\n",
        ],
        &[&wait("PT1H", "PT1M"), &wait("'${ .x }'", "P1D"), &wait("PT1H", "'${ .x }'")],
    );
    let nested = |outer: &str, inner: &str| {
        format!(
            "use: {{timeouts: {{t: {{after: {inner}}}}}}}\ndo:\n  - a: {{timeout: {{after: {outer}}}, do: [b: {{wait: PT1S, timeout: t}}]}}\n"
        )
    };
    rule("TN1577", &[&nested("PT1M", "PT2M")], &[&nested("PT2M", "PT1M"), &nested("PT1M", "PT1M")]);
}

#[test]
fn of_nothing() {
    rule(
        "TN1575",
        &["do:\n  - a: {wait: PT0S}\n", "timeout: {after: {seconds: 0}}\ndo:\n  - a: {set: {x: 1}}\n"],
        &["do:\n  - a: {wait: PT1S}\n", "do:\n  - a: {wait: {}, metadata: {tenon: {until: .x}}}\n"],
    );
}
