//! What is there after a restart. (Crashes are the business of each adapter's own tests.)

use futures_util::future::join_all;

use super::Harness;
use super::fixture::{Fixture, SHARD, entry, ids, mark, moment};
use crate::{
    CandidateQuery, Captured, Chunk, Error, EventFilter, EventId, JobFilter, JobId, Kind, Transition,
};

/// Data, places, epochs, generations, marks.
pub async fn what_was_answered_is_there_after_reopening(harness: &dyn Harness) {
    let before = Fixture::new(harness).await;
    let fed = before.listen();
    let fence = before.own().await;
    let mut capture = before.event_with_job(1);
    capture.mark = Some(mark("source", "a"));
    before.capture(capture.clone()).await;
    before.start(2).await;
    let mut write = before.write(fence, 1, Transition::Running);
    write.entries = vec![entry(0)];
    before.store.write(write).await.expect("outcomes are recorded");
    let place = fed.lock().expect("nothing panics in the feed").last().expect("two were fed").place;
    before.store.close().await;

    let store = harness.open().await;
    let after = Fixture { store, ..before };
    let store = &after.store;
    assert_eq!(store.workspace("default").await.expect("reads work"), Some(after.workspace));
    assert_eq!(store.generation(after.workspace).await.expect("there is one"), after.generation);
    let found = store.resource(after.workspace, Kind::Workflow, "acme/sync").await.expect("reads work");
    assert_eq!(found.expect("it is there").revision.id, after.revision);
    assert_eq!(ids(&store.open_jobs(SHARD, 0, 10).await.expect("reads work")), [JobId(1), JobId(2)]);
    let job = store.open_job(JobId(1)).await.expect("reads work").expect("it is open");
    let payload = job.payload.expect("one job comes with its payload");
    assert_eq!(payload.envelope, capture.event.envelope, "sealed data opens in the next process");
    assert_eq!(store.journal(after.workspace, JobId(1)).await.expect("reads work"), [entry(0)]);

    let repeat = store.capture(capture).await.expect("a repeat is an answer");
    assert!(matches!(repeat, Captured::Duplicate(duplicate) if duplicate.event == EventId(1)));
    let new = after.own().await;
    assert!(new.epoch > fence.epoch);
    let refused = store.write(after.write(fence, 2, Transition::Running)).await;
    assert!(matches!(refused, Err(Error::Fenced)), "{refused:?}");
    let fed = after.listen();
    after.start(3).await;
    assert!(fed.lock().expect("nothing panics in the feed")[0].place > place, "places go on");
    let used = store.disk_use().await.expect("reads work");
    assert_eq!((used.events, used.jobs, used.open_jobs), (3, 3, 3));
}

/// Every verb.
pub async fn a_closed_store_says_so(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    fixture.start(1).await;
    let store = &fixture.store;
    store.close().await;
    store.close().await;
    let query = CandidateQuery {
        workspace: fixture.workspace,
        types: Vec::new(),
        subject: None,
        after: 0,
        since: moment(0),
        newest: 1,
        limit: 1,
    };
    let closed = |outcome: Result<(), Error>| assert!(matches!(outcome, Err(Error::Closed)), "{outcome:?}");
    closed(store.capture(fixture.event(2)).await.map(drop));
    closed(store.write(fixture.write(fence, 1, Transition::Running)).await);
    closed(store.acquire(SHARD).await.map(drop));
    closed(store.open_jobs(SHARD, 0, 1).await.map(drop));
    closed(store.waiting_jobs(SHARD, None, moment(1), 1).await.map(drop));
    closed(store.open_job(JobId(1)).await.map(drop));
    closed(store.candidates(&query).await.map(drop));
    closed(store.job(fixture.workspace, JobId(1)).await.map(drop));
    closed(store.journal(fixture.workspace, JobId(1)).await.map(drop));
    closed(store.jobs(fixture.workspace, &JobFilter::default(), None, 1).await.map(drop));
    closed(store.event(fixture.workspace, EventId(1)).await.map(drop));
    closed(store.events(fixture.workspace, &EventFilter::default(), None, 1).await.map(drop));
    closed(store.resource(fixture.workspace, Kind::Workflow, "acme/sync").await.map(drop));
    closed(store.resources_by_key(fixture.workspace, Kind::Workflow, &["a"]).await.map(drop));
    closed(store.prune(moment(1), 1).await.map(drop));
    closed(store.purge(fixture.workspace, &[JobId(1)], moment(1)).await.map(drop));
    let chunk = Chunk {
        workspace: fixture.workspace,
        resource: fixture.workflow,
        captures: Vec::new(),
        state: None,
        notes: Vec::new(),
        at: moment(1),
    };
    closed(store.capture_chunk(chunk).await.map(drop));
    closed(store.trigger_state(fixture.workspace, fixture.workflow).await.map(drop));
    closed(store.trigger_notes(fixture.workspace, fixture.workflow, None, 1).await.map(drop));
    closed(store.audit_records(fixture.workspace, None, 1).await.map(drop));
    closed(store.disk_use().await.map(drop));
    closed(store.disk_detail().await.map(drop));
}

/// Closing while many capture: each is either answered and there, or refused and not there.
pub async fn closing_answers_what_was_accepted(harness: &dyn Harness) {
    let before = Fixture::new(harness).await;
    let captures = join_all((1..=100).map(|n| before.store.capture(before.event_with_job(n))));
    let (answers, ()) = futures_util::future::join(captures, before.store.close()).await;
    let after = Fixture { store: harness.open().await, ..before };
    for (n, answer) in (1..).zip(answers) {
        let found = after.store.event(after.workspace, EventId(n)).await.expect("reads work");
        match answer {
            Ok(_) => assert!(found.is_some(), "event {n} was answered"),
            Err(Error::Closed) => assert!(found.is_none(), "event {n} was refused"),
            Err(other) => panic!("event {n}: {other}"),
        }
    }
}
