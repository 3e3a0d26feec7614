//! Workflows and triggers: named, versioned, found by key.

use super::Harness;
use super::fixture::{Fixture, moment, put, written};
use crate::{AuditRecord, Change, ChangeResource, Error, Kind, MASK_KEY, PutResource, Saved};

fn change(fixture: &Fixture, name: &str, change: Change) -> ChangeResource {
    ChangeResource {
        workspace: fixture.workspace,
        kind: Kind::Workflow,
        name: name.to_owned(),
        change,
        state: None,
        actor: "owner".to_owned(),
        at: moment(5),
    }
}

async fn names_by_key(fixture: &Fixture, keys: &[&str]) -> Vec<String> {
    let found = fixture.store.resources_by_key(fixture.workspace, Kind::Workflow, keys).await;
    let (found, generation) = found.expect("reads work");
    assert_eq!(generation, fixture.store.generation(fixture.workspace).await.expect("there is one"));
    found.into_iter().map(|resource| resource.name).collect()
}

/// New content is a new revision and a new generation; old revisions stay readable.
pub async fn the_same_content_is_written_once(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let store = &fixture.store;
    let same = store.put_resource(put(fixture.workspace, "acme/sync", "one")).await.expect("it is accepted");
    assert!(matches!(same, Saved::Unchanged(revision) if revision.id == fixture.revision));
    assert_eq!(store.generation(fixture.workspace).await.expect("there is one"), fixture.generation);
    // A newer program may find the same content by other keys.
    let mut other = put(fixture.workspace, "acme/sync", "one");
    other.keys.insert(0, "com.acme.other".to_owned());
    for keys in [other.keys.clone(), vec!["com.acme.other".to_owned()]] {
        let before = store.generation(fixture.workspace).await.expect("there is one");
        other.keys = keys;
        let same = store.put_resource(other.clone()).await.expect("it is accepted");
        assert!(matches!(same, Saved::Unchanged(revision) if revision.id == fixture.revision));
        assert_eq!(names_by_key(&fixture, &["com.acme.other"]).await, ["acme/sync"]);
        let is_found = names_by_key(&fixture, &["com.acme.order"]).await.len() == 1;
        assert_eq!(is_found, other.keys.len() == 2);
        assert!(store.generation(fixture.workspace).await.expect("there is one") > before);
    }
    let second = written(store.put_resource(put(fixture.workspace, "acme/sync", "two")).await);
    assert_eq!((second.resource, second.number), (fixture.workflow, 2));
    assert!(store.generation(fixture.workspace).await.expect("there is one") > fixture.generation);

    let newest = store.resource(fixture.workspace, Kind::Workflow, "acme/sync").await.expect("reads work");
    let newest = newest.expect("it is there");
    assert_eq!((newest.revision.clone(), newest.document.as_str()), (second.clone(), "document: two"));
    assert!(newest.enabled);
    let first = store.revision(fixture.workspace, fixture.revision).await.expect("reads work");
    let first = first.expect("old revisions stay");
    assert_eq!((first.revision.number, first.document.as_str()), (1, "document: one"));
    let revisions = store.revisions(fixture.workspace, fixture.workflow).await.expect("reads work");
    assert_eq!(revisions.iter().map(|one| one.revision.number).collect::<Vec<_>>(), [2, 1]);
    assert!(revisions.iter().all(|one| one.document.is_empty()));
    let trigger = store.resource(fixture.workspace, Kind::Trigger, "acme/sync").await.expect("reads work");
    assert!(trigger.is_none(), "kinds do not share names");
}

/// `If-Match`: lost updates are refused.
pub async fn an_expected_revision_guards(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let guarded = |name: &str, content: &str| PutResource {
        expected: Some(fixture.revision),
        ..put(fixture.workspace, name, content)
    };
    written(fixture.store.put_resource(guarded("acme/sync", "two")).await);
    for (name, content) in [("acme/sync", "three"), ("acme/new", "one")] {
        let refused = fixture.store.put_resource(guarded(name, content)).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    }
    let found = fixture.store.resource(fixture.workspace, Kind::Workflow, "acme/new").await;
    assert!(found.expect("reads work").is_none());
}

