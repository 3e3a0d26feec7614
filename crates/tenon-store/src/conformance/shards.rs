//! Owners of shards: fencing, and what they load.

use super::Harness;
use super::fixture::{Fixture, SHARD, entry, ids, json, moment};
use crate::{Error, Fence, JobId, JobState, Lane, Shard, Timestamp, Transition, Waits};

/// From the moment a shard is acquired, whoever had it before writes nothing.
pub async fn an_older_epoch_is_refused(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let old = fixture.own().await;
    fixture.start(1).await;
    fixture.store.write(fixture.write(old, 1, Transition::Running)).await.expect("the owner writes");
    let new = fixture.own().await;
    assert!(new.epoch > old.epoch);
    let never = Fence { epoch: new.epoch + 1, ..new };
    for fence in [old, never] {
        let mut write = fixture.write(fence, 1, Transition::Running);
        write.entries = vec![entry(0)];
        let refused = fixture.store.write(write).await;
        assert!(matches!(refused, Err(Error::Fenced)), "{refused:?}");
    }
    fixture.complete(new, 1).await;
    assert!(fixture.store.journal(fixture.workspace, JobId(1)).await.expect("reads work").is_empty());
}

/// The owner of one shard has no right in another.
pub async fn a_fence_is_for_its_shard(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    fixture.own().await;
    fixture.start(1).await;
    let elsewhere = fixture.store.acquire(Shard(4)).await.expect("a shard can be acquired");
    let refused = fixture.store.write(fixture.write(elsewhere, 1, Transition::Running)).await;
    assert!(matches!(refused, Err(Error::Fenced)), "{refused:?}");
    let unowned = Fence { shard: Shard(9), epoch: 0 };
    let refused = fixture.store.write(fixture.write(unowned, 1, Transition::Running)).await;
    assert!(matches!(refused, Err(Error::Fenced)), "{refused:?}");
}

/// Pending, running and suspended ones of the shard, page by page.
pub async fn open_jobs_come_by_place(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    for n in [5, 3, 4, 1, 2] {
        fixture.start(n).await;
    }
    let mut elsewhere = fixture.event_with_job(9);
    elsewhere.jobs[0].lane = Some(Lane { shard: Shard(8), key: None });
    fixture.capture(elsewhere).await;
    let write = |n, transition| fixture.store.write(fixture.write(fence, n, transition));
    write(3, Transition::Running).await.expect("it runs");
    write(4, Transition::Waiting { wake_at: moment(9), waits: Waits::default() }).await.expect("it waits");
    write(1, Transition::Suspended { reason: json("{}") }).await.expect("it is suspended");
    fixture.complete(fence, 2).await;

    let all = fixture.store.open_jobs(SHARD, 0, 10).await.expect("reads work");
    assert_eq!(ids(&all), [JobId(5), JobId(3), JobId(1)]);
    assert!(all.iter().all(|job| job.payload.is_none()));
    assert_eq!(
        all.iter().map(|job| job.state).collect::<Vec<_>>(),
        [JobState::Pending, JobState::Running, JobState::Suspended]
    );
    let first = fixture.store.open_jobs(SHARD, 0, 2).await.expect("reads work");
    let rest = fixture.store.open_jobs(SHARD, first[1].place, 2).await.expect("reads work");
    assert_eq!((ids(&first), ids(&rest)), (vec![JobId(5), JobId(3)], vec![JobId(1)]));
    let other = fixture.store.open_jobs(Shard(8), 0, 10).await.expect("reads work");
    assert_eq!(ids(&other), [JobId(9)]);
}

