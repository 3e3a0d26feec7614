//! What takes the room of a large database: looked at in part, and close to the truth.

use rusqlite::Connection;
use tenon_store::{DiskKind, Entry, JobId, Shard, Store as _};

use crate::harness::{Shop, options};

/// Each takes some pages, so that all together take many times what is looked at.
const EVENTS: u64 = 1_200;
const PAYLOAD: usize = 30_000;
/// Of one job.
const ENTRIES: u32 = 6_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_parts_are_estimated() {
    let root = tempfile::tempdir().unwrap();
    let shop = Shop::open(options(root.path())).await;
    shop.store.put_resource(shop.listener(&[])).await.unwrap();
    let payload = "x".repeat(PAYLOAD);
    for n in 1..=EVENTS {
        let mut order = shop.order(n, &payload);
        order.generation = 2;
        shop.store.capture(order).await.unwrap();
    }
    let fence = shop.store.acquire(Shard(0)).await.unwrap();
    let mut write = shop.outcome(fence, 1, &"y".repeat(2_000));
    let entry = write.entries[0].clone();
    write.entries = (0..ENTRIES).map(|sequence| Entry { sequence, ..entry.clone() }).collect();
    shop.store.write(write).await.unwrap();

    let detail = shop.store.disk_detail().await.unwrap();
    let part = |kind| *detail.parts.iter().find(|part| part.kind == kind).unwrap();
    let close = |found: u64, truth: u64| found.abs_diff(truth) * 5 < truth;
    let connection = Connection::open(root.path().join("tenon.db")).unwrap();
    let bytes = |tree: &str| -> u64 {
        let sql = "SELECT sum(pgsize) FROM dbstat WHERE name = ?1";
        connection.query_row(sql, [tree], |row| row.get::<_, i64>(0)).unwrap() as u64
    };
    for (kind, tree, rows) in
        [(DiskKind::Events, "event", EVENTS), (DiskKind::Journals, "journal", u64::from(ENTRIES))]
    {
        let (part, bytes) = (part(kind), bytes(tree));
        assert!(part.is_estimate && bytes > 8 << 20, "{part:?} of {bytes} bytes");
        assert!(close(part.rows, rows) && close(part.bytes, bytes), "{part:?} of {bytes} bytes");
    }
    assert_eq!(part(DiskKind::Events).rows, EVENTS, "the writer counts them");
    assert_eq!((part(DiskKind::Jobs).rows, part(DiskKind::Jobs).is_estimate), (EVENTS, false));
    let of = &detail.workflows[0];
    assert_eq!((of.name.as_str(), of.jobs, of.is_estimate), ("acme/listener", EVENTS, false));
    assert!(close(of.bytes, EVENTS * PAYLOAD as u64), "{of:?}");
    assert_eq!(shop.store.journal(shop.workspace, JobId(1)).await.unwrap().len(), ENTRIES as usize);
    shop.store.close().await;
}
