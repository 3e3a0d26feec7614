//! Databases that older programs wrote open, keep what they have, and take what is new.

use std::path::Path;

use tenon_store::{
    EventId, EventWait, JobFilter, JobId, JobState, Kind, Shard, Store as _, Timestamp, Transition, Waits,
    WorkspaceSettings,
};
use tenon_vault::{DataKey, Place, Sealer, Vault as _};

use crate::harness::{Shop, TestVault, options};

const CAPTURED_AT: i64 = 1_700_000_000_000_000;

/// What a program of version 1 left: a workflow, job 1 that sleeps until a moment, and its finished child 2.
fn version_1(directory: &Path) {
    let wrapped = TestVault(7).wrap(&[9; 32]).unwrap();
    let sealer = Sealer::new(DataKey::unwrap(&TestVault(7), &wrapped).unwrap()).unwrap();
    let sealed = |n: u64| {
        sealer.seal(
            Place { workspace: 1, table: "event", row: n, part: 0 },
            format!("{{\"n\":{n}}}").as_bytes(),
        )
    };
    let connection = rusqlite::Connection::open(directory.join("tenon.db")).unwrap();
    connection.execute_batch(include_str!("../../src/sql/001.sql")).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    connection.execute("INSERT INTO workspace VALUES (1, 'default', 5, ?1)", [&wrapped]).unwrap();
    connection
        .execute_batch(
            "INSERT INTO resource VALUES (1, 1, 0, 'acme/sync', 1, 0, 1);
             INSERT INTO revision VALUES (1, 1, 1, 1, 7, '1.0.0', 'one', 'document: one');
             INSERT INTO resource_key VALUES (1, 0, 'com.acme.order', 1);
             INSERT INTO shard VALUES (0, 3);
             UPDATE counter SET place = 2, expiry = 1, events = 2, jobs = 2, open_jobs = 1;",
        )
        .unwrap();
    for n in [1_i64, 2] {
        connection
            .execute(
                "INSERT INTO event VALUES (?1, 1, 0, ?2, 5, 0, ?3, 'com.acme.order', '/shop', NULL, ?4)",
                (n, CAPTURED_AT, n.to_be_bytes(), sealed(n as u64)),
            )
            .unwrap();
    }
    connection
        .execute_batch(&format!(
            "INSERT INTO job VALUES (1, 1, 1, 2, 1, 1, 1, 0, 0, NULL, 1, 5, 0, {CAPTURED_AT}, {CAPTURED_AT} + 60,
                 {CAPTURED_AT}, NULL, NULL, NULL, NULL, NULL, NULL);
             INSERT INTO job VALUES (2, 1, 1, 6, 1, 1, 2, 0, 0, NULL, 2, 5, 0, {CAPTURED_AT}, NULL,
                 {CAPTURED_AT}, {CAPTURED_AT}, 5, 1, NULL, NULL, NULL);"
        ))
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn version_1_goes_on() {
    let root = tempfile::tempdir().unwrap();
    version_1(root.path());
    let shop = Shop::open(options(root.path())).await;
    let store = &shop.store;
    assert_eq!((shop.workspace.0, store.generation(shop.workspace).await.unwrap()), (1, 5));
    assert_eq!(store.workspace_settings(shop.workspace).unwrap(), WorkspaceSettings::default());
    let found = store.resource(shop.workspace, Kind::Workflow, "acme/sync").await.unwrap().unwrap();
    assert_eq!((found.document.as_str(), found.files.len()), ("document: one", 0));
    let event = store.event(shop.workspace, EventId(2)).await.unwrap().unwrap();
    assert_eq!(event.envelope.unwrap(), "{\"n\":2}");
    let asleep = store.waiting_jobs(Shard(0), None, Timestamp::NEVER, 10).await.unwrap();
    assert_eq!((asleep[0].id, asleep[0].wake_at), (JobId(1), Some(Timestamp(CAPTURED_AT + 60))));
    assert_eq!((asleep[0].looked_to, asleep[0].parent), (None, None));
    let children = JobFilter { parent: Some(JobId(1)), ..JobFilter::default() };
    let children = store.jobs(shop.workspace, &children, None, 10).await.unwrap().items;
    assert_eq!(children.iter().map(|job| job.id).collect::<Vec<_>>(), [JobId(2)]);

    store.put_resource(shop.listener(&["com.acme.order"])).await.unwrap();
    let fence = store.acquire(Shard(0)).await.unwrap();
    assert_eq!(fence.epoch, 4);
    let events = EventWait { types: vec!["com.acme.order".to_owned()], subject: None, after: 2 };
    let waits = Waits { events: Some(events), children: Vec::new() };
    let mut park = shop.outcome(fence, 1, "");
    park.entries.clear();
    park.transition = Transition::Waiting { wake_at: Timestamp::NEVER, waits };
    store.write(park).await.unwrap();
    let mut capture = shop.order(3, "paid");
    capture.generation = 6;
    store.capture(capture).await.unwrap();
    let woken = store.open_job(JobId(1)).await.unwrap().unwrap();
    assert_eq!((woken.state, woken.looked_to), (JobState::Waiting, Some(2)));
    assert_eq!(woken.wake_at, Some(Timestamp(CAPTURED_AT + 3)));
    let used = store.disk_use().await.unwrap();
    assert_eq!((used.events, used.jobs, used.open_jobs), (3, 3, 2));
    store.close().await;
    Shop::open(options(root.path())).await.store.close().await;
}
