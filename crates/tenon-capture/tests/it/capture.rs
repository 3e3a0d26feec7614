//! Events into jobs: subscribers, dedup, lanes, staleness, limits.

use std::time::Duration;

use serde_json::{Value, json};
use tenon_capture::{Accepted, Call, Data, Error, HOPS, JobEnd, JsonText};
use tenon_store::{Change, EventId, JobState};

use crate::fixture::{Fixture, orders};

#[tokio::test]
async fn an_event_starts_a_job_of_each_workflow_that_wants_it() {
    let fixture = Fixture::new().await;
    fixture.deploy("one", json!({}), orders()).await;
    fixture.deploy("two", json!({}), json!({"type": "order", "data": "${ .total > 10 }"})).await;
    fixture.deploy("three", json!({}), json!({"source": "/shop"})).await;
    fixture.deploy("other", json!({}), json!({"type": "invoice"})).await;
    let large = fixture.service.event(fixture.order(json!({"total": 11}))).await.expect("captured");
    assert_eq!(large.jobs.len(), 3);
    let small = fixture.service.event(fixture.order(json!({"total": 1}))).await.expect("captured");
    assert_eq!(small.jobs.len(), 2);
    // A filter that fails does not match, and stops nobody else.
    let odd = fixture.service.event(fixture.order(json!("text"))).await.expect("captured");
    assert!(odd.jobs.len() >= 2 && !odd.duplicate);
    assert_eq!(fixture.service.ports().metrics.events_captured.get(), 3);
}

#[tokio::test]
async fn the_envelope_is_complete_and_keeps_its_data() {
    let fixture = Fixture::new().await;
    let mut incoming = fixture.order(Value::Null);
    let text = "{ \"b\": 1.50,  \"a\": [ ] }";
    incoming.envelope.data = Data::Json(JsonText::parse(text.into()).expect("JSON"));
    incoming.envelope.extensions.insert("region".into(), "eu".into());
    let accepted = fixture.service.event(incoming).await.expect("captured");
    let record =
        fixture.store.event(fixture.workspace, accepted.event).await.expect("readable").expect("kept");
    let envelope = record.envelope.expect("whole");
    assert!(
        std::str::from_utf8(&envelope).expect("text").ends_with(&format!("\"data\":{text}}}")),
        "spliced as it came"
    );
    let value: Value = serde_json::from_slice(&envelope).expect("JSON");
    assert_eq!(value["id"], accepted.event.to_string());
    assert_eq!(value["time"], "2027-01-15T08:00:00.000000Z");
    assert_eq!(
        (&value["source"], &value["type"], &value["region"]),
        (&json!("/shop"), &json!("order"), &json!("eu"))
    );
}

#[tokio::test]
async fn a_repeat_of_source_and_id_gives_the_first_answer() {
    let fixture = Fixture::new().await;
    fixture.deploy("one", json!({}), orders()).await;
    let with_id = |source: &str| {
        let mut incoming = fixture.order(json!(1));
        incoming.envelope.id = Some("42".to_owned());
        incoming.envelope.source = source.to_owned();
        incoming
    };
    let first = fixture.service.event(with_id("/shop")).await.expect("captured");
    let again = fixture.service.event(with_id("/shop")).await.expect("answered");
    assert_eq!(again, Accepted { duplicate: true, ..first.clone() });
    let other = fixture.service.event(with_id("/other")).await.expect("captured");
    assert!(!other.duplicate);
    assert_eq!((fixture.event_count().await, fixture.jobs().await.len()), (2, 2));
    assert_eq!(fixture.service.ports().metrics.events_duplicate.get(), 1);
    fixture.clock.advance(Duration::from_secs(86_401));
    assert!(
        !fixture.service.event(with_id("/shop")).await.expect("captured").duplicate,
        "a day later it is new"
    );
}

#[tokio::test]
async fn an_emitted_event_is_recognised_by_its_derived_id() {
    let fixture = Fixture::new().await;
    let mut incoming = fixture.order(json!(1));
    incoming.id = Some(EventId(77));
    let first = fixture.service.event(incoming.clone()).await.expect("captured");
    assert_eq!(first.event, EventId(77));
    fixture.clock.advance(Duration::from_hours(72));
    let again = fixture.service.event(incoming).await.expect("answered");
    assert_eq!(again, Accepted { duplicate: true, ..first });
}

#[tokio::test]
async fn a_workflows_own_key_suppresses_its_job_alone() {
    let fixture = Fixture::new().await;
    fixture.deploy("keyed", json!({"dedupKey": "${ .data.id }"}), orders()).await;
    fixture.deploy("plain", json!({}), orders()).await;
    let first = fixture.service.event(fixture.order(json!({"id": 1}))).await.expect("captured");
    let second = fixture.service.event(fixture.order(json!({"id": 1}))).await.expect("captured");
    assert_eq!((first.jobs.len(), second.jobs.len(), second.duplicate), (2, 1, false));
    let keyless = fixture.service.event(fixture.order(json!({}))).await.expect("captured");
    assert_eq!(keyless.jobs.len(), 2, "null is no key");
}

