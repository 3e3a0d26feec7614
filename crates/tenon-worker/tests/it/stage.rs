//! A stage: a store in a temporary directory, a worker on it, and a callee that remembers what it was asked.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};
use tempfile::TempDir;
use tenon_capture::{
    CaptureService, Clock, Data, Event, IdSource, Incoming, JobEnd, JobWatch, Live, Metrics, Ports, Programs,
    StoredVariables,
};
use tenon_outbound::{AddressRules, HttpClient, PrivateAddresses};
use tenon_store::{JobFilter, JobId, JobRecord, Kind, PutResource, Saved, Store, Timestamp, WorkspaceId};
use tenon_store_sqlite::SqliteStore;
use tenon_vault_local::LocalVault;
use tenon_worker::{History, Options, Parts, Worker, WorkerUse};
use tokio::runtime::{self, Runtime};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Longer than anything here takes; reached only when something is broken.
const PATIENCE: Duration = Duration::from_secs(30);
/// What the callee's `/oauth2/token` gives.
pub(crate) const TOKEN: &str = "t0ken-of-a-callee";
/// When clocks that stand still do.
pub(crate) const NOON: Timestamp = Timestamp(1_800_000_000_000_000);
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
        Self::with(store, Options::default()).await
    }

    pub(crate) async fn with(store: Arc<dyn Store>, options: Options) -> Self {
        Self::by(store, Clock::system(), options).await
    }

    /// The same by a clock of one's choice.
    pub(crate) async fn by(store: Arc<dyn Store>, clock: Clock, options: Options) -> Self {
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
        let variables = Arc::new(StoredVariables::new(Arc::clone(&store)));
        let parts = Parts { capture: capture.clone(), http, variables };
        let (worker, working) = Worker::start(parts, options).await.expect("a worker");
        let history = History::new(Arc::clone(&store), programs);
        Self { capture, worker, history, store, workspace, working }
    }

    /// Deploys a workflow that events of type `go` start.
    pub(crate) async fn deploy(&self, name: &str, rest: &str) {
        self.put(name, rest, (&["go"], &[])).await;
    }

    /// Deploys a workflow that no event starts, or that events of these types start; and the types that it
    /// listens for.
    pub(crate) async fn put(&self, name: &str, rest: &str, (keys, listens): (&[&str], &[&str])) {
        self.put_version(name, "1.0.0", rest, (keys, listens)).await;
    }

    pub(crate) async fn put_version(
        &self,
        name: &str,
        version: &str,
        rest: &str,
        (keys, listens): (&[&str], &[&str]),
    ) {
        self.save(self.resource(name, version, rest, (keys, listens))).await;
    }

    pub(crate) fn resource(
        &self,
        name: &str,
        version: &str,
        rest: &str,
        (keys, listens): (&[&str], &[&str]),
    ) -> PutResource {
        let document =
            format!("document: {{dsl: '1.0.3', namespace: test, name: {name}, version: '{version}'{rest}");
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        PutResource {
            workspace: self.workspace,
            kind: Kind::Workflow,
            name: format!("test/{name}"),
            version: version.to_owned(),
            digest: format!("{name}{version}{rest}"),
            document,
            keys: owned(keys),
            listens: owned(listens),
            gathers: None,
            files: Vec::new(),
            expected: None,
            at: self.capture.ports().clock.now(),
            actor: "test".to_owned(),
        }
    }

    pub(crate) async fn save(&self, put: PutResource) {
        let saved = self.store.put_resource(put).await;
        assert!(matches!(saved, Ok(Saved::Written(_))), "{saved:?}");
        self.capture.refresh(self.workspace).await.expect("refreshed");
    }

    /// Captures an event of type `go`; gives its job.
    pub(crate) async fn go(&self, data: Value) -> JobId {
        *self.event("go", data).await.first().expect("one workflow is subscribed")
    }

    /// Captures an event; gives its jobs.
    pub(crate) async fn event(&self, r#type: &str, data: Value) -> Vec<JobId> {
        let event = Event {
            source: "/test".to_owned(),
            r#type: r#type.to_owned(),
            data: Data::Value(data),
            ..Event::default()
        };
        self.capture.event(Incoming::new(self.workspace, event)).await.expect("captured").jobs
    }

    /// The types of all events so far, in order of capture.
    pub(crate) async fn event_types(&self) -> Vec<String> {
        let all = tenon_store::EventFilter::default();
        let events = self.store.events(self.workspace, &all, None, 500).await.expect("read");
        events.items.into_iter().rev().map(|event| event.r#type).collect()
    }

    /// The jobs that a job has started, oldest first.
    pub(crate) async fn children(&self, parent: JobId) -> Vec<JobRecord> {
        let filter = JobFilter { parent: Some(parent), ..JobFilter::default() };
        let found = self.store.jobs(self.workspace, &filter, None, 500).await.expect("read");
        found.items.into_iter().rev().collect()
    }

    /// Waits until a job has so many children; gives them.
    pub(crate) async fn has_children(&self, parent: JobId, count: usize) -> Vec<JobRecord> {
        let look = async {
            loop {
                let children = self.children(parent).await;
                if children.len() >= count {
                    return children;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, look).await.expect("the children come")
    }

    /// Waits until a job has journaled so much and is in a state.
    pub(crate) async fn has_entries(&self, job: JobId, count: usize, state: tenon_store::JobState) {
        let look = async {
            while self.store.journal(self.workspace, job).await.expect("read").len() < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, look).await.expect("the outcomes come");
        self.reaches(job, state).await;
    }

    pub(crate) async fn verify(&self, job: JobId) {
        let verdict = self.history.verify(self.workspace, job).await.expect("read");
        assert_eq!(verdict, tenon_worker::Verdict::Same);
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

    /// Waits until there are so many jobs.
    pub(crate) async fn has_jobs(&self, count: usize) {
        let look = async {
            while self.jobs().await.len() < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, look).await.expect("the jobs come");
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

    /// The use of the worker's limits, once it is like this. The dispatcher hears of a job's end a moment after the
    /// store has it, and a job may have to wait until its shard was read for the first time.
    pub(crate) async fn used(&self, is_it: impl Fn(&WorkerUse) -> bool) -> WorkerUse {
        let look = async {
            loop {
                let used = self.worker.usage().await.expect("the worker runs");
                if is_it(&used) {
                    return used;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, look).await.expect("it comes to be so")
    }

    /// Stops in order.
    pub(crate) async fn stop(self) {
        self.worker.drain(PATIENCE).await;
        self.working.await.expect("the dispatcher does not panic");
        self.store.close().await;
    }
}

/// A stage that can be killed as a process is: it has threads of its own.
pub(crate) struct Process {
    stage: Stage,
    /// None once it is dead.
    threads: Option<Runtime>,
}

// === impl Process ===

impl Process {
    pub(crate) async fn on(store: Arc<dyn Store>) -> Self {
        let threads = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let threads = threads.expect("threads");
        let stage = threads.spawn(Stage::on(store)).await.expect("a stage");
        Self { stage, threads: Some(threads) }
    }

    /// When this returns, nothing of it goes on: what it had not yet asked of the store is never asked.
    pub(crate) async fn kill(mut self) {
        let threads = self.threads.take();
        // Who drops a runtime waits until all of its threads have ended.
        let killing = tokio::task::spawn_blocking(move || drop(threads));
        tokio::time::timeout(PATIENCE, killing).await.expect("its threads end").expect("none panics");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Threads are not waited for where nothing else may wait.
        self.threads.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

impl Deref for Process {
    type Target = Stage;

    fn deref(&self) -> &Stage {
        &self.stage
    }
}

/// What the callee was asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub(crate) path: String,
    pub(crate) key: String,
    pub(crate) attempt: String,
    pub(crate) body: String,
    pub(crate) authorization: String,
    pub(crate) query: String,
}

/// A callee: `/fail/N` answers 500 to the first N attempts, `/hang` never answers, `/mirror` says everything that it
/// was told, `/refuse` the same with 500, all else is echoed.
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
        authorization: header("authorization"),
        query: uri.query().unwrap_or_default().to_owned(),
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
    let all = || {
        let headers = headers.iter().map(|(name, value)| {
            (name.to_string(), Value::String(String::from_utf8_lossy(value.as_bytes()).into_owned()))
        });
        json!({ "uri": uri.to_string(), "headers": Value::Object(headers.collect()), "body": body })
    };
    match uri.path() {
        "/mirror" => (StatusCode::OK, axum::Json(all())),
        "/oauth2/token" => {
            (StatusCode::OK, axum::Json(json!({ "access_token": TOKEN, "token_type": "bearer" })))
        }
        "/refuse" => (StatusCode::INTERNAL_SERVER_ERROR, axum::Json(all())),
        path => (StatusCode::OK, axum::Json(json!({ "path": path, "body": body }))),
    }
}