/// Those of the workspace and of the shard, page by page.
pub async fn open_jobs_of_a_workspace_come_by_place(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let other = Fixture::in_workspace(fixture.store.clone(), "other").await;
    for n in [1, 3, 5] {
        fixture.start(n).await;
        other.start(n + 1).await;
    }
    let read = |after, limit| fixture.store.open_jobs_of(SHARD, other.workspace, after, limit);
    let (mut found, mut after) = (Vec::new(), Some(0));
    while let Some(place) = after {
        let page = read(place, 2).await.expect("reads work");
        assert!(page.jobs.len() <= 2 && page.jobs.iter().all(|job| job.place > place), "{page:?}");
        let last = page.jobs.last().map_or(place + 1, |job| job.place);
        assert!(page.read_to.is_none_or(|read_to| read_to >= last), "it goes on: {page:?}");
        found.extend(ids(&page.jobs));
        after = page.read_to;
    }
    assert_eq!(found, [JobId(2), JobId(4), JobId(6)]);
    let elsewhere = fixture.store.open_jobs_of(Shard(8), other.workspace, 0, 10).await.expect("reads work");
    assert!(elsewhere.jobs.is_empty() && elsewhere.read_to.is_none(), "{elsewhere:?}");
}

/// Due ones only, the earliest first; a job that wakes up is among the open ones again.
pub async fn waiting_jobs_come_by_moment(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    for (n, wake_at) in [(1, 30), (2, 10), (3, 20), (4, 31)] {
        fixture.start(n).await;
        let wait = Transition::Waiting { wake_at: moment(wake_at), waits: Waits::default() };
        fixture.store.write(fixture.write(fence, n, wait)).await.expect("it waits");
    }
    let due = fixture.store.waiting_jobs(SHARD, None, moment(30), 10).await.expect("reads work");
    assert_eq!(ids(&due), [JobId(2), JobId(3), JobId(1)]);
    assert_eq!(due[0].wake_at, Some(moment(10)));
    let first = fixture.store.waiting_jobs(SHARD, None, moment(30), 1).await.expect("reads work");
    assert_eq!(ids(&first), [JobId(2)]);
    assert!(fixture.store.waiting_jobs(Shard(8), None, moment(99), 10).await.expect("reads work").is_empty());
    fixture.store.write(fixture.write(fence, 2, Transition::Running)).await.expect("it wakes up");
    let due = fixture.store.waiting_jobs(SHARD, None, moment(30), 10).await.expect("reads work");
    assert_eq!(ids(&due), [JobId(3), JobId(1)]);
    assert_eq!(ids(&fixture.store.open_jobs(SHARD, 0, 10).await.expect("reads work")), [JobId(2)]);
}

/// Each page begins after the last job of the one before, also where many wait for one moment or for none.
pub async fn waiting_jobs_come_by_page(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    let never = Timestamp::NEVER;
    for (n, wake_at) in
        [(1, moment(30)), (2, never), (3, moment(10)), (4, moment(30)), (5, never), (6, never)]
    {
        fixture.start(n).await;
        let wait = Transition::Waiting { wake_at, waits: Waits::default() };
        fixture.store.write(fixture.write(fence, n, wait)).await.expect("it waits");
    }
    for (until, expected) in [(never, vec![3, 1, 4, 2, 5, 6]), (moment(30), vec![3, 1, 4])] {
        for limit in 1..=7 {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = fixture.store.waiting_jobs(SHARD, after, until, limit).await.expect("reads work");
                let Some(last) = page.last() else { break };
                assert!(page.len() <= limit as usize);
                after = Some((last.wake_at.unwrap_or(never), last.id));
                found.extend(page.iter().map(|job| job.id.0));
            }
            assert_eq!(found, expected, "{limit} at once until {until:?}");
        }
    }
}

/// With the envelope, the edited input and the length of its journal.
pub async fn an_open_job_has_its_payload(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    let mut capture = fixture.event_with_job(1);
    capture.jobs[0].input = Some(json("[1]"));
    fixture.capture(capture.clone()).await;
    let mut write = fixture.write(fence, 1, Transition::Running);
    write.entries = vec![entry(0), entry(1)];
    fixture.store.write(write).await.expect("outcomes are recorded");
    let job = fixture.store.open_job(JobId(1)).await.expect("reads work").expect("it is open");
    assert_eq!((job.state, job.journal_length, job.started_at), (JobState::Running, 2, Some(moment(1))));
    let payload = job.payload.expect("one job comes with its payload");
    assert_eq!((payload.envelope, payload.input), (capture.event.envelope, Some(json("[1]"))));
    assert!(fixture.store.open_job(JobId(2)).await.expect("reads work").is_none());
}
