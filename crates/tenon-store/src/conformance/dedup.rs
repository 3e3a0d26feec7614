//! One key, one event.

use futures_util::future::join_all;

use super::Harness;
use super::fixture::{Fixture, mark, moment};
use crate::{Capture, Captured, Duplicate, EventId, JobId};

fn marked(fixture: &Fixture, n: u64, scope: &str, key: &str) -> Capture {
    Capture { mark: Some(mark(scope, key)), ..fixture.event_with_job(n) }
}

async fn repeat(fixture: &Fixture, capture: Capture) -> Duplicate {
    match fixture.store.capture(capture).await.expect("a repeat is an answer, no error") {
        Captured::Duplicate(duplicate) => duplicate,
        other => panic!("expected a duplicate, got {other:?}"),
    }
}

/// The first event and its jobs; nothing new; counted.
pub async fn a_repeat_is_answered_like_the_first(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let mut first = marked(&fixture, 1, "trigger:1", "order-1");
    first.jobs.push(fixture.job(2));
    fixture.capture(first).await;
    for n in 10..13 {
        let duplicate = repeat(&fixture, marked(&fixture, n, "trigger:1", "order-1")).await;
        assert_eq!(duplicate, Duplicate { event: EventId(1), jobs: vec![JobId(1), JobId(2)] });
        assert!(fixture.store.event(fixture.workspace, EventId(n)).await.expect("reads work").is_none());
        assert!(fixture.store.job(fixture.workspace, JobId(n)).await.expect("reads work").is_none());
    }
    let event = fixture.store.event(fixture.workspace, EventId(1)).await.expect("reads work");
    assert_eq!(event.expect("the first is there").duplicates, 3);
}

/// At its moment a mark holds no longer; the next event takes it over.
pub async fn a_mark_holds_until_it_expires(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    fixture.capture(marked(&fixture, 1, "source", "a")).await;
    assert_eq!(repeat(&fixture, marked(&fixture, 99, "source", "a")).await.event, EventId(1));
    let mut later = marked(&fixture, 100, "source", "a");
    later.mark.as_mut().expect("it is marked").expires = moment(200);
    fixture.capture(later).await;
    assert_eq!(repeat(&fixture, marked(&fixture, 199, "source", "a")).await.event, EventId(100));
}

/// Scopes, workspaces and neighbouring texts are different keys.
pub async fn scopes_do_not_share_keys(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let other = Fixture::in_workspace(fixture.store.clone(), "other").await;
    fixture.capture(marked(&fixture, 1, "trigger:1", "1x")).await;
    fixture.capture(marked(&fixture, 2, "trigger:2", "1x")).await;
    fixture.capture(marked(&fixture, 3, "trigger:11", "x")).await;
    fixture.capture(marked(&fixture, 4, "trigger:1", "1X")).await;
    fixture.capture(marked(&fixture, 5, "trigger:1", "")).await;
    other.capture(marked(&other, 6, "trigger:1", "1x")).await;
    assert_eq!(repeat(&fixture, marked(&fixture, 9, "trigger:1", "1x")).await.event, EventId(1));
}

/// The event and the other workflows' jobs are there.
pub async fn a_workflows_mark_suppresses_its_job_only(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let both = |n: u64| {
        let mut capture = fixture.event(n);
        capture.jobs = vec![fixture.job(n), fixture.job(n + 1)];
        capture.jobs[0].mark = Some(mark("workflow:1", "same"));
        capture
    };
    assert_eq!(fixture.capture(both(10)).await, [JobId(10), JobId(11)]);
    let fed = fixture.listen();
    assert_eq!(fixture.capture(both(20)).await, [JobId(21)]);
    assert_eq!(fed.lock().expect("nothing panics in the feed").len(), 1);
    let event = fixture.store.event(fixture.workspace, EventId(20)).await.expect("reads work");
    assert_eq!(event.expect("the event is there").jobs, [JobId(21)]);
    assert!(fixture.store.job(fixture.workspace, JobId(20)).await.expect("reads work").is_none());
}

