//! Variables: versions, guards, pages, values for the moment of use.

use bytes::Bytes;
use futures_util::future::join_all;

use super::Harness;
use super::fixture::{Fixture, json, moment};
use crate::{
    DeleteVariable, Error, Expected, MAX_VARIABLE_BYTES, MAX_VARIABLES, PutVariable, SavedVariable,
    VariableKind, WorkspaceId,
};

fn config(fixture: &Fixture, name: &str, value: &str) -> PutVariable {
    PutVariable {
        workspace: fixture.workspace,
        name: name.to_owned(),
        kind: VariableKind::Config,
        value: json(value),
        expected: Expected::Any,
        at: moment(5),
        actor: "owner".to_owned(),
    }
}

fn secret(fixture: &Fixture, name: &str, value: &str) -> PutVariable {
    PutVariable { kind: VariableKind::Secret, ..config(fixture, name, value) }
}

async fn put(fixture: &Fixture, put: PutVariable) -> SavedVariable {
    fixture.store.put_variable(put).await.expect("it is accepted")
}

/// The version that was written.
async fn written(fixture: &Fixture, variable: PutVariable) -> u32 {
    match put(fixture, variable).await {
        SavedVariable::Written(variable) => variable.version,
        other => panic!("expected a new version, got {other:?}"),
    }
}

async fn delete(fixture: &Fixture, name: &str, expected: Expected) -> Result<(), Error> {
    let delete = DeleteVariable {
        workspace: fixture.workspace,
        name: name.to_owned(),
        expected,
        at: moment(6),
        actor: "owner".to_owned(),
    };
    fixture.store.delete_variable(delete).await
}

/// Name, version and value of those that there are, sorted.
async fn values(fixture: &Fixture, workspace: WorkspaceId, names: &[&str]) -> Vec<(String, u32, Bytes)> {
    let found = fixture.store.variable_values(workspace, names).await.expect("reads work");
    let mut found: Vec<_> =
        found.into_iter().map(|found| (found.variable.name, found.variable.version, found.value)).collect();
    found.sort();
    found
}

async fn generation(fixture: &Fixture) -> u64 {
    fixture.store.variable_generation(fixture.workspace).await.expect("there is one")
}

/// A version is a value; the generation tells that there is a new one.
pub async fn a_new_value_is_a_new_version(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let before = generation(&fixture).await;
    assert_eq!(written(&fixture, secret(&fixture, "api-key", "\"one\"")).await, 1);
    let first = generation(&fixture).await;
    assert!(first > before);
    let same = put(&fixture, secret(&fixture, "api-key", "\"one\"")).await;
    assert!(matches!(&same, SavedVariable::Unchanged(variable) if variable.version == 1), "{same:?}");
    assert_eq!(generation(&fixture).await, first, "nothing changed");
    assert_eq!(written(&fixture, secret(&fixture, "api-key", "\"two\"")).await, 2);
    assert!(generation(&fixture).await > first);
    let found = values(&fixture, fixture.workspace, &["api-key", "nothing"]).await;
    assert_eq!(found, [("api-key".to_owned(), 2, json("\"two\""))]);
    let resources = fixture.store.generation(fixture.workspace).await.expect("there is one");
    assert_eq!(resources, fixture.generation, "captures need not look again");
}

/// Nobody reads a secret because it was made a config variable.
pub async fn a_variable_keeps_its_kind(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    written(&fixture, secret(&fixture, "x", "1")).await;
    for value in ["1", "2"] {
        let refused = put(&fixture, config(&fixture, "x", value)).await;
        let SavedVariable::OtherKind(variable) = refused else { panic!("accepted: {refused:?}") };
        assert_eq!((variable.kind, variable.version), (VariableKind::Secret, 1));
    }
    delete(&fixture, "x", Expected::Any).await.expect("it is deleted");
    assert_eq!(written(&fixture, config(&fixture, "x", "2")).await, 2, "a new one may be of another kind");
}

/// `If-Match` and `If-None-Match`: lost updates are refused.
pub async fn what_is_expected_guards(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let guarded = |value: &str, expected| PutVariable { expected, ..config(&fixture, "x", value) };
    let refused = async |put: PutVariable| {
        let refused = fixture.store.put_variable(put).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    };
    refused(guarded("1", Expected::Version(1))).await;
    assert_eq!(written(&fixture, guarded("1", Expected::Absent)).await, 1);
    refused(guarded("2", Expected::Absent)).await;
    refused(guarded("1", Expected::Version(2))).await;
    assert_eq!(written(&fixture, guarded("2", Expected::Version(1))).await, 2);
    for expected in [Expected::Version(1), Expected::Absent] {
        let refused = delete(&fixture, "x", expected).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    }
    delete(&fixture, "x", Expected::Version(2)).await.expect("it is deleted");
    refused(guarded("2", Expected::Version(2))).await;
    assert_eq!(written(&fixture, guarded("2", Expected::Absent)).await, 3);
}

