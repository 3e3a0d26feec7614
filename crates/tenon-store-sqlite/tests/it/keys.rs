//! Changing the master key and data keys while the store runs, and crashing meanwhile.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tenon_crash_vfs::{Disk, Kept, Operation, Recorder, Syncs};
use tenon_store::{
    Captured, Error, EventId, Expected, PutVariable, SavedVariable, Store as _, Timestamp, VariableKind,
};
use tenon_store_sqlite::{OpenError, Options, SqliteStore};
use tenon_vault::{By, DataKeys as _, KeyRole, Sealer, Vault as _};

use crate::harness::{Shop, TestVault, copy_as_killed, options};

/// Long after the orders of [`Shop`].
const LATER: Timestamp = Timestamp(1_800_000_000_000_000);

fn by() -> By {
    By { actor: "owner".to_owned(), at: LATER }
}

fn with_vault(directory: &Path, number: u8) -> Options {
    Options { vault: Arc::new(TestVault(number)), ..options(directory) }
}

fn secret(shop: &Shop, name: &str, value: &str) -> PutVariable {
    PutVariable {
        workspace: shop.workspace,
        name: name.to_owned(),
        kind: VariableKind::Secret,
        value: Bytes::from(format!("\"{value}\"")),
        expected: Expected::Any,
        at: Timestamp(1),
        actor: "owner".to_owned(),
    }
}

async fn put(shop: &Shop, name: &str, value: &str) {
    let saved = shop.store.put_variable(secret(shop, name, value)).await.unwrap();
    assert!(matches!(saved, SavedVariable::Written(_)), "{saved:?}");
}

async fn value(shop: &Shop, name: &str) -> Bytes {
    let found = shop.store.variable_values(shop.workspace, &[name]).await.unwrap();
    found.into_iter().next().unwrap().value
}

async fn change_master_key(shop: &Shop, number: u8) -> Result<u64, Error> {
    let file = Some(format!("/keys/{number}"));
    shop.store.change_master_key(Arc::new(TestVault(number)), file, by()).await
}

/// What the rows say which key sealed them, read behind the store's back.
fn keys_of(directory: &Path, column: &str, table: &str) -> Vec<u32> {
    let connection = rusqlite::Connection::open(directory.join("tenon.db")).unwrap();
    let mut statement = connection
        .prepare(&format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY id"))
        .unwrap();
    let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
    rows.map(|sealed| Sealer::key_of(&sealed.unwrap()).unwrap()).collect()
}

#[tokio::test]
async fn a_new_master_key_opens_the_data_and_the_old_one_does_not() {
    let root = tempfile::tempdir().unwrap();
    let shop = Shop::open(options(root.path())).await;
    shop.store.create_workspace("other").await.unwrap();
    put(&shop, "key", "value").await;
    shop.store.capture(shop.order(1, "before")).await.unwrap();
    assert_eq!(shop.store.master_key().await.unwrap().id, "test-7");
    assert_eq!(change_master_key(&shop, 8).await.unwrap(), 2, "one data key of each workspace");

    let master = shop.store.master_key().await.unwrap();
    assert_eq!((master.id.as_str(), master.since), ("test-8", Some(LATER)));
    assert_eq!(master.file.as_deref(), Some("/keys/8"));
    shop.store.capture(shop.order(2, "after")).await.unwrap();
    shop.store.create_workspace("later").await.unwrap();
    let again = change_master_key(&shop, 8).await;
    assert!(matches!(&again, Err(Error::Conflict(why)) if why.contains("test-8")), "{again:?}");
    shop.store.close().await;

    let error = SqliteStore::open(options(root.path())).expect_err("it needs the new one");
    let text = error.to_string();
    assert!(matches!(error, OpenError::WrongMasterKey { .. }), "{text}");
    for part in ["test-7", "needs test-8", "/keys/8"] {
        assert!(text.contains(part), "{text}");
    }
    let shop = Shop::open(with_vault(root.path(), 8)).await;
    assert!(shop.has(1).await && shop.has(2).await);
    assert_eq!(value(&shop, "key").await, "\"value\"");
    assert!(shop.store.workspace("later").await.unwrap().is_some());
    let audit = shop.store.audit_records(shop.workspace, None, 1).await.unwrap();
    assert_eq!(
        (audit.items[0].action.as_str(), audit.items[0].subject.as_str()),
        ("vault.rotate-master", "test-8")
    );
}

#[tokio::test]
async fn a_new_data_key_seals_and_the_old_ones_open() {
    let root = tempfile::tempdir().unwrap();
    let shop = Shop::open(options(root.path())).await;
    put(&shop, "a", "one").await;
    put(&shop, "b", "two").await;
    shop.store.capture(shop.order(1, "first")).await.unwrap();
    assert_eq!(shop.store.add_data_key(shop.workspace, by()).await.unwrap(), 2);
    shop.store.capture(shop.order(2, "second")).await.unwrap();
    put(&shop, "c", "three").await;
    assert_eq!(shop.store.add_data_key(shop.workspace, by()).await.unwrap(), 3);
    shop.store.capture(shop.order(3, "third")).await.unwrap();

    let keys = shop.store.data_keys(shop.workspace).await.unwrap();
    let shown: Vec<_> = keys.iter().map(|key| (key.number, key.made_at, key.variables)).collect();
    assert_eq!(shown, [(1, None, 0), (2, Some(LATER), 0), (3, Some(LATER), 3)]);
    let roles: Vec<_> = keys.iter().map(|key| key.role).collect();
    assert_eq!(roles, [KeyRole::Payloads, KeyRole::Payloads, KeyRole::Newest]);
    shop.store.close().await;
    assert_eq!(keys_of(root.path(), "envelope", "event"), [1, 2, 3]);
    assert_eq!(keys_of(root.path(), "value", "variable"), [3, 3, 3], "sealed anew at once");

    let shop = Shop::open(options(root.path())).await;
    for n in 1..=3 {
        assert!(shop.has(n).await);
    }
    for (name, expected) in [("a", "\"one\""), ("b", "\"two\""), ("c", "\"three\"")] {
        assert_eq!(value(&shop, name).await, expected);
    }
    shop.store.prune(Timestamp(i64::MAX), 100).await.unwrap();
    let other = shop.store.create_workspace("other").await.unwrap();
    assert_eq!(shop.store.data_keys(other).await.unwrap().len(), 1, "each workspace has its own");
}

#[tokio::test]
async fn no_value_is_readable_in_the_files() {
    let root = tempfile::tempdir().unwrap();
    let shop = Shop::open(options(root.path())).await;
    let secret = "s3cret-value";
    put(&shop, "small", secret).await;
    put(&shop, "large", &secret.repeat(5_000)).await;
    shop.store
        .put_variable(PutVariable { kind: VariableKind::Config, ..self::secret(&shop, "config", secret) })
        .await
        .unwrap();
    shop.store.add_data_key(shop.workspace, by()).await.unwrap();
    let readable = || {
        std::fs::read_dir(root.path()).unwrap().any(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
        })
    };
    assert!(!readable(), "in the log");
    shop.store.close().await;
    assert!(!readable(), "in the database");
}