/// The same key from many at once.
pub async fn of_many_at_once_one_is_captured(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let captures = (1..=50).map(|n| fixture.store.capture(marked(&fixture, n, "source", "one")));
    let outcomes: Vec<Captured> =
        join_all(captures).await.into_iter().map(|outcome| outcome.expect("all are answered")).collect();
    let new = outcomes.iter().filter(|outcome| matches!(outcome, Captured::New { .. })).count();
    assert_eq!(new, 1);
    let first = outcomes.iter().find_map(|outcome| match outcome {
        Captured::New { jobs, .. } => jobs.first().copied(),
        _ => None,
    });
    for outcome in &outcomes {
        if let Captured::Duplicate(duplicate) = outcome {
            assert_eq!(duplicate.jobs, Vec::from_iter(first), "every repeat names the one job");
        }
    }
}

/// Looking again after `Stale` must not meet its own mark.
pub async fn a_stale_capture_takes_no_mark(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let mut stale = marked(&fixture, 1, "source", "a");
    stale.generation += 1;
    let outcome = fixture.store.capture(stale).await.expect("stale is an answer, no error");
    assert!(matches!(outcome, Captured::Stale { .. }), "{outcome:?}");
    fixture.capture(marked(&fixture, 2, "source", "a")).await;
}

fn delivered(fixture: &Fixture, n: u64, delivery: &str, key: &str) -> Capture {
    Capture { delivery: Some(mark("signature:1", delivery)), ..marked(fixture, n, "trigger:1", key) }
}

/// Also by a delivery that was a repeat itself, and from many at once.
pub async fn either_of_two_marks_is_enough(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    fixture.capture(delivered(&fixture, 1, "a", "one")).await;
    let repeats = [("a", "one"), ("b", "one"), ("a", "two"), ("b", "three")];
    for (n, (delivery, key)) in (10..).zip(repeats) {
        let duplicate = repeat(&fixture, delivered(&fixture, n, delivery, key)).await;
        assert_eq!(duplicate, Duplicate { event: EventId(1), jobs: vec![JobId(1)] }, "{delivery} {key}");
    }
    let event = fixture.store.event(fixture.workspace, EventId(1)).await.expect("reads work");
    assert_eq!(event.expect("the first is there").duplicates, 4);
    let captures = (20..40).map(|n| fixture.store.capture(delivered(&fixture, n, "c", &n.to_string())));
    let outcomes = join_all(captures).await;
    let new = outcomes.iter().filter(|outcome| matches!(outcome, Ok(Captured::New { .. }))).count();
    assert_eq!(new, 1, "{outcomes:?}");
}

/// Else whoever repeats a delivery under another key would suppress the event that this key is meant for.
pub async fn a_known_delivery_takes_no_other_mark(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    fixture.capture(delivered(&fixture, 1, "a", "one")).await;
    repeat(&fixture, delivered(&fixture, 2, "a", "two")).await;
    fixture.capture(delivered(&fixture, 3, "b", "two")).await;
    assert_eq!(repeat(&fixture, delivered(&fixture, 4, "c", "two")).await.event, EventId(3));
    let alone = Capture { mark: None, ..delivered(&fixture, 5, "d", "") };
    fixture.capture(alone.clone()).await;
    assert_eq!(repeat(&fixture, alone).await.event, EventId(5));
}

/// Its own moment, not that of the other mark.
pub async fn a_delivery_is_known_until_it_expires(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    fixture.capture(delivered(&fixture, 1, "a", "one")).await;
    let mut stale = delivered(&fixture, 2, "b", "two");
    stale.generation += 1;
    let outcome = fixture.store.capture(stale).await.expect("stale is an answer, no error");
    assert!(matches!(outcome, Captured::Stale { .. }), "{outcome:?}");
    fixture.capture(delivered(&fixture, 3, "b", "two")).await;
    assert_eq!(repeat(&fixture, delivered(&fixture, 99, "a", "three")).await.event, EventId(1));
    let mut later = delivered(&fixture, 100, "a", "three");
    later.delivery.as_mut().expect("it is marked").expires = moment(200);
    fixture.capture(later).await;
    assert_eq!(repeat(&fixture, delivered(&fixture, 101, "a", "four")).await.event, EventId(100));
}
