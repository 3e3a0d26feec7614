//! Chunks of triggers: events, starts and state together.

use serde_json::json;
use tenon_capture::{Accepted, Call, ChunkItem, Incoming, JsonText, TriggerChunk};
use tenon_store::{
    Change, ChangeResource, DedupMark, Kind, NewState, NoteKind, PutResource, ResourceId, Saved, TriggerNote,
};

use crate::fixture::{Fixture, START, orders};

/// A deployed trigger; its document does not matter here.
async fn trigger(fixture: &Fixture) -> ResourceId {
    let put = PutResource {
        workspace: fixture.workspace,
        kind: Kind::Trigger,
        name: "contacts".to_owned(),
        version: String::new(),
        digest: "d".to_owned(),
        document: "kind: poll".to_owned(),
        keys: vec!["@poll".to_owned()],
        listens: Vec::new(),
        gathers: None,
        files: Vec::new(),
        expected: None,
        at: START,
        actor: "test".to_owned(),
    };
    match fixture.store.put_resource(put).await.expect("room") {
        Saved::Written(revision) | Saved::Unchanged(revision) => revision.resource,
    }
}

async fn change(fixture: &Fixture, change: Change) {
    let change = ChangeResource {
        workspace: fixture.workspace,
        kind: Kind::Trigger,
        name: "contacts".to_owned(),
        change,
        state: None,
        actor: "test".to_owned(),
        at: START,
    };
    fixture.store.change_resource(change).await.expect("it exists");
}

fn state(resource: ResourceId, expected: u64) -> Option<NewState> {
    Some(NewState { resource, expected, value: format!("{{\"n\":{}}}", expected + 1).into() })
}

fn event(fixture: &Fixture, trigger: ResourceId, key: &str, n: i64) -> ChunkItem {
    let expires = START.after(std::time::Duration::from_hours(1));
    let mark = DedupMark { scope: format!("trigger:{}", trigger.0), key: key.to_owned(), expires };
    ChunkItem::Event(Box::new(Incoming { mark: Some(mark), ..fixture.order(json!({ "n": n })) }))
}

fn run(fixture: &Fixture, name: &str, key: &str) -> ChunkItem {
    ChunkItem::Run(Call {
        workspace: fixture.workspace,
        workflow: name.to_owned(),
        input: JsonText::null(),
        idempotency_key: Some(key.to_owned()),
        job: None,
    })
}

async fn chunk(
    fixture: &Fixture,
    resource: ResourceId,
    items: Vec<ChunkItem>,
    state: Option<NewState>,
) -> Option<Vec<Accepted>> {
    let notes = vec![TriggerNote { at: START, kind: NoteKind::Fired, detail: "{}".into() }];
    let chunk = TriggerChunk { workspace: fixture.workspace, resource, items, state, notes };
    fixture.service.chunk(chunk).await.expect("stored")
}

async fn version(fixture: &Fixture, resource: ResourceId) -> u64 {
    let state = fixture.store.trigger_state(fixture.workspace, resource).await.expect("read");
    state.map_or(0, |state| state.version)
}

async fn note_count(fixture: &Fixture, resource: ResourceId) -> usize {
    fixture.store.trigger_notes(fixture.workspace, resource, None, 100).await.expect("read").items.len()
}

#[tokio::test]
async fn events_and_starts_come_in_order_with_the_state() {
    let fixture = Fixture::new().await;
    fixture.deploy("sync", json!({}), orders()).await;
    let trigger = trigger(&fixture).await;
    let items = vec![
        event(&fixture, trigger, "a", 1),
        run(&fixture, "acme/sync", "k"),
        event(&fixture, trigger, "b", 2),
        event(&fixture, trigger, "a", 3),
        run(&fixture, "acme/sync", "k"),
    ];
    let accepted = chunk(&fixture, trigger, items, state(trigger, 0)).await.expect("nobody else was there");
    let duplicates: Vec<bool> = accepted.iter().map(|accepted| accepted.duplicate).collect();
    assert_eq!(duplicates, [false, false, false, true, true]);
    assert_eq!(accepted[3].event, accepted[0].event);
    assert_eq!(accepted[4].jobs, accepted[1].jobs);
    let (mut jobs, all) = (fixture.jobs().await, [&accepted[0], &accepted[1], &accepted[2]]);
    jobs.reverse();
    let started: Vec<_> = all.iter().flat_map(|accepted| accepted.jobs.clone()).collect();
    assert_eq!(jobs.iter().map(|job| job.id).collect::<Vec<_>>(), started);
    assert_eq!((version(&fixture, trigger).await, note_count(&fixture, trigger).await), (1, 1));
}

