//! Schedules where something is odd: what cannot be captured, what is too much at once, what nobody can know.

use std::time::Duration;

use serde_json::{Value, json};
use tenon_capture::{Call, ChunkItem, JsonText, TriggerChunk};
use tenon_store::{Change, ChangeResource, Error, Kind, NewState, NoteKind, Resource};

use crate::schedules::{due, fired, fired_by, run};
use crate::world::{Life, World, at};

async fn reasons(life: &Life, trigger: &Resource, kind: NoteKind) -> Vec<String> {
    let notes = life.notes(trigger, kind).await;
    let reason = |detail: &[u8]| -> Option<String> {
        let detail: Value = serde_json::from_slice(detail).expect("JSON");
        detail["reason"].as_str().map(str::to_owned)
    };
    notes.iter().filter_map(|note| reason(&note.detail)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sequence_ends_where_nobody_knows_how_its_job_did() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    for name in ["a", "b"] {
        life.workflow(name, Value::Null, json!({})).await;
    }
    let times = json!({ "at": "2027-01-01T00:01:00Z", "order": "sequence" });
    let trigger = life.trigger("t", run(&times, &["a", "b"])).await;
    life.until(at("2027-01-01T00:02:00Z")).await;
    let job = life.jobs().await[0].id;
    // It ends and is removed before anybody looks.
    life.end(job, false).await;
    let purged = life.store.purge(life.workspace, &[job], life.clock.now()).await;
    assert_eq!(purged.expect("room"), 1);
    life.pass(Duration::from_mins(1)).await;
    assert!(life.jobs().await.is_empty(), "the next one must not start");
    let reasons = reasons(&life, &trigger, NoteKind::Failed).await;
    assert!(reasons.len() == 1 && reasons[0].contains("removed before anybody saw"), "{reasons:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_event_holds_up_no_other() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    let long = r#"${ if .occurrence | contains("00:03:00") then "x" * 5000 else .occurrence end }"#;
    let large = r#"${ if .occurrence | contains("00:04:00") then "x" * 2000000 else null end }"#;
    let emits = json!({ "type": "due", "subject": long, "data": large });
    let document = json!({ "kind": "schedule", "cron": "* * * * *", "missed": "all", "emits": emits });
    let trigger = life.trigger("t", document).await;
    life.settle().await;
    life.die().await;
    let mut life = world.start(at("2027-01-01T00:06:01Z")).await;
    life.settle().await;
    assert_eq!(fired(&life).await, ["00:01:00", "00:02:00", "00:05:00", "00:06:00"]);
    assert_eq!(life.noted(&trigger, NoteKind::Failed).await, ["00:03:00", "00:04:00"]);
    let reasons = reasons(&life, &trigger, NoteKind::Failed).await;
    assert!(reasons[0].contains("subject") && reasons[1].contains("bytes"), "{reasons:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_that_is_too_large_is_noted() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    life.workflow("a", Value::Null, json!({})).await;
    let data = r#"${ if .occurrence | contains("00:01:00") then "x" * 20000000 else null end }"#;
    let trigger = life.trigger("t", run(&json!({ "cron": "* * * * *", "data": data }), &["a"])).await;
    life.until(at("2027-01-01T00:02:10Z")).await;
    assert_eq!(life.jobs().await.len(), 1);
    assert_eq!(life.noted(&trigger, NoteKind::Failed).await, ["00:01:00"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_occurrences_are_made_up_for_in_several_transactions() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    let emits = json!({ "type": "due", "subject": "${ .occurrence }", "data": r#"${ "x" * 1000000 }"# });
    let document = json!({ "kind": "schedule", "cron": "* * * * *", "missed": "all", "emits": emits });
    let trigger = life.trigger("t", document).await;
    life.settle().await;
    life.die().await;
    let mut life = world.start(at("2027-01-01T00:09:01Z")).await;
    let version = async |life: &Life| {
        let state = life.store.trigger_state(life.workspace, trigger.revision.resource).await;
        state.expect("readable").expect("it was seen").version
    };
    let before = version(&life).await;
    life.settle().await;
    let expected: Vec<String> = (1..=9).map(|minute| format!("00:0{minute}:00")).collect();
    assert_eq!(fired(&life).await, expected, "in order, each once");
    assert_eq!(version(&life).await - before, 3, "four, four and one");
    assert_eq!(life.noted(&trigger, NoteKind::Fired).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_before_it_is_disabled_leaves_a_schedule_as_it_was() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    let trigger = life.trigger("t", due(&json!({ "cron": "* * * * *", "missed": "all" }))).await;
    life.until(at("2027-01-01T00:01:10Z")).await;
    // Somebody is about to disable it, and the process dies.
    let state = tenon_trigger::paused(&life.service, &trigger).await.expect("readable");
    assert!(state.is_some());
    life.die().await;
    let mut life = world.start(at("2027-01-01T00:04:01Z")).await;
    life.until(at("2027-01-01T00:05:10Z")).await;
    assert_eq!(fired(&life).await, ["00:01:00", "00:02:00", "00:03:00", "00:04:00", "00:05:00"]);
    // It has fired since: what it would remember is old.
    disable_is_refused(&life, state).await;
}

/// Disables `t` with what it is to remember, which is old by now.
async fn disable_is_refused(life: &Life, state: Option<NewState>) {
    let disable = ChangeResource {
        workspace: life.workspace,
        kind: Kind::Trigger,
        name: "t".to_owned(),
        change: Change::Disable,
        state,
        actor: "test".to_owned(),
        at: life.clock.now(),
    };
    let refused = life.store.change_resource(disable).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    assert!(life.resource(Kind::Trigger, "t").await.enabled, "all of it, or nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn disabled_is_paused_whatever_is_on_its_way() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:30Z")).await;
    let trigger = life.trigger("t", due(&json!({ "cron": "* * * * *", "missed": "all" }))).await;
    for (minute, on_its_way) in [(5, "the first look"), (10, "the resume")] {
        // Somebody is about to disable it, and it is seen, or seen to be enabled again, just before that.
        let state = tenon_trigger::paused(&life.service, &trigger).await.expect("readable");
        assert!(state.is_some(), "{on_its_way}");
        life.settle().await;
        disable_is_refused(&life, state).await;
        // The next try knows of it.
        life.change("t", Change::Disable).await;
        life.clock.advance(Duration::from_mins(5));
        life.change("t", Change::Enable).await;
        assert_eq!(life.clock.now(), at(&format!("2027-01-01T00:{minute:02}:30Z")));
    }
    life.until(at("2027-01-01T00:11:10Z")).await;
    assert_eq!(fired(&life).await, ["00:11:00"], "nothing is made up for");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_disabled_before_it_was_seen_makes_nothing_up() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:30Z")).await;
    let times = json!({ "at": "2027-01-01T00:02:00Z" });
    for (name, document) in [
        ("t", due(&json!({ "cron": "* * * * *", "missed": "all" }))),
        ("once", due(&times)),
        ("over", due(&json!({ "at": "2027-01-01T00:00:00Z" }))),
    ] {
        life.trigger(name, document).await;
        life.change(name, Change::Disable).await;
        life.clock.advance(Duration::from_mins(1));
    }
    for name in ["t", "once", "over"] {
        life.change(name, Change::Enable).await;
    }
    life.until(at("2027-01-01T00:04:10Z")).await;
    assert_eq!(fired(&life).await, ["00:04:00"]);
    for (name, missed) in [("once", "00:02:00"), ("over", "00:00:00")] {
        let trigger = life.resource(Kind::Trigger, name).await;
        assert_eq!(life.noted(&trigger, NoteKind::Missed).await, [missed], "{name}");
        assert!(life.events(&format!("/triggers/{name}")).await.is_empty(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_after_it_was_enabled_follows_its_policy_though_nobody_saw_it() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    let every_minute = |missed: &str| due(&json!({ "cron": "* * * * *", "missed": missed }));
    for (name, document) in [
        ("t", every_minute("all")),
        ("skipping", every_minute("skip")),
        ("once", due(&json!({ "at": "2027-01-01T00:06:00Z" }))),
        ("over", due(&json!({ "at": "2027-01-01T00:03:00Z" }))),
        ("retimed", due(&json!({ "cron": "0 0 1 1 *" }))),
    ] {
        life.trigger(name, document).await;
    }
    life.until(at("2027-01-01T00:01:10Z")).await;
    for name in ["t", "skipping", "once", "over", "retimed"] {
        life.change(name, Change::Disable).await;
    }
    life.trigger("retimed", every_minute("all")).await;
    life.clock.advance(Duration::from_mins(3));
    for name in ["t", "skipping", "once", "over", "retimed"] {
        life.change(name, Change::Enable).await;
    }
    // It is durable; the process dies before anybody looks, and is down for a while.
    life.die().await;
    let mut life = world.start(at("2027-01-01T00:07:01Z")).await;
    life.until(at("2027-01-01T00:08:10Z")).await;
    for (name, expected, missed) in [
        ("t", &["00:01:00", "00:05:00", "00:06:00", "00:07:00", "00:08:00"][..], &[][..]),
        ("skipping", &["00:01:00", "00:08:00"], &["00:05:00", "00:06:00", "00:07:00"]),
        ("once", &["00:06:00"], &[]),
        ("over", &[], &["00:03:00"]),
        ("retimed", &["00:05:00", "00:06:00", "00:07:00", "00:08:00"], &[]),
    ] {
        assert_eq!(fired_by(&life, name).await, expected, "{name}");
        let trigger = life.resource(Kind::Trigger, name).await;
        assert_eq!(life.noted(&trigger, NoteKind::Missed).await, missed, "{name}");
        let noticed = life.noted(&trigger, NoteKind::Noticed).await;
        assert!(!noticed.is_empty() && noticed.iter().all(|noticed| noticed == "00:04:10"), "{noticed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn enabled_many_times_before_anybody_looks_is_noted() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:30Z")).await;
    let trigger = life.trigger("t", due(&json!({ "at": "2027-01-01T00:02:00Z" }))).await;
    life.settle().await;
    for _ in 0..3 {
        life.change("t", Change::Disable).await;
        life.clock.advance(Duration::from_mins(1));
        life.change("t", Change::Enable).await;
        // Somebody makes sure.
        life.change("t", Change::Enable).await;
    }
    life.settle().await;
    assert_eq!(life.noted(&trigger, NoteKind::Noticed).await, ["00:01:30", "00:02:30", "00:03:30"]);
    assert_eq!(life.noted(&trigger, NoteKind::Missed).await, ["00:02:00"], "once");
    assert!(fired(&life).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_due_and_not_started_when_it_was_disabled_is_noted() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    let cron = due(&json!({ "cron": "* * * * *", "missed": "all" }));
    let (trigger, other) = (life.trigger("t", cron.clone()).await, life.trigger("one", cron).await);
    life.settle().await;
    life.clock.advance(Duration::from_secs(70));
    life.change("one", Change::Disable).await;
    life.clock.advance(Duration::from_mins(2));
    life.change("t", Change::Disable).await;
    life.clock.advance(Duration::from_mins(2));
    for name in ["t", "one"] {
        life.change(name, Change::Enable).await;
    }
    life.until(at("2027-01-01T00:06:10Z")).await;
    assert_eq!(fired(&life).await, ["00:06:00"]);
    let missed = life.notes(&trigger, NoteKind::Missed).await;
    let detail: Value = serde_json::from_slice(&missed[0].detail).expect("JSON");
    assert_eq!((missed.len(), &detail["count"]), (1, &json!(3)), "{detail}");
    assert_eq!(detail["to"], "2027-01-01T00:03:00.000000Z");
    assert_eq!(life.noted(&other, NoteKind::Missed).await, ["00:01:00"]);
}

/// A chunk may take several transactions, and a crash may come between them.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_cut_off_try_has_started_is_watched() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    life.workflow("a", Value::Null, json!({})).await;
    let times = json!({ "cron": "* * * * *", "overlap": "queue" });
    let trigger = life.trigger("t", run(&times, &["a"])).await;
    life.settle().await;
    life.clock.advance(Duration::from_mins(1));
    let first = life.service.ports().ids.job();
    let call = Call {
        workspace: life.workspace,
        workflow: "acme/a".to_owned(),
        input: JsonText::parse("{}".into()).expect("JSON"),
        idempotency_key: Some(format!(
            "schedule:{}:2027-01-01T00:01:00.000000Z#0",
            trigger.revision.resource.0
        )),
        job: Some(first),
    };
    let part = TriggerChunk {
        workspace: life.workspace,
        resource: trigger.revision.resource,
        items: vec![ChunkItem::Run(call)],
        state: None,
        notes: Vec::new(),
    };
    life.service.chunk(part).await.expect("room").expect("nobody else is there");
    life.until(at("2027-01-01T00:02:30Z")).await;
    let jobs: Vec<_> = life.jobs().await.iter().map(|job| job.id).collect();
    assert_eq!(jobs, [first], "the next one waits for the job that there is");
    let noticed = life.notes(&trigger, NoteKind::Noticed).await;
    let detail: Value = serde_json::from_slice(&noticed[0].detail).expect("JSON");
    assert_eq!(detail["jobs"], json!([first]), "{detail}");
    life.end(first, true).await;
    life.pass(Duration::from_secs(20)).await;
    assert_eq!(life.jobs().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_of_a_watched_schedule_come_at_once() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    for name in ["a", "b"] {
        life.workflow(name, Value::Null, json!({})).await;
    }
    let large =
        json!({ "cron": "* * * * *", "missed": "all", "order": "sequence", "data": r#"${ "x" * 1000000 }"# });
    life.trigger("t", run(&large, &["a", "b"])).await;
    life.settle().await;
    life.die().await;
    let mut life = world.start(at("2027-01-01T00:09:01Z")).await;
    life.settle().await;
    let jobs = life.jobs().await;
    assert_eq!(jobs.len(), 9, "four, four and one, in one go");
    for job in jobs {
        life.end(job.id, true).await;
    }
    life.clock.advance(Duration::from_secs(30));
    life.settle().await;
    assert_eq!(life.jobs().await.len(), 18, "the second of each sequence, too");
}

#[tokio::test(flavor = "multi_thread")]
async fn occurrences_are_counted_by_schedule() {
    let world = World::new();
    let mut life = world.start(at("2027-01-01T00:00:00Z")).await;
    life.workflow("a", Value::Null, json!({})).await;
    life.trigger("t", run(&json!({ "cron": "* * * * *", "overlap": "queue" }), &["a"])).await;
    life.trigger("gone", due(&json!({ "cron": "0 0 1 1 *" }))).await;
    life.settle().await;
    life.die().await;
    let mut life = world.start(at("2027-01-01T00:05:01Z")).await;
    life.until(at("2027-01-01T00:07:30Z")).await;
    let shown = |life: &Life, line: &str| {
        let text = life.service.ports().metrics.render();
        assert!(text.lines().any(|shown| shown == line), "{line} is missing in\n{text}");
    };
    let labels = "workspace=\"default\",trigger=\"t\"";
    // Of five missed ones the latest was made up for; the two that came since wait for its end.
    for (outcome, number) in [("started", 1), ("missed", 4), ("skipped", 0), ("failed", 0)] {
        let line = format!("tenon_schedule_occurrences_total{{{labels},outcome=\"{outcome}\"}} {number}");
        shown(&life, &line);
    }
    shown(&life, &format!("tenon_schedule_lag_seconds{{{labels}}} 90"));
    assert!(life.service.ports().metrics.render().contains("trigger=\"gone\""));
    life.change("gone", Change::Disable).await;
    life.settle().await;
    assert!(!life.service.ports().metrics.render().contains("trigger=\"gone\""));
    life.unreadable("t").await;
    life.settle().await;
    assert!(!life.service.ports().metrics.render().contains("trigger=\"t\""), "nor what cannot be read");
}
