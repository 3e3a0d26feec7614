//! `schedule`: by time; and `schedule.on`: one event, one of several, several together, and gathered until something holds.

use tenon_workflow::{EventTypes, Missed, Overlap, Strategy, Subscription, Until};

use crate::documents::{accepted, findings, program, refused, says, workflow};

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

fn with_settings(settings: &str, rest: &str) -> String {
    workflow(rest).replace("  version:", &format!("  metadata: {{tenon: {{{settings}}}}}\n  version:"))
}

#[test]
fn by_time() {
    for (schedule, timing) in [
        ("cron: '0 0 * * *'", "cron 0 0 * * * UTC"),
        ("cron: ' */5  * * * * * '", "cron */5 * * * * * UTC"),
        ("every: PT5M", "every 300.000000"),
        ("after: {seconds: 1, milliseconds: 500}", "after 1.500000"),
        ("every: PT5M, on: {any: []}", "every 300.000000"),
    ] {
        let program = program(&format!("schedule: {{{schedule}}}\ndo: []\n"));
        let schedule = program.schedule.expect("it has one");
        assert_eq!(schedule.timing.text(), timing);
        assert_eq!((schedule.missed, schedule.overlap), (Missed::Latest, Overlap::Allow));
    }
    assert!(program(&on("any: []")).schedule.is_none());
}

#[test]
fn settings_of_times() {
    let source = with_settings(
        "timeZone: europe/berlin, missed: skip, overlap: queue",
        "schedule: {cron: '0 0 * * *'}\ndo: []\n",
    );
    let document = tenon_workflow::Document::parse(&source).expect("it is YAML");
    let schedule = tenon_workflow::compile(&document).expect("it compiles").schedule.expect("it has one");
    assert_eq!(schedule.timing.text(), "cron 0 0 * * * Europe/Berlin");
    assert_eq!((schedule.missed, schedule.overlap), (Missed::Skip, Overlap::Queue));
}

#[test]
fn times_that_are_none() {
    for (schedule, place) in [
        ("{cron: '* * * *'}", "6 /schedule/cron TN1309"),
        ("{cron: '0 0 30 2 *'}", "6 /schedule/cron TN1309"),
        ("{every: PT0.5S}", "6 /schedule/every TN1016"),
        ("{after: PT0S}", "6 /schedule/after TN1016"),
        ("{every: '${ .x }'}", "6 /schedule/every TN1205"),
        ("{every: PT1S, cron: '* * * * *'}", "6 /schedule TN1015"),
        ("{after: PT1S, cron: '* * * * *', on: {any: []}}", "6 /schedule TN1015"),
    ] {
        refused(&format!("schedule: {schedule}\ndo: []\n"), &[place]);
    }
    let several = findings(&workflow("schedule: {every: PT1S, cron: '* * * * *'}\ndo: []\n"));
    let hint = several[0].hint.as_deref().expect("how to mend it");
    assert!(hint.contains("write a trigger of `kind: schedule`"), "{hint}");
    for (settings, schedule, code) in [
        ("timeZone: Mars/Olympus", "{cron: '* * * * *'}", "TN1310"),
        ("timeZone: Europe/Berlin", "{every: PT1S}", "TN1015"),
        ("missed: all", "{on: {any: []}}", "TN1015"),
        ("overlap: skip", "{after: PT1S}", "TN1015"),
    ] {
        let source = with_settings(settings, &format!("schedule: {schedule}\ndo: []\n"));
        let codes: Vec<_> = findings(&source).iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [code], "{settings} {schedule}");
    }
    let zone = with_settings("timeZone: Berlin", "schedule: {cron: '* * * * *'}\ndo: []\n");
    assert_eq!(findings(&zone)[0].hint.as_deref(), Some("did you mean `Europe/Berlin`?"));
}
