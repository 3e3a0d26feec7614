//! Is it alive, is it ready, what does it count.

use axum::extract::State as Extract;
use axum::response::{IntoResponse, Response};
use hyper::header::CONTENT_TYPE;

use crate::{App, Caller, Problem};

/// Alive: answers. Says nothing more, to anybody.
pub(crate) async fn healthz() -> &'static str {
    "ok"
}

/// Ready: takes work.
pub(crate) async fn readyz(Extract(app): Extract<App>) -> Result<&'static str, Problem> {
    app.readiness().check()?;
    Ok("ok")
}

/// All counters, for Prometheus.
pub(crate) async fn metrics(_: Caller, Extract(app): Extract<App>) -> Response {
    let content_type = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (content_type, app.metrics().render()).into_response()
}
