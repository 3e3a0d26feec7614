//! What readers see.

use bytes::Bytes;

use super::Harness;
use super::fixture::{Fixture, completed, entry, json, mark, moment};
use crate::{Error, EventFilter, EventId, JobFilter, JobId, JobState, Kind, Transition, WorkspaceId};

/// All jobs that a filter finds, page by page of `limit`.
async fn list(fixture: &Fixture, filter: &JobFilter, limit: u32) -> Vec<u64> {
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let page = fixture.store.jobs(fixture.workspace, filter, cursor, limit).await.expect("reads work");
        assert!(page.items.len() <= limit as usize);
        found.extend(page.items.iter().map(|job| job.id.0));
        cursor = page.next;
        if cursor.is_none() {
            return found;
        }
    }
}

/// No job twice, none missed, a full last page is the last.
pub async fn jobs_are_paged_newest_first(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    for n in 1..=6 {
        fixture.start(n).await;
    }
    for limit in [1, 2, 4, 6, 100] {
        assert_eq!(
            list(&fixture, &JobFilter::default(), limit).await,
            [6, 5, 4, 3, 2, 1],
            "pages of {limit}"
        );
    }
    let page =
        fixture.store.jobs(fixture.workspace, &JobFilter::default(), None, 6).await.expect("reads work");
    assert_eq!(page.next, None);
}

/// Each member on its own and together.
pub async fn jobs_are_filtered(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    for n in [10, 20, 30, 40] {
        fixture.start(n).await;
    }
    let mut put = super::fixture::put(fixture.workspace, "acme/other", "other");
    put.keys = Vec::new();
    let other = super::fixture::written(fixture.store.put_resource(put).await);
    let generation = fixture.store.generation(fixture.workspace).await.expect("there is one");
    let mut capture = fixture.event(50);
    capture.generation = generation;
    capture.jobs = vec![fixture.job(50), fixture.job(51)];
    capture.jobs[1].workflow = other.resource;
    capture.jobs[1].revision = other.id;
    fixture.capture(capture).await;
    let error = Transition::Faulted { error: json("{\"status\":500}"), expires: moment(900).into() };
    fixture.store.write(fixture.write(fence, 20, error)).await.expect("it faults");
    fixture.complete(fence, 30).await;

    let check = async |filter: JobFilter, expected: &[u64]| {
        for limit in [1, 100] {
            assert_eq!(list(&fixture, &filter, limit).await, expected, "{filter:?}");
        }
    };
    let any = JobFilter::default;
    check(JobFilter { workflow: Some(other.resource), ..any() }, &[51]).await;
    check(JobFilter { workflow: Some(fixture.workflow), ..any() }, &[50, 40, 30, 20, 10]).await;
    check(JobFilter { states: vec![JobState::Faulted], ..any() }, &[20]).await;
    check(JobFilter { states: vec![JobState::Suspended], ..any() }, &[]).await;
    check(JobFilter { states: vec![JobState::Completed, JobState::Faulted], ..any() }, &[30, 20]).await;
    check(JobFilter { states: vec![JobState::Pending], ..any() }, &[51, 50, 40, 10]).await;
    check(JobFilter { event: Some(EventId(50)), ..any() }, &[51, 50]).await;
    check(JobFilter { event: Some(EventId(50)), workflow: Some(other.resource), ..any() }, &[51]).await;
    check(JobFilter { event: Some(EventId(99)), ..any() }, &[]).await;
    check(JobFilter { since: Some(moment(30)), ..any() }, &[51, 50, 40, 30]).await;
    check(JobFilter { until: Some(moment(30)), ..any() }, &[20, 10]).await;
    check(JobFilter { since: Some(moment(20)), until: Some(moment(41)), ..any() }, &[40, 30, 20]).await;
    check(JobFilter { ids: Some(JobId(20)..=JobId(50)), ..any() }, &[50, 40, 30, 20]).await;
    check(JobFilter { ids: Some(JobId(20)..=JobId(50)), states: vec![JobState::Faulted], ..any() }, &[20])
        .await;

    let page = fixture.store.jobs(fixture.workspace, &any(), None, 100).await.expect("reads work");
    let result = |id| page.items.iter().find(|job| job.id == JobId(id)).expect("it is listed").result.clone();
    assert_eq!(result(20), Some(json("{\"status\":500}")), "lists show errors");
    assert_eq!(result(30), None, "lists show no outputs");
    assert!(page.items.iter().all(|job| job.input.is_none()));
}

