//! Workflows that start with several events: `all`, and `any` with `until`.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tenon_capture::{Accepted, Data, Event, Incoming, Rerun};
use tenon_store::{EventId, GatherLimits, JobId, JobState};

use crate::fixture::Fixture;

/// An event of a type with this data and subject.
fn event(fixture: &Fixture, r#type: &str, subject: &str, data: Value) -> Incoming {
    let event = Event {
        source: "/shop".to_owned(),
        r#type: r#type.to_owned(),
        subject: Some(subject.to_owned()),
        data: Data::Value(data),
        ..Event::default()
    };
    Incoming::new(fixture.workspace, event)
}

async fn capture(fixture: &Fixture, r#type: &str, subject: &str, data: Value) -> Accepted {
    fixture.service.event(event(fixture, r#type, subject, data)).await.expect("captured")
}

/// The data of the events that a job was gathered from.
async fn data_of(fixture: &Fixture, job: JobId) -> Vec<Value> {
    let gathered = fixture.store.gathered(fixture.workspace, job).await.expect("readable");
    let data = gathered.iter().map(|gathered| {
        let envelope: Value = serde_json::from_slice(&gathered.envelope).expect("JSON");
        envelope["data"].clone()
    });
    data.collect()
}

/// Captures events one after the other; the data of those that each job was gathered from.
async fn check(schedule: Value, events: &[(&str, &str, Value)], expected: Value) {
    let fixture = Fixture::new().await;
    fixture.deploy_on("one", json!({}), schedule).await;
    let mut jobs = Vec::new();
    for (r#type, subject, data) in events {
        for job in capture(&fixture, r#type, subject, data.clone()).await.jobs {
            jobs.push(data_of(&fixture, job).await);
        }
    }
    assert_eq!(json!(jobs), expected);
}

fn all(correlate: Value) -> Value {
    let of = |r#type: &str| json!({"with": {"type": r#type}, "correlate": correlate});
    json!({"on": {"all": [of("ordered"), of("paid")]}})
}

fn until(until: Value) -> Value {
    json!({"on": {"any": [{"with": {"type": "reading"}}], "until": until}})
}

#[tokio::test]
async fn all_of_several_filters() {
    let events = [
        ("ordered", "", json!(1)),
        ("ordered", "", json!(2)),
        ("other", "", json!(3)),
        ("paid", "", json!(4)),
        ("paid", "", json!(5)),
        ("paid", "", json!(6)),
    ];
    check(all(json!({})), &events, json!([[1, 4], [2, 5]])).await;
}

#[tokio::test]
async fn the_order_is_that_of_capture() {
    let events = [("paid", "", json!("p")), ("ordered", "", json!("o"))];
    check(all(json!({})), &events, json!([["p", "o"]])).await;
}

#[tokio::test]
async fn sets_are_per_value_of_the_correlations() {
    let correlate = json!({"who": {"from": ".subject"}, "shop": {"from": ".data.shop"}});
    let at = |n: u64, shop: Value| json!({"n": n, "shop": shop});
    let events = [
        ("ordered", "Ada", at(1, json!({"a": 1, "b": 2}))),
        ("paid", "Bob", at(2, json!({"a": 1, "b": 2}))),
        ("paid", "Ada", at(3, json!("other"))),
        // No value, no match.
        ("paid", "Ada", at(4, Value::Null)),
        ("paid", "Ada", json!(5)),
        ("paid", "Ada", at(6, json!({"b": 2, "a": 1}))),
    ];
    let expected = json!([[{"n": 1, "shop": {"a": 1, "b": 2}}, {"n": 6, "shop": {"b": 2, "a": 1}}]]);
    check(all(correlate), &events, expected).await;
}

#[tokio::test]
async fn expectations_compare() {
    let correlate = json!({"who": {"from": ".subject", "expect": "${ .data.who }"}});
    let events = [
        ("ordered", "Ada", json!({"who": "Ada"})),
        ("paid", "Ada", json!({"who": "Bob"})),
        ("paid", "Ada", json!({"who": "Ada", "paid": true})),
    ];
    check(all(correlate), &events, json!([[{"who": "Ada"}, {"who": "Ada", "paid": true}]])).await;
}

#[tokio::test]
async fn a_correlation_of_a_single_event_is_one_more_condition() {
    let fixture = Fixture::new().await;
    let correlate = json!({"who": {"from": ".subject", "expect": "Ada"}, "n": {"from": ".data.n"}});
    let schedule = json!({"on": {"one": {"with": {"type": "paid"}, "correlate": correlate}}});
    fixture.deploy_on("one", json!({}), schedule).await;
    for (subject, data, count) in [
        ("Ada", json!({"n": 1}), 1),
        ("Bob", json!({"n": 1}), 0),
        ("Ada", json!({}), 0),
        ("Ada", json!(1), 0),
    ] {
        assert_eq!(capture(&fixture, "paid", subject, data).await.jobs.len(), count);
    }
}

#[tokio::test]
async fn until_a_condition_holds() {
    let events = |numbers: &[i64]| -> Vec<(&'static str, &'static str, Value)> {
        numbers.iter().map(|n| ("reading", "", json!({"n": n}))).collect()
    };
    let enough = until(json!("map(.n) | add >= 10"));
    let of = |numbers: &[i64]| numbers.iter().map(|n| json!({"n": n})).collect::<Value>();
    check(enough, &events(&[4, 5, 3, 12, 1, 1]), json!([of(&[4, 5, 3]), of(&[12])])).await;
    // One that fails does not hold.
    let failing = until(json!("if length < 3 then error(\"no\") else true end"));
    check(failing, &events(&[1, 2, 3, 4]), json!([of(&[1, 2, 3])])).await;
    let mut whole = until(json!("${ .[-1].subject == \"last\" }"));
    whole["read"] = "envelope".into();
    let events = [("reading", "", json!(1)), ("reading", "last", json!(2)), ("reading", "last", json!(3))];
    check(whole, &events, json!([[1, 2], [3]])).await;
}

#[tokio::test]
async fn until_other_events_come() {
    let one = until(json!({"one": {"with": {"type": "end"}}}));
    let events = [
        ("end", "", json!("early")),
        ("reading", "", json!(1)),
        ("reading", "", json!(2)),
        ("end", "", json!("end")),
        ("end", "", json!("late")),
        ("reading", "", json!(3)),
    ];
    check(one, &events, json!([[1, 2]])).await;
    let both = until(json!({"all": [{"with": {"type": "end"}}, {"with": {"type": "stop"}}]}));
    let events = [
        ("reading", "", json!(1)),
        ("stop", "", json!(0)),
        ("reading", "", json!(2)),
        ("stop", "", json!(0)),
        ("end", "", json!(0)),
    ];
    check(both, &events, json!([[1, 2]])).await;
    // What ends a set is no part of one, though it would pass.
    let last = until(json!({"one": {"with": {"type": "reading", "data": ".last"}}}));
    let events = [("reading", "", json!({"n": 1})), ("reading", "", json!({"last": true}))];
    check(last, &events, json!([[{"n": 1}]])).await;
}

#[tokio::test]
async fn a_job_refers_to_the_event_that_completed_it() {
    let fixture = Fixture::new().await;
    let settings = json!({"orderingKey": "${ .data.k }", "dedupKey": "${ .data.d }"});
    fixture.deploy_on("one", settings, all(json!({}))).await;
    let first = capture(&fixture, "ordered", "", json!({"k": "a", "d": 1})).await;
    let second = capture(&fixture, "paid", "", json!({"k": "b", "d": 2})).await;
    let [job] = fixture.jobs().await.try_into().expect("there is one");
    assert_eq!((job.event, job.lane.as_deref(), job.state), (second.event, Some("b"), JobState::Pending));
    assert_eq!((first.jobs, second.jobs), (vec![], vec![job.id]));
    for event in [first.event, second.event] {
        let event = fixture.store.event(fixture.workspace, event).await.expect("readable").expect("kept");
        assert_eq!(event.jobs, [job.id], "each of its events lists it");
    }
    // The same key again: these two start nothing.
    capture(&fixture, "ordered", "", json!({"k": "a", "d": 3})).await;
    assert!(capture(&fixture, "paid", "", json!({"k": "b", "d": 2})).await.jobs.is_empty());
    assert!(capture(&fixture, "paid", "", json!({"k": "b", "d": 4})).await.jobs.is_empty(), "used up");
    assert_eq!(capture(&fixture, "ordered", "", json!({"k": "c", "d": 5})).await.jobs.len(), 1);
}

#[tokio::test]
async fn a_caller_may_wait_for_the_job_that_its_event_completes() {
    let fixture = Fixture::new().await;
    fixture.deploy_on("one", json!({}), all(json!({}))).await;
    let ordered = event(&fixture, "ordered", "", json!(1));
    let (accepted, watched) = fixture.service.event_and_watch(ordered).await.expect("captured");
    assert!(accepted.jobs.is_empty() && watched.is_none());
    let paid = event(&fixture, "paid", "", json!(1));
    let (accepted, watched) = fixture.service.event_and_watch(paid).await.expect("captured");
    assert_eq!(watched.map(|watched| watched.watch.job()), accepted.jobs.first().copied());
}

#[tokio::test]
async fn a_rerun_has_the_same_events() {
    let fixture = Fixture::new().await;
    fixture.deploy_on("one", json!({}), all(json!({}))).await;
    capture(&fixture, "ordered", "", json!(1)).await;
    let first = capture(&fixture, "paid", "", json!(2)).await.jobs[0];
    let mut job = first;
    for _ in 0..2 {
        let record = fixture.store.job(fixture.workspace, job).await.expect("readable").expect("kept");
        let rerun =
            Rerun { revision: record.revision, job: record, input: None, beginning: None, bulk: None };
        job = fixture.service.rerun(rerun).await.expect("started").jobs[0];
        assert_eq!(data_of(&fixture, job).await, [json!(1), json!(2)]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_none_is_lost_and_none_is_used_twice() {
    const EVENTS: usize = 60;
    for schedule in [
        json!({"on": {"all": [{"with": {"type": "e"}}, {"with": {"type": "e"}}, {"with": {"type": "e"}}]}}),
        json!({"on": {"any": [{"with": {"type": "e"}}], "until": "length == 3"}}),
    ] {
        let fixture = Fixture::new().await;
        fixture.deploy_on("one", json!({}), schedule.clone()).await;
        let captures = (0..EVENTS).map(|n| fixture.service.event(event(&fixture, "e", "", json!(n))));
        let accepted = join_all(captures).await;
        let jobs: Vec<JobId> =
            accepted.into_iter().flat_map(|accepted| accepted.expect("captured").jobs).collect();
        assert_eq!(jobs.len(), EVENTS / 3, "{schedule}");
        let mut used = Vec::new();
        for job in jobs {
            let data = data_of(&fixture, job).await;
            assert_eq!(data.len(), 3);
            used.extend(data.iter().filter_map(Value::as_u64));
        }
        used.sort_unstable();
        assert_eq!(used, (0..EVENTS as u64).collect::<Vec<_>>(), "{schedule}");
    }
}

#[tokio::test]
async fn a_batch_is_gathered_in_its_order() {
    const EVENTS: u64 = 50;
    for schedule in [until(json!("length == 5")), until(json!({"one": {"with": {"type": "end"}}}))] {
        let fixture = Fixture::new().await;
        fixture.deploy_on("one", json!({}), schedule).await;
        fixture.deploy("plain", json!({}), json!({"type": "reading"})).await;
        let batch = (0..EVENTS).map(|n| event(&fixture, "reading", "", json!(n)));
        let batch = batch.chain([event(&fixture, "end", "", json!("end"))]).collect();
        let accepted = fixture.service.events(batch).await.expect("captured");
        assert_eq!(accepted.len(), EVENTS as usize + 1);
        let mut events: Vec<EventId> = accepted.iter().map(|accepted| accepted.event).collect();
        assert!(events.is_sorted());
        events.dedup();
        assert_eq!(events.len(), accepted.len());
        let mut used = Vec::new();
        for job in fixture.jobs().await.iter().rev().filter(|job| job.workflow_name == "acme/one") {
            used.extend(data_of(&fixture, job.id).await);
        }
        assert_eq!(json!(used), json!((0..EVENTS).collect::<Vec<_>>()));
    }
}

#[tokio::test]
async fn an_event_may_be_decided_on_for_several_workflows() {
    let fixture = Fixture::new().await;
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    for (n, name) in names.into_iter().enumerate() {
        fixture.deploy_on(name, json!({}), until(json!(format!("length == {}", n % 2 + 1)))).await;
    }
    assert_eq!(capture(&fixture, "reading", "", json!(1)).await.jobs.len(), 4);
    assert_eq!(capture(&fixture, "reading", "", json!(2)).await.jobs.len(), 8);
    let both =
        join_all((0..2).map(|n| fixture.service.event(event(&fixture, "reading", "", json!(n))))).await;
    let counts: usize = both.into_iter().map(|accepted| accepted.expect("captured").jobs.len()).sum();
    assert_eq!(counts, 12);
}

#[tokio::test]
async fn a_set_that_is_dropped_is_counted() {
    let limits = GatherLimits { set_events: 3, sets: 1, ..GatherLimits::default() };
    let fixture = Fixture::with(limits).await;
    let dropped = || fixture.service.ports().metrics.gather_dropped.get();
    fixture.deploy_on("one", json!({}), until(json!("length > 5 or .[0] == 4"))).await;
    for n in 1..=3 {
        assert!(capture(&fixture, "reading", "", json!(n)).await.jobs.is_empty());
    }
    assert_eq!(dropped(), 0);
    let job = capture(&fixture, "reading", "", json!(4)).await.jobs[0];
    assert_eq!((data_of(&fixture, job).await, dropped()), (vec![json!(4)], 1), "the full one has gone");
    fixture.deploy_on("two", json!({}), all(json!({"who": {"from": ".subject"}}))).await;
    for (subject, expected) in [("a", 1), ("a", 2), ("b", 3)] {
        capture(&fixture, "ordered", subject, json!(1)).await;
        assert_eq!(dropped(), expected);
    }
    assert!(fixture.service.ports().metrics.render().contains("\ntenon_gather_dropped_total 3\n"));
}

#[tokio::test]
async fn a_new_strategy_starts_with_nothing() {
    let fixture = Fixture::new().await;
    fixture.deploy_on("one", json!({}), until(json!("length == 2"))).await;
    capture(&fixture, "reading", "", json!(1)).await;
    fixture.deploy_on("one", json!({"priority": 7}), until(json!("length == 2"))).await;
    let job = capture(&fixture, "reading", "", json!(2)).await.jobs[0];
    assert_eq!(data_of(&fixture, job).await, [json!(1), json!(2)], "only other settings: the set is kept");
    capture(&fixture, "reading", "", json!(3)).await;
    fixture.deploy_on("one", json!({}), until(json!("length >= 2"))).await;
    assert!(capture(&fixture, "reading", "", json!(4)).await.jobs.is_empty());
    let job = capture(&fixture, "reading", "", json!(5)).await.jobs[0];
    assert_eq!(data_of(&fixture, job).await, [json!(4), json!(5)]);
}
