//! `listen` (rules 19 and 20): which events, until when.

use serde_json::{Value, json};
use tenon_engine::{EffectAction, Execution, Finished, Outcome};
use tenon_workflow::EventTypes;

use crate::world::{World, begun, echo, give, unreachable};

pub(crate) fn world() -> World<'static> {
    World::new(&echo)
}

fn exact(types: &[&str]) -> Vec<EventTypes> {
    types.iter().map(|name| EventTypes::Exact((*name).to_owned())).collect()
}

/// An event as an outcome.
pub(crate) fn received(event: &str, kind: &str, data: Value) -> Outcome {
    Outcome::Received { event: event.to_owned(), envelope: json!({"type": kind, "data": data}) }
}

#[test]
fn one_gives_an_array_of_one() {
    world()
        .event(5, "other", json!(0))
        .event(10, "a", json!({"n": 1}))
        .event(20, "a", json!({"n": 2}))
        .check("do: [{hear: {listen: {to: {one: {with: {type: a}}}}}}]", json!({}), json!([{"n": 1}]));
}

#[test]
fn events_are_read_as_data_envelope_or_raw() {
    let workflow = |read: &str| {
        format!("do: [{{hear: {{listen: {{to: {{one: {{with: {{type: a}}}}}}, read: {read}}}}}}}]")
    };
    let text = json!({"type": "a", "source": "s", "data": "text"});
    let binary = json!({"type": "a", "source": "s", "data_base64": "AAEC"});
    let bare = json!({"type": "a", "source": "s"});
    for (read, envelope, expected) in [
        ("data", &text, json!(["text"])),
        ("raw", &text, json!(["text"])),
        ("raw", &binary, json!(["AAEC"])),
        ("data", &binary, json!(["AAEC"])),
        ("data", &bare, json!([null])),
        ("envelope", &binary, json!([binary])),
    ] {
        world().envelope(1, envelope.clone()).check(&workflow(read), json!({}), expected);
    }
}

#[test]
fn filters_compare_by_equality_pattern_expression_and_computed_value() {
    let workflow = "do:
- first: {set: {wanted: '${ .wanted }', least: '${ .least }'}, export: {as: '${ {limit: .least} }'}}
- hear: {listen: {to: {one: {with: {type: 'com\\.acme\\..*', source: '${ .wanted }', count: 3, data: '${ .n > $context.limit }'}}}}}";
    let event = |kind: &str, source: &str, count: u64, n: u64| json!({"type": kind, "source": source, "count": count, "data": {"n": n}});
    world()
        .envelope(1, event("com.acme.told", "https://there", 3, 9))
        .envelope(2, event("org.acme.told", "https://here", 3, 9))
        .envelope(3, event("com.acme.told", "https://here", 4, 9))
        .envelope(4, event("com.acme.told", "https://here", 3, 5))
        .envelope(5, json!({"type": "com.acme.told", "source": "https://here", "count": 3, "data": "n"}))
        .envelope(6, event("com.acme.told", "https://here", 3, 6))
        .check(workflow, json!({"wanted": "https://here", "least": 5}), json!([{"n": 6}]));
}

#[test]
fn any_without_until_ends_with_the_first_event_that_passes_one_of_the_filters() {
    let workflow =
        "do: [{hear: {listen: {to: {any: [{with: {type: a, data: .n > 1}}, {with: {type: b}}]}}}}]";
    world().event(1, "a", json!({"n": 1})).event(2, "b", json!("b")).check(workflow, json!({}), json!(["b"]));
    let every = "do: [{hear: {listen: {to: {any: []}}}}]";
    world().event(1, "whatever", json!("first")).check(every, json!({}), json!(["first"]));
}

#[test]
fn all_takes_one_event_for_each_filter_and_gives_them_in_order_of_consumption() {
    let workflow = "do: [{hear: {listen: {to: {all: [{with: {type: a}}, {with: {type: b}}]}}}}]";
    world().event(1, "b", json!("b1")).event(2, "b", json!("b2")).event(3, "a", json!("a1")).check(
        workflow,
        json!({}),
        json!(["b1", "a1"]),
    );
    // An event serves the first filter that still has none; another must come for the next.
    let overlapping = "do: [{hear: {listen: {to: {all: [{with: {type: a}}, {with: {type: a, data: .n == 1}}, {with: {type: a}}]}}}}]";
    world()
        .event(1, "a", json!({"n": 1}))
        .event(2, "a", json!({"n": 2}))
        .event(3, "a", json!({"n": 3}))
        .event(4, "a", json!({"n": 1}))
        .check(overlapping, json!({}), json!([{"n": 1}, {"n": 2}, {"n": 1}]));
}

