//! The management API, `/api/v1`: deploy, look, rerun, cancel.
//!
//! One file per resource; [`routes`] is the list of all addresses. Every change is written down with who made
//! it. Nothing here runs a job or knows SQL: the worker and the store do.

mod audit;
mod captures;
mod cursor;
mod deploy;
mod disk;
mod doctor;
mod events;
mod files;
mod firing;
mod jobs;
mod lanes;
mod limits;
mod lint;
mod masked;
mod missing;
mod page;
mod resources;
mod roots;
mod show;
mod stream;
mod variables;
mod vault;
mod waking;
mod workspaces;

use axum::routing::{get, post, put};
use axum::{Extension, Router};
use tenon_gateway::App;
use tenon_outbound::HttpClient;
use tenon_trigger::Triggers;
use tenon_worker::{History, Worker};

pub use missing::CODES;
pub use vault::VaultControl;

/// What the management API uses beside the gateway's [`App`].
#[derive(Clone)]
pub struct Control {
    /// Who runs jobs.
    pub worker: Worker,
    /// Who remembers them.
    pub history: History,
    /// Who keeps keys.
    pub vault: VaultControl,
    /// Who fetches files that documents refer to.
    pub http: HttpClient,
    /// Who fires schedules and pollers.
    pub triggers: Triggers,
}

/// All addresses below `/api/v1`, for [`tenon_gateway::router_with`].
pub fn routes(control: Control) -> Router<App> {
    Router::new()
        .route("/api/v1/version", get(doctor::version))
        .route("/api/v1/doctor", get(doctor::doctor))
        .route("/api/v1/doctor/disk", get(disk::disk))
        .route("/api/v1/workspaces", get(workspaces::list))
        .route("/api/v1/workspaces/{name}", get(workspaces::show).put(workspaces::put))
        .route("/api/v1/limits", get(limits::limits))
        .route("/api/v1/lint", post(lint::lint))
        .route("/api/v1/workflows", get(resources::list))
        .route(
            "/api/v1/workflows/{namespace}/{name}",
            get(resources::show).put(resources::put).delete(resources::delete),
        )
        .route("/api/v1/workflows/{namespace}/{name}/versions", get(resources::versions))
        .route("/api/v1/workflows/{namespace}/{name}/fire", post(firing::fire))
        .route("/api/v1/workflows/{namespace}/{name}/notes", get(firing::notes))
        .route("/api/v1/workflows/{namespace}/{name}/enable", post(resources::enable))
        .route("/api/v1/workflows/{namespace}/{name}/disable", post(resources::disable))
        .route("/api/v1/triggers", get(resources::list))
        .route("/api/v1/triggers/{name}", get(resources::show).put(resources::put).delete(resources::delete))
        .route("/api/v1/triggers/{name}/cursor", put(resources::put_cursor))
        .route("/api/v1/triggers/{name}/fire", post(firing::fire))
        .route("/api/v1/triggers/{name}/notes", get(firing::notes))
        .route("/api/v1/triggers/{name}/versions", get(resources::versions))
        .route("/api/v1/triggers/{name}/captures", get(captures::list))
        .route("/api/v1/triggers/{name}/enable", post(resources::enable))
        .route("/api/v1/triggers/{name}/disable", post(resources::disable))
        .route("/api/v1/events", get(events::list))
        .route("/api/v1/events/{id}", get(events::show))
        .route("/api/v1/jobs", get(jobs::list))
        .route("/api/v1/jobs/{id}", get(jobs::show))
        .route("/api/v1/jobs/{id}/trace", get(jobs::trace))
        .route("/api/v1/jobs/{id}/journal", get(jobs::journal))
        .route("/api/v1/jobs/{id}/verify", post(jobs::verify))
        .route("/api/v1/jobs/{id}/rerun", post(jobs::rerun))
        .route("/api/v1/jobs/{id}/cancel", post(jobs::cancel))
        .route("/api/v1/jobs/{id}/resume", post(jobs::resume))
        .route("/api/v1/jobs/{id}/skip", post(jobs::skip))
        .route("/api/v1/jobs/bulk", post(jobs::bulk))
        .route("/api/v1/lanes", get(lanes::list))
        .route("/api/v1/variables", get(variables::list))
        .route("/api/v1/variables/{name}", get(variables::show).put(variables::put).delete(variables::delete))
        .route("/api/v1/vault", get(vault::show))
        .route("/api/v1/vault/rotate", post(vault::rotate))
        .route("/api/v1/stream", get(stream::stream))
        .route("/api/v1/audit", get(audit::list))
        .layer(Extension(limits::Rates::default()))
        .layer(Extension(control))
}
