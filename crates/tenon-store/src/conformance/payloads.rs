//! Payloads that go before their job. Event `n` expires at moment `n + 1000`, jobs at moment 500 unless a check says
//! otherwise.

use super::Harness;
use super::fixture::{Fixture, entry, json, moment};
use crate::{
    Capture, Error, EventFilter, EventId, Expiry, Fence, Gather, JobFilter, JobId, JobRecord, JobState, Role,
    Serves, Timestamp, Transition,
};

async fn prune(fixture: &Fixture, now: Timestamp) -> u64 {
    fixture.store.prune(now, 1000).await.expect("retention works")
}

async fn job(fixture: &Fixture, n: u64) -> JobRecord {
    let found = fixture.store.job(fixture.workspace, JobId(n)).await.expect("reads work");
    found.expect("the job is there")
}

/// Whether the event's envelope is there; the event must be.
async fn has_envelope(fixture: &Fixture, n: u64) -> bool {
    let found = fixture.store.event(fixture.workspace, EventId(n)).await.expect("reads work");
    found.expect("the event is there").envelope.is_some()
}

/// Completes job `n`, which expires at moment 500, its payloads when they are said to.
async fn complete(fixture: &Fixture, fence: Fence, n: u64, payloads: Option<u64>) {
    let expires = Expiry { job: moment(500), payloads: payloads.map(moment) };
    let mut write = fixture.write(fence, n, Transition::Completed { output: json("{}"), expires });
    write.entries = vec![entry(0)];
    fixture.store.write(write).await.expect("the job completes");
}

/// The job stays, as does all that says how it went; the event stays, too, and so do the numbers.
pub async fn payloads_go_before_their_job(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    let large = format!("\"{}\"", "x".repeat(200_000));
    let mut capture = fixture.event_with_job(1);
    capture.event.envelope = json(&large);
    capture.jobs[0].input = Some(json(&large));
    fixture.capture(capture).await;
    let mut write = fixture.write(fence, 1, Transition::Running);
    write.entries = (0..1500).map(entry).collect();
    write.entries[7].outcome = json(&large);
    fixture.store.write(write).await.expect("outcomes are recorded");
    let expires = Expiry { job: moment(500), payloads: Some(moment(100)) };
    let error = Transition::Faulted { error: json(&large), expires };
    fixture.store.write(fixture.write(fence, 1, error)).await.expect("the job faults");

    assert_eq!(prune(&fixture, moment(99)).await, 0);
    let before = job(&fixture, 1).await;
    assert!(before.input.is_some() && before.result.is_some() && !before.payloads_gone);
    assert_eq!(prune(&fixture, moment(100)).await, 2, "the job's and the event's");
    let after = job(&fixture, 1).await;
    assert!(after.payloads_gone && after.input.is_none() && after.result.is_none());
    assert_eq!((after.state, after.ended_at, after.event), (JobState::Faulted, before.ended_at, EventId(1)));
    let page = fixture.store.jobs(fixture.workspace, &JobFilter::default(), None, 10).await;
    assert!(page.expect("reads work").items[0].payloads_gone);
    assert!(!has_envelope(&fixture, 1).await);
    let events = fixture.store.events(fixture.workspace, &EventFilter::default(), None, 10).await;
    assert_eq!(events.expect("reads work").items.len(), 1);
    let used = fixture.store.disk_use().await.expect("reads work");
    assert_eq!((used.events, used.jobs, used.open_jobs), (1, 1, 0));
    while prune(&fixture, moment(101)).await > 0 {}
    let journal = fixture.store.journal(fixture.workspace, JobId(1)).await.expect("reads work");
    assert!(journal.is_empty(), "{} entries are left", journal.len());
    assert_eq!(prune(&fixture, moment(500)).await, 1);
    assert_eq!(prune(&fixture, moment(1001)).await, 1);
    let used = fixture.store.disk_use().await.expect("reads work");
    assert_eq!((used.events, used.jobs, used.open_jobs), (0, 0, 0));
}