#[tokio::test]
async fn a_key_is_idle_when_retention_has_removed_what_it_sealed() {
    let root = tempfile::tempdir().unwrap();
    let shop = Shop::open(options(root.path())).await;
    let mut order = shop.order(1, "first");
    order.jobs = Vec::new();
    shop.store.capture(order).await.unwrap();
    shop.store.add_data_key(shop.workspace, by()).await.unwrap();
    let role = async || shop.store.data_keys(shop.workspace).await.unwrap()[0].role;
    assert_eq!(role().await, KeyRole::Payloads);
    let mut later = shop.order(2, "second");
    later.jobs = Vec::new();
    later.event.captured_at = LATER.after(std::time::Duration::from_hours(1));
    later.event.expires = Timestamp(i64::MAX);
    shop.store.capture(later).await.unwrap();
    assert_eq!(shop.store.prune(LATER, 100).await.unwrap(), 1);
    assert_eq!(role().await, KeyRole::Idle);
}

#[tokio::test]
async fn a_repeat_is_a_repeat_also_under_a_new_data_key() {
    let root = tempfile::tempdir().unwrap();
    let shop = Shop::open(options(root.path())).await;
    let marked = || {
        let mut order = shop.order(1, "first");
        let expires = Timestamp(i64::MAX);
        order.mark = Some(tenon_store::DedupMark { scope: "s".to_owned(), key: "k".to_owned(), expires });
        order
    };
    shop.store.capture(marked()).await.unwrap();
    shop.store.add_data_key(shop.workspace, by()).await.unwrap();
    let repeat = shop.store.capture(marked()).await.unwrap();
    assert!(matches!(repeat, Captured::Duplicate(_)), "{repeat:?}");
}

