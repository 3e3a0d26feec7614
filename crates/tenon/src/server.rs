//! `tenon up`: puts the parts together, serves until it is told to stop, and stops in order.
//!
//! ```text
//! listener ─ vault ─ store ─ capture ─ worker ─ triggers ─ gateway + control    (start, in this order)
//! triggers and gateway drain, worker drains, store closes                      (stop)
//! ```

mod flow;
mod logging;
mod owner_key;
mod pruning;
mod signals;
mod vault;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tenon_capture::{
    CaptureService, Clock, IdSource, JobWatch, Live, Metrics, Ports, Programs, StoredVariables, Variables,
};
use tenon_control::Control;
use tenon_gateway::{App, Keys, Limits, ServeOptions, Setup, router_with, serve};
use tenon_outbound::{AddressRules, HttpClient};
use tenon_store::Store;
use tenon_store_sqlite::{OpenError, SqliteStore};
use tenon_trigger::Triggers;
use tenon_vault::Vault;
use tenon_worker::{History, Parts, Transient, Worker};
use tokio::net::TcpListener;

use crate::config::{PrivateAddresses, UpSettings};
use crate::settings::LocalData;
use crate::start_error::StartError;

/// Compiled workflow revisions that are kept in memory.
const CACHED_PROGRAMS: usize = 2_000;
/// Callers that may wait for jobs at once.
const MAX_WATCHES: usize = 10_000;
/// How far a listener of live news may fall behind.
const LIVE_EVENTS: usize = 1_024;
/// Of the drain time, what closing the store may take.
const CLOSING_TIME: Duration = Duration::from_secs(1);

/// Serves until SIGTERM or Ctrl-C.
pub(crate) async fn up(settings: UpSettings) -> Result<(), StartError> {
    logging::start(&settings)?;
    let listener = listen(&settings).await?;
    let address = listener.local_addr().map_err(|error| failed(&error))?;
    let vault = vault::open(&settings)?;
    let master_key = vault.id();
    let sqlite = open_store(&settings, vault).await?;
    let store: Arc<dyn Store> = Arc::clone(&sqlite) as Arc<dyn Store>;
    store.create_workspace(tenon_gateway::DEFAULT_WORKSPACE).await.map_err(|error| failed(&error))?;
    let key = owner_key::find_or_make(&settings.data)?;
    let capture = capture(&settings, Arc::clone(&store));
    let http = outbound(&settings, address)?;
    flow::count_waits(&capture, &http);
    let options = flow::worker(&settings);
    let variables: Arc<dyn Variables> = Arc::new(StoredVariables::new(Arc::clone(&store)));
    let parts = Parts { capture: capture.clone(), http: http.clone(), variables: Arc::clone(&variables) };
    let (worker, working) = Worker::start(parts.clone(), options).await.map_err(|error| failed(&error))?;
    let calls = Arc::new(Transient::new(parts));
    let parts = tenon_trigger::Parts { capture: capture.clone(), calls };
    let (triggers, firing) = Triggers::start(parts, tenon_trigger::Options::default());
    let history = History::new(Arc::clone(&store), capture.ports().programs.clone());
    let pruning = pruning::start(&capture);
    let limits = Limits {
        event_bytes: bytes(settings.limits_event.0),
        body_bytes: bytes(settings.limits_body.0),
        ..Limits::default()
    };
    let app = App::new(Setup { capture, keys: Keys::owner(&key), variables, limits });
    let vault = vault::control(&settings, sqlite, master_key.clone());
    let control = Control { worker: worker.clone(), history, vault, http, triggers: triggers.clone() };
    let router = router_with(app.clone(), tenon_control::routes(control));
    app.readiness().serve();
    // Whoever hears that it is up may stop it.
    let stop = signals::stop();
    write_address(&settings, address)?;
    announce(&settings, address, &master_key);

    let patience = settings.shutdown_drain.saturating_sub(CLOSING_TIME);
    let options = ServeOptions { drain_time: patience, ..ServeOptions::default() };
    let stopping = async {
        stop.await;
        tracing::info!("stopping: what runs is finished or left where it can go on");
        signals::abort_on_second();
        triggers.drain();
        worker.drain(patience).await;
    };
    let served = serve(listener, router, app, options, stopping).await;
    pruning.abort();
    if tokio::time::timeout(patience, firing).await.is_err() {
        tracing::warn!("a trigger is still at work; it goes on after the next start");
    }
    if tokio::time::timeout(patience, working).await.is_err() {
        tracing::warn!("jobs are still running; they go on after the next start");
    }
    store.close().await;
    served.map_err(|error| failed(&error))
}

fn failed(error: &dyn std::fmt::Display) -> StartError {
    StartError::Failed { reason: error.to_string() }
}

