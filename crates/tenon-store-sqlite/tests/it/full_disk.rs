//! A full disk: nothing accepted is lost, outcomes are still recorded, and service resumes by itself.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tenon_store::{Capture, Error, JobId, Shard, Store as _};
use tenon_store_sqlite::Options;

use crate::harness::{Shop, options};

/// Tries until there is room, for ten seconds at most.
async fn capture_when_possible(shop: &Shop, capture: Capture) {
    for _ in 0..1000 {
        match shop.store.capture(capture.clone()).await {
            Ok(_) => return,
            // polls: the store looks at the disk ten times a second
            Err(Error::Full) => tokio::time::sleep(Duration::from_millis(10)).await,
            Err(other) => panic!("{other}"),
        }
    }
    panic!("service does not resume");
}

/// A disk of so many pages, of which the ballast takes a hundred. 0: endless.
fn small_disk(mut options: Options, pages: &Arc<AtomicU32>) -> Options {
    let ballast: PathBuf = options.directory.join("ballast");
    let pages = Arc::clone(pages);
    options.hooks.max_pages = Arc::new(move || match pages.load(Ordering::SeqCst) {
        0 => None,
        pages if ballast.exists() => Some(pages),
        pages => Some(pages + 100),
    });
    options
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outcomes_are_recorded_on_a_full_disk_and_service_resumes() {
    let root = tempfile::tempdir().unwrap();
    let ballast = root.path().join("ballast");
    let pages = Arc::new(AtomicU32::new(0));
    let shop = Shop::open(small_disk(options(root.path()), &pages)).await;
    let fence = shop.store.acquire(Shard(0)).await.unwrap();
    for n in 1..=3 {
        shop.store.capture(shop.order(n, "x")).await.unwrap();
    }
    assert!(ballast.exists());
    // As many pages as there are: the next large thing finds no room.
    pages.store(1, Ordering::SeqCst);
    let large = "x".repeat(60_000);
    let refused = shop.store.capture(shop.order(4, &large)).await;
    assert!(matches!(refused, Err(Error::Full)), "{refused:?}");
    assert!(!shop.has(4).await);
    assert!(!ballast.exists(), "the ballast was given up");
    pages.store(100, Ordering::SeqCst);
    shop.store.write(shop.outcome(fence, 1, &large)).await.expect("an outcome has room");
    assert_eq!(shop.store.journal(shop.workspace, JobId(1)).await.unwrap().len(), 1);

    pages.store(0, Ordering::SeqCst);
    capture_when_possible(&shop, shop.order(5, &large)).await;
    assert!(ballast.exists(), "the ballast is there again");
    for (n, there) in [(1, true), (2, true), (3, true), (4, false), (5, true)] {
        assert_eq!(shop.has(n).await, there, "event {n}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_one_batch_the_outcome_stays_and_the_capture_goes() {
    let root = tempfile::tempdir().unwrap();
    let pages = Arc::new(AtomicU32::new(0));
    let shop = Shop::open(small_disk(options(root.path()), &pages)).await;
    let fence = shop.store.acquire(Shard(0)).await.unwrap();
    for n in 1..=20 {
        shop.store.capture(shop.order(n, "x")).await.unwrap();
    }
    pages.store(1, Ordering::SeqCst);
    let large = "x".repeat(60_000);
    let mut tasks = tokio::task::JoinSet::new();
    let shop = Arc::new(shop);
    for n in 1..=20 {
        let shop = Arc::clone(&shop);
        let large = large.clone();
        tasks.spawn(async move {
            let refused = shop.store.capture(shop.order(100 + n, &large)).await;
            assert!(matches!(refused, Err(Error::Full)), "{refused:?}");
            shop.store.write(shop.outcome(fence, n, "small")).await
        });
    }
    let outcomes = tasks.join_all().await;
    let recorded = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert!(recorded > 0, "{outcomes:?}");
    for n in 1..=20 {
        let journal = shop.store.journal(shop.workspace, JobId(n)).await.unwrap();
        assert!(journal.len() <= 1);
        assert!(!shop.has(100 + n).await);
    }
    assert_eq!(shop.store.disk_use().await.unwrap().events, 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn below_the_low_water_mark_only_outcomes_are_taken() {
    let root = tempfile::tempdir().unwrap();
    let free = Arc::new(AtomicU64::new(1 << 40));
    let mut options = options(root.path());
    options.low_water_bytes = 1000;
    let asked = Arc::clone(&free);
    options.hooks.free_space = Arc::new(move |_| Ok(asked.load(Ordering::SeqCst)));
    let shop = Shop::open(options).await;
    let fence = shop.store.acquire(Shard(0)).await.unwrap();
    shop.store.capture(shop.order(1, "x")).await.unwrap();
    free.store(999, Ordering::SeqCst);
    let mut n = 1;
    let refused = loop {
        n += 1;
        match shop.store.capture(shop.order(n, "x")).await {
            // polls: the store looks at the disk ten times a second
            Ok(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            Err(error) => break error,
        }
        assert!(n < 1000, "the low-water mark is never noticed");
    };
    assert!(matches!(refused, Error::Full), "{refused}");
    shop.store.write(shop.outcome(fence, 1, "x")).await.expect("outcomes are taken");
    free.store(1 << 40, Ordering::SeqCst);
    capture_when_possible(&shop, shop.order(5000, "x")).await;
}
