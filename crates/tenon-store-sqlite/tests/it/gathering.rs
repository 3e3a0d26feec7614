//! Bounds of what is gathered, and that retention clears it away in pieces.

use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use tenon_store::{
    Capture, Captured, Decision, DroppedSet, Gather, GatherLimits, JobFilter, JobId, PutResource, ResourceId,
    Role, Serves, SetQuery, Shard, Store as _, Timestamp, Transition,
};

use crate::harness::{Shop, options};

const STRATEGY: u64 = 7;

async fn shop(root: &Path, limits: GatherLimits) -> Shop {
    let mut options = options(root);
    options.gather = limits;
    Shop::open(options).await
}

/// Event `n`, in this role to the workflow that orders are for.
fn gathered(shop: &Shop, n: u64, role: Role) -> Capture {
    let mut capture = shop.order(n, &format!("order {n}"));
    let job = capture.jobs.pop().unwrap();
    capture.gathers = vec![Gather { strategy: STRATEGY, role, job }];
    capture
}

fn item(shop: &Shop, n: u64, key: &str) -> Capture {
    gathered(shop, n, Role::Item { key: key.to_owned(), decision: None })
}

fn part(shop: &Shop, n: u64, (part, of): (u32, u32)) -> Capture {
    gathered(shop, n, Role::Part { serves: vec![Serves { part, key: String::new() }], of })
}

fn end(shop: &Shop, n: u64, key: &str) -> Capture {
    gathered(shop, n, Role::End { serves: vec![Serves { part: 0, key: key.to_owned() }], of: 1 })
}

/// What was started, and the sizes of the sets that were dropped.
async fn capture(shop: &Shop, capture: Capture) -> (Vec<u64>, Vec<u32>) {
    let Captured::New { jobs, dropped, .. } = shop.store.capture(capture).await.unwrap() else {
        panic!("it is new")
    };
    assert!(dropped.iter().all(|dropped| dropped.workflow == ResourceId(1)));
    let sizes = dropped.iter().map(|DroppedSet { events, .. }| *events);
    (jobs.iter().map(|job| job.0).collect(), sizes.collect())
}

async fn events_of(shop: &Shop, n: u64) -> Vec<u64> {
    let gathered = shop.store.gathered(shop.workspace, JobId(n)).await.unwrap();
    gathered.iter().map(|gathered| gathered.event.0).collect()
}

