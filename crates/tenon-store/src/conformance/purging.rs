//! Jobs that somebody wants to be gone before their time. Event `n` expires at moment `n + 1000`, a completed job `n` at
//! `n + 500`.

use super::Harness;
use super::fixture::{Fixture, completed, entry, json, moment};
use crate::{Capture, EventId, Gather, JobFilter, JobId, MAX_PURGE, NewJob, Role, Serves, Transition};

async fn purge(fixture: &Fixture, jobs: &[u64], at: u64) -> u64 {
    let jobs: Vec<JobId> = jobs.iter().map(|n| JobId(*n)).collect();
    fixture.store.purge(fixture.workspace, &jobs, moment(at)).await.expect("jobs can be purged")
}

async fn jobs(fixture: &Fixture) -> Vec<u64> {
    let page = fixture.store.jobs(fixture.workspace, &JobFilter::default(), None, 1000).await;
    page.expect("reads work").items.iter().map(|job| job.id.0).collect()
}

async fn has_event(fixture: &Fixture, n: u64) -> bool {
    fixture.store.event(fixture.workspace, EventId(n)).await.expect("reads work").is_some()
}

async fn prune(fixture: &Fixture, at: u64) {
    while fixture.store.prune(moment(at), 1000).await.expect("retention works") > 0 {}
}

/// With all that they have written, and their events.
pub async fn ended_jobs_are_purged(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    let large = format!("\"{}\"", "x".repeat(200_000));
    for n in 1..=100 {
        fixture.start(n).await;
        if n == 7 {
            let mut write = fixture.write(fence, n, Transition::Running);
            write.entries = (0..2500).map(entry).collect();
            write.entries[3].outcome = json(&large);
            fixture.store.write(write).await.expect("outcomes are recorded");
        }
        let done = completed(if n == 7 { &large } else { "{}" }, moment(n + 500));
        fixture.store.write(fixture.write(fence, n, done)).await.expect("the job completes");
    }
    let most: Vec<u64> = (1..=98).chain([1, 2, 77_777]).collect();
    assert_eq!(purge(&fixture, &most, 200).await, 98, "each once");
    assert_eq!(jobs(&fixture).await, [100, 99]);
    let used = fixture.store.disk_use().await.expect("reads work");
    assert_eq!((used.events, used.jobs, used.open_jobs), (2, 2, 0));
    assert_eq!(purge(&fixture, &[99], 5000).await, 1);
    assert!(!has_event(&fixture, 99).await && has_event(&fixture, 100).await);
    prune(&fixture, 400).await;
    assert!(!has_event(&fixture, 7).await);
    let again = fixture.capture(Capture { jobs: vec![fixture.job(7)], ..fixture.event(200) }).await;
    assert_eq!(again, [JobId(7)]);
    let journal = fixture.store.journal(fixture.workspace, JobId(7)).await.expect("reads work");
    assert!(journal.is_empty(), "{} entries of the old job are left", journal.len());
    let too_many = vec![JobId(1); MAX_PURGE + 1];
    fixture.store.purge(fixture.workspace, &too_many, moment(1)).await.expect_err("that is too much");
}

/// Open ones, children of open ones, and those of other workspaces.
pub async fn what_is_needed_is_not_purged(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let other = Fixture::in_workspace(fixture.store.clone(), "other").await;
    let fence = fixture.own().await;
    fixture.start(1).await;
    let mut child = fixture.event_with_job(2);
    child.jobs[0].parent = Some(JobId(1));
    fixture.capture(child).await;
    fixture.complete(fence, 2).await;
    other.start(3).await;
    other.complete(fence, 3).await;
    assert_eq!(purge(&fixture, &[1, 2, 3], 9000).await, 0);
    assert_eq!((jobs(&fixture).await, jobs(&other).await), (vec![2, 1], vec![3]));
    fixture.complete(fence, 1).await;
    assert_eq!(purge(&fixture, &[1, 2, 3], 600).await, 2);
    assert_eq!(purge(&other, &[3], 600).await, 1);
}

/// By another of its jobs, or by a `listen` that may look for it: then it goes when its time comes.
pub async fn an_event_that_is_needed_is_not_purged(harness: &dyn Harness) {
    let mut fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    fixture.capture(Capture { jobs: vec![fixture.job(1), fixture.job(2)], ..fixture.event(1) }).await;
    for n in [1, 2] {
        fixture.complete(fence, n).await;
    }
    assert_eq!(purge(&fixture, &[1], 200).await, 1);
    assert!(has_event(&fixture, 1).await);
    assert_eq!(purge(&fixture, &[2], 200).await, 1);
    assert!(!has_event(&fixture, 1).await);

    fixture.declare(&["com.acme.order"]).await;
    fixture.start(3).await;
    fixture.complete(fence, 3).await;
    assert_eq!(purge(&fixture, &[3], 1002).await, 1);
    assert!(has_event(&fixture, 3).await, "it is in the inbox");
    prune(&fixture, 1003).await;
    assert!(!has_event(&fixture, 3).await);
}

/// The events of a set stay as long as one of its jobs does, and those of an open set do; soon after they go, however
/// many they are.
pub async fn gathered_events_go_with_the_last_job(harness: &dyn Harness) {
    const EVENTS: u64 = 600;
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    for n in 1..=EVENTS + 1 {
        let serves = vec![Serves { part: (n % EVENTS) as u32, key: String::new() }];
        let role = Role::Part { serves, of: EVENTS as u32 };
        let gathers = vec![Gather { strategy: 1, role, job: fixture.job(n) }];
        fixture.capture(Capture { gathers, ..fixture.event(n) }).await;
    }
    let (first, rerun) = (EVENTS, EVENTS + 2);
    let job = NewJob { rerun_of: Some(JobId(first)), events_of: Some(JobId(first)), ..fixture.job(rerun) };
    fixture.capture(Capture { jobs: vec![job], ..fixture.event(rerun) }).await;
    for n in [first, rerun] {
        fixture.complete(fence, n).await;
    }
    assert_eq!(purge(&fixture, &[first], 700).await, 1);
    prune(&fixture, 700).await;
    assert!(has_event(&fixture, 1).await && has_event(&fixture, first).await, "the rerun has them, too");
    assert_eq!(purge(&fixture, &[rerun], 700).await, 1);
    prune(&fixture, 700).await;
    let used = fixture.store.disk_use().await.expect("reads work");
    assert_eq!((used.events, used.jobs), (1, 0));
    assert!(has_event(&fixture, EVENTS + 1).await, "it waits in an open set");
}
