//! Jobs that jobs started: their ends, lists of them, and how long they stay.

use super::Harness;
use super::fixture::{Fixture, completed, for_ends, for_events, ids, json, moment, take};
use crate::{Fence, JobFilter, JobId, JobState, Timestamp, Transition};

/// Event `n` starts job `n` for this parent.
async fn start_child(fixture: &Fixture, n: u64, parent: u64) {
    let mut capture = fixture.event_with_job(n);
    capture.jobs[0].parent = Some(JobId(parent));
    fixture.capture(capture).await;
}

async fn end(fixture: &Fixture, fence: Fence, n: u64, transition: Transition) {
    fixture.store.write(fixture.write(fence, n, transition)).await.expect("the job ends");
}

/// However it ends; only who awaits it, only once, and only for an end.
pub async fn an_end_wakes_who_awaits_it(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    let expires = moment(900);
    fixture.start(1).await;
    let fed = fixture.listen();
    let ends = [
        completed("1", expires),
        Transition::Faulted { error: json("{}"), expires: expires.into() },
        Transition::Cancelled { expires: expires.into() },
    ];
    for (n, how) in (10..).step_by(10).zip(ends) {
        for child in [n, n + 1, n + 2] {
            start_child(&fixture, child, 1).await;
        }
        take(&fed);
        fixture.park(fence, 1, for_ends(&[n, n + 1, n])).await;
        end(&fixture, fence, n, Transition::Running).await;
        end(&fixture, fence, n + 2, completed("2", expires)).await;
        assert!(take(&fed).is_empty(), "not an end, and not one that is awaited");
        end(&fixture, fence, n, how).await;
        let woken = take(&fed);
        assert_eq!(ids(&woken), [JobId(1)]);
        let job = &woken[0];
        assert_eq!((job.state, job.wake_at), (JobState::Waiting, Some(moment(n + 1))));
        assert_eq!((job.looked_to, job.payload.is_none()), (None, true));
        end(&fixture, fence, n + 1, completed("3", expires)).await;
        assert!(take(&fed).is_empty(), "it is awake already");
    }
    let open = fixture.store.open_job(JobId(1)).await.expect("reads work").expect("it is open");
    assert_eq!((open.parent, open.wake_at), (None, Some(moment(31))));
}

/// Before the park, or never there, or another workspace's; with events, either wakes.
pub async fn an_end_that_was_makes_due(harness: &dyn Harness) {
    let mut fixture = Fixture::new(harness).await;
    fixture.declare(&["paid"]).await;
    let other = Fixture::in_workspace(fixture.store.clone(), "other").await;
    let fence = fixture.own().await;
    for n in 1..=5 {
        fixture.start(n).await;
    }
    start_child(&fixture, 10, 1).await;
    start_child(&fixture, 11, 1).await;
    fixture.complete(fence, 10).await;
    start_child(&other, 12, 1).await;
    let fed = fixture.listen();
    for (n, children, is_due) in
        [(1, &[11, 10][..], true), (2, &[99], true), (3, &[12], true), (4, &[11], false)]
    {
        fixture.park(fence, n, for_ends(children)).await;
        assert_eq!(take(&fed).len(), usize::from(is_due), "{children:?}");
        let open = fixture.store.open_job(JobId(n)).await.expect("reads work").expect("it is open");
        assert_eq!(open.wake_at, is_due.then_some(moment(n + 1)));
    }
    let both = |children: &[u64]| crate::Waits {
        children: children.iter().map(|n| JobId(*n)).collect(),
        ..for_events(&["paid"], None, 1_000_000)
    };
    fixture.park(fence, 5, both(&[11])).await;
    fixture.complete(fence, 11).await;
    let woken = take(&fed);
    assert_eq!(ids(&woken), [JobId(4), JobId(5)]);
    assert_eq!(woken[1].looked_to, Some(1_000_000));
    start_child(&fixture, 13, 5).await;
    take(&fed);
    fixture.park(fence, 5, both(&[13])).await;
    fixture.emit(20, "paid", None).await;
    assert_eq!(ids(&take(&fed)), [JobId(5)]);
}

