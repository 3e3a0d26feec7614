//! Events in.

use futures_util::future::join_all;

use super::Harness;
use super::fixture::{Fixture, SHARD, ids, json, moment};
use crate::{Captured, Error, EventId, JobId, JobState, Lane, Origin, Shard, WorkspaceId};

/// What was captured is what readers see.
pub async fn an_event_reads_back_as_captured(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let mut capture = fixture.event_with_job(7);
    capture.event.subject = Some("order-7".to_owned());
    capture.event.origin = Origin::Call;
    capture.jobs[0].input = Some(json("{\"edited\":true}"));
    capture.jobs[0].lane = Some(Lane { shard: Shard(2), key: Some("customer-1".to_owned()) });
    capture.jobs[0].parent = Some(JobId(3));
    capture.jobs[0].rerun_of = Some(JobId(4));
    assert_eq!(fixture.capture(capture.clone()).await, [JobId(7)]);

    let event = fixture.store.event(fixture.workspace, EventId(7)).await.expect("reads work");
    let event = event.expect("the event is there");
    assert_eq!((event.id, event.origin, event.duplicates), (EventId(7), Origin::Call, 0));
    assert_eq!((event.source.as_str(), event.r#type.as_str()), ("/shop", "com.acme.order"));
    assert_eq!(event.subject.as_deref(), Some("order-7"));
    assert_eq!(event.captured_at, moment(7));
    assert_eq!(event.jobs, [JobId(7)]);
    assert_eq!(event.envelope, Some(capture.event.envelope));

    let job = fixture.store.job(fixture.workspace, JobId(7)).await.expect("reads work");
    let job = job.expect("the job is there");
    assert_eq!((job.workflow, job.revision, job.revision_number), (fixture.workflow, fixture.revision, 1));
    assert_eq!((job.workflow_name.as_str(), job.version.as_str()), ("acme/sync", "1.0.0"));
    assert_eq!((job.state, job.semantics, job.event), (JobState::Pending, 1, EventId(7)));
    assert_eq!((job.lane.as_deref(), job.shard), (Some("customer-1"), Some(Shard(2))));
    assert_eq!((job.parent, job.rerun_of, job.origin), (Some(JobId(3)), Some(JobId(4)), Origin::Call));
    assert_eq!((job.created_at, job.started_at, job.ended_at), (moment(7), None, None));
    assert_eq!((job.input, job.result), (Some(json("{\"edited\":true}")), None));
}

/// Nobody subscribes: the event counts all the same.
pub async fn an_event_without_jobs_is_kept(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    assert!(fixture.capture(fixture.event(1)).await.is_empty());
    let event = fixture.store.event(fixture.workspace, EventId(1)).await.expect("reads work");
    assert!(event.is_some_and(|event| event.jobs.is_empty()));
}

/// Subscribers changed meanwhile: nothing is written, and the caller looks again.
pub async fn an_old_generation_captures_nothing(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let mut capture = fixture.event_with_job(1);
    capture.generation -= 1;
    let captured = fixture.store.capture(capture).await.expect("stale is an answer, no error");
    assert_eq!(captured, Captured::Stale { generation: fixture.generation });
    assert!(fixture.store.event(fixture.workspace, EventId(1)).await.expect("reads work").is_none());
    assert!(fixture.store.job(fixture.workspace, JobId(1)).await.expect("reads work").is_none());
}

/// A workspace that does not exist takes nothing.
pub async fn an_unknown_workspace_is_not_found(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let mut capture = fixture.event(1);
    capture.event.workspace = WorkspaceId(999);
    let refused = fixture.store.capture(capture).await;
    assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
}

/// When a capture is answered, the feed has its jobs, with all that a worker needs to start.
pub async fn the_feed_gets_payloads_before_the_answer(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fed = fixture.listen();
    let mut capture = fixture.event(1);
    capture.jobs = vec![fixture.job(1), fixture.job(2)];
    capture.jobs[1].input = Some(json("2"));
    capture.jobs[1].is_bulk = true;
    capture.jobs[1].lane = Some(Lane { shard: SHARD, key: Some("k".to_owned()) });
    fixture.capture(capture.clone()).await;
    let fed = std::mem::take(&mut *fed.lock().expect("nothing panics in the feed"));
    assert_eq!(ids(&fed), [JobId(1), JobId(2)]);
    let job = &fed[1];
    assert_eq!((job.state, job.shard, job.lane.as_deref()), (JobState::Pending, SHARD, Some("k")));
    assert_eq!(
        (job.workspace, job.workflow, job.revision),
        (fixture.workspace, fixture.workflow, fixture.revision)
    );
    assert_eq!((job.event, job.priority, job.journal_length), (EventId(1), 5, 0));
    assert_eq!((fed[0].is_bulk, job.is_bulk), (false, true));
    let read = fixture.store.open_job(JobId(2)).await.expect("readable").expect("it is open");
    assert_eq!((read.priority, read.is_bulk), (5, true));
    assert_eq!((job.captured_at, job.started_at), (moment(1), None));
    let payload = job.payload.as_ref().expect("a fresh job comes with its payload");
    assert_eq!(payload.envelope, capture.event.envelope);
    assert_eq!(payload.input, Some(json("2")));

    let replaced = fixture.listen();
    fixture.start(3).await;
    assert_eq!(ids(&replaced.lock().expect("nothing panics in the feed")), [JobId(3)]);
}

/// Many captures at once: the feed's order, the places and the store's order are one.
pub async fn places_go_up_in_order_of_commit(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fed = fixture.listen();
    join_all((1..=200).map(|n| fixture.start(n))).await;
    let fed = fed.lock().expect("nothing panics in the feed").clone();
    assert_eq!(fed.len(), 200);
    assert!(fed.windows(2).all(|pair| pair[0].place < pair[1].place), "places ascend");
    let stored = fixture.store.open_jobs(SHARD, 0, 1000).await.expect("reads work");
    assert_eq!(ids(&stored), ids(&fed));
    let places = |jobs: &[crate::OpenJob]| jobs.iter().map(|job| job.place).collect::<Vec<_>>();
    assert_eq!(places(&stored), places(&fed));
}

/// Its ordering key failed: the event is accepted and the job waits for a person, outside any lane.
pub async fn a_job_without_a_lane_starts_suspended(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fed = fixture.listen();
    let mut capture = fixture.event_with_job(1);
    capture.jobs[0].lane = None;
    assert_eq!(fixture.capture(capture).await, [JobId(1)]);
    let job = fixture.store.job(fixture.workspace, JobId(1)).await.expect("reads work");
    let job = job.expect("the job is there");
    assert_eq!((job.state, job.shard, job.lane), (JobState::Suspended, None, None));
    assert!(fed.lock().expect("nothing panics in the feed").is_empty());
}

/// An event or job of an id that exists is refused, and does no harm to what is captured beside it.
pub async fn an_id_is_taken_once(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    fixture.start(1).await;
    let again = fixture.store.capture(fixture.event_with_job(1));
    let others = join_all((2..20).map(|n| fixture.start(n)));
    let (again, others) = futures_util::future::join(again, others).await;
    assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
    assert_eq!(others.len(), 18);
    let mut same_job = fixture.event_with_job(20);
    same_job.jobs[0].id = JobId(1);
    let refused = fixture.store.capture(same_job).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    assert!(fixture.store.event(fixture.workspace, EventId(20)).await.expect("reads work").is_none());
    assert_eq!(fixture.store.open_jobs(SHARD, 0, 1000).await.expect("reads work").len(), 19);
}