/// An event keeps its envelope for every job that is open, or whose payloads have no time or a later one.
pub async fn what_another_job_needs_stays(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    let mut capture = fixture.event(1);
    capture.jobs = vec![fixture.job(1), fixture.job(2), fixture.job(3)];
    fixture.capture(capture).await;
    fixture.start(4).await;
    complete(&fixture, fence, 1, Some(100)).await;
    complete(&fixture, fence, 2, None).await;
    assert_eq!(prune(&fixture, moment(200)).await, 1);
    assert!(has_envelope(&fixture, 1).await);
    let open = fixture.store.open_job(JobId(3)).await.expect("reads work").expect("it is open");
    assert_eq!(open.payload.expect("it has what it runs on").envelope, json("{\"n\":1}"));
    complete(&fixture, fence, 3, Some(300)).await;
    assert_eq!(prune(&fixture, moment(300)).await, 1);
    assert!(has_envelope(&fixture, 1).await && job(&fixture, 2).await.result.is_some());
    let gone = fixture.store.purge(fixture.workspace, &[JobId(2)], moment(301)).await.expect("it can go");
    assert_eq!(gone, 1);
    assert!(!has_envelope(&fixture, 1).await, "the last that needed it is gone");
    assert!(has_envelope(&fixture, 4).await);
    // One that has no time of its own keeps all, whatever the event's time.
    complete(&fixture, fence, 4, None).await;
    assert_eq!(prune(&fixture, moment(499)).await, 0);
    assert!(has_envelope(&fixture, 4).await && job(&fixture, 4).await.result.is_some());
}

/// A parent looks up how its child has ended; the child's payloads wait for it, up to an hour longer.
pub async fn payloads_stay_while_the_parent_is_open(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    fixture.start(1).await;
    let mut child = fixture.event_with_job(2);
    child.jobs[0].parent = Some(JobId(1));
    fixture.capture(child).await;
    let later = Expiry { job: moment(90_000), payloads: Some(moment(100)) };
    for n in [2, 1] {
        let done = Transition::Completed { output: json("{}"), expires: later };
        fixture.store.write(fixture.write(fence, n, done)).await.expect("the job completes");
        let gone = prune(&fixture, moment(if n == 2 { 100 } else { 3800 })).await;
        assert_eq!(gone, if n == 2 { 0 } else { 4 }, "job {n}");
    }
    assert!(job(&fixture, 2).await.payloads_gone && !has_envelope(&fixture, 2).await);
}

/// A job may listen for it, however old it is.
pub async fn an_event_of_the_inbox_keeps_its_envelope(harness: &dyn Harness) {
    let mut fixture = Fixture::new(harness).await;
    fixture.declare(&["com.acme.order"]).await;
    let fence = fixture.own().await;
    fixture.start(1).await;
    complete(&fixture, fence, 1, Some(100)).await;
    assert_eq!(prune(&fixture, moment(100)).await, 1, "the job's");
    assert!(has_envelope(&fixture, 1).await && job(&fixture, 1).await.payloads_gone);
}

/// All events of the set, unless another job has the same set; nothing can be started from it any more.
pub async fn gathered_events_lose_their_envelopes(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    let part = |n: u64| {
        let serves = vec![Serves { part: (n % 2) as u32, key: String::new() }];
        let role = Role::Part { serves, of: 2 };
        Capture { gathers: vec![Gather { strategy: 1, role, job: fixture.job(n) }], ..fixture.event(n) }
    };
    for n in [1, 2, 3] {
        fixture.capture(part(n)).await;
    }
    let rerun = |n: u64| {
        let job = crate::NewJob { rerun_of: Some(JobId(2)), events_of: Some(JobId(2)), ..fixture.job(n) };
        Capture { jobs: vec![job], ..fixture.event(n) }
    };
    fixture.capture(rerun(10)).await;
    complete(&fixture, fence, 2, Some(100)).await;
    assert_eq!(prune(&fixture, moment(100)).await, 1, "the rerun needs the events");
    assert_eq!(fixture.store.gathered(fixture.workspace, JobId(10)).await.expect("reads work").len(), 2);
    let refused = fixture.store.capture(rerun(11)).await;
    assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
    complete(&fixture, fence, 10, Some(200)).await;
    assert_eq!(prune(&fixture, moment(200)).await, 4, "its own, the one of its event, and two gathered ones");
    assert!(!has_envelope(&fixture, 1).await && !has_envelope(&fixture, 2).await);
    assert!(has_envelope(&fixture, 3).await, "it waits in an open set");
    assert_eq!(job(&fixture, 2).await.gathered, [EventId(1), EventId(2)], "which ones is still known");
}