/// By parent, newest first, with the other filters; the parent is in every record.
pub async fn children_are_listed(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let other = Fixture::in_workspace(fixture.store.clone(), "other").await;
    let fence = fixture.own().await;
    let fed = fixture.listen();
    fixture.start(1).await;
    for (n, parent) in [(2, 1), (3, 1), (4, 2), (5, 1)] {
        start_child(&fixture, n, parent).await;
    }
    start_child(&other, 6, 1).await;
    assert_eq!(
        take(&fed).iter().map(|job| job.parent).collect::<Vec<_>>(),
        [None, Some(JobId(1)), Some(JobId(1)), Some(JobId(2)), Some(JobId(1)), Some(JobId(1))]
    );
    fixture.complete(fence, 3).await;
    let open = fixture.store.open_jobs(super::fixture::SHARD, 0, 2).await.expect("reads work");
    assert_eq!((open[0].parent, open[1].parent), (None, Some(JobId(1))));
    let check = async |filter: JobFilter, expected: &[u64]| {
        for limit in [1, 2, 100] {
            let mut found = Vec::new();
            let mut cursor = None;
            loop {
                let page = fixture.store.jobs(fixture.workspace, &filter, cursor, limit).await;
                let page = page.expect("reads work");
                found.extend(page.items.iter().map(|job| job.id.0));
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(found, expected, "{filter:?} in pages of {limit}");
        }
    };
    let of = |parent| JobFilter { parent: Some(JobId(parent)), ..JobFilter::default() };
    check(of(1), &[5, 3, 2]).await;
    check(of(2), &[4]).await;
    check(of(4), &[]).await;
    check(JobFilter { states: vec![JobState::Completed], ..of(1) }, &[3]).await;
    check(JobFilter { states: vec![JobState::Faulted], ..of(1) }, &[]).await;
    check(JobFilter { workflow: Some(fixture.workflow), since: Some(moment(3)), ..of(1) }, &[5, 3]).await;
    check(JobFilter { event: Some(crate::EventId(5)), ..of(1) }, &[5]).await;
    check(JobFilter { event: Some(crate::EventId(4)), ..of(1) }, &[]).await;
    check(JobFilter { ids: Some(JobId(2)..=JobId(3)), ..of(1) }, &[3, 2]).await;
}

/// Until its parent has ended, and its own time is over; up to an hour late.
pub async fn a_child_stays_while_its_parent_is_open(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    fixture.start(1).await;
    for n in [2, 3] {
        start_child(&fixture, n, 1).await;
    }
    start_child(&fixture, 4, 2).await;
    let done = |n, expires| fixture.write(fence, n, completed("{}", expires));
    for (n, expires) in [(2, moment(500)), (3, moment(20_000)), (4, moment(500))] {
        fixture.store.write(done(n, expires)).await.expect("the child completes");
    }
    let prune = async |now: Timestamp| fixture.store.prune(now, 1000).await.expect("retention works");
    let there = async || {
        let page = fixture.store.jobs(fixture.workspace, &JobFilter::default(), None, 100).await;
        page.expect("reads work").items.iter().map(|job| job.id.0).collect::<Vec<_>>()
    };
    assert_eq!(prune(moment(2000)).await, 2, "job 4, whose parent has ended, with its event");
    assert_eq!(there().await, [3, 2, 1]);
    assert_eq!(prune(moment(9000)).await, 0, "an hour later the parent is still open");
    assert_eq!(there().await, [3, 2, 1]);
    fixture.store.write(done(1, moment(10_000))).await.expect("the parent completes");
    assert_eq!(
        prune(moment(12_700)).await,
        4,
        "the parent and the child that has expired, with their events"
    );
    assert_eq!(there().await, [3]);
    assert_eq!(prune(moment(20_000)).await, 2);
    let used = fixture.store.disk_use().await.expect("reads work");
    assert_eq!((used.events, used.jobs, used.open_jobs), (0, 0, 0));
}
