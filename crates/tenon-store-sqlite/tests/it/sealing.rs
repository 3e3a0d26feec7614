//! Payloads are encrypted before they touch the disk.

use bytes::Bytes;
use tenon_store::{DedupMark, Error, JobId, Shard, Store as _, Timestamp, Transition};

use crate::harness::{Shop, options};

const SECRET: &str = "4111-1111-1111-1111";

#[tokio::test]
async fn no_payload_is_readable_in_the_files() {
    let root = tempfile::tempdir().unwrap();
    let shop = Shop::open(options(root.path())).await;
    let fence = shop.store.acquire(Shard(0)).await.unwrap();
    let large = SECRET.repeat(10_000);
    for (n, payload) in [(1, SECRET), (2, &large)] {
        let mut capture = shop.order(n, payload);
        capture.jobs[0].input = Some(Bytes::from(format!("\"{payload}\"")));
        let expires = Timestamp(i64::MAX);
        capture.mark = Some(DedupMark { scope: "source".to_owned(), key: format!("{SECRET}-{n}"), expires });
        shop.store.capture(capture).await.unwrap();
        let mut write = shop.outcome(fence, n, payload);
        let output = Bytes::from(format!("\"{payload}\""));
        write.transition = Transition::Completed { output, expires: expires.into() };
        shop.store.write(write).await.unwrap();
        let job = shop.store.job(shop.workspace, JobId(n)).await.unwrap().unwrap();
        assert!(job.result.unwrap().starts_with(format!("\"{SECRET}").as_bytes()));
    }
    let readable = || {
        std::fs::read_dir(root.path()).unwrap().any(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes())
        })
    };
    assert!(!readable(), "in the log");
    shop.store.close().await;
    assert!(!readable(), "in the database");
    std::fs::write(root.path().join("proof"), SECRET).unwrap();
    assert!(readable(), "the search finds what is there");
}

#[tokio::test]
async fn a_payload_moved_to_another_row_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let shop = Shop::open(options(root.path())).await;
    for n in [1, 2] {
        shop.store.capture(shop.order(n, "x")).await.unwrap();
    }
    shop.store.close().await;
    rusqlite::Connection::open(root.path().join("tenon.db"))
        .unwrap()
        .execute("UPDATE event SET envelope = (SELECT envelope FROM event WHERE id = 1) WHERE id = 2", [])
        .unwrap();
    let shop = Shop::open(options(root.path())).await;
    assert!(shop.store.open_job(JobId(1)).await.unwrap().is_some());
    let moved = shop.store.open_job(JobId(2)).await;
    assert!(matches!(moved, Err(Error::Damaged(_))), "{moved:?}");
}
