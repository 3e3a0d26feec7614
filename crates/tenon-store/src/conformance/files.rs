//! Files that documents refer to.

use super::Harness;
use super::fixture::{Fixture, put, written};
use crate::{Kind, PinnedFile, Resource};

fn file(uri: &str, content: &str) -> PinnedFile {
    PinnedFile { uri: uri.to_owned(), content: Ok(content.to_owned()) }
}

/// With the newest one, by id and by key; not in lists; the same content in many revisions and workspaces.
pub async fn files_come_with_their_revision(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let other = Fixture::in_workspace(fixture.store.clone(), "other").await;
    let store = &fixture.store;
    let large = "x".repeat(3_000_000);
    let first = [file("https://a.example/openapi.json", &large), file("https://a.example/b.proto", "")];
    let second =
        [file("https://a.example/openapi.json", "changed"), file("https://a.example/c.proto", &large)];
    let mut revisions = Vec::new();
    for (content, files) in [("two", &first), ("three", &second)] {
        let mut put = put(fixture.workspace, "acme/sync", content);
        put.files = files.to_vec();
        revisions.push(written(store.put_resource(put).await));
    }
    let mut theirs = put(other.workspace, "acme/sync", "two");
    theirs.files = first.to_vec();
    let theirs = written(store.put_resource(theirs).await);

    let find = async |revision| store.revision(fixture.workspace, revision).await.expect("reads work");
    let files = |found: Option<Resource>| found.expect("it is there").files;
    assert!(files(find(fixture.revision).await).is_empty());
    assert_eq!(files(find(revisions[0].id).await), first);
    assert_eq!(files(find(revisions[1].id).await), second);
    let newest = store.resource(fixture.workspace, Kind::Workflow, "acme/sync").await.expect("reads work");
    assert_eq!(files(newest), second);
    let found = store.resources_by_key(fixture.workspace, Kind::Workflow, &["com.acme.order"]).await;
    assert_eq!(found.expect("reads work").0[0].files, second);
    let found = store.revision(other.workspace, theirs.id).await.expect("reads work");
    assert_eq!(files(found), first);
    assert!(store.revision(other.workspace, revisions[0].id).await.expect("reads work").is_none());

    let all = store.revisions(fixture.workspace, fixture.workflow).await.expect("reads work");
    let listed = store.resources(fixture.workspace, Kind::Workflow, "", 10).await.expect("reads work");
    assert!(all.iter().chain(&listed).all(|one| one.files.is_empty()), "lists are short");
}

/// As they were given, each with its text or with why there is none.
pub async fn files_are_ordered_and_may_have_failed(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let given = [
        file("https://z.example/z", "same"),
        PinnedFile { uri: "https://a.example/gone".to_owned(), content: Err("answered 404".to_owned()) },
        file("https://a.example/a", "same"),
        file("https://z.example/z", "again"),
    ];
    let mut put = put(fixture.workspace, "acme/sync", "two");
    put.files = given.to_vec();
    let revision = written(fixture.store.put_resource(put).await);
    fixture.store.close().await;
    let store = harness.open().await;
    let found = store.revision(fixture.workspace, revision.id).await.expect("reads work");
    assert_eq!(found.expect("it is there").files, given);
}
