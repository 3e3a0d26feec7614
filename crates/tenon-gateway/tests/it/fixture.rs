//! A gateway on port 0, on a store in a directory of its own, and a client.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tempfile::TempDir;
use tenon_capture::trigger::Trigger;
use tenon_capture::{
    CaptureService, Clock, IdSource, JobEnd, JobEvent, JobWatch, Live, Metrics, Options, Ports, Programs,
    StoredVariables,
};
use tenon_gateway::{App, Keys, Limits, ServeOptions, Setup, router_with, serve};
use tenon_store::{
    EventFilter, EventRecord, Expected, JobState, Kind, PutResource, PutVariable, Store, Timestamp,
    VariableKind, WorkspaceId,
};
use tenon_store_sqlite::SqliteStore;
use tenon_vault_local::LocalVault;
use tenon_workflow::{Document, EventTypes};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const KEY: &str = "tn_owner-of-the-test";

pub(crate) struct Fixture {
    pub(crate) app: App,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) workspace: WorkspaceId,
    pub(crate) address: String,
    /// While true the disk has no room.
    pub(crate) is_full: Arc<AtomicBool>,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) server: JoinHandle<std::io::Result<()>>,
    client: Client<HttpConnector, Full<Bytes>>,
    _directory: TempDir,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self
    }

    /// A problem of this code, whole.
    #[track_caller]
    pub(crate) fn expect_problem(self, status: u16, code: &str) -> Value {
        let problem = self.expect(status);
        assert_eq!(problem.header("content-type"), Some("application/problem+json"));
        let body = problem.json();
        assert_eq!((&body["status"], &body["code"]), (&json!(status), &json!(code)), "{body}");
        for member in ["type", "title", "detail", "hint"] {
            assert!(
                body[member].as_str().is_some_and(|text| !text.is_empty()),
                "{member} is missing in {body}"
            );
        }
        body
    }
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default(), Router::new()).await
    }

    pub(crate) async fn with(limits: Limits, more: Router<App>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let vault = LocalVault::from_text(&format!("{}=", "A".repeat(43))).expect("a key of zeros");
        let mut options = tenon_store_sqlite::Options::new(directory.path().join("data"), Arc::new(vault));
        let is_full = Arc::new(AtomicBool::new(false));
        let full = Arc::clone(&is_full);
        options.hooks.free_space =
            Arc::new(move |_| Ok(if full.load(Ordering::SeqCst) { 0 } else { u64::MAX / 2 }));
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(options).expect("a new store"));
        let workspace = store.create_workspace("default").await.expect("a workspace");
        let clock = Clock::system();
        let ports = Ports {
            store: Arc::clone(&store),
            clock: clock.clone(),
            ids: Arc::new(IdSource::new(clock)),
            programs: Programs::new(Arc::clone(&store), 100),
            watch: JobWatch::new(100),
            live: Live::new(100),
            metrics: Arc::new(Metrics::default()),
        };
        let capture = CaptureService::new(ports, Options::new(1));
        let variables = Arc::new(StoredVariables::new(Arc::clone(&store)));
        let app = App::new(Setup { capture, keys: Keys::owner(KEY), variables, limits });
        app.readiness().serve();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move {
            let _ = stopped.await;
        };
        let router = router_with(app.clone(), more);
        let server = tokio::spawn(serve(listener, router, app.clone(), ServeOptions::default(), shutdown));
        let client = Client::builder(TokioExecutor::new()).build_http();
        let stop = Some(stop);
        Self { app, store, workspace, address, is_full, stop, server, client, _directory: directory }
    }

    // --- deployments

    pub(crate) async fn trigger(&self, name: &str, document: &str) {
        let trigger = Trigger::parse(document).unwrap_or_else(|findings| panic!("{findings:?}"));
        self.put(Kind::Trigger, name, document.to_owned(), trigger.keys()).await;
    }

    pub(crate) async fn secret(&self, name: &str, value: &str) {
        let put = PutVariable {
            workspace: self.workspace,
            name: name.to_owned(),
            kind: VariableKind::Secret,
            value: json!(value).to_string().into(),
            expected: Expected::Any,
            at: Timestamp(1),
            actor: "test".to_owned(),
        };
        self.store.put_variable(put).await.expect("room");
    }

    /// The last requests of a webhook, newest first.
    pub(crate) async fn captured(&self, name: &str) -> Vec<Value> {
        let found = self.store.resource(self.workspace, Kind::Trigger, name).await.expect("readable");
        let found = found.expect("deployed");
        let Ok(Trigger::Webhook(webhook)) = Trigger::parse(&found.document) else { panic!("no webhook") };
        self.app.captured_requests(found.revision.resource, &webhook)
    }

    /// Deploys `acme/<name>` for events of a type.
    pub(crate) async fn workflow(&self, name: &str, settings: Value, event_type: &str) {
        let document = json!({
            "document": {
                "dsl": "1.0.3", "namespace": "acme", "name": name, "version": "1.0.0",
                "metadata": {"tenon": settings},
            },
            "schedule": {"on": {"one": {"with": {"type": event_type}}}},
            "do": [{"keep": {"set": {"done": true}}}],
        })
        .to_string();
        let parsed = Document::parse(&document).expect("JSON");
        let program = tenon_workflow::compile(&parsed).unwrap_or_else(|findings| panic!("{findings:?}"));
        let subscription = program.subscription.expect("it has a schedule");
        let keys = subscription.filters().map(|filter| match filter.filter.event_types() {
            EventTypes::Exact(exact) => exact,
            EventTypes::Any => "*".to_owned(),
        });
        self.put(Kind::Workflow, &format!("acme/{name}"), document, keys.collect()).await;
    }

    async fn put(&self, kind: Kind, name: &str, document: String, keys: Vec<String>) {
        let put = PutResource {
            workspace: self.workspace,
            kind,
            name: name.to_owned(),
            version: String::new(),
            digest: document.clone(),
            document,
            keys,
            listens: Vec::new(),
            gathers: None,
            files: Vec::new(),
            expected: None,
            at: Timestamp(1),
            actor: "test".to_owned(),
        };
        self.store.put_resource(put).await.expect("room");
        self.app.capture().refresh(self.workspace).await.expect("readable");
    }

    /// Plays the worker: ends every job that starts from now on in this way.
    pub(crate) fn end_jobs(&self, state: JobState, result: Value) {
        let ports = self.app.capture().ports().clone();
        let mut news = ports.live.subscribe();
        tokio::spawn(async move {
            while let Ok(event) = news.recv().await {
                if let JobEvent::Job { job, state: JobState::Pending, .. } = event {
                    let result = Some(result.to_string().into());
                    ports.watch.finished(JobEnd { job, state, result });
                }
            }
        });
    }

    // --- requests

    /// `POST /path` or `GET /path`, with headers and a body.
    pub(crate) async fn send(&self, line: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        let (method, path) = line.split_once(' ').expect("method and path");
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).expect("a valid request");
        let response = self.client.request(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// A JSON body without a key.
    pub(crate) async fn post(&self, path: &str, body: impl Into<Bytes>) -> Answer {
        self.send(&format!("POST {path}"), &[(CONTENT_TYPE.as_str(), "application/json")], body).await
    }

    // --- what is in the store

    /// The events, oldest first, with their envelopes.
    pub(crate) async fn envelopes(&self) -> Vec<Value> {
        let page =
            self.store.events(self.workspace, &EventFilter::default(), None, 100).await.expect("readable");
        let mut envelopes = Vec::new();
        for record in page.items.iter().rev() {
            let whole: EventRecord =
                self.store.event(self.workspace, record.id).await.expect("readable").expect("kept");
            envelopes.push(serde_json::from_slice(&whole.envelope.expect("whole")).expect("JSON"));
        }
        envelopes
    }

    pub(crate) async fn assert_nothing_captured(&self) {
        let disk = self.store.disk_use().await.expect("readable");
        assert_eq!((disk.events, disk.jobs), (0, 0));
    }
}

pub(crate) fn bearer() -> (&'static str, String) {
    ("authorization", format!("Bearer {KEY}"))
}
