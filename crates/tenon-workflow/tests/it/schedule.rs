//! `schedule.on`: one event, one of several, several together, and gathered until something holds.

use tenon_workflow::{EventTypes, Strategy, Subscription, Until};

use crate::documents::{accepted, program, refused, says};

fn on(on: &str) -> String {
    format!("schedule: {{on: {{{on}}}}}\ndo: []\n")
}

fn subscribed(text: &str) -> Subscription {
    program(&on(text)).subscription.expect("it is subscribed")
}

#[test]
fn which_gather() {
    for (text, gathers) in [
        ("one: {with: {type: x}}", false),
        ("any: []", false),
        ("any: [{with: {type: x}}, {with: {type: y}}]", false),
        ("all: [{with: {type: x}}]", false),
        ("all: [{with: {type: x}}, {with: {type: x}}]", true),
        ("any: [{with: {type: x}}], until: length > 2", true),
        ("any: [], until: {one: {with: {type: x}}}", true),
    ] {
        assert_eq!(subscribed(text).gathers(), gathers, "{text}");
    }
}

#[test]
fn strategies() {
    let all = subscribed("all: [{with: {type: x}}, {with: {source: y}}]");
    assert!(matches!(&all.to, Strategy::All(filters) if filters.len() == 2) && all.until.is_none());
    let until = subscribed("any: [{with: {type: x}}], until: '${ length > 2 }'");
    assert!(matches!(&until.to, Strategy::Any(filters) if filters.len() == 1));
    assert!(matches!(until.until, Some(Until::Condition(_))));
    let until = subscribed("any: [{with: {type: x}}], until: {all: [{with: {type: y}}, {with: {type: z}}]}");
    let types: Vec<EventTypes> = until.filters().map(|filter| filter.filter.event_types()).collect();
    assert_eq!(types, ["x", "y", "z"].map(|name| EventTypes::Exact(name.to_owned())));
    let every = subscribed("any: [{with: {type: x}}], until: {any: []}");
    let types: Vec<EventTypes> = every.filters().map(|filter| filter.filter.event_types()).collect();
    assert_eq!(types, [EventTypes::Exact("x".to_owned()), EventTypes::Any], "every event ends it");
}

#[test]
fn correlations() {
    let key = "correlate: {k: {from: .subject}}";
    let expecting =
        "correlate: {k: {from: .subject, expect: '${ .source }'}, l: {from: .data.l, expect: seven}}";
    let one = subscribed(&format!("one: {{with: {{type: x}}, {expecting}}}"));
    let filter = one.filters().next().expect("there is one");
    let names: Vec<_> = filter.correlate.iter().map(|correlation| correlation.name.as_str()).collect();
    assert_eq!(names, ["k", "l"]);
    for text in [
        // Each event starts a job of its own: what filters ask for may differ.
        format!("any: [{{with: {{type: x}}, {key}}}, {{with: {{type: y}}}}]"),
        format!("all: [{{with: {{type: x}}, {key}}}, {{with: {{type: y}}, {key}}}]"),
        format!("any: [{{with: {{type: x}}, {key}}}], until: {{one: {{with: {{type: y}}, {key}}}}}"),
    ] {
        accepted(&on(&text));
    }
    for (text, expected) in [
        (
            format!("all: [{{with: {{type: x}}, {key}}}, {{with: {{type: y}}}}]"),
            "6 /schedule/on/all/1 TN1015",
        ),
        (
            format!("any: [{{with: {{type: x}}, {key}}}], until: {{one: {{with: {{type: y}}}}}}"),
            "6 /schedule/on/until/one TN1015",
        ),
        (format!("any: [{{with: {{type: x}}, {key}}}], until: {{any: []}}"), "6 /schedule/on TN1015"),
        (
            format!("all: [{{with: {{type: x}}, {key}}}, {{with: {{type: y}}, {expecting}}}]"),
            "6 /schedule/on/all/1 TN1015",
        ),
    ] {
        refused(&on(&text), &[expected]);
    }
    says(
        &on(&format!("all: [{{with: {{type: x}}, {key}}}, {{with: {{type: y}}}}]")),
        "this filter correlates by nothing, the first one by `k`",
        Some("give all filters of `schedule.on`, and those of its `until`, the same keys under `correlate`"),
    );
}

#[test]
fn there_is_no_job_yet() {
    refused(&on("any: [{with: {type: x}}], until: $context.enough"), &["6 /schedule/on/until TN1202"]);
    refused(
        &on("one: {with: {type: x}, correlate: {k: {from: $input.x, expect: '${ $workflow.id }'}}}"),
        &["6 /schedule/on/one/correlate/k/from TN1202", "6 /schedule/on/one/correlate/k/expect TN1202"],
    );
    refused(&on("all: []"), &["6 /schedule/on/all TN1016"]);
    refused(&on("any: [], until: {all: []}"), &["6 /schedule/on/until/all TN1016"]);
    refused(&on("all: [{with: {type: x}}], until: .x"), &["6 /schedule/on TN1015"]);
}

#[test]
fn a_digest_is_of_the_strategy_alone() {
    let digest = |text: &str| program(text).subscription.expect("it is subscribed").digest;
    let one = digest("schedule: {on: {all: [{with: {type: x}}, {with: {type: y}}]}}\ndo: []\n");
    let same = "schedule:\n  read: envelope\n  on:\n    all:\n      - with: {type: x}\n      - with: {type: y}\ndo:\n  - a: {set: {x: 1}}\n";
    assert_eq!(one, digest(same));
    let other = digest("schedule: {on: {all: [{with: {type: x}}, {with: {type: z}}]}}\ndo: []\n");
    assert_ne!(one, other);
}
