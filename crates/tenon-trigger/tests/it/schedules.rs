//! Schedules on a real store: occurrences, policies, restarts, changes.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tenon_store::{Change, JobRecord, Kind, NoteKind, Resource};

use crate::world::{Life, World, at, time_of_day};

const MINUTE: Duration = Duration::from_mins(1);

pub(crate) fn due(fields: &Value) -> Value {
    let mut trigger =
        json!({ "kind": "schedule", "emits": { "type": "due", "subject": "${ .occurrence }" } });
    let members = fields.as_object().expect("an object").clone();
    trigger.as_object_mut().expect("an object").extend(members);
    trigger
}

pub(crate) fn run(fields: &Value, workflows: &[&str]) -> Value {
    let mut trigger = due(fields);
    trigger.as_object_mut().expect("an object").remove("emits");
    trigger["run"] = workflows.iter().map(|name| json!({ "workflow": format!("acme/{name}") })).collect();
    trigger
}

/// When the events of trigger `t` say they were due.
pub(crate) async fn fired(life: &Life) -> Vec<String> {
    fired_by(life, "t").await
}

/// The same of another trigger.
pub(crate) async fn fired_by(life: &Life, name: &str) -> Vec<String> {
    let events = life.events(&format!("/triggers/{name}")).await;
    events.iter().map(|event| event.subject.as_deref().expect("it has one")[11..19].to_owned()).collect()
}

fn names(jobs: &[JobRecord]) -> Vec<String> {
    jobs.iter().map(|job| format!("{} {}", job.workflow_name, time_of_day(job.created_at))).collect()
}