fn bytes(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

async fn listen(settings: &UpSettings) -> Result<TcpListener, StartError> {
    let address = *settings.listen;
    if !address.ip().to_canonical().is_loopback() && !*settings.behind_proxy {
        return Err(StartError::BeyondLoopback { address });
    }
    TcpListener::bind(address)
        .await
        .map_err(|error| StartError::Listen { address, reason: error.to_string() })
}

async fn open_store(settings: &UpSettings, vault: Arc<dyn Vault>) -> Result<Arc<SqliteStore>, StartError> {
    let place = vault::place(settings);
    let options = tenon_store_sqlite::Options {
        low_water_bytes: settings.limits_free_disk.0,
        ..tenon_store_sqlite::Options::new(settings.data.value.clone(), vault)
    };
    let opened = tokio::task::spawn_blocking(move || SqliteStore::open(options)).await;
    match opened.map_err(|error| failed(&error))? {
        Ok(store) => Ok(Arc::new(store)),
        Err(error) => Err(refused(settings, place, error)),
    }
}

fn refused(settings: &UpSettings, place: String, error: OpenError) -> StartError {
    let path = settings.data.value.clone();
    match error {
        OpenError::Locked { pid: Some(pid), .. } => {
            StartError::DataLocked { path, holder: format!("process {pid}") }
        }
        OpenError::Locked { pid: None, .. } => {
            StartError::DataLocked { path, holder: "another process".to_owned() }
        }
        OpenError::Damaged { what, .. } => StartError::DataDamaged { path, reason: what },
        OpenError::WrongMasterKey { given, needed, .. } => {
            StartError::MasterKeyWrong { place, path, given, needed }
        }
        OpenError::Newer { .. } => StartError::DataNewer { path },
        OpenError::Directory { source, .. } => StartError::DataDirectory { path, reason: source.to_string() },
        other => StartError::DataDirectory { path, reason: other.to_string() },
    }
}

fn capture(settings: &UpSettings, store: Arc<dyn Store>) -> CaptureService {
    let clock = Clock::system();
    let ports = Ports {
        programs: Programs::new(Arc::clone(&store), CACHED_PROGRAMS),
        store,
        ids: Arc::new(IdSource::new(clock.clone())),
        clock,
        watch: JobWatch::new(MAX_WATCHES),
        live: Live::new(LIVE_EVENTS),
        metrics: Arc::new(Metrics::default()),
    };
    let options = tenon_capture::Options {
        max_event_bytes: bytes(settings.limits_event.0),
        max_input_bytes: bytes(settings.limits_body.0),
        event_retention: *settings.retention_jobs,
        ..tenon_capture::Options::new(tenon_engine::SEMANTICS)
    };
    CaptureService::new(ports, options)
}

fn outbound(settings: &UpSettings, own: SocketAddr) -> Result<HttpClient, StartError> {
    let allow = settings.outbound_allow.0.clone();
    let mut addresses = AddressRules::for_listeners(vec![own], allow);
    match settings.outbound_private.value {
        PrivateAddresses::Auto => {}
        PrivateAddresses::Allow => addresses.private = tenon_outbound::PrivateAddresses::Allow,
        PrivateAddresses::Refuse => addresses.private = tenon_outbound::PrivateAddresses::Deny,
    }
    let options = tenon_outbound::Options {
        connect_timeout: *settings.outbound_connect_timeout,
        total_timeout: *settings.outbound_timeout,
        max_response_bytes: bytes(settings.outbound_body.0),
        max_redirects: *settings.outbound_redirects,
        addresses,
        resolve: settings.outbound_resolve.0.clone(),
        rates: settings.outbound_rates.0.clone(),
        extra_roots_pem: extra_roots(settings)?,
        ..tenon_outbound::Options::default()
    };
    HttpClient::new(options).map_err(|error| failed(&error))
}

fn extra_roots(settings: &UpSettings) -> Result<Vec<Vec<u8>>, StartError> {
    let Some(path) = settings.outbound_roots.value.as_ref() else {
        return Ok(Vec::new());
    };
    let pem = std::fs::read(path).map_err(|error| StartError::Failed {
        reason: format!("outbound.roots: {} cannot be read: {error}", path.display()),
    })?;
    Ok(vec![pem])
}

/// Local clients of the same data directory find the server by this file.
fn write_address(settings: &UpSettings, address: SocketAddr) -> Result<(), StartError> {
    let path = settings.data.value.clone();
    std::fs::write(path.join(LocalData::SERVER_URL), format!("http://{address}\n"))
        .map_err(|error| StartError::DataDirectory { path, reason: error.to_string() })
}

fn announce(settings: &UpSettings, address: SocketAddr, master_key: &str) {
    tracing::info!("tenon {} is ready on http://{address}", env!("CARGO_PKG_VERSION"));
    tracing::info!("data in {}, owner key in owner.key there", settings.data.display());
    let place = vault::place(settings);
    tracing::info!("master key {master_key} from {place}; keep a copy of it apart from the data");
}
