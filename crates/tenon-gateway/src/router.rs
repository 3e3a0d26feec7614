//! Every address, in one list.

use axum::Router;
use axum::routing::{any, get, post};
use hyper::{Method, Uri};

use crate::codes;
use crate::{App, Problem, events, health, hooks, run};

/// The gateway alone.
pub fn router(app: App) -> Router {
    router_with(app, Router::new())
}

/// The gateway with more routes beside it (the management API). They need no fallbacks of their own.
pub fn router_with(app: App, more: Router<App>) -> Router {
    Router::new()
        .route("/hooks/{workspace}/{*path}", any(hooks::handle))
        .route("/events/{workspace}", post(events::handle))
        .route("/run/{workspace}/{namespace}/{name}", post(run::handle))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .merge(more)
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(app)
}

async fn not_found(uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::new(&codes::NO_SUCH_PATH, format!("nothing is at `{path}`"))
}

async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::new(&codes::METHOD, format!("`{path}` does not take {method}"))
}