#[tokio::test]
async fn ordered_jobs_of_a_key_share_a_lane_and_a_shard() {
    let fixture = Fixture::new().await;
    fixture.deploy("ordered", json!({"orderingKey": "${ .data.customer }", "priority": 7}), orders()).await;
    for customer in [json!("a"), json!("b"), json!("a"), json!(5)] {
        fixture.service.event(fixture.order(json!({"customer": customer}))).await.expect("captured");
    }
    let mut jobs = fixture.jobs().await;
    jobs.reverse();
    let lanes: Vec<_> = jobs.iter().map(|job| job.lane.as_deref()).collect();
    assert_eq!(lanes, [Some("a"), Some("b"), Some("a"), Some("5")]);
    assert_eq!(jobs[0].shard, jobs[2].shard);
    assert!(jobs.iter().all(|job| job.state == JobState::Pending && job.shard.is_some()));
}

#[tokio::test]
async fn unordered_jobs_spread_unless_the_workflow_has_a_limit() {
    let fixture = Fixture::new().await;
    fixture.deploy("free", json!({}), json!({"type": "free"})).await;
    fixture.deploy("limited", json!({"concurrency": 2}), json!({"type": "limited"})).await;
    for kind in ["free", "limited"] {
        for _ in 0..40 {
            let mut incoming = fixture.order(Value::Null);
            incoming.envelope.r#type = kind.to_owned();
            fixture.service.event(incoming).await.expect("captured");
        }
    }
    let mut shards = std::collections::HashMap::<String, std::collections::HashSet<u16>>::new();
    for job in fixture.jobs().await {
        shards.entry(job.workflow_name).or_default().insert(job.shard.expect("has a lane").0);
    }
    assert!(shards["acme/free"].len() > 4, "{shards:?}");
    assert_eq!(shards["acme/limited"].len(), 1);
}

#[tokio::test]
async fn a_missing_or_failing_key_suspends_the_job_and_keeps_the_event() {
    let fixture = Fixture::new().await;
    fixture.deploy("null", json!({"orderingKey": "${ .data.customer }"}), orders()).await;
    fixture.deploy("fails", json!({"orderingKey": "${ .data.a.b | error(\"no\") }"}), orders()).await;
    fixture.deploy("dedup", json!({"dedupKey": "${ error(\"no\") }"}), orders()).await;
    let (accepted, watched) =
        fixture.service.event_and_watch(fixture.order(json!({}))).await.expect("captured");
    assert_eq!(accepted.jobs.len(), 3);
    assert!(watched.is_none());
    for job in fixture.jobs().await {
        assert_eq!((job.state, job.shard), (JobState::Suspended, None), "{}", job.workflow_name);
    }
    assert_eq!(fixture.service.ports().metrics.jobs_started_suspended.get(), 3);
}

#[tokio::test]
async fn a_workflow_applied_a_moment_ago_misses_nothing() {
    let fixture = Fixture::new().await;
    assert!(fixture.service.event(fixture.order(json!(1))).await.expect("captured").jobs.is_empty());
    fixture.deploy("late", json!({}), orders()).await;
    assert_eq!(fixture.service.event(fixture.order(json!(2))).await.expect("captured").jobs.len(), 1);
    fixture.change("late", Change::Disable).await;
    assert!(fixture.service.event(fixture.order(json!(3))).await.expect("captured").jobs.is_empty());
    fixture.change("late", Change::Enable).await;
    assert_eq!(fixture.service.event(fixture.order(json!(4))).await.expect("captured").jobs.len(), 1);
    fixture.change("late", Change::Delete).await;
    assert!(fixture.service.event(fixture.order(json!(5))).await.expect("captured").jobs.is_empty());
}

#[tokio::test]
async fn a_trigger_that_was_looked_up_earlier_is_sent_back() {
    let fixture = Fixture::new().await;
    let before = fixture.store.generation(fixture.workspace).await.expect("readable");
    fixture.deploy("one", json!({}), orders()).await;
    let mut incoming = fixture.order(json!(1));
    incoming.generation = Some(before);
    let error = fixture.service.event(incoming.clone()).await.expect_err("refused");
    assert!(matches!(error, Error::TriggerChanged), "{error}");
    assert_eq!(fixture.event_count().await, 0);
    incoming.generation = Some(fixture.store.generation(fixture.workspace).await.expect("readable"));
    fixture.service.event(incoming).await.expect("captured");
}

