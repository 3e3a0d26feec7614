//! What takes the room, and what goes next. Event `n` expires at moment `n + 1000`, a completed job `n` at `n + 500`.

use super::Harness;
use super::fixture::{Fixture, completed, entry, json, mark, moment, put, written};
use crate::{Chunk, DiskDetail, DiskKind, NewState, NoteKind, Transition, TriggerNote};

async fn detail(fixture: &Fixture) -> DiskDetail {
    fixture.store.disk_detail().await.expect("reads work")
}

fn rows(detail: &DiskDetail) -> Vec<(DiskKind, u64)> {
    let mut rows: Vec<_> = detail.parts.iter().map(|part| (part.kind, part.rows)).collect();
    rows.sort_unstable();
    rows
}

/// Every kind is told apart, with what of it there is.
pub async fn what_takes_the_room_is_told_apart(harness: &dyn Harness) {
    let mut fixture = Fixture::new(harness).await;
    let empty = detail(&fixture).await;
    let kinds: Vec<_> = rows(&empty).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [DiskKind::Resources, DiskKind::Audit, DiskKind::Other]);
    assert_eq!((empty.oldest_event, empty.oldest_job, empty.next), (None, None, None));

    fixture.declare(&["com.acme.order"]).await;
    let fence = fixture.own().await;
    for n in 1..=3 {
        let mut capture = fixture.event_with_job(n);
        capture.mark = Some(mark("source", &n.to_string()));
        fixture.capture(capture).await;
    }
    let mut write = fixture.write(fence, 1, Transition::Running);
    write.entries = (0..5).map(entry).collect();
    write.entries[2].outcome = json(&format!("\"{}\"", "x".repeat(200_000)));
    fixture.store.write(write).await.expect("outcomes are recorded");
    fixture.complete(fence, 1).await;
    let noted = Chunk {
        workspace: fixture.workspace,
        resource: fixture.workflow,
        captures: Vec::new(),
        state: Some(NewState { resource: fixture.workflow, expected: 0, value: json("1") }),
        notes: vec![TriggerNote { at: moment(1), kind: NoteKind::Fired, detail: json("{}") }],
        at: moment(1),
    };
    fixture.store.capture_chunk(noted).await.expect("it is noted");
    let detail = detail(&fixture).await;
    let found = rows(&detail);
    for expected in [
        (DiskKind::Events, 3),
        (DiskKind::Jobs, 3),
        (DiskKind::Journals, 5),
        (DiskKind::LargeValues, 1),
        (DiskKind::Marks, 3),
        (DiskKind::Inbox, 3),
        (DiskKind::Triggers, 2),
        (DiskKind::Resources, 2),
        (DiskKind::Audit, 2),
    ] {
        assert!(found.contains(&expected), "{expected:?} in {found:?}");
    }
    assert_eq!(detail.parts[0].kind, DiskKind::LargeValues, "the largest comes first");
    assert!(detail.parts[0].bytes > 200_000 && detail.parts.iter().all(|part| !part.is_estimate));
    assert_eq!((detail.oldest_event, detail.oldest_job), (Some(moment(1)), Some(moment(1))));
}

/// Those with the most jobs first; payloads are weighed wherever they are.
pub async fn workflows_are_told_by_their_jobs(harness: &dyn Harness) {
    let mut fixture = Fixture::new(harness).await;
    let large = json(&format!("\"{}\"", "x".repeat(300_000)));
    let other = put(fixture.workspace, "acme/large", "large");
    let other = written(fixture.store.put_resource(other).await);
    fixture.generation = fixture.store.generation(fixture.workspace).await.expect("there is one");
    for n in 1..=6 {
        fixture.start(n).await;
    }
    for n in 7..=8 {
        let mut capture = fixture.event_with_job(n);
        (capture.jobs[0].workflow, capture.jobs[0].revision) = (other.resource, other.id);
        capture.jobs[0].input = Some(large.clone());
        fixture.capture(capture).await;
    }
    let workflows = detail(&fixture).await.workflows;
    let told: Vec<_> = workflows.iter().map(|of| (of.name.as_str(), of.jobs, of.is_estimate)).collect();
    assert_eq!(told, [("acme/sync", 6, false), ("acme/large", 2, false)]);
    assert!(workflows[0].bytes < 6 * 1000, "{workflows:?}");
    assert!((600_000..700_000).contains(&workflows[1].bytes), "{workflows:?}");
    assert!(workflows.iter().all(|of| of.workspace == fixture.workspace));
}

/// A day of it, from the first thing on.
pub async fn what_goes_next_is_known(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    for n in 1..=4 {
        let mut capture = fixture.event_with_job(n);
        capture.event.expires = moment(200_000);
        let mut mark = mark("source", &n.to_string());
        mark.expires = moment(if n == 1 { 200_000 } else { 40_000 });
        capture.mark = Some(mark);
        fixture.capture(capture).await;
    }
    for n in [1, 2] {
        let done = completed("{}", moment(30_000));
        fixture.store.write(fixture.write(fence, n, done)).await.expect("the job completes");
    }
    let expires = crate::Expiry { job: moment(300_000), payloads: Some(moment(50_000)) };
    let done = Transition::Completed { output: json("{}"), expires };
    fixture.store.write(fixture.write(fence, 3, done)).await.expect("the job completes");
    let next = detail(&fixture).await.next.expect("something has a time");
    assert_eq!((next.from, next.until), (moment(30_000), moment(50_000)));
    assert_eq!((next.jobs, next.payloads, next.events, next.marks), (2, 1, 0, 3));
}
