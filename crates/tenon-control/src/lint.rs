//! `POST /lint`: what would be said about a workflow, without deploying it.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use http::HeaderMap;
use serde_json::{Value, json};
use tenon_gateway::{App, Caller, Problem};
use tenon_store::Kind;

use crate::{deploy, resources, show};

pub(crate) async fn lint(
    State(app): State<App>,
    _: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let source = resources::document(&app, &headers, body).await?;
    let findings = match deploy::check(Kind::Workflow, &source) {
        Ok(checked) => checked.warnings,
        Err(errors) => errors,
    };
    Ok(Json(json!({ "diagnostics": show::diagnostics(&findings) })))
}
