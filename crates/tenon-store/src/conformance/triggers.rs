//! What triggers bring, and what they remember: one transaction. The fixture's workflow stands for the trigger.

use futures_util::future::join_all;

use super::Harness;
use super::fixture::{Fixture, for_events, ids, json, mark, moment, put, take, written};
use crate::{
    AuditRecord, Capture, Captured, Change, ChangeResource, Chunk, Chunked, Decision, Duplicate, Error,
    EventId, Gather, JobId, Kind, MAX_NOTES, MAX_STATE_BYTES, NewState, NoteKind, OpenSet, PutTriggerState,
    ResourceId, Role, SetQuery, TriggerNote, TriggerState,
};

const STRATEGY: u64 = 11;

/// Nothing, at moment 50.
fn chunk(fixture: &Fixture, captures: Vec<Capture>) -> Chunk {
    let (workspace, resource) = (fixture.workspace, fixture.workflow);
    Chunk { workspace, resource, captures, state: None, notes: Vec::new(), at: moment(50) }
}

fn state(fixture: &Fixture, expected: u64, value: &str) -> Option<NewState> {
    Some(NewState { resource: fixture.workflow, expected, value: json(value) })
}

fn note(n: u64, kind: NoteKind) -> TriggerNote {
    TriggerNote { at: moment(n), kind, detail: json(&format!("{{\"n\":{n}}}")) }
}

/// Event `n` with job `n` and the key, whose mark holds until moment `expires`.
fn keyed(fixture: &Fixture, n: u64, key: &str, expires: u64) -> Capture {
    let mut mark = mark("trigger:1", key);
    mark.expires = moment(expires);
    Capture { mark: Some(mark), ..fixture.event_with_job(n) }
}

async fn bring(fixture: &Fixture, chunk: Chunk) -> Chunked {
    fixture.store.capture_chunk(chunk).await.expect("the chunk is answered")
}

async fn done(fixture: &Fixture, chunk: Chunk) -> Vec<Captured> {
    match bring(fixture, chunk).await {
        Chunked::Done(answers) => answers,
        other => panic!("expected the chunk to be done, got {other:?}"),
    }
}

async fn remembered(fixture: &Fixture) -> Option<TriggerState> {
    fixture.store.trigger_state(fixture.workspace, fixture.workflow).await.expect("reads work")
}

async fn notes(fixture: &Fixture) -> Vec<TriggerNote> {
    let page = fixture.store.trigger_notes(fixture.workspace, fixture.workflow, None, 1000).await;
    page.expect("reads work").items
}

async fn is_there(fixture: &Fixture, n: u64) -> bool {
    fixture.store.event(fixture.workspace, EventId(n)).await.expect("reads work").is_some()
}

fn new(n: u64) -> Captured {
    Captured::New { jobs: vec![JobId(n)], dropped: Vec::new(), is_wanted: true }
}

fn repeat(n: u64) -> Captured {
    Captured::Duplicate(Duplicate { event: EventId(n), jobs: vec![JobId(n)] })
}

/// Events, jobs, state and notes are there at once, and the feed hears of the jobs in order.
pub async fn a_chunk_is_written_together(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    assert_eq!(remembered(&fixture).await, None);
    let fed = fixture.listen();
    let first = Chunk {
        state: state(&fixture, 0, "{\"cursor\":7}"),
        notes: vec![note(5, NoteKind::Missed), note(6, NoteKind::Fired)],
        ..chunk(&fixture, vec![fixture.event_with_job(1), fixture.event(2), fixture.event_with_job(3)])
    };
    let without_jobs = Captured::New { jobs: Vec::new(), dropped: Vec::new(), is_wanted: false };
    assert_eq!(done(&fixture, first).await, [new(1), without_jobs, new(3)]);
    let jobs = take(&fed);
    assert_eq!(ids(&jobs), [JobId(1), JobId(3)]);
    assert!(jobs[0].place < jobs[1].place);
    assert!(jobs.iter().all(|job| job.payload.is_some()), "a worker reads nothing");
    for n in 1..=3 {
        assert!(is_there(&fixture, n).await, "event {n}");
    }
    let value = json("{\"cursor\":7}");
    assert_eq!(remembered(&fixture).await, Some(TriggerState { version: 1, value, at: moment(50) }));
    assert_eq!(notes(&fixture).await, [note(6, NoteKind::Fired), note(5, NoteKind::Missed)]);

    let second = Chunk { state: state(&fixture, 1, "null"), at: moment(60), ..chunk(&fixture, Vec::new()) };
    assert_eq!(done(&fixture, second).await, []);
    let value = json("null");
    assert_eq!(remembered(&fixture).await, Some(TriggerState { version: 2, value, at: moment(60) }));
    assert_eq!(notes(&fixture).await.len(), 2);
}

