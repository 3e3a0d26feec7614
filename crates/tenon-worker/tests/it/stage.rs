//! A stage: a store in a temporary directory, a worker on it, and a callee that remembers what it was asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};
use tempfile::TempDir;
use tenon_capture::{
    CaptureService, Clock, Data, Event, IdSource, Incoming, JobEnd, JobWatch, Live, Metrics, Ports, Programs,
};
use tenon_outbound::{AddressRules, HttpClient, PrivateAddresses};
use tenon_store::{JobFilter, JobId, JobRecord, Kind, PutResource, Saved, Store, WorkspaceId};
use tenon_store_sqlite::SqliteStore;
use tenon_vault_local::LocalVault;
use tenon_worker::{History, Options, Worker};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Longer than anything here takes; reached only when something is broken.
const PATIENCE: Duration = Duration::from_secs(30);
const MASTER_KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

pub(crate) struct Stage {
    pub(crate) capture: CaptureService,
    pub(crate) worker: Worker,
    pub(crate) history: History,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) workspace: WorkspaceId,
    working: JoinHandle<()>,
}

/// Opens the store of a directory.
pub(crate) fn open(directory: &TempDir) -> Arc<dyn Store> {
    let vault = Arc::new(LocalVault::from_text(MASTER_KEY).expect("32 bytes in base64"));
    let options = tenon_store_sqlite::Options::new(directory.path(), vault);
    Arc::new(SqliteStore::open(options).expect("the directory is fresh or was closed"))
}

// === impl Stage ===

impl Stage {
    pub(crate) async fn on(store: Arc<dyn Store>) -> Self {
        let clock = Clock::system();
        let workspace = store.create_workspace("default").await.expect("a workspace");
        let programs = Programs::new(Arc::clone(&store), 100);
        let ports = Ports {
            store: Arc::clone(&store),
            ids: Arc::new(IdSource::new(clock.clone())),
            clock,
            programs: programs.clone(),
            watch: JobWatch::new(100),
            live: Live::new(16),
            metrics: Arc::new(Metrics::default()),
        };
        let capture = CaptureService::new(ports, tenon_capture::Options::new(tenon_engine::SEMANTICS));
        let addresses = AddressRules { private: PrivateAddresses::Allow, ..AddressRules::default() };
        let http = HttpClient::new(tenon_outbound::Options { addresses, ..Default::default() });
        let http = http.expect("a client");
        let (worker, working) =
            Worker::start(capture.clone(), http, Options::default()).await.expect("a worker");
        let history = History::new(Arc::clone(&store), programs);
        Self { capture, worker, history, store, workspace, working }
    }

    /// Deploys a workflow that events of type `go` start.
    pub(crate) async fn deploy(&self, name: &str, rest: &str) {
        let document =
            format!("document: {{dsl: '1.0.3', namespace: test, name: {name}, version: '1.0.0'{rest}");
        let put = PutResource {
            workspace: self.workspace,
            kind: Kind::Workflow,
            name: format!("test/{name}"),
            version: "1.0.0".to_owned(),
            digest: format!("{name}{rest}"),
            document,
            keys: vec!["go".to_owned()],
            expected: None,
            at: self.capture.ports().clock.now(),
            actor: "test".to_owned(),
        };
        assert!(matches!(self.store.put_resource(put).await, Ok(Saved::Written(_))));
        self.capture.refresh(self.workspace).await.expect("refreshed");
    }

    /// Captures an event of type `go`; gives its job.
    pub(crate) async fn go(&self, data: Value) -> JobId {
        let event = Event {
            source: "/test".to_owned(),
            r#type: "go".to_owned(),
            data: Data::Value(data),
            ..Event::default()
        };
        let accepted = self.capture.event(Incoming::new(self.workspace, event)).await.expect("captured");
        *accepted.jobs.first().expect("one workflow is subscribed")
    }

    /// The job once it has ended.
    pub(crate) async fn end(&self, job: JobId) -> JobEnd {
        let mut watch = self.capture.ports().watch.register(job).expect("a watch");
        let record = self.record(job).await;
        if record.state.is_final() {
            return JobEnd { job, state: record.state, result: record.result };
        }
        tokio::time::timeout(PATIENCE, watch.end()).await.expect("the job ends").expect("the worker runs")
    }

    pub(crate) async fn output(&self, job: JobId) -> Value {
        let end = self.end(job).await;
        let result = end.result.expect("an output or an error");
        serde_json::from_slice(&result).expect("results are JSON")
    }

    pub(crate) async fn record(&self, job: JobId) -> JobRecord {
        self.store.job(self.workspace, job).await.expect("read").expect("the job exists")
    }

    pub(crate) async fn jobs(&self) -> Vec<JobRecord> {
        let found = self.store.jobs(self.workspace, &JobFilter::default(), None, 500).await.expect("read");
        found.items
    }

    /// Waits until a job is in a state.
    pub(crate) async fn reaches(&self, job: JobId, state: tenon_store::JobState) {
        let look = async {
            while self.record(job).await.state != state {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, look).await.expect("the state is reached");
    }

    /// Waits until something holds.
    pub(crate) async fn until(&self, holds: impl Fn() -> bool) {
        let look = async {
            while !holds() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, look).await.expect("it comes to hold");
    }

    /// Stops in order.
    pub(crate) async fn stop(self) {
        self.worker.drain(PATIENCE).await;
        self.working.await.expect("the dispatcher does not panic");
        self.store.close().await;
    }
}

/// What the callee was asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub(crate) path: String,
    pub(crate) key: String,
    pub(crate) attempt: String,
    pub(crate) body: String,
}

/// A callee: `/fail/N` answers 500 to the first N attempts, `/hang` never answers, all else is echoed.
#[derive(Clone, Default)]
pub(crate) struct Callee(Arc<Remembered>);

#[derive(Default)]
struct Remembered {
    calls: Mutex<Vec<Call>>,
    called: Notify,
}

// === impl Callee ===

impl Callee {
    /// Serves on a free port.
    pub(crate) async fn serve() -> (Self, SocketAddr) {
        let callee = Self::default();
        let router = Router::new().fallback(answer).with_state(callee.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        tokio::spawn(async move { axum::serve(listener, router).await });
        (callee, address)
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.0.calls.lock().expect("no holder panics").clone()
    }

    /// Waits until so many calls have come.
    pub(crate) async fn has_calls(&self, count: usize) {
        let wait = async {
            loop {
                let called = self.0.called.notified();
                if self.calls().len() >= count {
                    return;
                }
                called.await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("the calls come");
    }
}

async fn answer(
    State(callee): State<Callee>,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, axum::Json<Value>) {
    let header =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let call = Call {
        path: uri.path().to_owned(),
        key: header("idempotency-key"),
        attempt: header("tenon-attempt"),
        body: body.clone(),
    };
    let attempt: u32 = call.attempt.parse().unwrap_or_default();
    callee.0.calls.lock().expect("no holder panics").push(call);
    callee.0.called.notify_waiters();
    if uri.path() == "/hang" {
        std::future::pending::<()>().await;
    }
    let failures = uri.path().strip_prefix("/fail/").and_then(|number| number.parse::<u32>().ok());
    if failures.is_some_and(|failures| attempt <= failures) {
        return (StatusCode::INTERNAL_SERVER_ERROR, axum::Json(json!({ "sorry": attempt })));
    }
    (StatusCode::OK, axum::Json(json!({ "path": uri.path(), "body": body })))
}
