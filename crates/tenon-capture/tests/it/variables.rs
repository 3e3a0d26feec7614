//! Variables at the moment of use: by kind, newest value, from memory while nothing changes.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use tenon_capture::{StoredVariables, Values, Variables as _};
use tenon_store::{
    DeleteVariable, Error, Expected, PutVariable, Store, Timestamp, VariableKind, WorkspaceId,
};
use tenon_store_sqlite::{Options, SqliteStore};
use tenon_vault_local::LocalVault;

use VariableKind::{Config, Secret};

struct Shelf {
    store: Arc<dyn Store>,
    workspace: WorkspaceId,
    variables: StoredVariables,
    _directory: tempfile::TempDir,
}

// === impl Shelf ===

impl Shelf {
    async fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let vault = LocalVault::from_text(&format!("{}=", "A".repeat(43))).expect("a key of zeros");
        let options = Options::new(directory.path().join("data"), Arc::new(vault));
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(options).expect("a new store"));
        let workspace = store.create_workspace("default").await.expect("a workspace");
        Self { variables: StoredVariables::new(Arc::clone(&store)), store, workspace, _directory: directory }
    }

    async fn put(&self, name: &str, kind: VariableKind, value: Value) {
        let put = PutVariable {
            workspace: self.workspace,
            name: name.to_owned(),
            kind,
            value: Bytes::from(value.to_string()),
            expected: Expected::Any,
            at: Timestamp(1),
            actor: "owner".to_owned(),
        };
        self.store.put_variable(put).await.expect("it is accepted");
    }

    async fn resolve(&self, secrets: &[&str], variables: &[&str]) -> Result<Values, Error> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        self.variables.resolve(self.workspace, &owned(secrets), &owned(variables)).await
    }

    #[track_caller]
    fn check(found: Result<Values, Error>, secrets: &[(&str, u32, Value)], variables: &[(&str, u32, Value)]) {
        let found = found.expect("reads work");
        let shown = |list: &[tenon_capture::Variable]| {
            list.iter()
                .map(|found| (found.name.clone(), found.version, found.value.clone()))
                .collect::<Vec<_>>()
        };
        let expected = |list: &[(&str, u32, Value)]| {
            list.iter()
                .map(|(name, version, value)| ((*name).to_owned(), *version, value.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(&found.secrets), expected(secrets));
        assert_eq!(shown(&found.variables), expected(variables));
    }
}

#[tokio::test]
async fn names_are_resolved_by_kind() {
    let shelf = Shelf::new().await;
    shelf.put("key", Secret, json!("s")).await;
    shelf.put("limit", Config, json!({ "n": 1 })).await;
    let found = shelf.resolve(&["key"], &["limit"]).await;
    Shelf::check(found, &[("key", 1, json!("s"))], &[("limit", 1, json!({ "n": 1 }))]);
    let crossed = shelf.resolve(&["limit"], &["key"]).await;
    Shelf::check(crossed, &[], &[]);
    Shelf::check(shelf.resolve(&["nobody"], &[]).await, &[], &[]);
    let both = shelf.resolve(&["key", "key"], &["key"]).await;
    Shelf::check(both, &[("key", 1, json!("s")), ("key", 1, json!("s"))], &[]);
}

#[tokio::test]
async fn a_new_value_works_at_the_next_use() {
    let shelf = Shelf::new().await;
    for version in 1..=20 {
        shelf.put("key", Secret, json!(version)).await;
        Shelf::check(shelf.resolve(&["key"], &[]).await, &[("key", version, json!(version))], &[]);
    }
    let delete = DeleteVariable {
        workspace: shelf.workspace,
        name: "key".to_owned(),
        expected: Expected::Any,
        at: Timestamp(2),
        actor: "owner".to_owned(),
    };
    shelf.store.delete_variable(delete).await.expect("it is there");
    Shelf::check(shelf.resolve(&["key"], &[]).await, &[], &[]);
    shelf.put("key", Config, json!("back")).await;
    Shelf::check(shelf.resolve(&["key"], &["key"]).await, &[], &[("key", 21, json!("back"))]);
}

/// A store that is closed reads nothing any more: what is still answered came from memory.
#[tokio::test]
async fn while_nothing_changes_nothing_is_read() {
    let shelf = Shelf::new().await;
    shelf.put("key", Secret, json!("s")).await;
    shelf.put("other", Secret, json!("o")).await;
    Shelf::check(shelf.resolve(&["key", "nobody"], &[]).await, &[("key", 1, json!("s"))], &[]);
    shelf.store.close().await;
    Shelf::check(shelf.resolve(&["key", "nobody"], &[]).await, &[("key", 1, json!("s"))], &[]);
    let unread = shelf.resolve(&["key", "other"], &[]).await;
    assert!(matches!(unread, Err(Error::Closed)), "{unread:?}");
}

#[tokio::test]
async fn another_workspace_has_other_variables() {
    let shelf = Shelf::new().await;
    shelf.put("key", Secret, json!("s")).await;
    Shelf::check(shelf.resolve(&["key"], &[]).await, &[("key", 1, json!("s"))], &[]);
    let other = shelf.store.create_workspace("other").await.expect("a workspace");
    let found = shelf.variables.resolve(other, &["key".to_owned()], &[]).await;
    Shelf::check(found, &[], &[]);
}

#[tokio::test]
async fn no_value_shows_in_debug_output() {
    let shelf = Shelf::new().await;
    shelf.put("key", Secret, json!("hunter2")).await;
    let found = shelf.resolve(&["key"], &[]).await.expect("reads work");
    assert!(!format!("{found:?}").contains("hunter2"));
    let stored = shelf.store.variable_values(shelf.workspace, &["key"]).await.expect("reads work");
    assert!(!format!("{stored:?}").contains("hunter2"));
}