/// Whoever did not see the newest state writes nothing; of many at once, one does.
pub async fn states_are_compared(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let attempt = |n: u64, expected| Chunk {
        state: state(&fixture, expected, &n.to_string()),
        notes: vec![note(n, NoteKind::Fired)],
        ..chunk(&fixture, vec![fixture.event_with_job(n)])
    };
    assert_eq!(bring(&fixture, attempt(1, 1)).await, Chunked::Conflict, "there is none yet");
    let many = join_all((2..10).map(|n| bring(&fixture, attempt(n, 0)))).await;
    let won: Vec<u64> =
        (2..10).zip(&many).filter(|(_, answer)| matches!(answer, Chunked::Done(_))).map(|(n, _)| n).collect();
    let &[winner] = won.as_slice() else { panic!("{won:?} have won") };
    assert!(many.iter().filter(|answer| **answer == Chunked::Conflict).count() == 7, "{many:?}");
    let found = remembered(&fixture).await.expect("somebody wrote it");
    assert_eq!((found.version, found.value), (1, json(&winner.to_string())));
    assert_eq!(notes(&fixture).await, [note(winner, NoteKind::Fired)]);
    for n in 1..10 {
        assert_eq!(is_there(&fixture, n).await, n == winner, "event {n}");
    }
    let used = fixture.store.disk_use().await.expect("reads work");
    assert_eq!((used.events, used.jobs, used.open_jobs), (1, 1, 1));
}

/// One that is off or gone brings nothing; when it is back it goes on where it stood.
pub async fn a_trigger_that_is_off_brings_nothing(harness: &dyn Harness) {
    let mut fixture = Fixture::new(harness).await;
    done(&fixture, Chunk { state: state(&fixture, 0, "1"), ..chunk(&fixture, Vec::new()) }).await;
    let noted = Chunk { notes: vec![note(1, NoteKind::Skipped)], ..chunk(&fixture, Vec::new()) };
    done(&fixture, noted).await;
    let off = [(Change::Disable, Some(Change::Enable)), (Change::Delete, None)];
    for (n, (change, back)) in (1_u64..).zip(off) {
        switch(&fixture, change).await;
        let attempt = Chunk { state: state(&fixture, n, "2"), ..chunk(&fixture, vec![fixture.event(n)]) };
        assert_eq!(bring(&fixture, attempt.clone()).await, Chunked::Conflict, "{change:?}");
        assert!(!is_there(&fixture, n).await);
        assert_eq!(remembered(&fixture).await.map(|state| state.version), Some(n), "it is kept");
        if let Some(back) = back {
            switch(&fixture, back).await;
        } else {
            let put = put(fixture.workspace, "acme/sync", "again");
            assert_eq!(written(fixture.store.put_resource(put).await).resource, fixture.workflow);
        }
        assert!(matches!(bring(&fixture, attempt.clone()).await, Chunked::Stale { .. }), "{change:?}");
        fixture.generation = fixture.store.generation(fixture.workspace).await.expect("there is one");
        let again = Chunk { captures: vec![fixture.event(n)], ..attempt };
        done(&fixture, again).await;
        assert_eq!(remembered(&fixture).await.map(|state| state.version), Some(n + 1));
    }
    assert_eq!(notes(&fixture).await, [note(1, NoteKind::Skipped)]);
}

/// What is there already is answered like a repeat, and what is new beside it is captured.
pub async fn a_chunk_may_bring_repeats(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    fixture.capture(keyed(&fixture, 1, "a", 100)).await;
    let captures = vec![
        keyed(&fixture, 2, "b", 100),
        keyed(&fixture, 3, "a", 100),
        keyed(&fixture, 4, "b", 100),
        keyed(&fixture, 5, "c", 100),
    ];
    let brought = Chunk { state: state(&fixture, 0, "2"), ..chunk(&fixture, captures) };
    assert_eq!(done(&fixture, brought).await, [new(2), repeat(1), repeat(2), new(5)]);
    assert!(!is_there(&fixture, 3).await && !is_there(&fixture, 4).await);
    assert_eq!(remembered(&fixture).await.map(|state| state.version), Some(1));
    let used = fixture.store.disk_use().await.expect("reads work");
    assert_eq!((used.events, used.jobs), (3, 3));
}

