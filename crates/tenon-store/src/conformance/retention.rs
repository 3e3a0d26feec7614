//! What goes, and what must stay. Event `n` expires at moment `n + 1000`, a completed job `n` at `n + 500`.

use super::Harness;
use super::fixture::{Fixture, completed, entry, json, mark, moment};
use crate::{Captured, Error, EventId, JobFilter, JobId, Timestamp, Transition};

async fn prune(fixture: &Fixture, now: Timestamp) -> u64 {
    fixture.store.prune(now, 1000).await.expect("retention works")
}

async fn has_event(fixture: &Fixture, n: u64) -> bool {
    fixture.store.event(fixture.workspace, EventId(n)).await.expect("reads work").is_some()
}

async fn has_job(fixture: &Fixture, n: u64) -> bool {
    fixture.store.job(fixture.workspace, JobId(n)).await.expect("reads work").is_some()
}

/// Finished jobs with their journals, events, and the numbers that tell how much there is.
pub async fn what_has_expired_goes(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    for n in [1, 2] {
        fixture.start(n).await;
        let mut write = fixture.write(fence, n, completed("{}", moment(n + 500)));
        write.entries = vec![entry(0), entry(1)];
        fixture.store.write(write).await.expect("the job completes");
    }
    fixture.start(3).await;
    let used = fixture.store.disk_use().await.expect("reads work");
    assert_eq!((used.events, used.jobs, used.open_jobs), (3, 3, 1));
    assert!(used.bytes > 0 && used.free > 0);

    assert_eq!(prune(&fixture, moment(400)).await, 0);
    assert_eq!(prune(&fixture, moment(502)).await, 2, "two jobs");
    assert!(!has_job(&fixture, 1).await && !has_job(&fixture, 2).await && has_job(&fixture, 3).await);
    let journal = fixture.store.journal(fixture.workspace, JobId(1)).await;
    assert!(matches!(journal, Err(Error::NotFound(_))), "{journal:?}");
    assert!(has_event(&fixture, 1).await);
    assert_eq!(prune(&fixture, moment(1002)).await, 2, "two events");
    assert!(!has_event(&fixture, 1).await && !has_event(&fixture, 2).await);
    let used = fixture.store.disk_use().await.expect("reads work");
    assert_eq!((used.events, used.jobs, used.open_jobs), (1, 1, 1));
    assert_eq!(prune(&fixture, moment(1002)).await, 0);
}

/// However old it is; then both go together.
pub async fn an_open_job_keeps_its_event(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    fixture.start(1).await;
    assert_eq!(prune(&fixture, moment(5000)).await, 0);
    assert!(has_event(&fixture, 1).await && has_job(&fixture, 1).await);
    let open = fixture.store.open_job(JobId(1)).await.expect("reads work").expect("it is open");
    assert!(open.payload.is_some());
    fixture.store.write(fixture.write(fence, 1, completed("{}", moment(6000)))).await.expect("it completes");
    assert_eq!(prune(&fixture, moment(5999)).await, 0);
    assert_eq!(prune(&fixture, moment(6000)).await, 2);
    assert!(!has_event(&fixture, 1).await && !has_job(&fixture, 1).await);
}

/// The last of an event's jobs decides.
pub async fn an_event_outlives_its_jobs(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    let mut capture = fixture.event(1);
    capture.jobs = vec![fixture.job(1), fixture.job(2)];
    fixture.capture(capture).await;
    for (n, expires) in [(1, 500), (2, 3000)] {
        let done = completed("{}", moment(expires));
        fixture.store.write(fixture.write(fence, n, done)).await.expect("it completes");
    }
    assert_eq!(prune(&fixture, moment(2000)).await, 1);
    assert!(!has_job(&fixture, 1).await && has_job(&fixture, 2).await && has_event(&fixture, 1).await);
    let of_event = JobFilter { event: Some(EventId(1)), ..JobFilter::default() };
    let page = fixture.store.jobs(fixture.workspace, &of_event, None, 10).await.expect("reads work");
    assert_eq!(page.items.iter().map(|job| job.id).collect::<Vec<_>>(), [JobId(2)]);
    assert_eq!(prune(&fixture, moment(3000)).await, 2);
    assert!(!has_event(&fixture, 1).await);
}

/// Marks count on their own: gone when expired, and in force when their event is gone.
pub async fn expired_marks_go(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let marked = |n: u64, expires: u64| {
        let mut capture = fixture.event(n);
        capture.event.expires = moment(50);
        let mut mark = mark("source", &format!("key-{expires}"));
        mark.expires = moment(expires);
        capture.mark = Some(mark);
        capture
    };
    fixture.capture(marked(1, 40)).await;
    fixture.capture(marked(2, 100)).await;
    assert_eq!(prune(&fixture, moment(40)).await, 1, "one mark");
    assert_eq!(prune(&fixture, moment(60)).await, 2, "two events");
    let repeat = fixture.store.capture(marked(61, 100)).await.expect("a repeat is an answer");
    assert!(matches!(repeat, Captured::Duplicate(duplicate) if duplicate.event == EventId(2)));
    let again = fixture.capture(marked(62, 40)).await;
    assert!(again.is_empty());
}

/// Retention works in pieces.
pub async fn a_limit_is_kept(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    for n in 1..=5 {
        fixture.capture(fixture.event(n)).await;
    }
    let mut removed = Vec::new();
    loop {
        let piece = fixture.store.prune(moment(9000), 2).await.expect("retention works");
        removed.push(piece);
        if piece == 0 {
            break;
        }
    }
    assert_eq!(removed, [2, 2, 1, 0]);
}

/// Bodies out of line and journals of thousands of entries leave nothing behind that a new job could meet.
pub async fn large_and_long_things_go_too(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    let large = format!("\"{}\"", "x".repeat(200_000));
    let mut capture = fixture.event_with_job(1);
    capture.event.envelope = json(&large);
    capture.jobs[0].input = Some(json(&large));
    fixture.capture(capture.clone()).await;
    let mut write = fixture.write(fence, 1, Transition::Running);
    write.entries = (0..2500).map(entry).collect();
    write.entries[7].outcome = json(&large);
    fixture.store.write(write).await.expect("outcomes are recorded");
    fixture.store.write(fixture.write(fence, 1, completed(&large, moment(10)))).await.expect("it completes");
    while prune(&fixture, moment(9000)).await > 0 {}
    assert!(!has_event(&fixture, 1).await && !has_job(&fixture, 1).await);
    fixture.capture(capture).await;
    let journal = fixture.store.journal(fixture.workspace, JobId(1)).await.expect("reads work");
    assert!(journal.is_empty(), "{} entries of the old job are left", journal.len());
}
