//! Outcomes and states.

use super::Harness;
use super::fixture::{Fixture, SHARD, completed, entry, ids, json, moment};
use crate::{
    Capture, Entry, Error, JobId, JobRecord, JobState, NewJob, Transition, Waits, WorkspaceId, Write,
};

async fn read(fixture: &Fixture, n: u64) -> JobRecord {
    let job = fixture.store.job(fixture.workspace, JobId(n)).await.expect("reads work");
    job.expect("the job is there")
}

/// A write is seen whole, a refused one not at all.
pub async fn outcomes_and_state_come_together(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    let job = fixture.start(1).await;
    let mut first = fixture.write(fence, 1, Transition::Running);
    first.entries = vec![entry(0), entry(1)];
    fixture.store.write(first).await.expect("outcomes are recorded");
    assert_eq!(read(&fixture, 1).await.state, JobState::Running);
    let mut last = fixture.write(fence, 1, completed("{\"done\":1}", moment(50)));
    last.entries = vec![entry(2)];
    fixture.store.write(last).await.expect("the end is recorded");

    let done = read(&fixture, 1).await;
    assert_eq!((done.state, done.result), (JobState::Completed, Some(json("{\"done\":1}"))));
    assert_eq!((done.started_at, done.ended_at), (Some(moment(1)), Some(moment(2))));
    let journal = fixture.store.journal(fixture.workspace, job).await.expect("reads work");
    assert_eq!(journal, [entry(0), entry(1), entry(2)]);

    let mut refused = fixture.write(fence, 1, Transition::Running);
    refused.entries = vec![entry(3)];
    fixture.store.write(refused).await.expect_err("a final job takes nothing");
    assert_eq!(fixture.store.journal(fixture.workspace, job).await.expect("reads work").len(), 3);
}

/// No gap, no overlap, neither within a write nor to the journal.
pub async fn entries_are_dense(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    let job = fixture.start(1).await;
    let write = |sequences: &[u32]| {
        let mut write = fixture.write(fence, 1, Transition::Running);
        write.entries = sequences.iter().map(|sequence| entry(*sequence)).collect();
        fixture.store.write(write)
    };
    for wrong in [&[1][..], &[0, 2], &[0, 0], &[1, 0]] {
        let refused = write(wrong).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{wrong:?}: {refused:?}");
    }
    write(&[0, 1]).await.expect("the right sequence is taken");
    for wrong in [&[0][..], &[1, 2], &[3]] {
        let refused = write(wrong).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{wrong:?}: {refused:?}");
    }
    write(&[]).await.expect("a write without entries is taken");
    write(&[2]).await.expect("the next one is taken");
    let journal = fixture.store.journal(fixture.workspace, job).await.expect("reads work");
    assert_eq!(journal.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), [0, 1, 2]);
}

/// A job can begin with a journal: it is there from its capture on, and goes on behind it.
pub async fn a_job_begins_with_a_journal(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    let large = Entry { outcome: vec![b'x'; 200_000].into(), ..entry(1) };
    let begins = NewJob { journal: vec![entry(0), large.clone()], ..fixture.job(1) };
    fixture.capture(Capture { jobs: vec![begins], ..fixture.event(1) }).await;
    let open = fixture.store.open_job(JobId(1)).await.expect("reads work").expect("it is open");
    assert_eq!((open.state, open.journal_length), (JobState::Pending, 2));
    let overlaps = Write { entries: vec![entry(1)], ..fixture.write(fence, 1, Transition::Running) };
    let refused = fixture.store.write(overlaps).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    let next = Write { entries: vec![entry(2)], ..fixture.write(fence, 1, Transition::Running) };
    fixture.store.write(next).await.expect("it goes on");
    let journal = fixture.store.journal(fixture.workspace, JobId(1)).await.expect("reads work");
    assert_eq!(journal, [entry(0), large, entry(2)]);
}