fn rows(root: &Path, table: &str) -> i64 {
    let connection = rusqlite::Connection::open(root.join("tenon.db")).unwrap();
    connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_set_is_dropped_with_the_next_event() {
    let root = tempfile::tempdir().unwrap();
    let limits = GatherLimits { set_events: 3, ..GatherLimits::default() };
    let shop = shop(root.path(), limits).await;
    for n in 1..=3 {
        assert_eq!(capture(&shop, item(&shop, n, "k")).await, (vec![], vec![]));
    }
    assert_eq!(capture(&shop, item(&shop, 4, "k")).await, (vec![], vec![3]));
    assert_eq!(capture(&shop, end(&shop, 5, "k")).await, (vec![5], vec![]));
    assert_eq!(events_of(&shop, 5).await, [4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_set_is_decided_on_as_if_it_were_gone() {
    let root = tempfile::tempdir().unwrap();
    // Two events: about 20 bytes.
    let limits = GatherLimits { set_bytes: 15, ..GatherLimits::default() };
    let shop = shop(root.path(), limits).await;
    for n in 1..=2 {
        assert_eq!(capture(&shop, item(&shop, n, "k")).await, (vec![], vec![]));
    }
    let query = SetQuery {
        workspace: shop.workspace,
        workflow: ResourceId(1),
        strategy: STRATEGY,
        key: "k".to_owned(),
    };
    let seen = shop.store.open_set(&query).await.unwrap();
    assert_eq!((seen.version.unwrap().events, seen.events.len()), (2, 0));
    let decision = Some(Decision { version: seen.version, is_complete: true });
    let role = Role::Item { key: "k".to_owned(), decision };
    assert_eq!(capture(&shop, gathered(&shop, 3, role)).await, (vec![3], vec![2]));
    assert_eq!(events_of(&shop, 3).await, [3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_oldest_set_makes_room() {
    let root = tempfile::tempdir().unwrap();
    let limits = GatherLimits { sets: 2, events: 5, ..GatherLimits::default() };
    let shop = shop(root.path(), limits).await;
    for (n, key, dropped) in [
        (1, "a", vec![]),
        (2, "a", vec![]),
        (3, "b", vec![]),
        (4, "c", vec![2]),
        (5, "b", vec![]),
        (6, "c", vec![]),
        (7, "c", vec![]),
        // Six events.
        (8, "c", vec![2]),
    ] {
        assert_eq!(capture(&shop, item(&shop, n, key)).await, (vec![], dropped), "event {n}");
    }
    assert_eq!(capture(&shop, end(&shop, 9, "a")).await, (vec![], vec![]), "its set is gone");
    assert_eq!(capture(&shop, end(&shop, 10, "c")).await, (vec![10], vec![]));
    assert_eq!(events_of(&shop, 10).await, [4, 6, 7, 8]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_go_on_when_the_oldest_set_was_dropped() {
    let root = tempfile::tempdir().unwrap();
    let limits = GatherLimits { sets: 3, ..GatherLimits::default() };
    let shop = shop(root.path(), limits).await;
    for n in 1..=5 {
        let dropped = if n > 3 { vec![1] } else { vec![] };
        assert_eq!(capture(&shop, part(&shop, n, (0, 2))).await, (vec![], dropped));
    }
    for (n, first) in [(6, 3), (7, 4), (8, 5)] {
        assert_eq!(capture(&shop, part(&shop, n, (1, 2))).await, (vec![n], vec![]));
        assert_eq!(events_of(&shop, n).await, [first, n]);
    }
    assert_eq!(capture(&shop, part(&shop, 9, (1, 2))).await, (vec![], vec![]));
    assert_eq!(capture(&shop, part(&shop, 10, (0, 2))).await, (vec![10], vec![]));
}

/// Longer than one piece of retention: a job of many events, a set that was dropped, and many sets of a strategy that
/// is no more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retention_clears_away_what_was_gathered() {
    const MANY: u64 = 600;
    let root = tempfile::tempdir().unwrap();
    let limits = GatherLimits { set_events: MANY as u32 + 1, ..GatherLimits::default() };
    let shop = Arc::new(shop(root.path(), limits).await);
    shop.store.put_resource(PutResource { gathers: Some(STRATEGY), ..shop.listener(&[]) }).await.unwrap();
    let fence = shop.store.acquire(Shard(0)).await.unwrap();
    let captures = |numbers: RangeInclusive<u64>, make: fn(&Shop, u64) -> Capture| {
        let mut tasks = tokio::task::JoinSet::new();
        for n in numbers {
            let shop = Arc::clone(&shop);
            tasks.spawn(async move {
                let mut capture = make(&shop, n);
                capture.generation = 2;
                capture.event.expires = Timestamp(5);
                shop.store.capture(capture).await.unwrap()
            });
        }
        tasks.join_all()
    };
    captures(1..=MANY, |shop, n| item(shop, n, "k")).await;
    captures(MANY + 1..=MANY + 1, |shop, n| end(shop, n, "k")).await;
    captures(2 * MANY..=3 * MANY - 1, |shop, n| item(shop, n, "dropped")).await;
    captures(4 * MANY..=5 * MANY - 1, |shop, n| item(shop, n, &n.to_string())).await;
    let end_of_time = Timestamp(i64::MAX);
    assert_eq!(shop.store.prune(end_of_time, 100_000).await.unwrap(), 0, "all of it is held");

    let mut done = shop.outcome(fence, MANY + 1, "");
    done.transition = Transition::Cancelled { expires: Timestamp(5).into() };
    shop.store.write(done).await.unwrap();
    assert_eq!(shop.store.prune(end_of_time, 100_000).await.unwrap(), MANY + 2, "events, their end, the job");
    shop.store.put_resource(shop.listener(&["x"])).await.unwrap();
    assert_eq!(shop.store.prune(end_of_time, 100_000).await.unwrap(), 2 * MANY);
    let jobs = shop.store.jobs(shop.workspace, &JobFilter::default(), None, 10).await.unwrap();
    assert!(jobs.items.is_empty());
    shop.store.close().await;
    for table in ["event", "job", "gatherer", "gathering", "gathered", "expiry"] {
        assert_eq!(rows(root.path(), table), 0, "{table}");
    }
}

/// What an index is for: neither who waits long nor who is many makes the next capture slow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_look_uses_an_index() {
    let root = tempfile::tempdir().unwrap();
    shop(root.path(), GatherLimits::default()).await.store.close().await;
    let connection = rusqlite::Connection::open(root.path().join("tenon.db")).unwrap();
    for look in [
        "SELECT coalesce(max(gathering), 0) FROM gathered WHERE gatherer = 1 AND key = x'00' AND part = 0",
        "SELECT id FROM gathering WHERE gatherer = 1 AND key = x'00' AND id > 5 ORDER BY id LIMIT 1",
        "SELECT id FROM gathering WHERE gatherer = 1 ORDER BY id LIMIT 1",
        "SELECT 1 FROM gathered WHERE event = 1",
        "SELECT 1 FROM job WHERE gathering = 1",
        "SELECT id FROM gatherer WHERE workspace = 1 AND workflow = 1",
    ] {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {look}")).unwrap();
        let plan: Vec<String> =
            statement.query_map([], |row| row.get(3)).unwrap().collect::<rusqlite::Result<_>>().unwrap();
        assert!(plan.iter().all(|step| step.starts_with("SEARCH")), "{look}: {plan:?}");
    }
}
