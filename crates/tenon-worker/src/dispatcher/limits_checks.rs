//! What changes while the dispatcher looks is heeded in that turn.

use std::sync::Arc;

use tenon_capture::{
    CaptureService, Clock, IdSource, JobWatch, Live, Metrics, Ports, Programs, StoredVariables,
};
use tenon_engine::scheduler::{Class, Input, Job, Standing};
use tenon_outbound::HttpClient;
use tenon_store::{AuditRecord, PutWorkspaceSettings, Shard, Store, WorkspaceId, WorkspaceSettings};
use tenon_store_sqlite::SqliteStore;
use tenon_vault_local::LocalVault;
use tokio::sync::mpsc;

use super::Dispatcher;
use crate::openings::Openings;
use crate::{Context, Options};

const MASTER_KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

fn context(store: &Arc<dyn Store>) -> Context {
    let (clock, programs) = (Clock::system(), Programs::new(Arc::clone(store), 1));
    let ports = Ports {
        store: Arc::clone(store),
        ids: Arc::new(IdSource::new(clock.clone())),
        clock,
        programs,
        watch: JobWatch::new(1),
        live: Live::new(1),
        metrics: Arc::new(Metrics::default()),
    };
    let options = Options::default();
    Context {
        store: Arc::clone(store),
        capture: CaptureService::new(ports, tenon_capture::Options::new(tenon_engine::SEMANTICS)),
        http: HttpClient::new(tenon_outbound::Options::default()).unwrap(),
        variables: Arc::new(StoredVariables::new(Arc::clone(store))),
        notices: mpsc::channel(1).0,
        openings: Openings::new(options.openings),
        keep_jobs: options.keep_jobs,
        keep_payloads: options.keep_payloads,
    }
}

fn ready(id: u64, workspace: WorkspaceId) -> Job {
    let (workspace, standing) = (workspace.0, Standing::Ready);
    Job {
        id,
        shard: 0,
        workspace,
        workflow: 1,
        lane: None,
        place: id,
        priority: 5,
        class: Class::Live,
        standing,
    }
}

#[tokio::test]
async fn who_may_run_after_a_change_does_so_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let vault = Arc::new(LocalVault::from_text(MASTER_KEY).unwrap());
    let options = tenon_store_sqlite::Options::new(directory.path(), vault);
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(options).unwrap());
    let workspace = store.create_workspace("default").await.unwrap();
    let fences = vec![store.acquire(Shard(0)).await.unwrap()];
    let options = Options { workspace_concurrency: Some(1), shards: 1, ..Options::default() };
    let mut dispatcher = Dispatcher::new(context(&store), options, fences);
    dispatcher.tell(Input::Capacity(10));
    dispatcher.learn_workspace(workspace);
    for id in 1..=3 {
        dispatcher.tell(Input::Arrived(ready(id, workspace)));
    }
    dispatcher.carry_out();
    assert_eq!(dispatcher.running.len(), 1);

    let settings = WorkspaceSettings { concurrency: Some(2), ..WorkspaceSettings::default() };
    let audit = AuditRecord {
        at: dispatcher.context.capture.ports().clock.now(),
        workspace,
        actor: "test".to_owned(),
        action: "set".to_owned(),
        subject: "workspace".to_owned(),
    };
    let put = PutWorkspaceSettings { settings, expected: WorkspaceSettings::default(), audit };
    store.put_workspace_settings(put).await.unwrap();
    dispatcher.look_at_backlogs().await;
    assert_eq!(dispatcher.running.len(), 2, "not only with the next turn");
    dispatcher.tasks.shutdown().await;
    store.close().await;
}