/// A mark that a chunk meets lives on, until the later of both moments; retention knows.
pub async fn repeats_renew_their_marks(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let prune = async |n| fixture.store.prune(moment(n), 1000).await.expect("retention works");
    let key = |n, expires| vec![keyed(&fixture, n, "a", expires)];
    fixture.capture(keyed(&fixture, 1, "a", 100)).await;
    assert_eq!(done(&fixture, chunk(&fixture, key(50, 200))).await, [repeat(1)]);
    assert_eq!(done(&fixture, chunk(&fixture, key(51, 60))).await, [repeat(1)], "never shortened");
    assert_eq!(prune(150).await, 0, "it lives on");
    let met = fixture.store.capture(keyed(&fixture, 199, "a", 900)).await.expect("a repeat is an answer");
    assert_eq!(met, repeat(1), "a single capture meets it, too, and does not renew it");
    assert_eq!(done(&fixture, chunk(&fixture, key(198, 300))).await, [repeat(1)]);
    assert_eq!(prune(299).await, 0);
    assert_eq!(prune(400).await, 1, "the mark");
    assert_eq!(done(&fixture, chunk(&fixture, key(401, 500))).await, [new(401)]);
}

/// Of workflows that changed since, of sets that did, even by an event of the same chunk: nothing is left.
pub async fn a_stale_chunk_leaves_nothing(harness: &dyn Harness) {
    let mut fixture = Fixture::new(harness).await;
    fixture.declare(&["paid"]).await;
    let fence = fixture.own().await;
    fixture.start(1).await;
    fixture.park(fence, 1, for_events(&["paid"], None, 0)).await;
    let query = SetQuery {
        workspace: fixture.workspace,
        workflow: fixture.workflow,
        strategy: STRATEGY,
        key: "k".to_owned(),
    };
    let seen = fixture.store.open_set(&query).await.expect("reads work");
    let fed = fixture.listen();
    let mut paid = keyed(&fixture, 10, "a", 500);
    "paid".clone_into(&mut paid.event.r#type);
    let whole = |captures| Chunk {
        state: state(&fixture, 0, "1"),
        notes: vec![note(1, NoteKind::Fired)],
        ..chunk(&fixture, captures)
    };
    let mut old = fixture.event(12);
    old.generation -= 1;
    let both = vec![paid.clone(), decided(&fixture, 11, &seen), decided(&fixture, 12, &seen)];
    for captures in [vec![paid.clone(), old], both] {
        let answer = bring(&fixture, whole(captures)).await;
        assert_eq!(answer, Chunked::Stale { generation: fixture.generation });
        for n in 10..=12 {
            assert!(!is_there(&fixture, n).await, "event {n}");
        }
        assert_eq!(remembered(&fixture).await, None);
        assert_eq!(notes(&fixture).await, []);
        assert!(take(&fed).is_empty(), "nobody was woken");
        assert_eq!(fixture.store.open_set(&query).await.expect("reads work").version, seen.version);
        let used = fixture.store.disk_use().await.expect("reads work");
        assert_eq!((used.events, used.jobs, used.open_jobs), (1, 1, 1));
    }
    // What shares a transaction with one that is undone is not touched, and nothing of it was kept in memory.
    let both = vec![paid.clone(), decided(&fixture, 11, &seen), decided(&fixture, 12, &seen)];
    let others = join_all((20..30).map(|n| fixture.capture(fixture.event_with_job(n))));
    let (refused, others) = futures_util::future::join(bring(&fixture, whole(both)), others).await;
    assert!(matches!(refused, Chunked::Stale { .. }), "{refused:?}");
    assert!(others.iter().all(|jobs| jobs.len() == 1));
    assert_eq!(take(&fed).len(), 10);
    let alone = whole(vec![paid, decided(&fixture, 11, &seen)]);
    assert_eq!(done(&fixture, alone).await[0], new(10), "its mark was free");
    assert_eq!(ids(&take(&fed)), [JobId(10), JobId(1)], "the listener is woken now");
    let used = fixture.store.disk_use().await.expect("reads work");
    assert_eq!((used.events, used.jobs, used.open_jobs), (13, 12, 12));
}

/// Event `n`, decided on with what the set was.
fn decided(fixture: &Fixture, n: u64, seen: &OpenSet) -> Capture {
    let decision = Some(Decision { version: seen.version, is_complete: false });
    let role = Role::Item { key: "k".to_owned(), decision };
    let gather = Gather { strategy: STRATEGY, role, job: fixture.job(n) };
    Capture { gathers: vec![gather], ..fixture.event(n) }
}

/// The newest of each trigger, in pages.
pub async fn notes_are_bounded_and_paged(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let last = u64::from(MAX_NOTES) + 60;
    for (first, end) in [(0, 50), (50, 51), (51, last)] {
        let kind = |n: u64| NoteKind::ALL[n as usize % NoteKind::ALL.len()];
        let notes = (first..end).map(|n| note(n, kind(n))).collect();
        done(&fixture, Chunk { notes, ..chunk(&fixture, Vec::new()) }).await;
    }
    for limit in [7, 400, 1000] {
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let (workspace, resource) = (fixture.workspace, fixture.workflow);
            let page = fixture.store.trigger_notes(workspace, resource, cursor, limit).await;
            let page = page.expect("reads work");
            assert!(page.items.len() <= limit as usize);
            found.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let wanted = (60..last).rev().map(|n| note(n, NoteKind::ALL[n as usize % NoteKind::ALL.len()]));
        assert!(found.iter().eq(&wanted.collect::<Vec<_>>()), "in pages of {limit}: {} notes", found.len());
    }
}

/// Other workspaces and other triggers see nothing, and bring nothing in this one's name.
pub async fn triggers_are_strangers(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let other = Fixture::in_workspace(fixture.store.clone(), "other").await;
    let mine = Chunk {
        state: state(&fixture, 0, "1"),
        notes: vec![note(1, NoteKind::Failed)],
        ..chunk(&fixture, Vec::new())
    };
    done(&fixture, mine.clone()).await;
    let store = &fixture.store;
    for (workspace, resource) in [
        (other.workspace, fixture.workflow),
        (fixture.workspace, other.workflow),
        (fixture.workspace, ResourceId(99)),
    ] {
        assert_eq!(store.trigger_state(workspace, resource).await.expect("reads work"), None);
        let page = store.trigger_notes(workspace, resource, None, 10).await.expect("reads work");
        assert_eq!(page.items, []);
    }
    let foreign = Chunk { workspace: other.workspace, state: state(&fixture, 1, "2"), ..mine.clone() };
    assert_eq!(bring(&fixture, foreign).await, Chunked::Conflict, "it is no trigger of that workspace");
    for wrong in [
        Chunk { captures: vec![other.event(1)], ..mine.clone() },
        Chunk { state: state(&other, 0, "2"), ..mine.clone() },
        Chunk { state: state(&fixture, 1, &"7".repeat(MAX_STATE_BYTES + 1)), ..mine },
    ] {
        let refused = store.capture_chunk(wrong).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    }
    let largest =
        Chunk { state: state(&fixture, 1, &"7".repeat(MAX_STATE_BYTES)), ..chunk(&fixture, Vec::new()) };
    done(&fixture, largest).await;
    let found = remembered(&fixture).await.expect("it is there");
    assert_eq!((found.version, found.value.len()), (2, MAX_STATE_BYTES));
    assert_eq!(remembered(&other).await, None);
}

/// State, notes and marks; the next life goes on with them.
pub async fn what_triggers_remember_survives_a_restart(harness: &dyn Harness) {
    let before = Fixture::new(harness).await;
    let brought = Chunk {
        state: state(&before, 0, "{\"cursor\":1}"),
        notes: vec![note(1, NoteKind::Fired)],
        ..chunk(&before, vec![keyed(&before, 1, "a", 100)])
    };
    done(&before, brought).await;
    done(&before, chunk(&before, vec![keyed(&before, 2, "a", 200)])).await;
    before.store.close().await;
    let after = Fixture { store: harness.open().await, ..before };
    let value = json("{\"cursor\":1}");
    assert_eq!(remembered(&after).await, Some(TriggerState { version: 1, value, at: moment(50) }));
    assert_eq!(notes(&after).await, [note(1, NoteKind::Fired)]);
    let workspaces = after.store.workspaces().await.expect("reads work");
    assert_eq!(workspaces, [(after.workspace, "default".to_owned())]);
    let next = Chunk {
        state: state(&after, 1, "{\"cursor\":2}"),
        notes: vec![note(2, NoteKind::Noticed)],
        ..chunk(&after, vec![keyed(&after, 150, "a", 300), after.event_with_job(151)])
    };
    assert_eq!(done(&after, next).await, [repeat(1), new(151)], "the renewed mark holds");
    assert_eq!(remembered(&after).await.map(|state| state.version), Some(2));
    assert_eq!(notes(&after).await, [note(2, NoteKind::Noticed), note(1, NoteKind::Fired)]);
}

/// What a person writes, at moment 70.
fn by_hand(fixture: &Fixture, expected: u64, value: &str) -> PutTriggerState {
    let audit = AuditRecord {
        workspace: fixture.workspace,
        actor: "ada".to_owned(),
        action: "trigger.cursor".to_owned(),
        subject: "acme/sync".to_owned(),
        at: moment(70),
    };
    let state = NewState { resource: fixture.workflow, expected, value: json(value) };
    PutTriggerState { workspace: fixture.workspace, state, audit }
}

/// How often somebody has written a state, by the audit log.
async fn audited(fixture: &Fixture) -> usize {
    let page = fixture.store.audit_records(fixture.workspace, None, 100).await.expect("reads work");
    page.items.iter().filter(|record| record.action == "trigger.cursor").count()
}

async fn switch(fixture: &Fixture, change: Change) {
    switch_with(fixture, change, None).await.expect("the resource changes");
}

async fn switch_with(fixture: &Fixture, change: Change, state: Option<NewState>) -> Result<(), Error> {
    let change = ChangeResource {
        workspace: fixture.workspace,
        kind: Kind::Workflow,
        name: "acme/sync".to_owned(),
        change,
        state,
        actor: "owner".to_owned(),
        at: moment(1),
    };
    fixture.store.change_resource(change).await
}

/// What is remembered of a change is written with it, or neither is.
pub async fn a_change_takes_a_state_along(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    done(&fixture, Chunk { state: state(&fixture, 0, "1"), ..chunk(&fixture, Vec::new()) }).await;
    let is_enabled = async || {
        let found = fixture.store.resource(fixture.workspace, Kind::Workflow, "acme/sync").await;
        found.expect("reads work").expect("it is there").enabled
    };
    let foreign = state(&fixture, 1, "9").map(|state| NewState { resource: ResourceId(99), ..state });
    for wrong in [state(&fixture, 0, "9"), state(&fixture, 2, "9"), foreign] {
        let refused = switch_with(&fixture, Change::Disable, wrong).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
        assert!(is_enabled().await);
    }
    assert_eq!(remembered(&fixture).await.map(|state| state.version), Some(1));
    switch_with(&fixture, Change::Disable, state(&fixture, 1, "2")).await.expect("it is the newest");
    assert!(!is_enabled().await);
    let found = remembered(&fixture).await.expect("it was written");
    assert_eq!((found.version, found.value), (2, json("2")));
}

/// The first one and all later ones; whoever did not see the newest writes nothing. Notes stay as they are.
pub async fn a_person_writes_a_state(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let store = &fixture.store;
    let early = store.put_trigger_state(by_hand(&fixture, 1, "1")).await;
    assert!(matches!(early, Err(Error::Conflict(_))), "there is none yet: {early:?}");
    assert_eq!((remembered(&fixture).await, audited(&fixture).await), (None, 0));
    store.put_trigger_state(by_hand(&fixture, 0, "{\"cursor\":1}")).await.expect("the first");
    let first = TriggerState { version: 1, value: json("{\"cursor\":1}"), at: moment(70) };
    assert_eq!(remembered(&fixture).await, Some(first));

    let noted = vec![note(1, NoteKind::Fired)];
    let brought =
        Chunk { notes: noted.clone(), state: state(&fixture, 1, "2"), ..chunk(&fixture, Vec::new()) };
    done(&fixture, brought).await;
    for expected in [0, 1, 3] {
        let refused = store.put_trigger_state(by_hand(&fixture, expected, "9")).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{expected}: {refused:?}");
    }
    assert_eq!(remembered(&fixture).await.map(|state| state.version), Some(2));
    store.put_trigger_state(by_hand(&fixture, 2, "3")).await.expect("it saw the newest");
    let newest = TriggerState { version: 3, value: json("3"), at: moment(70) };
    assert_eq!(remembered(&fixture).await, Some(newest));
    assert_eq!((notes(&fixture).await, audited(&fixture).await), (noted, 2));
    // What the trigger computed from the state before is not written any more.
    let late = Chunk { state: state(&fixture, 2, "4"), ..chunk(&fixture, vec![fixture.event(1)]) };
    assert_eq!(bring(&fixture, late).await, Chunked::Conflict);
    assert!(!is_there(&fixture, 1).await);
}

/// Of many people and triggers at once, one writes.
pub async fn people_and_triggers_compare_states(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let people = join_all((0..4).map(|_| fixture.store.put_trigger_state(by_hand(&fixture, 0, "1"))));
    let triggers =
        join_all((0..4).map(|_| {
            bring(&fixture, Chunk { state: state(&fixture, 0, "2"), ..chunk(&fixture, Vec::new()) })
        }));
    let (people, triggers) = futures_util::future::join(people, triggers).await;
    let people = people.iter().filter(|put| put.is_ok()).count();
    let triggers = triggers.iter().filter(|brought| matches!(brought, Chunked::Done(_))).count();
    assert_eq!(people + triggers, 1, "{people} people, {triggers} triggers");
    let found = remembered(&fixture).await.expect("somebody wrote it");
    assert_eq!((found.version, audited(&fixture).await), (1, people));
}

/// Nobody writes for a trigger that is another workspace's, is not there or has gone; for one that is off, somebody may.
pub async fn a_person_writes_for_triggers_that_are_there(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let other = Fixture::in_workspace(fixture.store.clone(), "other").await;
    let store = &fixture.store;
    let to = |resource| {
        let put = by_hand(&fixture, 0, "1");
        PutTriggerState { state: NewState { resource, ..put.state }, ..put }
    };
    for resource in [other.workflow, ResourceId(99)] {
        let refused = store.put_trigger_state(to(resource)).await;
        assert!(matches!(refused, Err(Error::NotFound(_))), "{resource:?}: {refused:?}");
    }
    let too_large = by_hand(&fixture, 0, &"7".repeat(MAX_STATE_BYTES + 1));
    let foreign_audit = PutTriggerState { audit: by_hand(&other, 0, "1").audit, ..by_hand(&fixture, 0, "1") };
    for wrong in [too_large, foreign_audit] {
        let refused = store.put_trigger_state(wrong).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    }
    assert_eq!((remembered(&fixture).await, remembered(&other).await), (None, None));
    assert_eq!((audited(&fixture).await, audited(&other).await), (0, 0));

    switch(&fixture, Change::Disable).await;
    let largest = "7".repeat(MAX_STATE_BYTES);
    store.put_trigger_state(by_hand(&fixture, 0, &largest)).await.expect("it is off, but there");
    let noted = Chunk { notes: vec![note(1, NoteKind::Failed)], ..chunk(&fixture, Vec::new()) };
    switch(&fixture, Change::Enable).await;
    done(&fixture, noted).await;
    switch(&fixture, Change::Delete).await;
    let gone = store.put_trigger_state(by_hand(&fixture, 1, "2")).await;
    assert!(matches!(gone, Err(Error::NotFound(_))), "{gone:?}");
    assert_eq!(
        remembered(&fixture).await.map(|state| state.value.len()),
        Some(MAX_STATE_BYTES),
        "it is kept"
    );
    let again = put(fixture.workspace, "acme/sync", "again");
    assert_eq!(written(store.put_resource(again).await).resource, fixture.workflow);
    store.put_trigger_state(by_hand(&fixture, 1, "2")).await.expect("it is back, with its state");
    assert_eq!(notes(&fixture).await, [note(1, NoteKind::Failed)]);
    store.close().await;
    let after = Fixture { store: harness.open().await, ..fixture };
    let newest = TriggerState { version: 2, value: json("2"), at: moment(70) };
    assert_eq!(remembered(&after).await, Some(newest));
}
