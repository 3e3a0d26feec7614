//! Schedules that are fired by hand: beside their times, watched as others are, and not without end.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tenon_store::{Change, NoteKind};
use tenon_trigger::{FireError, Triggers};

use crate::schedules::{NoCalls, due, run};
use crate::world::{Life, World, at};

/// Triggers that do nothing by themselves.
async fn stopped(life: &Life) -> Triggers {
    let parts = tenon_trigger::Parts { capture: life.service.clone(), calls: Arc::new(NoCalls) };
    let (triggers, running) = Triggers::start(parts, tenon_trigger::Options::default());
    triggers.drain();
    running.await.expect("it ends");
    triggers
}

#[tokio::test(flavor = "multi_thread")]
async fn fired_twice_at_one_moment_runs_twice() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:30Z")).await;
    for name in ["a", "b"] {
        life.workflow(name, Value::Null, json!({})).await;
    }
    let trigger =
        life.trigger("t", run(&json!({ "cron": "0 0 1 1 *", "order": "sequence" }), &["a", "b"])).await;
    let triggers = stopped(&life).await;
    // The clock stands still, as it does after it was set back.
    for _ in 0..2 {
        let fired = triggers.fire(life.workspace, &trigger, "ada").await.expect("it is enabled");
        assert_eq!((fired.events, fired.repeats), (1, 0));
    }
    // Each of them goes on with its second workflow.
    for count in [2, 4] {
        let jobs = life.jobs().await;
        assert_eq!(jobs.len(), count);
        for job in jobs.iter().filter(|job| !job.state.is_final()) {
            life.end(job.id, true).await;
        }
        life.pass(Duration::from_secs(20)).await;
    }
    assert_eq!(life.jobs().await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_fired_by_hand_is_watched_at_once() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:30Z")).await;
    for name in ["a", "b"] {
        life.workflow(name, Value::Null, json!({})).await;
    }
    let yearly = json!({ "cron": "0 0 1 1 *", "order": "sequence" });
    let trigger = life.trigger("t", run(&yearly, &["a", "b"])).await;
    let parts = tenon_trigger::Parts { capture: life.service.clone(), calls: Arc::new(NoCalls) };
    let (triggers, running) = Triggers::start(parts, tenon_trigger::Options::default());
    let seen = || life.store.trigger_state(life.workspace, trigger.revision.resource);
    let wait = async {
        while seen().await.expect("readable").is_none() {
            // polls: the schedules' own task has seen it, and sleeps until the next year.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        triggers.fire(life.workspace, &trigger, "ada").await.expect("it is enabled");
        life.end(life.jobs().await[0].id, true).await;
        while life.jobs().await.len() < 2 {
            life.clock.advance(Duration::from_secs(1));
            // polls: it has looked at what it started.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("the second of the sequence starts");
    triggers.drain();
    running.await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_are_fired_than_can_be_watched() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:30Z")).await;
    life.workflow("a", Value::Null, json!({})).await;
    let yearly = json!({ "cron": "0 0 1 1 *", "overlap": "skip" });
    let trigger = life.trigger("t", run(&yearly, &["a"])).await;
    let triggers = stopped(&life).await;
    let fire = || triggers.fire(life.workspace, &trigger, "ada");
    let is_refused = async || match fire().await {
        Err(FireError::Failed(reason)) => {
            assert!(reason.contains("at work") && reason.contains("100"), "{reason}");
        }
        other => panic!("not refused: {other:?}"),
    };
    for _ in 0..100 {
        fire().await.expect("it is enabled");
    }
    is_refused().await;
    assert_eq!(life.jobs().await.len(), 100, "nothing of it was started");
    // Who has ended makes room, also if nobody else has looked.
    for job in &life.jobs().await[..2] {
        life.end(job.id, true).await;
    }
    for _ in 0..2 {
        fire().await.expect("there is room");
    }
    is_refused().await;
    life.change("t", Change::Disable).await;
    life.change("t", Change::Enable).await;
    life.settle().await;
    assert_eq!(life.noted(&trigger, NoteKind::Noticed).await, ["00:00:30"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_watches_is_fired_without_end() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:30Z")).await;
    let trigger = life.trigger("t", due(&json!({ "cron": "0 0 1 1 *" }))).await;
    let triggers = stopped(&life).await;
    for _ in 0..110 {
        triggers.fire(life.workspace, &trigger, "ada").await.expect("it is enabled");
    }
    assert_eq!(life.events("/triggers/t").await.len(), 110);
}
