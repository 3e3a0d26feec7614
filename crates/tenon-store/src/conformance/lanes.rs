//! Ordered lanes that have something left to do.

use super::Harness;
use super::fixture::{Fixture, SHARD, json, moment};
use crate::{JobId, JobState, Lane, LaneFilter, LaneRecord, NewJob, Timestamp, Transition, Waits};

/// Captures event `n` with job `n` in a lane.
async fn start(fixture: &Fixture, n: u64, key: &str) {
    let mut capture = fixture.event(n);
    let lane = Some(Lane { shard: SHARD, key: Some(key.to_owned()) });
    capture.jobs = vec![NewJob { lane, ..fixture.job(n) }];
    fixture.capture(capture).await;
}

/// All lanes that a filter finds, page by page of `limit`.
async fn list(fixture: &Fixture, filter: &LaneFilter, limit: u32) -> Vec<LaneRecord> {
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let page = fixture.store.lanes(fixture.workspace, filter, cursor, limit).await.expect("reads work");
        assert!(page.items.len() <= limit as usize && page.is_complete);
        found.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return found;
        }
    }
}

/// Key, length, head and its state.
async fn brief(fixture: &Fixture, filter: &LaneFilter) -> Vec<(String, u64, u64, JobState)> {
    let all = list(fixture, filter, 100).await;
    assert_eq!(list(fixture, filter, 1).await, all, "pages of one");
    all.into_iter().map(|lane| (lane.key, lane.length, lane.head.0, lane.head_state)).collect()
}

/// The oldest head first; jobs without a key are in none, and a lane that is done is gone.
pub async fn lanes_come_by_age_of_their_head(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    let any = LaneFilter::default();
    for (n, key) in [(1, "b"), (2, "a"), (4, "b"), (5, "c"), (6, "b")] {
        start(&fixture, n, key).await;
    }
    fixture.start(3).await;
    let lane = |key: &str, length, head, state| (key.to_owned(), length, head, state);
    let pending = JobState::Pending;
    assert_eq!(
        brief(&fixture, &any).await,
        [lane("b", 3, 1, pending), lane("a", 1, 2, pending), lane("c", 1, 5, pending)]
    );
    fixture.complete(fence, 1).await;
    fixture.complete(fence, 2).await;
    assert_eq!(brief(&fixture, &any).await, [lane("b", 2, 4, pending), lane("c", 1, 5, pending)]);
    let found = list(&fixture, &any, 1).await;
    let expected = LaneRecord {
        workflow: fixture.workflow,
        workflow_name: "acme/sync".to_owned(),
        key: "b".to_owned(),
        length: 2,
        head: JobId(4),
        head_state: pending,
        since: moment(4),
        wake_at: None,
    };
    assert_eq!(found[0], expected);
}

/// By workflow, key and how the head stands; whatever that is, the lane is there.
pub async fn lanes_are_filtered(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    for (n, key) in [(1, "parked"), (2, "asleep"), (3, "parked"), (4, "next")] {
        start(&fixture, n, key).await;
    }
    let parked = Transition::Suspended { reason: json("{}") };
    fixture.store.write(fixture.write(fence, 1, parked)).await.expect("it parks");
    let asleep = Transition::Waiting { wake_at: moment(500), waits: Waits::default() };
    fixture.store.write(fixture.write(fence, 2, asleep)).await.expect("it waits");
    let never = Transition::Waiting { wake_at: Timestamp::NEVER, waits: Waits::default() };
    fixture.store.write(fixture.write(fence, 4, never)).await.expect("it waits");

    let keys = async |filter: LaneFilter| -> Vec<String> {
        brief(&fixture, &filter).await.into_iter().map(|(key, ..)| key).collect()
    };
    let any = LaneFilter::default;
    assert_eq!(keys(any()).await, ["parked", "asleep", "next"]);
    assert_eq!(keys(LaneFilter { states: vec![JobState::Suspended], ..any() }).await, ["parked"]);
    assert_eq!(keys(LaneFilter { states: vec![JobState::Waiting], ..any() }).await, ["asleep", "next"]);
    assert!(keys(LaneFilter { states: vec![JobState::Running], ..any() }).await.is_empty());
    assert_eq!(keys(LaneFilter { key: Some("asleep".to_owned()), ..any() }).await, ["asleep"]);
    assert_eq!(keys(LaneFilter { workflow: Some(fixture.workflow), ..any() }).await.len(), 3);
    let other = crate::ResourceId(fixture.workflow.0 + 1);
    assert!(keys(LaneFilter { workflow: Some(other), ..any() }).await.is_empty());
    let all = list(&fixture, &any(), 100).await;
    let wake_at: Vec<_> = all.iter().map(|lane| lane.wake_at).collect();
    assert_eq!(wake_at, [None, Some(moment(500)), None]);

    let other = Fixture::in_workspace(std::sync::Arc::clone(&fixture.store), "other").await;
    assert!(list(&other, &any(), 100).await.is_empty(), "workspaces are strangers");
}