#[tokio::test]
async fn what_is_not_expected_writes_nothing() {
    let fixture = Fixture::new().await;
    let trigger = trigger(&fixture).await;
    let items = |key: &str| vec![event(&fixture, trigger, key, 1)];
    assert!(chunk(&fixture, trigger, items("a"), state(trigger, 7)).await.is_none(), "another version");
    change(&fixture, Change::Disable).await;
    assert!(chunk(&fixture, trigger, items("b"), None).await.is_none(), "disabled");
    change(&fixture, Change::Enable).await;
    let unknown = ChunkItem::Run(Call {
        workspace: fixture.workspace,
        workflow: "acme/none".to_owned(),
        input: JsonText::null(),
        idempotency_key: None,
        job: None,
    });
    let failing = TriggerChunk {
        workspace: fixture.workspace,
        resource: trigger,
        items: vec![event(&fixture, trigger, "c", 1), unknown],
        state: state(trigger, 0),
        notes: Vec::new(),
    };
    assert!(fixture.service.chunk(failing).await.is_err(), "a workflow that there is not");
    assert_eq!((fixture.event_count().await, version(&fixture, trigger).await), (0, 0));
    assert_eq!(note_count(&fixture, trigger).await, 0);
    assert!(chunk(&fixture, trigger, items("a"), state(trigger, 0)).await.is_some());
}

#[tokio::test]
async fn subscribers_are_those_of_the_moment_of_the_commit() {
    let fixture = Fixture::new().await;
    let trigger = trigger(&fixture).await;
    chunk(&fixture, trigger, vec![event(&fixture, trigger, "a", 1)], None).await.expect("captured");
    // No cache is told.
    fixture.deploy("late", json!({}), orders()).await;
    let accepted = chunk(&fixture, trigger, vec![event(&fixture, trigger, "b", 2)], None).await;
    assert_eq!(accepted.expect("captured")[0].jobs.len(), 1);
}

#[tokio::test]
async fn conditions_decide_on_events_of_one_chunk_one_after_the_other() {
    let fixture = Fixture::new().await;
    let any = json!({"on": {"any": [{"with": {"type": "order"}}], "until": "map(.n) | add >= 10"}});
    fixture.deploy_on("gather", json!({}), any).await;
    fixture.deploy("each", json!({}), orders()).await;
    let trigger = trigger(&fixture).await;
    let numbers = [4, 5, 3, 12, 1, 1, 9];
    let items = |from: usize| -> Vec<ChunkItem> {
        numbers[from..].iter().map(|n| event(&fixture, trigger, &format!("{from}/{n}"), *n)).collect()
    };
    let accepted = chunk(&fixture, trigger, items(0), state(trigger, 0)).await.expect("captured");
    let started: Vec<usize> = accepted.iter().map(|accepted| accepted.jobs.len()).collect();
    // Two of the keys are the same: the second `1` is a repeat.
    assert_eq!(started, [1, 1, 2, 2, 1, 1, 2]);
    assert_eq!(accepted.iter().filter(|accepted| accepted.duplicate).count(), 1);
    assert_eq!((version(&fixture, trigger).await, note_count(&fixture, trigger).await), (1, 1));
    // A conflict at the end leaves the trigger where it was; a repeat finds what is there.
    assert!(chunk(&fixture, trigger, items(4), state(trigger, 7)).await.is_none());
    let again = chunk(&fixture, trigger, items(4), state(trigger, 1)).await.expect("captured");
    assert!(again.iter().take(2).all(|accepted| accepted.duplicate), "{again:?}");
    assert_eq!(version(&fixture, trigger).await, 2);
}
