//! Pollers on a real store, with a callee that is a function: what they ask, what they capture, what they remember.

mod model;
mod stage;

use std::time::Duration;

use serde_json::{Value, json};
use tenon_capture::trigger::RateLimit;
use tenon_store::{Change, NoteKind};
use tenon_trigger::FireError;
use tokio::time::Instant;

use stage::{Answers, Stage};

/// A poller by `since`, inclusive, with keys.
pub(crate) const CONTACTS: &str = r#"
kind: poll
every: PT1M
call: http
with: { method: get, endpoint: http://localhost/contacts }
items: ${ .results }
cursor: ${ [.results[].at] | max }
more: ${ .hasMore }
dedupKey: ${ "\(.id)@\(.at)" }
emits: { type: contact, subject: "${ .id }", data: "${ . }" }
"#;

fn page(results: Value) -> Result<Value, Value> {
    Ok(json!({ "results": results, "hasMore": false }))
}

fn contact(id: &str, at: i64) -> Value {
    json!({ "id": id, "at": at })
}

#[tokio::test]
async fn items_become_events_and_the_cursor_moves() {
    let stage = Stage::new(Answers::list(vec![
        page(json!([contact("a", 1), contact("b", 2)])),
        page(json!([contact("b", 2), contact("c", 2)])),
        page(json!([contact("c", 2)])),
    ]))
    .await;
    stage.put(CONTACTS).await;
    for expected in [2, 1, 0] {
        assert_eq!(stage.fire().await.expect("polled"), expected);
    }
    assert_eq!(stage.asked(), [json!(null), json!(2), json!(2)]);
    assert_eq!(stage.event_data().await, [contact("a", 1), contact("b", 2), contact("c", 2)]);
    let state = stage.state().await;
    assert_eq!((&state["cursor"], &state["polls"], &state["failures"]), (&json!(2), &json!(3), &json!(0)));
    assert_eq!(stage.notes().await, [(NoteKind::Fired, 2), (NoteKind::Fired, 1)]);
}

#[tokio::test]
async fn more_is_asked_for_at_once_and_only_while_the_cursor_moves() {
    let answer = |at: i64| Ok(json!({ "results": [contact("x", at)], "hasMore": true }));
    let stage = Stage::new(Answers::list(vec![answer(1), answer(2), answer(3), answer(3)])).await;
    stage.put(CONTACTS).await;
    assert_eq!(stage.fire().await.expect("polled"), 3);
    assert_eq!(stage.asked().len(), 4);
    let notes = stage.details(NoteKind::Noticed).await;
    assert!(notes[0]["what"].as_str().expect("text").contains("has not moved"), "{notes:?}");
}

#[tokio::test]
async fn a_cursor_that_goes_back_is_noted_and_the_higher_one_kept() {
    let stage = Stage::new(Answers::list(vec![
        page(json!([contact("a", 10)])),
        page(json!([contact("late", 7)])),
        page(json!([])),
    ]))
    .await;
    stage.put(CONTACTS).await;
    for _ in 0..3 {
        stage.fire().await.expect("polled");
    }
    assert_eq!(stage.asked(), [json!(null), json!(10), json!(10)]);
    assert_eq!(
        stage.event_data().await,
        [contact("a", 10), contact("late", 7)],
        "what came is not thrown away"
    );
    let notes = stage.details(NoteKind::Noticed).await;
    assert_eq!(notes.len(), 1);
    assert_eq!((&notes[0]["cursor"], &notes[0]["answered"]), (&json!(10), &json!(7)));
}

#[tokio::test]
async fn opaque_cursors_are_taken_as_they_come() {
    let source = CONTACTS.replace("more:", "cursorOrder: none\nmore:");
    let stage = Stage::new(Answers::list(vec![
        page(json!([contact("a", 10)])),
        page(json!([contact("b", 7)])),
        page(json!([])),
    ]))
    .await;
    stage.put(&source).await;
    for _ in 0..3 {
        stage.fire().await.expect("polled");
    }
    assert_eq!(stage.asked(), [json!(null), json!(10), json!(7)]);
}

/// An answer that cannot be used changes nothing but what is said about it.
async fn check_refused(answer: Result<Value, Value>, expected: &str) {
    let stage =
        Stage::new(Answers::list(vec![page(json!([contact("a", 5)])), answer, page(json!([]))])).await;
    stage.put(CONTACTS).await;
    stage.fire().await.expect("polled");
    match stage.fire().await {
        Err(FireError::Failed(reason)) => assert!(reason.contains(expected), "{reason}"),
        other => panic!("not refused: {other:?}"),
    }
    let state = stage.state().await;
    assert_eq!((&state["cursor"], &state["failures"]), (&json!(5), &json!(1)));
    assert!(state["error"].is_object(), "{state}");
    assert_eq!(stage.details(NoteKind::Failed).await.len(), 1);
    assert_eq!(stage.event_data().await.len(), 1);
    stage.fire().await.expect("polled");
    let state = stage.state().await;
    assert_eq!((&state["failures"], &state["error"]), (&json!(0), &Value::Null), "all is well again");
    assert_eq!(stage.asked(), [json!(null), json!(5), json!(5)]);
}

#[tokio::test]
async fn answers_that_cannot_be_used_leave_the_cursor_and_say_why() {
    check_refused(Ok(json!({ "results": { "a": 1 } })), "`items` gives an object, not a list").await;
    check_refused(Ok(json!({})), "`items` gives null, not a list").await;
    check_refused(Ok(json!("<html>")), "`items` cannot be computed").await;
    check_refused(Ok(json!({ "results": [{ "id": [1], "at": 6 }] })), "`emits.subject` of item 0").await;
    check_refused(
        Ok(json!({ "results": [{ "id": "x", "at": "y".repeat(20_000) }] })),
        "a cursor has at most",
    )
    .await;
    let error = json!({ "type": "t", "status": 503, "title": "Communication Error", "detail": "down" });
    check_refused(Err(error), "down").await;
    let large = json!({ "id": "x", "at": 6, "blob": "y".repeat(2 << 20) });
    check_refused(Ok(json!({ "results": [contact("ok", 6), large] })), "more than the").await;
}

#[tokio::test]
async fn failures_are_noted_when_they_are_new_and_then_ever_more_rarely() {
    let down = |detail: &str| Err(json!({ "title": "down", "detail": detail }));
    let mut answers = vec![down("one"); 20];
    answers.push(down("two"));
    let stage = Stage::new(Answers::list(answers)).await;
    stage.put(CONTACTS).await;
    for _ in 0..21 {
        assert!(matches!(stage.fire().await, Err(FireError::Failed(_))));
    }
    let failures: Vec<Value> =
        stage.details(NoteKind::Failed).await.into_iter().map(|note| note["failures"].clone()).collect();
    assert_eq!(failures, [json!(1), json!(2), json!(4), json!(8), json!(16), json!(21)]);
    assert_eq!(stage.state().await["failures"], json!(21));
}

#[tokio::test]
async fn a_new_revision_and_a_pause_leave_the_cursor() {
    let stage =
        Stage::new(Answers::list(vec![page(json!([contact("a", 5)])), page(json!([])), page(json!([]))]))
            .await;
    stage.put(CONTACTS).await;
    stage.fire().await.expect("polled");
    stage.put(&CONTACTS.replace("PT1M", "PT2M")).await;
    stage.fire().await.expect("polled");
    stage.change(Change::Disable).await;
    assert!(matches!(stage.fire().await, Err(FireError::Conflict)), "a disabled trigger asks nobody");
    stage.change(Change::Enable).await;
    stage.change(Change::Delete).await;
    stage.put(CONTACTS).await;
    stage.fire().await.expect("polled");
    assert_eq!(stage.asked(), [json!(null), json!(5), json!(5)]);
}

#[tokio::test]
async fn large_answers_come_in_chunks_in_order() {
    let items: Vec<Value> = (0..1_203).map(|n| contact(&format!("c{n}"), n)).collect();
    let stage = Stage::new(Answers::list(vec![page(json!(items))])).await;
    stage.put(CONTACTS).await;
    assert_eq!(stage.fire().await.expect("polled"), 1_203);
    assert_eq!(stage.event_data().await, items);
    assert_eq!(stage.state().await["version"], json!(1), "the state was written once, at the end");
}

#[tokio::test]
async fn too_many_items_are_refused_with_what_to_do() {
    let items: Vec<Value> = (0..11).map(|n| contact("c", n)).collect();
    let stage = Stage::new(Answers::list(vec![page(json!(items))])).await;
    stage.put(&format!("{CONTACTS}maxItems: 10\n")).await;
    match stage.fire().await {
        Err(FireError::Failed(reason)) => assert!(reason.contains("11 items, more than the 10"), "{reason}"),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn without_keys_equal_items_of_different_answers_are_different() {
    let source = "kind: poll\nevery: PT1M\ncall: http\nwith: { method: get, endpoint: http://localhost/ }\n";
    let twice = Ok(json!([{ "t": 20 }, { "t": 20 }]));
    let stage = Stage::new(Answers::list(vec![twice.clone(), twice])).await;
    stage.put(source).await;
    assert_eq!(stage.fire().await.expect("polled"), 2);
    assert_eq!(stage.fire().await.expect("polled"), 2);
    assert_eq!(stage.event_data().await.len(), 4);
}

#[tokio::test]
async fn pollers_run_by_themselves_and_a_webhook_wakes_them() {
    let source = CONTACTS.replace("PT1M", "PT1H").replace("emits:", "wokenBy: [shop/orders]\nemits:");
    let stage = Stage::new(Answers::forever(page(json!([])))).await;
    stage.put(&source).await;
    let running = stage.run();
    stage.has_asked(1).await;
    // A burst is one call: the next one comes when there was a hint after it.
    for calls in [2, 3] {
        for _ in 0..100 {
            stage.wake();
        }
        stage.has_asked(calls).await;
    }
    running.stop().await;
    assert!(stage.asked().len() <= 4, "{:?}", stage.asked());
}

#[tokio::test]
async fn a_poller_asks_again_after_its_interval_and_when_it_is_deployed_anew() {
    let stage = Stage::new(Answers::forever(page(json!([])))).await;
    stage.put(&CONTACTS.replace("PT1M", "PT1H")).await;
    let running = stage.run();
    stage.has_asked(1).await;
    stage.put(&CONTACTS.replace("PT1M", "PT1S")).await;
    stage.has_asked(3).await;
    stage.change(Change::Disable).await;
    running.stop().await;
}

#[tokio::test]
async fn state_of_a_clock_that_was_wrong_does_not_stop_a_poller() {
    let stage = Stage::new(Answers::forever(page(json!([])))).await;
    stage.put(&CONTACTS.replace("PT1M", "PT1S")).await;
    stage.write_state(json!({ "cursor": 5, "revision": 1, "next": "2999-01-01T00:00:00Z" })).await;
    let running = stage.run();
    stage.has_asked(1).await;
    running.stop().await;
    assert_eq!(stage.asked()[0], json!(5));
}

#[tokio::test]
async fn firing_keeps_to_the_rate_limit() {
    let stage = Stage::new(Answers::forever(page(json!([])))).await;
    stage.put(&format!("{CONTACTS}rateLimit: {{ limit: 2, per: PT1H, burst: 2 }}\n")).await;
    for _ in 0..2 {
        stage.fire().await.expect("polled");
    }
    match stage.fire().await {
        Err(FireError::TooFast { seconds }) => assert!((1_700..=1_800).contains(&seconds), "{seconds}"),
        other => panic!("not refused: {other:?}"),
    }
    assert_eq!(stage.asked().len(), 2);
}

/// A poller waits for its rate; whoever fires it meanwhile is told so at once, and everybody sees how many calls are
/// left. `more` says whether it waits in the middle of a round.
async fn check_waiting(more: bool) {
    let answer = json!({ "results": [contact("a", 1)], "hasMore": more });
    let stage = Stage::new(Answers::forever(Ok(answer))).await;
    let limited = format!("{CONTACTS}rateLimit: {{ limit: 1, per: PT1H, burst: 1 }}\n");
    stage.put(&limited.replace("PT1M", "PT1S")).await;
    let running = stage.run();
    stage.has_asked(1).await;
    let place = (stage.workspace, stage.resource().await.revision.resource);
    let limit = RateLimit { limit: 1, per: Duration::from_hours(1), burst: 1 };
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(1_500) {
        match running.fire(&stage).await {
            Err(FireError::TooFast { seconds }) => assert!((3_500..=3_600).contains(&seconds), "{seconds}"),
            other => panic!("not refused: {other:?}"),
        }
        // polls: the poller's turn has come, which is after a second.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(running.left(place, limit), Some(0), "it is not at work");
    assert_eq!(stage.asked().len(), 1);
    running.stop().await;
}

#[tokio::test]
async fn a_poller_that_waits_for_its_rate_leaves_its_turn_to_others() {
    check_waiting(false).await;
    check_waiting(true).await;
}

#[tokio::test]
async fn whoever_fires_does_not_wait_for_the_rate_of_further_answers() {
    let answer = json!({ "results": [contact("a", 1)], "hasMore": true });
    let stage = Stage::new(Answers::forever(Ok(answer))).await;
    stage.put(&format!("{CONTACTS}rateLimit: {{ limit: 1, per: PT1H, burst: 1 }}\n")).await;
    let fired = tokio::time::timeout(Duration::from_secs(20), stage.fire()).await;
    assert_eq!(fired.expect("it says what came").expect("polled"), 1);
    let state = stage.state().await;
    assert_eq!((&state["cursor"], &state["next"]), (&json!(1), &state["last"]), "the poller goes on at once");
}

#[tokio::test]
async fn polls_are_counted_by_trigger() {
    let stage = Stage::new(Answers::list(vec![
        page(json!([contact("a", 1), contact("b", 2)])),
        page(json!([contact("b", 2), contact("c", 3)])),
    ]))
    .await;
    stage.put(&CONTACTS.replace("PT1M", "PT1S")).await;
    let running = stage.run();
    for (family, outcome, number) in [
        ("tenon_polls_total", "captured", 2),
        ("tenon_polls_total", "failed", 1),
        ("tenon_polls_total", "conflict", 0),
        ("tenon_poll_items_total", "captured", 3),
        ("tenon_poll_items_total", "duplicate", 1),
    ] {
        let labels = format!("workspace=\"default\",trigger=\"contacts\",outcome=\"{outcome}\"");
        stage.shows(&format!("{family}{{{labels}}} {number}")).await;
    }
    stage.put_unreadable().await;
    stage.shows_nothing_of("trigger=\"contacts\"").await;
    running.stop().await;
}