async fn noted(life: &Life, resource: &Resource, kind: NoteKind) -> Vec<String> {
    life.noted(resource, kind).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interval_does_not_drift_and_is_never_early() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:30Z")).await;
    let trigger = life.trigger("t", due(&json!({ "every": "PT1M" }))).await;
    life.until(at("2027-01-01T00:01:29.999999Z")).await;
    assert!(fired(&life).await.is_empty());
    life.until(at("2027-01-01T00:04:00Z")).await;
    assert_eq!(fired(&life).await, ["00:01:30", "00:02:30", "00:03:30"]);
    assert_eq!(noted(&life, &trigger, NoteKind::Fired).await, ["00:01:30", "00:02:30", "00:03:30"]);
    let first = &life.events("/triggers/t").await[0];
    let event = life.store.event(life.workspace, first.id).await.expect("readable").expect("it is there");
    let envelope: Value = serde_json::from_slice(&event.envelope.expect("it is read alone")).expect("JSON");
    assert_eq!(envelope["id"], "t/2027-01-01T00:01:30.000000Z");
    assert_eq!(envelope["time"], "2027-01-01T00:01:30.000000Z");
    assert_eq!(envelope["data"], json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_follows_its_policy() {
    for (missed, expected_events, expected_notes) in [
        ("skip", &["00:01:00", "00:06:00"][..], &["00:02:00", "00:03:00", "00:04:00", "00:05:00"][..]),
        ("latest", &["00:01:00", "00:05:00", "00:06:00"], &["00:02:00", "00:03:00", "00:04:00"]),
        ("all", &["00:01:00", "00:02:00", "00:03:00", "00:04:00", "00:05:00", "00:06:00"], &[]),
    ] {
        let world = World::new();
        let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
        let trigger = life.trigger("t", due(&json!({ "cron": "* * * * *", "missed": missed }))).await;
        life.until(at("2027-01-01T00:01:10Z")).await;
        life.die().await;
        let mut life = world.start(at("2027-01-01T00:05:01Z")).await;
        life.until(at("2027-01-01T00:06:10Z")).await;
        assert_eq!(fired(&life).await, expected_events, "{missed}");
        assert_eq!(noted(&life, &trigger, NoteKind::Missed).await, expected_notes, "{missed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_downtime_is_bounded_and_recorded() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    let trigger = life.trigger("t", due(&json!({ "cron": "* * * * * *", "missed": "all" }))).await;
    life.settle().await;
    life.die().await;
    let mut life = world.start(at("2027-01-01T01:00:00.5Z")).await;
    life.settle().await;
    let fired = fired(&life).await;
    assert_eq!((fired.len(), fired[0].as_str(), fired[999].as_str()), (1_000, "00:43:21", "01:00:00"));
    let missed = life.notes(&trigger, NoteKind::Missed).await;
    // The newest thousand notes are kept, so those of what was fired push the missed ones out.
    assert!(missed.is_empty(), "{}", missed.len());
    assert_eq!(life.notes(&trigger, NoteKind::Fired).await.len(), 1_000);

    let skipping = life.trigger("s", due(&json!({ "cron": "* * * * * *", "missed": "skip" }))).await;
    life.settle().await;
    life.die().await;
    let mut life = world.start(at("2027-01-02T01:00:00Z")).await;
    life.settle().await;
    let missed = life.notes(&skipping, NoteKind::Missed).await;
    assert_eq!(missed.len(), 101, "the newest hundred, and one note for the older ones");
    let older: Value = serde_json::from_slice(&missed[0].detail).expect("JSON");
    assert_eq!(older["from"], "2027-01-01T01:00:01.000000Z");
    assert!(older["count"].as_u64().expect("a number") > 1_000, "{older}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_an_hour_is_as_a_downtime() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    let trigger = life.trigger("t", due(&json!({ "cron": "*/20 * * * *" }))).await;
    life.until(at("2027-01-01T00:05:00Z")).await;
    life.clock.advance(MINUTE * 60);
    life.until(at("2027-01-01T01:25:00Z")).await;
    assert_eq!(fired(&life).await, ["01:00:00", "01:20:00"]);
    assert_eq!(noted(&life, &trigger, NoteKind::Missed).await, ["00:20:00", "00:40:00"]);
    // The clock was wrong, and the process starts again an hour earlier: nothing happens twice.
    life.die().await;
    let mut life = world.start(at("2027-01-01T00:25:00Z")).await;
    life.until(at("2027-01-01T01:45:00Z")).await;
    assert_eq!(fired(&life).await, ["01:00:00", "01:20:00", "01:40:00"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn once() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    let trigger = life.trigger("t", due(&json!({ "at": "2027-01-01T00:10:00Z" }))).await;
    let over = life.trigger("over", due(&json!({ "at": "2026-12-31T00:00:00Z", "missed": "all" }))).await;
    life.until(at("2027-01-01T02:00:00Z")).await;
    life.die().await;
    let mut life = world.start(at("2027-01-02T00:00:00Z")).await;
    life.pass(MINUTE).await;
    assert_eq!(fired(&life).await, ["00:10:00"]);
    assert_eq!(noted(&life, &trigger, NoteKind::Fired).await.len(), 1);
    assert_eq!(noted(&life, &over, NoteKind::Missed).await, ["00:00:00"]);
    assert!(
        life.events("/triggers/over").await.is_empty(),
        "nothing before the trigger was there is made up for"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn overlap_is_left_out_or_waits() {
    for (overlap, first, second) in [
        ("allow", &["00:01:00", "00:02:00", "00:03:00"][..], &["00:01:00", "00:02:00", "00:03:00"][..]),
        ("skip", &["00:01:00"], &["00:01:00"]),
        ("queue", &["00:01:00"], &["00:01:00", "00:03:40"]),
    ] {
        let world = World::new();
        let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
        life.workflow("a", Value::Null, json!({})).await;
        let trigger =
            life.trigger("t", run(&json!({ "cron": "* * * * *", "overlap": overlap }), &["a"])).await;
        life.until(at("2027-01-01T00:03:20Z")).await;
        let times = |jobs: &[JobRecord]| -> Vec<String> {
            jobs.iter().map(|job| time_of_day(job.created_at)).collect()
        };
        assert_eq!(times(&life.jobs().await), first, "{overlap}");
        // Also those who were started before a restart are known.
        let now = life.die().await;
        let mut life = world.start(now).await;
        life.until(at("2027-01-01T00:03:30Z")).await;
        life.end(life.jobs().await[0].id, true).await;
        life.clock.advance(Duration::from_secs(10));
        life.settle().await;
        assert_eq!(times(&life.jobs().await), second, "{overlap}");
        let skipped: &[&str] = if overlap == "skip" { &["00:02:00", "00:03:00"] } else { &[] };
        assert_eq!(noted(&life, &trigger, NoteKind::Skipped).await, skipped, "{overlap}");
        life.until(at("2027-01-01T00:04:10Z")).await;
        let last = time_of_day(life.jobs().await.last().expect("there are some").created_at);
        assert_eq!(last, if overlap == "queue" { "00:03:40" } else { "00:04:00" }, "{overlap}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_the_event_count_as_at_work() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    let trigger = life.trigger("t", due(&json!({ "cron": "* * * * *", "overlap": "skip" }))).await;
    let on = json!({ "on": { "one": { "with": { "type": "due" } } } });
    life.workflow("a", on, json!({})).await;
    life.subscribe("acme/a", "due").await;
    life.until(at("2027-01-01T00:02:10Z")).await;
    assert_eq!(names(&life.jobs().await), ["acme/a 00:01:00"]);
    assert_eq!(noted(&life, &trigger, NoteKind::Skipped).await, ["00:02:00"]);
    life.end(life.jobs().await[0].id, true).await;
    life.until(at("2027-01-01T00:03:10Z")).await;
    assert_eq!(names(&life.jobs().await), ["acme/a 00:01:00", "acme/a 00:03:00"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sequence_goes_on_when_a_job_has_completed() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    for name in ["a", "b", "c"] {
        life.workflow(name, Value::Null, json!({})).await;
    }
    let times = json!({ "at": "2027-01-01T00:01:00Z", "order": "sequence" });
    let trigger = life.trigger("t", run(&times, &["a", "b", "c"])).await;
    life.until(at("2027-01-01T00:02:00Z")).await;
    assert_eq!(names(&life.jobs().await), ["acme/a 00:01:00"]);
    life.end(life.jobs().await[0].id, true).await;
    let now = life.die().await;
    let mut life = world.start(now).await;
    life.pass(MINUTE).await;
    assert_eq!(names(&life.jobs().await), ["acme/a 00:01:00", "acme/b 00:02:00"]);
    life.end(life.jobs().await[1].id, false).await;
    life.pass(MINUTE).await;
    assert_eq!(life.jobs().await.len(), 2);
    let failed = life.notes(&trigger, NoteKind::Failed).await;
    let detail: Value = serde_json::from_slice(&failed[0].detail).expect("JSON");
    assert_eq!(detail["leftOut"], 1, "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sequence_goes_on_behind_a_workflow_that_is_not_there() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    for name in ["b", "c"] {
        life.workflow(name, Value::Null, json!({})).await;
    }
    let times = json!({ "at": "2027-01-01T00:01:00Z", "order": "sequence" });
    let trigger = life.trigger("t", run(&times, &["missing", "b", "c"])).await;
    life.until(at("2027-01-01T00:02:00Z")).await;
    life.pass(MINUTE).await;
    assert_eq!(life.jobs().await.len(), 1);
    life.end(life.jobs().await[0].id, true).await;
    life.pass(MINUTE).await;
    let names = names(&life.jobs().await);
    assert!(
        names.len() == 2 && names[0].starts_with("acme/b") && names[1].starts_with("acme/c"),
        "{names:?}"
    );
    assert_eq!(life.notes(&trigger, NoteKind::Failed).await.len(), 1, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn together_and_with_data() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    for name in ["a", "b"] {
        life.workflow(name, Value::Null, json!({})).await;
    }
    let times =
        json!({ "at": "2027-01-01T00:01:00Z", "data": { "at": "${ .occurrence }", "by": "${ .trigger }" } });
    life.trigger("t", run(&times, &["a", "b"])).await;
    life.until(at("2027-01-01T00:01:00Z")).await;
    let jobs = life.jobs().await;
    assert_eq!(names(&jobs), ["acme/a 00:01:00", "acme/b 00:01:00"]);
    let event =
        life.store.event(life.workspace, jobs[1].event).await.expect("readable").expect("it is there");
    let envelope: Value = serde_json::from_slice(&event.envelope.expect("it is read alone")).expect("JSON");
    assert_eq!(envelope["data"], json!({ "at": "2027-01-01T00:01:00.000000Z", "by": "t" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_start_is_noted_and_holds_up_nothing() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    life.workflow("a", Value::Null, json!({})).await;
    let trigger = life.trigger("t", run(&json!({ "cron": "* * * * *" }), &["missing", "a"])).await;
    let broken = json!({ "kind": "schedule", "cron": "* * * * *", "emits": { "type": "${ .missing }" } });
    let broken = life.trigger("broken", broken).await;
    life.until(at("2027-01-01T00:02:10Z")).await;
    assert_eq!(names(&life.jobs().await), ["acme/a 00:01:00", "acme/a 00:02:00"]);
    assert_eq!(noted(&life, &trigger, NoteKind::Failed).await, ["00:01:00", "00:02:00"]);
    assert_eq!(noted(&life, &broken, NoteKind::Failed).await, ["00:01:00", "00:02:00"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schedule_of_a_workflow_itself() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    life.workflow("cron", json!({ "cron": "0 1 * * *" }), json!({ "timeZone": "Europe/Berlin" })).await;
    let after = life.workflow("after", json!({ "after": "PT5M" }), json!({})).await;
    life.until(at("2027-01-01T00:00:01Z")).await;
    assert_eq!(names(&life.jobs().await), ["acme/after 00:00:00"], "the first time at once");
    life.until(at("2027-01-01T00:02:00Z")).await;
    life.end(life.jobs().await[0].id, false).await;
    life.until(at("2027-01-01T00:06:59Z")).await;
    assert_eq!(life.jobs().await.len(), 1);
    // The pause counts from the end, however late somebody sees it.
    life.die().await;
    let mut life = world.start(at("2027-01-01T00:08:00Z")).await;
    life.settle().await;
    assert_eq!(names(&life.jobs().await), ["acme/after 00:00:00", "acme/after 00:08:00"]);
    assert_eq!(noted(&life, &after, NoteKind::Fired).await, ["00:00:00", "00:07:00"]);
    life.clock.advance(at("2027-01-01T23:59:55Z").since(life.clock.now()));
    life.until(at("2027-01-02T00:00:00Z")).await;
    assert_eq!(names(&life.jobs().await).last().expect("there are some"), "acme/cron 00:00:00");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_schedule_stops_and_makes_nothing_up() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    let trigger = life.trigger("t", due(&json!({ "cron": "* * * * *", "missed": "all" }))).await;
    life.until(at("2027-01-01T00:01:10Z")).await;
    life.change("t", Change::Disable).await;
    life.until(at("2027-01-01T00:03:10Z")).await;
    life.change("t", Change::Enable).await;
    life.until(at("2027-01-01T00:05:10Z")).await;
    assert_eq!(fired(&life).await, ["00:01:00", "00:04:00", "00:05:00"]);
    // Also if nobody has seen that it was disabled.
    life.change("t", Change::Disable).await;
    life.clock.advance(MINUTE * 3);
    life.change("t", Change::Enable).await;
    life.until(at("2027-01-01T00:09:10Z")).await;
    assert_eq!(fired(&life).await, ["00:01:00", "00:04:00", "00:05:00", "00:09:00"]);
    assert!(noted(&life, &trigger, NoteKind::Missed).await.is_empty());
    life.change("t", Change::Delete).await;
    life.until(at("2027-01-01T00:12:00Z")).await;
    life.trigger("t", due(&json!({ "cron": "* * * * *", "missed": "all" }))).await;
    life.until(at("2027-01-01T00:13:10Z")).await;
    assert_eq!(fired(&life).await.last().expect("there are some"), "00:13:00");
    assert_eq!(fired(&life).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_revision_goes_on_and_a_new_timing_starts_anew() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    life.trigger("t", due(&json!({ "every": "PT10M" }))).await;
    life.until(at("2027-01-01T00:05:00Z")).await;
    life.trigger("t", due(&json!({ "every": "PT10M", "missed": "all" }))).await;
    life.until(at("2027-01-01T00:12:00Z")).await;
    assert_eq!(fired(&life).await, ["00:10:00"]);
    let trigger = life.trigger("t", due(&json!({ "every": "PT4M" }))).await;
    life.until(at("2027-01-01T00:21:00Z")).await;
    assert_eq!(fired(&life).await, ["00:10:00", "00:16:00", "00:20:00"]);
    assert_eq!(noted(&life, &trigger, NoteKind::Noticed).await, ["00:12:00"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_waited_for() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    let trigger = life.trigger("t", due(&json!({ "cron": "* * * * *", "missed": "all" }))).await;
    life.settle().await;
    life.die().await;
    let now = at("2027-01-01T00:00:30Z");
    let mut life = world.start_with(now, |options| options.hooks.free_space = Arc::new(|_| Ok(0))).await;
    life.until(at("2027-01-01T00:02:30Z")).await;
    assert_eq!(fired(&life).await, <[String; 0]>::default(), "there is no room");
    let now = life.die().await;
    let mut life = world.start(now).await;
    life.until(at("2027-01-01T00:03:10Z")).await;
    assert_eq!(fired(&life).await, ["00:01:00", "00:02:00", "00:03:00"]);
    assert!(noted(&life, &trigger, NoteKind::Missed).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_fired_by_hand_beside_its_times() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:30Z")).await;
    let trigger = life.trigger("t", due(&json!({ "cron": "* * * * *" }))).await;
    let calls = Arc::new(NoCalls);
    let parts = tenon_trigger::Parts { capture: life.service.clone(), calls };
    let (triggers, running) = tenon_trigger::Triggers::start(parts, tenon_trigger::Options::default());
    // Also before anybody has seen it.
    let fired_now = triggers.fire(life.workspace, &trigger, "ada").await.expect("it is enabled");
    assert_eq!((fired_now.events, fired_now.repeats, fired_now.first.len()), (1, 0, 1));
    let again = triggers.fire(life.workspace, &trigger, "ada").await.expect("it is enabled");
    assert_eq!((again.events, again.repeats), (1, 0), "the same moment, but somebody wanted it again");
    triggers.drain();
    running.await.expect("it ends");
    life.until(at("2027-01-01T00:02:00Z")).await;
    assert_eq!(fired(&life).await, ["00:00:30", "00:00:30", "00:01:00", "00:02:00"]);
    let detail = &life.notes(&trigger, NoteKind::Fired).await[0].detail;
    let detail: Value = serde_json::from_slice(detail).expect("JSON");
    assert_eq!(detail["by"], "ada");
}

/// For those that poll nothing.
pub(crate) struct NoCalls;

#[async_trait::async_trait]
impl tenon_capture::Calls for NoCalls {
    async fn call(
        &self,
        _: tenon_store::WorkspaceId,
        _: Arc<tenon_workflow::Program>,
        _: Value,
    ) -> Result<Value, tenon_capture::CallError> {
        unreachable!("nothing polls here")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_fire_once() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    life.trigger("t", due(&json!({ "cron": "* * * * *" }))).await;
    let mut other = tenon_trigger::Schedules::new(life.service.clone(), tenon_trigger::Options::default());
    for _ in 0..300 {
        life.clock.advance(Duration::from_secs(1));
        tokio::join!(life.schedules.turn(), other.turn());
    }
    assert_eq!(fired(&life).await, ["00:01:00", "00:02:00", "00:03:00", "00:04:00", "00:05:00"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_next() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    let trigger = life.trigger("t", due(&json!({ "cron": "*/10 * * * *" }))).await;
    life.until(at("2027-01-01T00:15:00Z")).await;
    let outlook =
        tenon_trigger::outlook(&life.service, &trigger).await.expect("readable").expect("a schedule");
    let next: Vec<String> = outlook.next.into_iter().map(time_of_day).collect();
    assert_eq!(next, ["00:20:00", "00:30:00", "00:40:00", "00:50:00", "01:00:00"]);
    assert_eq!(outlook.state["last"], "2027-01-01T00:10:00.000000Z");
    life.change("t", Change::Disable).await;
    let trigger = life.resource(Kind::Trigger, "t").await;
    let outlook =
        tenon_trigger::outlook(&life.service, &trigger).await.expect("readable").expect("a schedule");
    assert!(outlook.next.is_empty());
    let plain = life.workflow("plain", Value::Null, json!({})).await;
    assert_eq!(tenon_trigger::outlook(&life.service, &plain).await.expect("readable"), None);
}