#[test]
fn until_a_condition_holds_events_are_collected() {
    let workflow = "do:
- first: {set: {x: 0}, export: {as: '${ {least: 3} }'}}
- hear: {listen: {to: {any: [{with: {type: a}}], until: '${ (map(.n) | add) > $context.least and $input.x == 0 }'}}}";
    world()
        .event(1, "a", json!({"n": 1}))
        .event(2, "b", json!({"n": 9}))
        .event(3, "a", json!({"n": 2}))
        .event(4, "a", json!({"n": 3}))
        .event(5, "a", json!({"n": 4}))
        .check(workflow, json!({}), json!([{"n": 1}, {"n": 2}, {"n": 3}]));
    let fails = "do: [{hear: {listen: {to: {any: [], until: '${ .[0] | startswith(\"x\") }'}}}}]";
    world().event(1, "a", json!(1)).check_fault(fails, json!({}), ("expression", 400, "/do/0/hear"));
}

#[test]
fn until_other_events_come_which_are_no_part_of_the_output() {
    let workflow = |until: &str| {
        format!("do: [{{hear: {{listen: {{to: {{any: [{{with: {{type: a}}}}], until: {until}}}}}}}}}]")
    };
    let events = || {
        world()
            .event(1, "a", json!(1))
            .event(2, "end", json!({"n": 1}))
            .event(3, "a", json!(2))
            .event(4, "stop", json!({"n": 1}))
            .event(5, "a", json!(3))
    };
    events().check(&workflow("{one: {with: {type: end}}}"), json!({}), json!([1]));
    events().check(
        &workflow("{any: [{with: {type: stop}}, {with: {type: never}}]}"),
        json!({}),
        json!([1, 2]),
    );
    events().check(&workflow("{all: [{with: {type: stop}}, {with: {type: end}}]}"), json!({}), json!([1, 2]));
    let first = world().event(1, "end", json!(0));
    first.check(&workflow("{one: {with: {type: end}}}"), json!({}), json!([]));
}

#[test]
fn an_event_that_fits_both_ends_the_listen_and_is_no_item() {
    let workflow = "do: [{hear: {listen: {to: {any: [{with: {type: 'temp'}}], until: {all: [{with: {type: temp, data: .v > 39}}, {with: {type: temp, data: .v > 39}}]}}}}}]";
    world()
        .event(1, "temp", json!({"v": 37}))
        .event(2, "temp", json!({"v": 40}))
        .event(3, "temp", json!({"v": 38}))
        .event(4, "temp", json!({"v": 41}))
        .event(5, "temp", json!({"v": 36}))
        .check(workflow, json!({}), json!([{"v": 37}, {"v": 38}]));
    // As soon as `until` has enough of a kind, the rest of that kind are items again.
    let mixed =
        "do: [{hear: {listen: {to: {any: [], until: {all: [{with: {type: x}}, {with: {type: end}}]}}}}}]";
    world()
        .event(1, "x", json!("first x"))
        .event(2, "x", json!("second x"))
        .event(3, "end", json!("end"))
        .check(mixed, json!({}), json!(["second x"]));
}

pub(crate) fn numbers(count: u64) -> World<'static> {
    (1..=count).fold(world(), |world, n| world.event(n, "a", json!({"n": n})))
}

#[test]
fn what_a_listen_says_about_the_events_it_may_want() {
    let listening = |yaml: &str| begun(yaml, &json!({"id": "o-1", "n": 5})).listening().remove(0);
    let one = listening("do: [{hear: {listen: {to: {one: {with: {type: a, subject: '${ .id }'}}}}}}]");
    assert_eq!((one.types, one.subject, one.attempt), (exact(&["a"]), Some("o-1".to_owned()), 1));
    let all =
        "do: [{hear: {listen: {to: {all: [{with: {type: a, subject: x}}, {with: {type: b, subject: x}}]}}}}]";
    let both = listening(all);
    assert_eq!((both.types, both.subject), (exact(&["a", "b"]), Some("x".to_owned())));
    let any = "do: [{hear: {listen: {to: {any: [{with: {type: a, subject: x}}, {with: {type: a, subject: y}}], until: {one: {with: {type: end}}}}}}}]";
    let any = listening(any);
    assert_eq!((any.types, any.subject), (exact(&["end", "a"]), None));
    let every = listening("do: [{hear: {listen: {to: {any: []}}}}]");
    assert_eq!((every.types, every.subject), (vec![EventTypes::Any], None));
    let not_text = listening("do: [{hear: {listen: {to: {one: {with: {type: a, subject: '${ .n }'}}}}}}]");
    assert_eq!(not_text.subject, None);
    // What has come is not wanted any more.
    let mut execution = begun(all, &json!({}));
    let event = json!({"type": "a", "subject": "x", "data": 1});
    let outcome = Outcome::Received { event: "evt_1".to_owned(), envelope: event };
    give(&mut execution, "/do/0/hear/event/0", (1, outcome)).expect("awaited");
    assert_eq!(execution.listening()[0].types, exact(&["b"]));
    let EffectAction::Listen(types) = &execution.take_effects()[0].action else { panic!("it listens") };
    assert_eq!(*types, exact(&["b"]));
}

