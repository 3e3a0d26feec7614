//! The inbox: what is kept, and what a `listen` finds in it.

use super::Harness;
use super::fixture::{Fixture, json, mark, moment};
use crate::{
    CandidateQuery, Candidates, Captured, Change, ChangeResource, Error, Kind, Origin, Timestamp, WorkspaceId,
};

/// All there is of some types.
fn query(fixture: &Fixture, types: &[&str]) -> CandidateQuery {
    CandidateQuery {
        workspace: fixture.workspace,
        types: types.iter().map(|r#type| (*r#type).to_owned()).collect(),
        subject: None,
        after: 0,
        since: Timestamp(0),
        newest: 1000,
        limit: 100,
    }
}

async fn look(fixture: &Fixture, query: &CandidateQuery) -> Candidates {
    fixture.store.candidates(query).await.expect("reads work")
}

async fn numbers(fixture: &Fixture, query: &CandidateQuery) -> Vec<u64> {
    look(fixture, query).await.items.iter().map(|item| item.event.0).collect()
}

async fn listened(fixture: &Fixture) -> Vec<String> {
    fixture.store.listened(fixture.workspace).await.expect("reads work")
}

/// From the declaration on; `*` is any type; what was made for a call is no event.
pub async fn declared_types_are_kept(harness: &dyn Harness) {
    let mut fixture = Fixture::new(harness).await;
    fixture.emit(1, "paid", None).await;
    assert!(listened(&fixture).await.is_empty());
    fixture.declare(&["sent", "paid"]).await;
    assert_eq!(listened(&fixture).await, ["paid", "sent"]);
    fixture.emit(2, "paid", None).await;
    fixture.emit(3, "paid.twice", None).await;
    fixture.emit(4, "sent", None).await;
    let mut call = fixture.event_of(5, "paid", None);
    call.event.origin = Origin::Call;
    fixture.capture(call).await;
    assert_eq!(numbers(&fixture, &query(&fixture, &["paid"])).await, [2]);
    assert_eq!(numbers(&fixture, &query(&fixture, &["sent", "paid"])).await, [2, 4]);
    assert!(numbers(&fixture, &query(&fixture, &["*", "paid.twice"])).await.is_empty());
    assert!(numbers(&fixture, &query(&fixture, &[])).await.is_empty());

    fixture.declare(&["*"]).await;
    assert_eq!(listened(&fixture).await, ["*", "paid", "sent"]);
    for (n, r#type) in [(6, "paid"), (7, "other"), (8, "*")] {
        fixture.emit(n, r#type, None).await;
    }
    let mut call = fixture.event(9);
    call.event.origin = Origin::Call;
    fixture.capture(call).await;
    assert_eq!(numbers(&fixture, &query(&fixture, &["*"])).await, [6, 7, 8]);
    assert_eq!(numbers(&fixture, &query(&fixture, &["paid"])).await, [2, 6]);
    assert_eq!(numbers(&fixture, &query(&fixture, &["*", "paid"])).await, [2, 6, 7, 8], "each once");
}

/// By subject, place, moment and number; oldest first, with their envelopes.
pub async fn candidates_are_filtered(harness: &dyn Harness) {
    let mut fixture = Fixture::new(harness).await;
    fixture.declare(&["paid", "sent"]).await;
    for (n, r#type, subject) in [
        (50, "paid", Some("a")),
        (10, "paid", Some("b")),
        (20, "sent", Some("a")),
        (30, "paid", None),
        (40, "paid", Some("a")),
    ] {
        fixture.emit(n, r#type, subject).await;
    }
    let all = query(&fixture, &["paid", "sent"]);
    let found = look(&fixture, &all).await.items;
    assert_eq!(found.iter().map(|item| item.event.0).collect::<Vec<_>>(), [50, 10, 20, 30, 40]);
    assert!(found.windows(2).all(|pair| pair[0].place < pair[1].place), "by order of commit");
    assert_eq!((found[1].captured_at, &found[1].envelope), (moment(10), &json("{\"n\":10}")));
    let place = |n: usize| found[n].place;

    let a = Some("a".to_owned());
    let cases: [(CandidateQuery, &[u64]); 9] = [
        (CandidateQuery { subject: a.clone(), ..all.clone() }, &[50, 20, 40]),
        (CandidateQuery { subject: a.clone(), ..query(&fixture, &["paid"]) }, &[50, 40]),
        (CandidateQuery { subject: Some("c".to_owned()), ..all.clone() }, &[]),
        (CandidateQuery { after: place(2), ..all.clone() }, &[30, 40]),
        (CandidateQuery { after: place(1), subject: a.clone(), ..all.clone() }, &[20, 40]),
        (CandidateQuery { since: moment(30), ..all.clone() }, &[50, 30, 40]),
        (CandidateQuery { newest: 2, ..all.clone() }, &[30, 40]),
        (CandidateQuery { newest: 2, subject: a, ..all.clone() }, &[20, 40]),
        (CandidateQuery { newest: 4, limit: 2, ..all.clone() }, &[10, 20]),
    ];
    for (query, expected) in cases {
        assert_eq!(numbers(&fixture, &query).await, expected, "{query:?}");
    }
    let long_after = CandidateQuery { since: moment(1_000_000), ..all };
    assert!(numbers(&fixture, &long_after).await.is_empty());
}

/// A job does not hear of its own event, but of all that came later.
pub async fn an_event_comes_before_its_jobs(harness: &dyn Harness) {
    let mut fixture = Fixture::new(harness).await;
    fixture.declare(&["com.acme.order"]).await;
    let fed = fixture.listen();
    for n in [1, 2, 3] {
        fixture.start(n).await;
    }
    let jobs = fed.lock().expect("nothing panics in the feed").clone();
    let found = look(&fixture, &query(&fixture, &["com.acme.order"])).await.items;
    for (n, (job, item)) in jobs.iter().zip(&found).enumerate() {
        assert!(item.place < job.place && found.get(n + 1).is_none_or(|next| job.place < next.place));
    }
    let later = CandidateQuery { after: jobs[0].place, ..query(&fixture, &["com.acme.order"]) };
    assert_eq!(numbers(&fixture, &later).await, [2, 3]);
}

/// With what is there, from place to place; with nothing, up to now.
pub async fn a_look_says_how_far_it_went(harness: &dyn Harness) {
    let mut fixture = Fixture::new(harness).await;
    fixture.declare(&["paid", "sent"]).await;
    for n in 1..=5 {
        fixture.emit(n, "paid", None).await;
    }
    fixture.emit(6, "sent", None).await;
    let mut next = CandidateQuery { limit: 2, ..query(&fixture, &["paid"]) };
    for expected in [&[1, 2][..], &[3, 4], &[5], &[]] {
        let found = look(&fixture, &next).await;
        assert_eq!(found.items.iter().map(|item| item.event.0).collect::<Vec<_>>(), expected);
        assert!(found.items.iter().all(|item| item.place <= found.looked_to));
        next.after = found.looked_to;
    }
    let end = look(&fixture, &query(&fixture, &["sent"])).await;
    assert_eq!(next.after, end.looked_to, "whatever the type, all that was committed was looked at");
    let nothing = look(&fixture, &query(&fixture, &["never"])).await.looked_to;
    assert_eq!(nothing, end.looked_to);
    let too_old = CandidateQuery { since: moment(1_000_000), ..query(&fixture, &["paid"]) };
    assert_eq!(look(&fixture, &too_old).await.looked_to, end.looked_to);
    let ahead = CandidateQuery { after: end.looked_to + 100, ..query(&fixture, &["paid"]) };
    assert_eq!(look(&fixture, &ahead).await.looked_to, end.looked_to + 100, "never back");
    fixture.emit(7, "paid", None).await;
    assert_eq!(numbers(&fixture, &next).await, [7]);
}

/// What was not captured is not in the inbox.
pub async fn a_repeat_is_kept_once(harness: &dyn Harness) {
    let mut fixture = Fixture::new(harness).await;
    fixture.declare(&["paid"]).await;
    for n in [1, 2, 3] {
        let mut capture = fixture.event_of(n, "paid", None);
        capture.mark = Some(mark("source", "one"));
        let captured = fixture.store.capture(capture).await.expect("a repeat is an answer");
        assert_eq!(matches!(captured, Captured::New { .. }), n == 1);
    }
    let mut stale = fixture.event_of(4, "paid", None);
    stale.generation -= 1;
    fixture.store.capture(stale).await.expect("stale is an answer");
    assert_eq!(numbers(&fixture, &query(&fixture, &["paid"])).await, [1]);
}

/// Jobs of older revisions still listen; a restart forgets nothing; unchanged content may declare more.
pub async fn declarations_only_grow(harness: &dyn Harness) {
    let mut fixture = Fixture::new(harness).await;
    fixture.declare(&["paid"]).await;
    fixture.declare(&["sent"]).await;
    fixture.emit(1, "paid", None).await;
    let change = ChangeResource {
        workspace: fixture.workspace,
        kind: Kind::Workflow,
        name: "acme/listener".to_owned(),
        change: Change::Delete,
        state: None,
        actor: "owner".to_owned(),
        at: moment(2),
    };
    fixture.store.change_resource(change).await.expect("it is deleted");
    let mut same = super::fixture::put(fixture.workspace, "acme/sync", "one");
    same.listens = vec!["new".to_owned()];
    fixture.store.put_resource(same).await.expect("it is unchanged");
    fixture.store.close().await;

    let store = harness.open().await;
    let generation = store.generation(fixture.workspace).await.expect("there is one");
    let fixture = Fixture { store, generation, ..fixture };
    for (n, r#type) in [(2, "paid"), (3, "sent"), (4, "new"), (5, "other")] {
        fixture.emit(n, r#type, None).await;
    }
    let any = query(&fixture, &["paid", "sent", "new", "other"]);
    assert_eq!(numbers(&fixture, &any).await, [1, 2, 3, 4]);
}

/// Some megabytes each: the cursor leads on to all of them.
pub async fn long_answers_come_in_pieces(harness: &dyn Harness) {
    let mut fixture = Fixture::new(harness).await;
    fixture.declare(&["paid"]).await;
    for n in 1..=6 {
        let mut capture = fixture.event_of(n, "paid", None);
        capture.event.envelope = json(&format!("\"{}\"", "e".repeat(3_000_000)));
        fixture.capture(capture).await;
    }
    let mut next = query(&fixture, &["paid"]);
    let mut seen = Vec::new();
    loop {
        let found = look(&fixture, &next).await;
        if found.items.is_empty() {
            break;
        }
        assert!(found.items.iter().all(|item| item.envelope.len() == 3_000_002));
        seen.extend(found.items.iter().map(|item| item.event.0));
        next.after = found.looked_to;
    }
    assert_eq!(seen, [1, 2, 3, 4, 5, 6]);
}

/// Event `n` expires at moment `n + 1000`.
pub async fn rows_go_with_their_events(harness: &dyn Harness) {
    let mut fixture = Fixture::new(harness).await;
    fixture.declare(&["paid", "*"]).await;
    for n in [1, 2, 3] {
        fixture.emit(n, "paid", Some("a")).await;
    }
    let removed = fixture.store.prune(moment(1002), 100).await.expect("retention works");
    assert_eq!(removed, 2, "rows of the inbox count as their event");
    for types in [["paid"], ["*"]] {
        assert_eq!(numbers(&fixture, &query(&fixture, &types)).await, [3]);
        let of_subject = CandidateQuery { subject: Some("a".to_owned()), ..query(&fixture, &types) };
        assert_eq!(numbers(&fixture, &of_subject).await, [3]);
    }
}

/// Declarations and events of one workspace are nothing to another.
pub async fn inboxes_are_strangers(harness: &dyn Harness) {
    let mut fixture = Fixture::new(harness).await;
    let mut other = Fixture::in_workspace(fixture.store.clone(), "other").await;
    fixture.declare(&["paid"]).await;
    fixture.emit(1, "paid", None).await;
    other.emit(2, "paid", None).await;
    assert!(numbers(&other, &query(&other, &["paid"])).await.is_empty());
    other.declare(&["paid", "*"]).await;
    other.emit(3, "paid", None).await;
    assert_eq!(numbers(&other, &query(&other, &["paid", "*"])).await, [3]);
    assert_eq!(numbers(&fixture, &query(&fixture, &["paid", "*"])).await, [1]);
    let nobody = CandidateQuery { workspace: WorkspaceId(999), ..query(&fixture, &["paid"]) };
    let found = fixture.store.candidates(&nobody).await;
    assert!(matches!(&found, Err(Error::NotFound(_))), "{found:?}");
}
