//! A capture service on a real store in a directory of its own.

use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;
use tenon_capture::{
    CaptureService, Clock, Event, IdSource, Incoming, JobWatch, Live, Metrics, Options, Ports, Programs,
};
use tenon_store::{
    Change, ChangeResource, EventFilter, GatherLimits, JobFilter, JobRecord, Kind, PutResource, Saved, Store,
    Timestamp, WorkspaceId,
};
use tenon_store_sqlite::SqliteStore;
use tenon_vault_local::LocalVault;
use tenon_workflow::{Document, EventTypes};

pub(crate) const START: Timestamp = Timestamp(1_800_000_000_000_000);

pub(crate) struct Fixture {
    pub(crate) service: CaptureService,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Clock,
    pub(crate) workspace: WorkspaceId,
    _directory: TempDir,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::with(GatherLimits::default()).await
    }

    pub(crate) async fn with(gather: GatherLimits) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let vault = LocalVault::from_text(&format!("{}=", "A".repeat(43))).expect("a key of zeros");
        let mut options = tenon_store_sqlite::Options::new(directory.path().join("data"), Arc::new(vault));
        options.gather = gather;
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(options).expect("a new store"));
        let workspace = store.create_workspace("default").await.expect("a workspace");
        let clock = Clock::manual(START);
        let ports = Ports {
            store: Arc::clone(&store),
            clock: clock.clone(),
            ids: Arc::new(IdSource::new(clock.clone())),
            programs: Programs::new(Arc::clone(&store), 100),
            watch: JobWatch::new(100),
            live: Live::new(100),
            metrics: Arc::new(Metrics::default()),
        };
        let service = CaptureService::new(ports, Options::new(1));
        Self { service, store, clock, workspace, _directory: directory }
    }

    /// Deploys a workflow `acme/<name>` as control would, but tells no cache.
    pub(crate) async fn deploy(&self, name: &str, settings: Value, with: Value) {
        self.deploy_on(name, settings, json!({"on": {"one": {"with": with}}})).await;
    }

    /// The same, with a whole schedule.
    pub(crate) async fn deploy_on(&self, name: &str, settings: Value, schedule: Value) {
        let document = json!({
            "document": {
                "dsl": "1.0.3", "namespace": "acme", "name": name, "version": "1.0.0",
                "metadata": {"tenon": settings},
            },
            "schedule": schedule,
            "do": [{"keep": {"set": {"done": true}}}],
        })
        .to_string();
        let parsed = Document::parse(&document).expect("JSON");
        let program = tenon_workflow::compile(&parsed).unwrap_or_else(|findings| panic!("{findings:?}"));
        let subscription = program.subscription.expect("it has a schedule");
        let key = |filter: &tenon_workflow::ListenFilter| match filter.filter.event_types() {
            EventTypes::Exact(exact) => exact,
            EventTypes::Any => "*".to_owned(),
        };
        let put = PutResource {
            workspace: self.workspace,
            kind: Kind::Workflow,
            name: format!("acme/{name}"),
            version: "1.0.0".to_owned(),
            digest: document.clone(),
            keys: subscription.filters().map(key).collect(),
            document,
            listens: Vec::new(),
            gathers: subscription.gathers().then_some(subscription.digest),
            files: Vec::new(),
            expected: None,
            at: START,
            actor: "test".to_owned(),
        };
        let saved = self.store.put_resource(put).await.expect("room");
        assert!(matches!(saved, Saved::Written(_)));
    }

    pub(crate) async fn change(&self, name: &str, change: Change) {
        let change = ChangeResource {
            workspace: self.workspace,
            kind: Kind::Workflow,
            name: format!("acme/{name}"),
            change,
            state: None,
            actor: "test".to_owned(),
            at: START,
        };
        self.store.change_resource(change).await.expect("it exists");
    }

    /// An event of type `order` with this data and no id.
    pub(crate) fn order(&self, data: Value) -> Incoming {
        let event = Event {
            source: "/shop".to_owned(),
            r#type: "order".to_owned(),
            data: tenon_capture::Data::Value(data),
            ..Event::default()
        };
        Incoming::new(self.workspace, event)
    }

    pub(crate) async fn jobs(&self) -> Vec<JobRecord> {
        self.store.jobs(self.workspace, &JobFilter::default(), None, 100).await.expect("readable").items
    }

    pub(crate) async fn event_count(&self) -> usize {
        self.store
            .events(self.workspace, &EventFilter::default(), None, 100)
            .await
            .expect("readable")
            .items
            .len()
    }
}

/// The filter of all events of type `order`.
pub(crate) fn orders() -> Value {
    json!({"type": "order"})
}