/// As it was when they were captured: by a workflow whose mark suppressed the job, by a `listen`, by nobody.
pub async fn events_that_nobody_wanted_are_found(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    fixture.capture(fixture.event(1)).await;
    for n in [2, 3] {
        let mut capture = fixture.event_with_job(n);
        capture.jobs[0].mark = Some(mark("workflow:1", "once"));
        fixture.capture(capture).await;
    }
    let mut put = super::fixture::put(fixture.workspace, "acme/waits", "waits");
    put.listens = vec!["com.acme.paid".to_owned()];
    super::fixture::written(fixture.store.put_resource(put).await);
    let generation = fixture.store.generation(fixture.workspace).await.expect("there is one");
    for (n, r#type) in [(4, "com.acme.paid"), (5, "com.acme.other")] {
        let mut capture = fixture.event(n);
        capture.generation = generation;
        capture.event.r#type = r#type.to_owned();
        fixture.capture(capture).await;
    }
    for (is_wanted, expected) in
        [(Some(true), &[4, 3, 2][..]), (Some(false), &[5, 1]), (None, &[5, 4, 3, 2, 1])]
    {
        let filter = EventFilter { is_wanted, ..EventFilter::default() };
        let page = fixture.store.events(fixture.workspace, &filter, None, 10).await.expect("reads work");
        let found: Vec<u64> = page.items.iter().map(|event| event.id.0).collect();
        assert_eq!(found, expected, "{is_wanted:?}");
    }
    let event = fixture.store.event(fixture.workspace, EventId(1)).await.expect("reads work");
    assert!(!event.expect("it is there").is_wanted);
}

