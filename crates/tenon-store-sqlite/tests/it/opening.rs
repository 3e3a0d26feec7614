//! Who may open a data directory, and with what.

use std::sync::Arc;

use tenon_store::Store as _;
use tenon_store_sqlite::{OpenError, SqliteStore, has_data};

use crate::harness::{Shop, TestVault, options};

#[tokio::test]
async fn a_second_process_is_told_who_has_the_directory() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("data");
    assert!(!has_data(&directory));
    let shop = Shop::open(options(&directory)).await;
    assert!(has_data(&directory));
    let error = SqliteStore::open(options(&directory)).expect_err("it is locked");
    let pid = std::process::id();
    assert!(matches!(error, OpenError::Locked { pid: Some(holder), .. } if holder == pid), "{error}");
    assert!(error.to_string().contains(&format!("process {pid}")), "{error}");
    shop.store.close().await;
    let again = SqliteStore::open(options(&directory)).expect("closing gives the lock back");
    drop(again);
    SqliteStore::open(options(&directory)).expect("dropping gives the lock back");
}

#[tokio::test]
async fn another_master_key_is_named_as_such() {
    let root = tempfile::tempdir().unwrap();
    drop(Shop::open(options(root.path())).await);
    let mut wrong = options(root.path());
    wrong.vault = Arc::new(TestVault(8));
    let error = SqliteStore::open(wrong).expect_err("the key is wrong");
    assert!(matches!(error, OpenError::WrongMasterKey { .. }), "{error}");
    SqliteStore::open(options(root.path())).expect("the right key opens");
}

#[tokio::test]
async fn a_newer_schema_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    drop(Shop::open(options(root.path())).await);
    let database = root.path().join("tenon.db");
    rusqlite::Connection::open(&database).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = SqliteStore::open(options(root.path())).expect_err("it is newer");
    assert!(matches!(error, OpenError::Newer { found: 99, known: 2..99, .. }), "{error}");
}

#[tokio::test]
async fn a_path_that_is_no_directory_is_named() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = SqliteStore::open(options(&file)).expect_err("it is a file");
    assert!(matches!(error, OpenError::Directory { .. }), "{error}");
    assert!(error.to_string().contains("--data"), "{error}");
}

#[test]
fn what_the_design_asks_of_sqlite_holds() {
    assert!(rusqlite::version_number() >= 3_051_003, "older versions can corrupt a log");
    let root = tempfile::tempdir().unwrap();
    drop(SqliteStore::open(options(root.path())).unwrap());
    let connection = rusqlite::Connection::open(root.path().join("tenon.db")).unwrap();
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    let lax: Vec<String> = connection
        .prepare("SELECT name FROM pragma_table_list WHERE strict = 0 AND schema = 'main' AND name NOT LIKE 'sqlite%'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert!(lax.is_empty(), "every table is STRICT: {lax:?}");
}