/// A version means one value, also after a delete.
pub async fn versions_go_on_after_a_delete(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    written(&fixture, config(&fixture, "x", "1")).await;
    let before = generation(&fixture).await;
    delete(&fixture, "x", Expected::Any).await.expect("it is deleted");
    assert!(generation(&fixture).await > before);
    let again = delete(&fixture, "x", Expected::Any).await;
    assert!(matches!(again, Err(Error::NotFound(_))), "{again:?}");
    assert!(values(&fixture, fixture.workspace, &["x"]).await.is_empty());
    assert!(fixture.store.variables_named(fixture.workspace, &["x"]).await.expect("reads work").is_empty());
    assert!(fixture.store.variables(fixture.workspace, "", 10).await.expect("reads work").is_empty());
    assert_eq!(written(&fixture, config(&fixture, "x", "1")).await, 2, "also with the value it had");
    fixture.store.close().await;
    let fixture = Fixture { store: harness.open().await, ..fixture };
    assert_eq!(values(&fixture, fixture.workspace, &["x"]).await, [("x".to_owned(), 2, json("1"))]);
    assert_eq!(written(&fixture, config(&fixture, "x", "3")).await, 3);
}

/// After a name, up to a limit, with kinds and versions.
pub async fn variables_are_listed_by_name(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    for name in ["b", "d", "a", "c"] {
        written(&fixture, config(&fixture, name, "1")).await;
    }
    written(&fixture, secret(&fixture, "B", "1")).await;
    delete(&fixture, "c", Expected::Any).await.expect("it is deleted");
    let list = async |after: &str, limit| {
        let found = fixture.store.variables(fixture.workspace, after, limit).await.expect("reads work");
        found.into_iter().map(|variable| variable.name).collect::<Vec<_>>()
    };
    assert_eq!(list("", 100).await, ["B", "a", "b", "d"]);
    assert_eq!(list("", 2).await, ["B", "a"]);
    assert_eq!(list("a", 2).await, ["b", "d"]);
    assert!(list("d", 2).await.is_empty());
    let named = fixture.store.variables_named(fixture.workspace, &["B", "c", "b"]).await.expect("reads work");
    let mut kinds: Vec<_> = named.into_iter().map(|variable| (variable.name, variable.kind)).collect();
    kinds.sort_by(|left, right| left.0.cmp(&right.0));
    assert_eq!(kinds, [("B".to_owned(), VariableKind::Secret), ("b".to_owned(), VariableKind::Config)]);
}

/// Nothing of one workspace is found, changed or guessed through another.
pub async fn variables_of_workspaces_are_strangers(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let other = Fixture::in_workspace(fixture.store.clone(), "other").await;
    written(&fixture, secret(&fixture, "x", "1")).await;
    let before = generation(&other).await;
    assert!(values(&other, other.workspace, &["x"]).await.is_empty());
    let gone = delete(&other, "x", Expected::Any).await;
    assert!(matches!(gone, Err(Error::NotFound(_))), "{gone:?}");
    assert_eq!(generation(&other).await, before);
    assert_eq!(written(&other, config(&other, "x", "2")).await, 1, "kind and version are its own");
    assert_eq!(values(&fixture, fixture.workspace, &["x"]).await, [("x".to_owned(), 1, json("1"))]);
    let nobody = WorkspaceId(999);
    let found = fixture.store.variable_values(nobody, &["x"]).await;
    assert!(matches!(found, Err(Error::NotFound(_))), "{found:?}");
    let refused = fixture.store.put_variable(PutVariable { workspace: nobody, ..config(&fixture, "x", "1") });
    assert!(matches!(refused.await, Err(Error::NotFound(_))));
}

/// The largest value comes back whole.
pub async fn a_large_value_comes_back_whole(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let large = format!("\"{}\"", "x".repeat(MAX_VARIABLE_BYTES - 2));
    for version in 1..=3 {
        let small = format!("\"{version}\"");
        for value in [&large, &small] {
            written(&fixture, config(&fixture, "x", value)).await;
            let found = values(&fixture, fixture.workspace, &["x"]).await;
            assert!(found[0].2 == *value, "version {}", found[0].1);
        }
    }
}

/// A workspace has a bounded number; deleted ones make room.
pub async fn there_are_only_so_many(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let name = |n: u32| format!("v{n}");
    for start in (0..MAX_VARIABLES).step_by(1000) {
        let puts = (start..start + 1000).map(|n| put(&fixture, config(&fixture, &name(n), "1")));
        let saved = join_all(puts).await;
        assert!(saved.iter().all(|saved| matches!(saved, SavedVariable::Written(_))));
    }
    let refused = put(&fixture, config(&fixture, "more", "1")).await;
    assert_eq!(refused, SavedVariable::TooMany);
    assert_eq!(written(&fixture, config(&fixture, &name(7), "2")).await, 2, "one that is there may change");
    delete(&fixture, &name(7), Expected::Any).await.expect("it is deleted");
    assert_eq!(written(&fixture, config(&fixture, "more", "1")).await, 1);
    let other = Fixture::in_workspace(fixture.store.clone(), "other").await;
    assert_eq!(written(&other, config(&other, "x", "1")).await, 1, "others have their own room");
}

/// Who did what; never the value.
pub async fn every_change_of_a_variable_is_audited(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    for value in ["\"one\"", "\"one\"", "\"two\""] {
        put(&fixture, secret(&fixture, "api-key", value)).await;
    }
    put(&fixture, config(&fixture, "api-key", "3")).await;
    delete(&fixture, "api-key", Expected::Any).await.expect("it is deleted");
    let records = fixture.store.audit_records(fixture.workspace, None, 3).await.expect("reads work").items;
    let actions: Vec<_> =
        records.iter().map(|record| (record.action.as_str(), record.subject.as_str())).collect();
    let (put, deleted) = (("variable.put", "api-key"), ("variable.delete", "api-key"));
    assert_eq!(actions, [deleted, put, put], "an unchanged or refused put leaves no record");
    assert!(records.iter().all(|record| record.actor == "owner"));
    assert!(!format!("{records:?}").contains("two"));
}