/// Newest first, without envelopes.
pub async fn events_are_paged_and_filtered(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    for n in [10, 20, 30, 40] {
        let mut capture = fixture.event(n);
        if n == 20 {
            capture.event.r#type = String::from("com.acme.refund");
        }
        if n == 30 {
            capture.event.source = String::from("/crm");
        }
        fixture.capture(capture).await;
    }
    let any = EventFilter::default;
    let cases: [(EventFilter, &[u64]); 9] = [
        (any(), &[40, 30, 20, 10]),
        (EventFilter { r#type: Some("com.acme.order".to_owned()), ..any() }, &[40, 30, 10]),
        (EventFilter { source: Some("/crm".to_owned()), ..any() }, &[30]),
        (EventFilter { since: Some(moment(20)), ..any() }, &[40, 30, 20]),
        (EventFilter { until: Some(moment(20)), ..any() }, &[10]),
        (EventFilter { ids: Some(EventId(20)..=EventId(30)), ..any() }, &[30, 20]),
        (EventFilter { is_wanted: Some(true), ..any() }, &[]),
        (EventFilter { is_wanted: Some(false), since: Some(moment(20)), ..any() }, &[40, 30, 20]),
        (EventFilter { source: Some("/none".to_owned()), ..any() }, &[]),
    ];
    for (filter, expected) in cases {
        for limit in [1, 2, 100] {
            let mut found = Vec::new();
            let mut cursor = None;
            loop {
                let page = fixture.store.events(fixture.workspace, &filter, cursor, limit).await;
                let page = page.expect("reads work");
                assert!(page.items.iter().all(|event| event.envelope.is_none()));
                found.extend(page.items.iter().map(|event| event.id.0));
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(found, expected, "{filter:?} in pages of {limit}");
        }
    }
}

/// Envelope, input, outcome and output of some megabytes.
pub async fn large_bodies_come_back_whole(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    let body = |letter: &str, bytes: usize| Bytes::from(format!("\"{}\"", letter.repeat(bytes)));
    for (n, size) in [(1, 65_000), (2, 65_536), (3, 70_000), (4, 3_000_000)] {
        let mut capture = fixture.event_with_job(n);
        capture.event.envelope = body("e", size);
        capture.jobs[0].input = Some(body("i", size));
        fixture.capture(capture).await;
        let mut write = fixture.write(fence, n, Transition::Running);
        write.entries = vec![entry(0)];
        write.entries[0].outcome = body("o", size);
        fixture.store.write(write).await.expect("a large outcome is recorded");
        let open = fixture.store.open_job(JobId(n)).await.expect("reads work").expect("it is open");
        let payload = open.payload.expect("it comes with its payload");
        assert!(payload.envelope == body("e", size) && payload.input == Some(body("i", size)));
        let output = std::str::from_utf8(&body("r", size)).expect("it is text").to_owned();
        let done = completed(&output, moment(900));
        fixture.store.write(fixture.write(fence, n, done)).await.expect("a large output is recorded");

        let job = fixture.store.job(fixture.workspace, JobId(n)).await.expect("reads work");
        let job = job.expect("the job is there");
        assert!(job.result == Some(body("r", size)) && job.input == Some(body("i", size)));
        let event = fixture.store.event(fixture.workspace, EventId(n)).await.expect("reads work");
        assert!(event.expect("the event is there").envelope == Some(body("e", size)));
        let journal = fixture.store.journal(fixture.workspace, JobId(n)).await.expect("reads work");
        assert!(journal[0].outcome == body("o", size));
    }
}

/// Nothing of one workspace is found through another.
pub async fn workspaces_are_strangers(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let other = Fixture::in_workspace(fixture.store.clone(), "other").await;
    assert_ne!(fixture.workspace, other.workspace);
    fixture.start(1).await;
    other.start(2).await;
    let store = &fixture.store;
    let stranger = other.workspace;
    assert!(store.event(stranger, EventId(1)).await.expect("reads work").is_none());
    assert!(store.job(stranger, JobId(1)).await.expect("reads work").is_none());
    let journal = store.journal(stranger, JobId(1)).await;
    assert!(matches!(journal, Err(Error::NotFound(_))), "{journal:?}");
    assert!(store.revision(stranger, fixture.revision).await.expect("reads work").is_none());
    assert!(store.revisions(stranger, fixture.workflow).await.expect("reads work").is_empty());
    assert_eq!(list(&other, &JobFilter::default(), 10).await, [2]);
    let theirs = JobFilter { event: Some(EventId(1)), ..JobFilter::default() };
    assert!(list(&other, &theirs, 10).await.is_empty());
    let events = store.events(stranger, &EventFilter::default(), None, 10).await.expect("reads work");
    assert_eq!(events.items.iter().map(|event| event.id.0).collect::<Vec<_>>(), [2]);
    let audit = store.audit_records(stranger, None, 100).await.expect("reads work");
    assert!(audit.items.iter().all(|record| record.workspace == stranger));
    assert_eq!(store.workspace("other").await.expect("reads work"), Some(stranger));
    assert_eq!(store.create_workspace("other").await.expect("it is found"), stranger);
    assert_eq!(store.workspace("nobody").await.expect("reads work"), None);
}

/// An id that was never given is empty or not found, never another's data.
pub async fn an_unknown_workspace_reads_as_nothing(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    fixture.start(1).await;
    let nobody = WorkspaceId(999);
    let generation = fixture.store.generation(nobody).await;
    assert!(matches!(generation, Err(Error::NotFound(_))), "{generation:?}");
    let found = fixture.store.resource(nobody, Kind::Workflow, "acme/sync").await.expect("reads work");
    assert!(found.is_none());
    let job = fixture.store.job(nobody, JobId(1)).await;
    assert!(matches!(job, Ok(None) | Err(Error::NotFound(_))), "{job:?}");
}
