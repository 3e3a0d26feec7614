//! Crashes: whatever part of the log reached the disk, what opens is a prefix of what was committed.

use crate::harness::{Shop, copy_as_killed, options};
use tenon_store::{Shard, Store as _};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_survives_a_kill() {
    let root = tempfile::tempdir().unwrap();
    let (running, killed) = (root.path().join("running"), root.path().join("killed"));
    let shop = Shop::open(options(&running)).await;
    for n in 1..=20 {
        shop.store.capture(shop.order(n, "payload")).await.unwrap();
        copy_as_killed(&running, &killed);
        let after = Shop::open(options(&killed)).await;
        assert!(after.has(n).await, "event {n} was answered");
        assert_eq!(after.store.open_jobs(Shard(0), 0, 100).await.unwrap().len() as u64, n);
        drop(after);
        std::fs::remove_dir_all(&killed).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_was_cut_off_anywhere_opens_as_a_prefix() {
    const EVENTS: u64 = 12;
    let root = tempfile::tempdir().unwrap();
    let running = root.path().join("running");
    let shop = Shop::open(options(&running)).await;
    for n in 1..=EVENTS {
        shop.store.capture(shop.order(n, &"x".repeat(500))).await.unwrap();
    }
    let log = std::fs::read(running.join("tenon.db-wal")).unwrap();
    let frame = 24 + 4096;
    let mut seen = std::collections::BTreeSet::new();
    let cuts = (0..).map(|n| 32 + n * frame).take_while(|cut| *cut <= log.len());
    for cut in cuts.flat_map(|cut| [cut.saturating_sub(9), cut, cut + 30]) {
        let killed = root.path().join(format!("killed-{cut}"));
        copy_as_killed(&running, &killed);
        std::fs::write(killed.join("tenon.db-wal"), &log[..cut.min(log.len())]).unwrap();
        let after = Shop::open(options(&killed)).await;
        let mut last = 0;
        for n in 1..=EVENTS {
            if after.has(n).await {
                assert_eq!(last, n - 1, "no gaps, cut at {cut}");
                last = n;
            }
        }
        let used = after.store.disk_use().await.unwrap();
        assert_eq!(
            (used.events, used.jobs, used.open_jobs),
            (last, last, last),
            "counters agree, cut at {cut}"
        );
        assert_eq!(after.store.open_jobs(Shard(0), 0, 100).await.unwrap().len() as u64, last);
        seen.insert(last);
        drop(after);
        std::fs::remove_dir_all(&killed).unwrap();
    }
    assert!(seen.len() > 3 && seen.contains(&EVENTS), "the cuts were in many places: {seen:?}");
}