#[tokio::test]
async fn too_much_is_refused_and_nothing_kept() {
    let fixture = Fixture::new().await;
    let error = fixture.service.event(fixture.order(json!("x".repeat(1 << 20)))).await.expect_err("refused");
    assert!(matches!(error, Error::TooLarge { limit: 1_048_576, .. }), "{error}");
    for (hops, refused) in [(json!(32), false), (json!(33), true), (json!("33"), true), (json!("many"), true)]
    {
        let mut incoming = fixture.order(json!(1));
        incoming.envelope.extensions.insert(HOPS.to_owned(), hops.clone());
        let outcome = fixture.service.event(incoming).await;
        assert_eq!(matches!(outcome, Err(Error::TooManyHops(_))), refused, "{hops}");
    }
    assert_eq!(fixture.event_count().await, 1);
}

#[tokio::test]
async fn the_watch_is_there_before_the_job_can_end() {
    let fixture = Fixture::new().await;
    fixture.deploy("one", json!({}), orders()).await;
    let (accepted, watched) =
        fixture.service.event_and_watch(fixture.order(json!(1))).await.expect("captured");
    let mut watched = watched.expect("one job");
    assert_eq!(&*watched.deployed.name, "acme/one");
    let end = JobEnd { job: accepted.jobs[0], state: JobState::Completed, result: None };
    fixture.service.ports().watch.finished(end.clone());
    assert_eq!(watched.watch.end().await, Some(end));
    fixture.deploy("two", json!({}), orders()).await;
    let (_, watched) = fixture.service.event_and_watch(fixture.order(json!(1))).await.expect("captured");
    assert!(watched.is_none(), "two jobs have no single answer");
    assert!(fixture.service.ports().watch.is_empty());
}

#[tokio::test]
async fn a_batch_keeps_its_order_and_finds_its_repeats() {
    let fixture = Fixture::new().await;
    fixture.deploy("ordered", json!({"orderingKey": "${ .data.k }"}), orders()).await;
    let batch: Vec<_> = (0..50)
        .map(|number| {
            let mut incoming = fixture.order(json!({"k": number.to_string()}));
            incoming.envelope.id = Some((number % 40).to_string());
            incoming
        })
        .collect();
    let accepted = fixture.service.events(batch).await.expect("captured");
    assert_eq!(accepted.len(), 50);
    assert_eq!(accepted.iter().filter(|accepted| accepted.duplicate).count(), 10);
    assert_eq!(accepted[45].event, accepted[5].event);
    let shards = 0..fixture.service.options().shards;
    let mut open = Vec::new();
    for shard in shards {
        open.extend(fixture.store.open_jobs(tenon_store::Shard(shard), 0, 100).await.expect("readable"));
    }
    open.sort_by_key(|job| job.place);
    let lanes: Vec<_> = open.into_iter().map(|job| job.lane.expect("ordered")).collect();
    assert_eq!(lanes, (0..40).map(|number| number.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_call_starts_the_enabled_workflow_it_names() {
    let fixture = Fixture::new().await;
    fixture.deploy("one", json!({"dedupKey": "${ .data.id }"}), orders()).await;
    let call = |name: &str, key: Option<&str>| Call {
        workspace: fixture.workspace,
        workflow: name.to_owned(),
        input: JsonText::from(&json!({"id": 1})),
        idempotency_key: key.map(str::to_owned),
        job: None,
    };
    let first = fixture.service.call(call("acme/one", Some("k"))).await.expect("started");
    let again = fixture.service.call(call("acme/one", Some("k"))).await.expect("answered");
    assert_eq!(again, Accepted { duplicate: true, ..first });
    let (other, watched) = fixture.service.call_and_watch(call("acme/one", None)).await.expect("started");
    assert_eq!((other.jobs.len(), watched.is_some()), (1, true), "`dedupKey` is for events");
    let unknown = fixture.service.call(call("acme/none", None)).await.expect_err("refused");
    assert!(matches!(unknown, Error::UnknownWorkflow(_)));
    fixture.change("one", Change::Disable).await;
    fixture.service.refresh(fixture.workspace).await.expect("readable");
    let disabled = fixture.service.call(call("acme/one", None)).await.expect_err("refused");
    assert!(matches!(disabled, Error::Disabled(_)));
    assert_eq!(fixture.jobs().await.len(), 2);
}

#[tokio::test]
async fn a_key_keeps_its_shard_when_the_workflows_limit_changes() {
    let fixture = Fixture::new().await;
    let shards = async |settings: Value| {
        fixture.deploy("one", settings, orders()).await;
        fixture.service.refresh(fixture.workspace).await.expect("refreshed");
        let mut shards = Vec::new();
        for key in 0..10 {
            let accepted = fixture.service.event(fixture.order(json!({ "k": key }))).await.expect("captured");
            let job = fixture.store.job(fixture.workspace, accepted.jobs[0]).await.expect("readable");
            shards.push(job.expect("kept").shard.expect("it has a lane"));
        }
        shards
    };
    let unlimited = shards(json!({"orderingKey": "${ .data.k }"})).await;
    let limited = shards(json!({"orderingKey": "${ .data.k }", "concurrency": 1})).await;
    assert_eq!(unlimited, limited, "else two jobs of one key could run at once");
}
