//! What keeps files small and reads short.

use std::sync::Arc;

use tenon_store::{EventWait, JobFilter, JobId, JobState, Shard, Store as _, Timestamp, Transition, Waits};

use crate::harness::{Shop, options};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_bounded_under_load_and_empty_after_closing() {
    let root = tempfile::tempdir().unwrap();
    let log = root.path().join("tenon.db-wal");
    let shop = Arc::new(Shop::open(options(root.path())).await);
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..8 {
        let shop = Arc::clone(&shop);
        tasks.spawn(async move {
            for n in 0..150 {
                shop.store.capture(shop.order(1 + task * 1000 + n, &"x".repeat(50_000))).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    let bytes = std::fs::metadata(&log).unwrap().len();
    assert!(bytes < 48 << 20, "60 MB were written, the log has {bytes} bytes");
    shop.store.close().await;
    assert_eq!(std::fs::metadata(&log).map_or(0, |log| log.len()), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retention_leaves_no_rows() {
    let root = tempfile::tempdir().unwrap();
    let shop = Shop::open(options(root.path())).await;
    let fence = shop.store.acquire(Shard(0)).await.unwrap();
    shop.store.put_resource(shop.listener(&["com.acme.order", "*"])).await.unwrap();
    for n in 1..=600 {
        let payload = "x".repeat(if n % 100 == 0 { 100_000 } else { 10 });
        let mut capture = shop.order(n, &payload);
        capture.generation = 2;
        capture.event.subject = Some(n.to_string());
        shop.store.capture(capture).await.unwrap();
        let mut park = shop.outcome(fence, n, "");
        park.entries.clear();
        let events = EventWait { types: vec!["*".to_owned()], subject: None, after: u64::MAX };
        let waits = Waits { events: Some(events), children: vec![JobId(n)] };
        park.transition = Transition::Waiting { wake_at: Timestamp::NEVER, waits };
        shop.store.write(park).await.unwrap();
        let mut write = shop.outcome(fence, n, &payload);
        write.transition = Transition::Cancelled { expires: Timestamp(5).into() };
        shop.store.write(write).await.unwrap();
    }
    let end = Timestamp(i64::MAX);
    assert_eq!(shop.store.prune(end, 10_000).await.unwrap(), 1200);
    shop.store.close().await;
    let connection = rusqlite::Connection::open(root.path().join("tenon.db")).unwrap();
    for table in ["event", "job", "journal", "body", "mark", "expiry", "inbox", "waiter"] {
        let rows: i64 =
            connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0, "{table}");
    }
}

/// Rows of pending jobs that cost more than one page may.
const JOBS: u64 = 45_000;

/// A filter that matches little reads a bounded piece per page, and the cursor leads on to all of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rare_match_is_found_by_following_cursors() {
    let root = tempfile::tempdir().unwrap();
    let shop = Arc::new(Shop::open(options(root.path())).await);
    let fence = shop.store.acquire(Shard(0)).await.unwrap();
    let mut capture = shop.order(1, "x");
    let job = capture.jobs[0].clone();
    for chunk in 0..JOBS / 1000 {
        capture.event.id = tenon_store::EventId(chunk + 1);
        let ids = chunk * 1000 + 1..=(chunk + 1) * 1000;
        capture.jobs =
            ids.map(|id| tenon_store::NewJob { id: tenon_store::JobId(id), ..job.clone() }).collect();
        shop.store.capture(capture.clone()).await.unwrap();
    }
    let mut write = shop.outcome(fence, 1, "x");
    write.transition = Transition::Completed { output: "1".into(), expires: Timestamp(5).into() };
    shop.store.write(write).await.unwrap();
    let filter = JobFilter { states: vec![JobState::Completed], ..JobFilter::default() };
    let mut pages = 0;
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let page = shop.store.jobs(shop.workspace, &filter, cursor, 10).await.unwrap();
        pages += 1;
        found.extend(page.items.iter().map(|job| job.id.0));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, [1]);
    assert!((2..10).contains(&pages), "{pages} pages");
}