/// By any of its keys, once; not while it is disabled or deleted; keys are those of the newest revision.
pub async fn keys_find_enabled_resources(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let store = &fixture.store;
    let mut any = put(fixture.workspace, "acme/any", "any");
    let mask = format!("{MASK_KEY}com.acme.order");
    any.keys = vec!["*".to_owned(), "com.acme.order".to_owned(), mask.clone()];
    written(store.put_resource(any.clone()).await);
    let keys = ["com.acme.order", "*"];
    assert_eq!(names_by_key(&fixture, &keys).await, ["acme/sync", "acme/any"]);
    assert_eq!(names_by_key(&fixture, &["*"]).await, ["acme/any"]);
    assert!(names_by_key(&fixture, &["com.acme"]).await.is_empty());

    store.change_resource(change(&fixture, "acme/sync", Change::Disable)).await.expect("it is disabled");
    assert_eq!(names_by_key(&fixture, &keys).await, ["acme/any"]);
    let disabled = store.resource(fixture.workspace, Kind::Workflow, "acme/sync").await.expect("reads work");
    assert!(!disabled.expect("it is there").enabled);
    written(store.put_resource(put(fixture.workspace, "acme/sync", "two")).await);
    assert_eq!(names_by_key(&fixture, &keys).await, ["acme/any"], "new content does not enable");
    store.change_resource(change(&fixture, "acme/sync", Change::Enable)).await.expect("it is enabled");
    let (found, _) =
        store.resources_by_key(fixture.workspace, Kind::Workflow, &keys).await.expect("reads work");
    assert_eq!(found[0].document, "document: two", "the newest revision, with its document");

    // What masks goes on while jobs may.
    store.change_resource(change(&fixture, "acme/any", Change::Disable)).await.expect("it is disabled");
    assert_eq!(names_by_key(&fixture, &["*", &mask]).await, ["acme/any"]);
    assert!(names_by_key(&fixture, &["*"]).await.is_empty());
    any.keys = vec!["else".to_owned()];
    any.digest = String::from("any 2");
    written(store.put_resource(any).await);
    assert_eq!(names_by_key(&fixture, &keys).await, ["acme/sync"]);
    store.change_resource(change(&fixture, "acme/sync", Change::Delete)).await.expect("it is deleted");
    assert!(names_by_key(&fixture, &keys).await.is_empty());
}

/// A put after a delete is new content, whatever it says, and starts enabled.
pub async fn a_deleted_resource_goes_on_with_its_numbers(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let store = &fixture.store;
    for done in [Change::Disable, Change::Delete] {
        let before = store.generation(fixture.workspace).await.expect("there is one");
        store.change_resource(change(&fixture, "acme/sync", done)).await.expect("it is changed");
        assert!(store.generation(fixture.workspace).await.expect("there is one") > before);
    }
    let gone = store.resource(fixture.workspace, Kind::Workflow, "acme/sync").await.expect("reads work");
    assert!(gone.is_none());
    for what in [Change::Enable, Change::Delete] {
        let refused = store.change_resource(change(&fixture, "acme/sync", what)).await;
        assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
    }
    let pinned = store.revision(fixture.workspace, fixture.revision).await.expect("reads work");
    assert!(pinned.is_some(), "jobs may still need it");
    let back = written(store.put_resource(put(fixture.workspace, "acme/sync", "one")).await);
    assert_eq!((back.resource, back.number), (fixture.workflow, 2));
    assert_eq!(names_by_key(&fixture, &["com.acme.order"]).await, ["acme/sync"]);
}

/// After a name, up to a limit, one kind only, without documents.
pub async fn lists_go_by_name(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    for name in ["b", "d", "a", "c"] {
        written(fixture.store.put_resource(put(fixture.workspace, name, name)).await);
    }
    let mut trigger = put(fixture.workspace, "a", "trigger");
    trigger.kind = Kind::Trigger;
    written(fixture.store.put_resource(trigger).await);
    fixture.store.change_resource(change(&fixture, "c", Change::Delete)).await.expect("it is deleted");
    let list = async |after: &str, limit| {
        let found = fixture.store.resources(fixture.workspace, Kind::Workflow, after, limit).await;
        let found = found.expect("reads work");
        assert!(found.iter().all(|resource| resource.document.is_empty()));
        found.into_iter().map(|resource| resource.name).collect::<Vec<_>>()
    };
    assert_eq!(list("", 100).await, ["a", "acme/sync", "b", "d"]);
    assert_eq!(list("", 2).await, ["a", "acme/sync"]);
    assert_eq!(list("acme/sync", 2).await, ["b", "d"]);
    assert!(list("d", 2).await.is_empty());
}

/// Who did what to what, newest first.
pub async fn every_change_is_audited(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let unchanged = put(fixture.workspace, "acme/sync", "one");
    fixture.store.put_resource(unchanged).await.expect("it is accepted");
    for done in [Change::Disable, Change::Enable, Change::Delete] {
        fixture.store.change_resource(change(&fixture, "acme/sync", done)).await.expect("it is changed");
    }
    let record = AuditRecord {
        workspace: fixture.workspace,
        actor: "ci".to_owned(),
        action: "job.cancel".to_owned(),
        subject: "job_1".to_owned(),
        at: moment(6),
    };
    fixture.store.audit(record.clone()).await.expect("it is recorded");
    let mut records = Vec::new();
    let mut cursor = None;
    loop {
        let page = fixture.store.audit_records(fixture.workspace, cursor, 2).await.expect("reads work");
        records.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let actions: Vec<&str> = records.iter().map(|record| record.action.as_str()).collect();
    assert_eq!(
        actions,
        ["job.cancel", "workflow.delete", "workflow.enable", "workflow.disable", "workflow.put"]
    );
    assert_eq!(records[0], record);
    assert_eq!((records[4].actor.as_str(), records[4].subject.as_str()), ("owner", "acme/sync"));
}