/// Whatever the final state was.
pub async fn a_final_job_takes_no_write(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    let ends = [
        completed("1", moment(50)),
        Transition::Faulted { error: json("{\"status\":500}"), expires: moment(50).into() },
        Transition::Cancelled { expires: moment(50).into() },
    ];
    for (n, end) in (1..).zip(ends) {
        fixture.start(n).await;
        let state = end.state();
        fixture.store.write(fixture.write(fence, n, end)).await.expect("the job ends");
        for next in [Transition::Running, Transition::Pending, completed("2", moment(60))] {
            let refused = fixture.store.write(fixture.write(fence, n, next)).await;
            assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
        }
        let job = read(&fixture, n).await;
        assert_eq!((job.state, job.ended_at), (state, Some(moment(n + 1))));
        assert!(fixture.store.open_job(JobId(n)).await.expect("reads work").is_none());
    }
    assert!(fixture.store.open_jobs(SHARD, 0, 10).await.expect("reads work").is_empty());
}

/// A job is found by its workspace only.
pub async fn only_the_jobs_workspace_writes(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let other = fixture.store.create_workspace("other").await.expect("a workspace is created");
    let fence = fixture.own().await;
    fixture.start(1).await;
    let unknown = fixture.store.write(fixture.write(fence, 9, Transition::Running)).await;
    assert!(matches!(unknown, Err(Error::NotFound(_))), "{unknown:?}");
    for workspace in [other, WorkspaceId(999)] {
        let mut write = fixture.write(fence, 1, Transition::Running);
        write.workspace = workspace;
        let refused = fixture.store.write(write).await;
        assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
    }
    assert_eq!(read(&fixture, 1).await.state, JobState::Pending);
}

/// Later writes do not move the start.
pub async fn the_first_start_is_kept(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    fixture.start(1).await;
    for n in [5, 6] {
        let mut write =
            fixture.write(fence, 1, Transition::Waiting { wake_at: moment(70 + n), waits: Waits::default() });
        write.started_at = moment(n);
        fixture.store.write(write).await.expect("the job waits");
    }
    let job = read(&fixture, 1).await;
    assert_eq!((job.state, job.started_at), (JobState::Waiting, Some(moment(5))));
    assert_eq!((job.wake_at, job.ended_at), (Some(moment(76)), None));
    fixture.complete(fence, 1).await;
    let job = read(&fixture, 1).await;
    assert_eq!((job.started_at, job.wake_at), (Some(moment(5)), None));
}

/// Its reason is there while it is suspended, and gone afterwards.
pub async fn a_suspended_job_goes_on(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    let job = fixture.start(1).await;
    let large = format!("\"{}\"", "r".repeat(200_000));
    for reason in ["{\"title\":\"diverged\"}", &large] {
        let suspend = Transition::Suspended { reason: json(reason) };
        fixture.store.write(fixture.write(fence, 1, suspend)).await.expect("the job is suspended");
        let suspended = read(&fixture, 1).await;
        assert_eq!((suspended.state, suspended.result), (JobState::Suspended, Some(json(reason))));
        assert_eq!(ids(&fixture.store.open_jobs(SHARD, 0, 10).await.expect("reads work")), [job]);
        fixture.store.write(fixture.write(fence, 1, Transition::Pending)).await.expect("it is resumed");
        let resumed = read(&fixture, 1).await;
        assert_eq!((resumed.state, resumed.result), (JobState::Pending, None));
    }
    fixture.complete(fence, 1).await;
    assert_eq!(read(&fixture, 1).await.result, Some(json("{}")));
}

/// Any fence moves it; once it goes on it belongs to that fence's shard and survives there.
pub async fn a_job_without_a_lane_takes_one_when_it_goes_on(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    for n in [1, 2] {
        let mut capture = fixture.event_with_job(n);
        capture.jobs[0].lane = None;
        fixture.capture(capture).await;
        let open = fixture.store.open_job(JobId(n)).await.expect("reads work");
        assert_eq!(open.map(|job| job.state), Some(JobState::Suspended), "its owner can load it by id");
    }
    assert!(fixture.store.open_jobs(SHARD, 0, 10).await.expect("reads work").is_empty());
    fixture.store.write(fixture.write(fence, 1, Transition::Pending)).await.expect("it is resumed");
    let open = fixture.store.open_jobs(SHARD, 0, 10).await.expect("reads work");
    assert_eq!(ids(&open), [JobId(1)]);
    let cancel = Transition::Cancelled { expires: moment(50).into() };
    fixture.store.write(fixture.write(fence, 2, cancel)).await.expect("it is cancelled");
    assert_eq!(read(&fixture, 2).await.state, JobState::Cancelled);
}
