//! `/workspaces`: which there are, and a new one. There is no way back yet: nothing here deletes.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde_json::{Value, json};
use tenon_gateway::{App, Caller, Problem, codes};
use tenon_store::AuditRecord;

/// Longest name.
const MAX_NAME: usize = 63;

pub(crate) async fn list(State(app): State<App>, _: Caller) -> Result<Json<Value>, Problem> {
    let items = app.store().workspaces().await?;
    let items: Vec<Value> = items.into_iter().map(|(_, name)| json!({ "name": name })).collect();
    Ok(Json(json!({ "items": items, "next": null })))
}

/// Creates it, or finds it: the same request again changes nothing.
pub(crate) async fn put(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    check(&name)?;
    if app.workspace(&name).await?.is_some() {
        return Ok((StatusCode::OK, Json(json!({ "name": name }))));
    }
    let workspace = app.store().create_workspace(&name).await?;
    let record = AuditRecord {
        workspace,
        actor: caller.actor.to_string(),
        action: "workspace.create".to_owned(),
        subject: name.clone(),
        at: app.capture().ports().clock.now(),
    };
    app.store().audit(record).await?;
    Ok((StatusCode::CREATED, Json(json!({ "name": name }))))
}

fn check(name: &str) -> Result<(), Problem> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let edge = |byte: Option<&u8>| byte.is_some_and(|byte| *byte != b'-');
    let bytes = name.as_bytes();
    if bytes.len() <= MAX_NAME
        && bytes.iter().copied().all(is_plain)
        && edge(bytes.first())
        && edge(bytes.last())
    {
        return Ok(());
    }
    let shown: String = name.chars().take(MAX_NAME).collect();
    Err(Problem::new(&codes::BAD_REQUEST, format!("`{shown}` is no name of a workspace"))
        .with_hint(format!("1 to {MAX_NAME} lower case letters, digits and `-`, e.g. `shop-test`")))
}