/// Captures, variables, new workspaces and both rotations, all at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_goes_on_while_keys_change() {
    const ORDERS: u64 = 400;
    let root = tempfile::tempdir().unwrap();
    let shop = Arc::new(Shop::open(options(root.path())).await);
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..4 {
        let shop = Arc::clone(&shop);
        tasks.spawn(async move {
            for n in (1..=ORDERS).filter(|n| n % 4 == worker) {
                shop.store.capture(shop.order(n, &format!("order {n}"))).await.unwrap();
                let read = shop.store.event(shop.workspace, EventId(n)).await.unwrap().unwrap();
                assert_eq!(read.envelope.unwrap(), format!("\"order {n}\""));
            }
        });
    }
    let other = Arc::clone(&shop);
    tasks.spawn(async move {
        for n in 0..50 {
            put(&other, "key", &format!("value {n}")).await;
            assert_eq!(value(&other, "key").await, format!("\"value {n}\""));
            other.store.create_workspace(&format!("workspace {n}")).await.unwrap();
        }
    });
    for rotating in 0..2 {
        let shop = Arc::clone(&shop);
        tasks.spawn(async move {
            for n in 0..10 {
                shop.store.add_data_key(shop.workspace, by()).await.unwrap();
                change_master_key(&shop, 100 + 10 * rotating + n).await.unwrap();
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    let master = shop.store.master_key().await.unwrap();
    shop.store.close().await;
    drop(shop);
    let number: u8 = master.id.strip_prefix("test-").unwrap().parse().unwrap();
    let shop = Shop::open(with_vault(root.path(), number)).await;
    for n in 1..=ORDERS {
        assert!(shop.has(n).await, "order {n}");
    }
    assert_eq!(value(&shop, "key").await, "\"value 49\"");
    assert_eq!(shop.store.data_keys(shop.workspace).await.unwrap().len(), 21);
}

/// A crash between the new data key and its last variable: the next start goes on. One that is damaged stays behind.
#[tokio::test]
async fn sealing_anew_goes_on_after_a_crash() {
    let root = tempfile::tempdir().unwrap();
    let (before, after) = (root.path().join("before"), root.path().join("after"));
    let shop = Shop::open(options(&before)).await;
    for n in 0..200 {
        put(&shop, &format!("v{n}"), &format!("value {n}")).await;
    }
    put(&shop, "large", &"x".repeat(65_000)).await;
    copy_as_killed(&before, &after);
    shop.store.close().await;
    let connection = rusqlite::Connection::open(after.join("tenon.db")).unwrap();
    let wrapped = TestVault(7).wrap(&[5; 32]).unwrap();
    connection.execute("INSERT INTO data_key VALUES (?1, 2, 5, ?2)", (shop.workspace.0, wrapped)).unwrap();
    let damage =
        "UPDATE variable SET value = (SELECT value FROM variable WHERE name = 'v1') WHERE name = 'v0'";
    connection.execute(damage, []).unwrap();
    drop(connection);

    let shop = Shop::open(options(&after)).await;
    let keys = shop.store.data_keys(shop.workspace).await.unwrap();
    assert_eq!((keys[0].variables, keys[1].variables), (1, 200));
    let damaged = shop.store.variable_values(shop.workspace, &["v0"]).await;
    assert!(matches!(damaged, Err(Error::Damaged(_))), "a value moved to another name does not open");
    for n in 1..200 {
        assert_eq!(value(&shop, &format!("v{n}")).await, format!("\"value {n}\""));
    }
    assert_eq!(value(&shop, "large").await.len(), 65_002);
}

/// At every crash point of a change, exactly one of the two keys opens the data, and the other one's refusal says
/// which is needed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_while_the_master_key_changes_leaves_one_that_opens() {
    let root = tempfile::tempdir().unwrap();
    let recorder = Recorder::register("change-master-key", Syncs::Honoured);
    let recorded =
        Options { vfs: Some("change-master-key".to_owned()), ..options(&root.path().join("data")) };
    let shop = Shop::open(recorded).await;
    put(&shop, "key", "value").await;
    for n in 0..20 {
        shop.store.create_workspace(&format!("workspace {n}")).await.unwrap();
    }
    recorder.mark(0);
    change_master_key(&shop, 8).await.unwrap();
    recorder.mark(1);
    shop.store.add_data_key(shop.workspace, by()).await.unwrap();
    recorder.mark(2);
    shop.store.close().await;

    let mut disk = Disk::default();
    let mut done = None;
    let (mut old, mut new) = (0, 0);
    for (index, operation) in recorder.operations().iter().enumerate() {
        disk.apply(operation);
        if let Operation::Mark(number) = operation {
            done = Some(*number);
        }
        let Some(done) = done else { continue };
        for kept in [Kept::Nothing, Kept::AnyPart(index as u64), Kept::Everything] {
            let image = tempfile::tempdir().unwrap();
            disk.image(kept).write_to(image.path()).unwrap();
            if which_opens(image.path()).await == 8 {
                new += 1;
            } else {
                assert_eq!(done, 0, "an answered change is undone at {index}");
                old += 1;
            }
        }
    }
    assert!(old > 0 && new > 0, "{old} images opened with the old key, {new} with the new one");
}

/// Opens an image with both keys; the one that does must read everything.
async fn which_opens(image: &Path) -> u8 {
    let mut opened = None;
    for number in [7, 8] {
        match SqliteStore::open(with_vault(image, number)) {
            Ok(store) => {
                let workspace = store.workspace("default").await.unwrap().unwrap();
                let shop = Shop { store, workspace };
                assert_eq!(value(&shop, "key").await, "\"value\"");
                shop.store.create_workspace("new").await.unwrap();
                shop.store.close().await;
                assert_eq!(opened.replace(number), None, "both keys open it");
            }
            Err(error) => {
                assert!(matches!(error, OpenError::WrongMasterKey { .. }), "{error}");
                let other = if number == 7 { "needs test-8" } else { "needs test-7" };
                assert!(error.to_string().contains(other), "{error}");
            }
        }
    }
    opened.expect("one of them opens it")
}