const CORRELATED: &str = "do:
- hear:
    listen:
      to:
        all:
        - {with: {type: ordered}, correlate: {order: {from: .data.id}, shop: {from: .data.shop, expect: '${ .shop }'}}}
        - {with: {type: paid}, correlate: {order: {from: .data.order}}}";

#[test]
fn correlation_takes_the_first_events_value_or_what_is_expected() {
    let events = || {
        world()
            .event(1, "ordered", json!({"id": 1, "shop": "b"}))
            .event(2, "paid", json!({"none": true}))
            .event(3, "ordered", json!({"id": 2, "shop": "a"}))
            .event(4, "paid", json!({"order": 1}))
            .event(5, "paid", json!("text"))
            .event(6, "paid", json!({"order": 2}))
    };
    events().check(CORRELATED, json!({"shop": "a"}), json!([{"id": 2, "shop": "a"}, {"order": 2}]));
    events().check(CORRELATED, json!({"shop": "b"}), json!([{"id": 1, "shop": "b"}, {"order": 1}]));
    // Whichever comes first says which.
    world()
        .event(1, "paid", json!({"order": 7}))
        .event(2, "ordered", json!({"id": 6, "shop": "a"}))
        .event(3, "ordered", json!({"id": 7, "shop": "a"}))
        .check(CORRELATED, json!({"shop": "a"}), json!([{"order": 7}, {"id": 7, "shop": "a"}]));
}

#[test]
fn correlation_holds_for_every_event_of_an_any_and_for_those_that_end_it() {
    let workflow = "do:
- hear:
    listen:
      to:
        any: [{with: {type: note}, correlate: {order: {from: .subject}}}]
        until: {one: {with: {type: done}, correlate: {order: {from: .subject}}}}";
    let event = |kind: &str, subject: &str, n: u64| json!({"type": kind, "subject": subject, "data": n});
    world()
        .envelope(1, event("note", "x", 1))
        .envelope(2, event("note", "y", 2))
        .envelope(3, event("done", "y", 3))
        .envelope(4, event("note", "x", 4))
        .envelope(5, event("done", "x", 5))
        .check(workflow, json!({}), json!([1, 4]));
}

#[test]
fn an_expectation_is_a_constant_or_computed() {
    let workflow = |expect: &str| {
        format!(
            "do: [{{hear: {{listen: {{to: {{one: {{with: {{type: a}}, correlate: {{k: {{from: .data.k, expect: {expect}}}}}}}}}}}}}}}]"
        )
    };
    let events = || {
        world().event(1, "a", json!({"k": "no"})).event(2, "a", json!({"k": "yes"})).event(
            3,
            "a",
            json!({"k": 5}),
        )
    };
    events().check(&workflow("'yes'"), json!({}), json!([{"k": "yes"}]));
    events().check(&workflow("'${ .n }'"), json!({"n": 5}), json!([{"k": 5}]));
}

#[test]
fn branches_listen_side_by_side_and_may_take_the_same_event() {
    numbers(5).check(
        "do:
- all:
    fork:
      branches:
      - one: {listen: {to: {one: {with: {type: a}}}}}
      - two: {listen: {to: {any: [{with: {type: a}}], until: '${ length == 2 }'}}}
      - three: {listen: {to: {one: {with: {type: a, data: .n == 4}}}}}
      - four: {set: {x: 1}}",
        json!({}),
        json!([[{"n": 1}], [{"n": 1}, {"n": 2}], [{"n": 4}], {"x": 1}]),
    );
}

#[test]
fn a_race_between_an_event_and_a_timer() {
    let workflow = "do:
- race: {fork: {compete: true, branches: [{heard: {listen: {to: {one: {with: {type: a}}}}}}, {late: {do: [{nap: {wait: PT10S}}, {say: {set: '${ \"late\" }'}}]}}]}}";
    world().event(5_000, "a", json!("in time")).check(workflow, json!({}), json!(["in time"]));
    world().event(15_000, "a", json!("too late")).check(workflow, json!({}), json!("late"));
}

#[test]
fn an_event_that_is_not_wanted_is_an_error_and_so_is_a_listen_that_failed() {
    let workflow = "do: [{hear: {listen: {to: {one: {with: {type: a}}}}}}]";
    for (outcome, kind) in [(received("evt_1", "b", json!(1)), "/runtime"), (unreachable(), "/communication")]
    {
        let mut execution: Execution = begun(workflow, &json!({}));
        give(&mut execution, "/do/0/hear/event/0", (1, outcome)).expect("awaited");
        let Some(Finished::Faulted(error)) = execution.finished() else {
            panic!("{:?}", execution.finished())
        };
        assert!(error.r#type.ends_with(kind), "{error:?}");
    }
}
