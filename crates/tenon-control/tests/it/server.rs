//! A whole server on port 0: store, capture, worker, gateway and the management API.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tempfile::TempDir;
use tenon_capture::{
    CaptureService, Clock, IdSource, JobWatch, Live, Metrics, Options, Ports, Programs, StoredVariables,
    Variables,
};
use tenon_control::{Control, VaultControl, routes};
use tenon_gateway::{App, Keys, Limits, ServeOptions, Setup, router_with, serve};
use tenon_outbound::{AddressRules, HttpClient, PrivateAddresses};
use tenon_store::Store;
use tenon_store_sqlite::SqliteStore;
use tenon_trigger::Triggers;
use tenon_vault::Vault as _;
use tenon_vault_local::{KeyFiles, LocalVault, Origin};
use tenon_worker::{History, Parts, Transient, Worker};
use tokio::net::TcpListener;

const KEY: &str = "tn_owner-of-the-test";

pub(crate) struct Server {
    pub(crate) app: App,
    address: String,
    client: Client<HttpConnector, Full<Bytes>>,
    directory: TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) etag: Option<String>,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: Value,
}

// === impl Answer ===

impl Answer {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }
}

// === impl Server ===

impl Server {
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let vault = LocalVault::from_text(&format!("{}=", "A".repeat(43))).expect("a key of zeros");
        let id_of_zeros = vault.id();
        let options = tenon_store_sqlite::Options::new(directory.path().join("data"), Arc::new(vault));
        let sqlite = Arc::new(SqliteStore::open(options).expect("a new store"));
        let store: Arc<dyn Store> = Arc::clone(&sqlite) as Arc<dyn Store>;
        store.create_workspace("default").await.expect("a workspace");
        let clock = Clock::system();
        let programs = Programs::new(Arc::clone(&store), 100);
        let ports = Ports {
            store: Arc::clone(&store),
            clock: clock.clone(),
            ids: Arc::new(IdSource::new(clock)),
            programs: programs.clone(),
            watch: JobWatch::new(100),
            live: Live::new(100),
            metrics: Arc::new(Metrics::default()),
        };
        let capture = CaptureService::new(ports, Options::new(tenon_engine::SEMANTICS));
        let addresses = AddressRules { private: PrivateAddresses::Allow, ..AddressRules::default() };
        let options = tenon_outbound::Options { addresses, ..tenon_outbound::Options::default() };
        let http = HttpClient::new(options).expect("a client");
        let variables: Arc<dyn Variables> = Arc::new(StoredVariables::new(Arc::clone(&store)));
        let parts = Parts { capture: capture.clone(), http: http.clone(), variables: Arc::clone(&variables) };
        let worker = Worker::start(parts.clone(), tenon_worker::Options::default()).await;
        let (worker, _working) = worker.expect("a worker");
        let calls = Arc::new(Transient::new(parts.clone()));
        let parts = tenon_trigger::Parts { capture: capture.clone(), calls };
        let (triggers, _firing) = Triggers::start(parts, tenon_trigger::Options::default());
        let app = App::new(Setup { capture, keys: Keys::owner(KEY), variables, limits: Limits::default() });
        app.readiness().serve();
        let origin = Origin::Text { name: "TENON_MASTER_KEY".to_owned(), id: id_of_zeros };
        let files = KeyFiles::new(directory.path().join("data"), origin);
        let vault = VaultControl { data_keys: sqlite, master_keys: Arc::new(files) };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let router = router_with(
            app.clone(),
            routes(Control { worker, history: History::new(store, programs), vault, http, triggers }),
        );
        tokio::spawn(serve(listener, router, app.clone(), ServeOptions::default(), std::future::pending()));
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { app, address, client, directory }
    }

    /// Where it keeps everything; gone afterwards.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// `PUT /api/v1/…` with the owner key, a body and more headers.
    pub(crate) async fn send(&self, line: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
        let (method, path) = line.split_once(' ').expect("method and path");
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.address))
            .header(AUTHORIZATION, format!("Bearer {KEY}"))
            .header(CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            let all = request.headers_mut().expect("well formed so far");
            all.insert(
                HeaderName::from_bytes(name.as_bytes()).expect("a name"),
                value.parse().expect("a value"),
            );
        }
        let request = request.body(Full::new(Bytes::from(body.to_owned()))).expect("a request");
        let response = self.client.request(request).await.expect("an answer");
        let status = response.status().as_u16();
        let header =
            |name| response.headers().get(name).map(|value| value.to_str().expect("text").to_owned());
        let (etag, retry_after) = (header("etag"), header("retry-after"));
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).expect("JSON") };
        Answer { status, etag, retry_after, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path}"), "", &[]).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.send(&format!("POST {path}"), body, &[]).await
    }

    /// Deploys `acme/<name>`.
    pub(crate) async fn deploy(&self, name: &str, rest: &str) -> Answer {
        let line = format!("PUT /api/v1/workflows/acme/{name}");
        self.send(&line, &workflow(name, rest), &[]).await
    }
}

/// A workflow document.
pub(crate) fn workflow(name: &str, rest: &str) -> String {
    format!("document: {{dsl: '1.0.3', namespace: acme, name: {name}, version: '1.0.0'}}\n{rest}")
}
