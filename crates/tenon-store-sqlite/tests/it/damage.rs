//! Damaged files: refused at start with a line that says what to do; damage found later stops the store.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tenon_store::{Error, Shard, Store as _};
use tenon_store_sqlite::{OpenError, SqliteStore};

use crate::harness::{Shop, copy_as_killed, options};

async fn fill(directory: &Path) {
    let shop = Shop::open(options(directory)).await;
    for n in 1..=200 {
        shop.store.capture(shop.order(n, &"x".repeat(1000))).await.unwrap();
    }
    shop.store.close().await;
}

fn expect_damaged(directory: &Path, why: &str) {
    let error = SqliteStore::open(options(directory)).expect_err(why);
    assert!(matches!(error, OpenError::Damaged { .. }), "{why}: {error}");
    let text = error.to_string();
    assert!(text.contains("restore a backup") && text.contains(".recover"), "{text}");
    assert!(!text.contains('\n'), "one line: {text}");
}

#[tokio::test]
async fn a_damaged_database_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let whole = root.path().join("whole");
    fill(&whole).await;
    let good = fs::read(whole.join("tenon.db")).unwrap();
    assert!(good.len() > 50 * 4096);
    let mut broken_header = good.clone();
    broken_header[..16].fill(b'x');
    let mut broken_schema = good.clone();
    broken_schema[100..4096].fill(0xff);
    let mut broken_middle = good.clone();
    let middle = good.len() / 2 / 4096 * 4096;
    broken_middle[middle..middle + 8192].fill(0);
    let cases = [
        ("not a database", b"hello, this is a text file that somebody put here".repeat(100)),
        ("the header", broken_header),
        ("the schema", broken_schema),
        ("pages in the middle", broken_middle),
        ("half of it is gone", good[..middle].to_vec()),
    ];
    for (why, bytes) in cases {
        let directory = root.path().join("damaged");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("tenon.db"), &bytes).unwrap();
        expect_damaged(&directory, why);
        assert!(fs::read(directory.join("tenon.db")).unwrap() == bytes, "{why}: left as it was");
        fs::remove_dir_all(&directory).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_damaged_in_the_middle_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let running = root.path().join("running");
    let shop = Shop::open(options(&running)).await;
    for n in 1..=10 {
        shop.store.capture(shop.order(n, "payload")).await.unwrap();
    }
    let log = fs::read(running.join("tenon.db-wal")).unwrap();
    // Salt of the header, page number, salt and content of the first frame.
    for position in [20, 32 + 2, 32 + 9, 32 + 500] {
        let directory = root.path().join(format!("damaged-{position}"));
        copy_as_killed(&running, &directory);
        let mut broken = log.clone();
        broken[position] ^= 0x10;
        fs::write(directory.join("tenon.db-wal"), broken).unwrap();
        expect_damaged(&directory, &format!("byte {position} of the log"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_found_while_running_stops_the_store() {
    let root = tempfile::tempdir().unwrap();
    let shop = Shop::open(options(root.path())).await;
    for n in 1..=6 {
        shop.store.capture(shop.order(n, &"x".repeat(2_000_000))).await.unwrap();
    }
    shop.store.close().await;
    // Too large to be read in full at start, and the damage is in an index.
    let database = root.path().join("tenon.db");
    let page: u32 = rusqlite::Connection::open(&database)
        .unwrap()
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'job_open'", [], |row| row.get(0))
        .unwrap();
    let page = page as usize;
    let mut bytes = fs::read(&database).unwrap();
    bytes[(page - 1) * 4096..page * 4096].fill(0xff);
    fs::write(&database, bytes).unwrap();

    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let sink = Arc::clone(&told);
    let mut options = options(root.path());
    options.hooks.fatal = Arc::new(move |message| sink.lock().unwrap().push(message.to_owned()));
    let shop = Shop::open(options).await;
    let refused = shop.store.capture(shop.order(7, "x")).await;
    assert!(matches!(refused, Err(Error::Closed)), "{refused:?}");
    let told = told.lock().unwrap().clone();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("tenon.db") && told[0].contains("malformed"), "{}", told[0]);
    let refused = shop.store.acquire(Shard(0)).await;
    assert!(matches!(refused, Err(Error::Closed)), "nothing is tried again: {refused:?}");
}
