//! Clocks that are wrong: an hour forth while the server runs, and an hour back, which only a restart can see (within
//! a process time does not go back). Nothing starts twice, nothing is left out without a note.

use std::time::Duration;

use serde_json::{Value, json};
use tenon_store::{NoteKind, Timestamp};

use crate::world::{Life, World, at, time_of_day};

const HOUR: Duration = Duration::from_hours(1);

fn due(fields: &Value) -> Value {
    let mut trigger =
        json!({ "kind": "schedule", "emits": { "type": "due", "subject": "${ .occurrence }" } });
    let members = fields.as_object().expect("an object").clone();
    trigger.as_object_mut().expect("an object").extend(members);
    trigger
}

async fn fired(life: &Life) -> Vec<String> {
    let events = life.events("/triggers/t").await;
    events.iter().map(|event| event.subject.as_deref().expect("it has one")[11..16].to_owned()).collect()
}

/// `HH:MM` from one to another in steps of ten minutes.
fn every_ten(from: u32, to: u32) -> Vec<String> {
    (from..=to).step_by(10).map(|minute| format!("{:02}:{:02}", minute / 60, minute % 60)).collect()
}

fn back(now: Timestamp) -> Timestamp {
    Timestamp(now.0 - HOUR.as_micros() as i64)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_forth_is_like_a_downtime_of_an_hour() {
    for timing in [json!({ "every": "PT10M" }), json!({ "cron": "*/10 * * * *" })] {
        for (missed, made_up, noted) in [
            ("skip", Vec::new(), every_ten(20, 60)),
            ("latest", every_ten(60, 60), every_ten(20, 50)),
            ("all", every_ten(20, 60), Vec::new()),
        ] {
            let world = World::new();
            let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
            let mut document = due(&timing);
            document["missed"] = missed.into();
            let trigger = life.trigger("t", document).await;
            life.until(at("2027-01-01T00:15:00Z")).await;
            life.clock.advance(Duration::from_mins(50));
            life.until(at("2027-01-01T01:25:00Z")).await;
            let expected = [every_ten(10, 10), made_up, every_ten(70, 80)].concat();
            assert_eq!(fired(&life).await, expected, "{timing} {missed}");
            let found = life.noted(&trigger, NoteKind::Missed).await;
            let found: Vec<String> = found.iter().map(|moment| moment[..5].to_owned()).collect();
            assert_eq!(found, noted, "{timing} {missed}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_back_starts_nothing_again_and_skips_nothing() {
    for timing in [json!({ "every": "PT10M" }), json!({ "cron": "*/10 * * * *" })] {
        for missed in ["skip", "latest", "all"] {
            let world = World::new();
            let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
            let mut document = due(&timing);
            document["missed"] = missed.into();
            let trigger = life.trigger("t", document).await;
            life.until(at("2027-01-01T01:15:00Z")).await;
            let mut life = world.start(back(life.die().await)).await;
            life.until(at("2027-01-01T01:19:59Z")).await;
            assert_eq!(fired(&life).await, every_ten(10, 70), "nothing comes a second time");
            life.until(at("2027-01-01T01:45:00Z")).await;
            assert_eq!(fired(&life).await, every_ten(10, 100), "{timing} {missed}");
            assert!(life.noted(&trigger, NoteKind::Missed).await.is_empty(), "{timing} {missed}");
        }
    }
}

/// The clock was an hour ahead, and is put right: what it started then is not started when its time really comes.
#[tokio::test(flavor = "multi_thread")]
async fn an_hour_forth_and_back_again_starts_each_occurrence_once() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    life.trigger("t", due(&json!({ "cron": "*/10 * * * *", "missed": "all" }))).await;
    life.until(at("2027-01-01T00:05:00Z")).await;
    life.clock.advance(HOUR);
    life.settle().await;
    assert_eq!(fired(&life).await, every_ten(10, 60));
    let mut life = world.start(back(life.die().await)).await;
    life.until(at("2027-01-01T01:35:00Z")).await;
    assert_eq!(fired(&life).await, every_ten(10, 90));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_in_a_queue_outlives_an_hour_back() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    life.workflow("a", Value::Null, json!({})).await;
    let trigger = life
        .trigger("t", json!({ "kind": "schedule", "every": "PT10M", "overlap": "queue", "run": [{ "workflow": "acme/a" }] }))
        .await;
    life.until(at("2027-01-01T00:35:00Z")).await;
    assert_eq!(life.jobs().await.len(), 1, "two wait");
    let mut life = world.start(back(life.die().await)).await;
    for count in 1..=3 {
        let jobs = life.jobs().await;
        assert_eq!(jobs.len(), count);
        // Lists go by time, which has gone back: the one at work may be anywhere.
        let open = jobs.iter().find(|job| !job.state.is_final()).expect("one is at work");
        life.end(open.id, true).await;
        life.pass(Duration::from_secs(20)).await;
    }
    assert_eq!(life.jobs().await.len(), 3);
    life.until(at("2027-01-01T00:40:01Z")).await;
    assert_eq!(life.jobs().await.len(), 4);
    let occurrences: Vec<String> =
        life.notes(&trigger, NoteKind::Fired).await.iter().map(|note| time_of_day(note.at)).collect();
    assert_eq!(occurrences, ["00:10:00", "00:20:00", "00:30:00", "00:40:00"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_up_for_in_a_queue_goes_on_soon_after_each_end() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    life.workflow("a", Value::Null, json!({})).await;
    let queue = json!({ "kind": "schedule", "every": "PT10M", "missed": "all", "overlap": "queue", "run": [{ "workflow": "acme/a" }] });
    life.trigger("t", queue).await;
    life.settle().await;
    life.die().await;
    // The occurrences are up to an hour old, but their jobs are not.
    let mut life = world.start(at("2027-01-01T01:05:00Z")).await;
    life.settle().await;
    for count in 1..=6 {
        let jobs = life.jobs().await;
        assert_eq!(jobs.len(), count);
        let open = jobs.iter().find(|job| !job.state.is_final()).expect("one is at work");
        life.pass(Duration::from_secs(2)).await;
        life.end(open.id, true).await;
        life.pass(Duration::from_secs(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moment_that_has_come_does_not_come_again() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    life.trigger("t", due(&json!({ "at": "2027-01-01T00:30:00Z" }))).await;
    life.until(at("2027-01-01T00:45:00Z")).await;
    let mut life = world.start(back(life.die().await)).await;
    life.until(at("2027-01-01T02:00:00Z")).await;
    assert_eq!(fired(&life).await, ["00:30"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_after_the_end_counts_by_the_clock_of_the_end() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T01:00:00Z")).await;
    life.workflow("after", json!({ "after": "PT5M" }), json!({})).await;
    life.until(at("2027-01-01T01:01:00Z")).await;
    life.end(life.jobs().await[0].id, true).await;
    life.pass(Duration::from_secs(20)).await;
    let mut life = world.start(back(life.die().await)).await;
    life.until(at("2027-01-01T01:05:59Z")).await;
    assert_eq!(life.jobs().await.len(), 1, "not early");
    life.until(at("2027-01-01T01:06:00Z")).await;
    assert_eq!(life.jobs().await.len(), 2);
}
