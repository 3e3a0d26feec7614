//! `…/fire` and `…/notes` of what starts by itself: fire now, and what happened.

use std::collections::HashMap;

use axum::Json;
use axum::extract::Query;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tenon_capture::rfc3339;
use tenon_gateway::{App, Problem, codes};
use tenon_store::{AuditRecord, Resource, TriggerNote};
use tenon_trigger::FireError;

use crate::page::{Parameters, page};
use crate::resources::Target;

/// Fires now. The record is written before the deed, as with jobs.
pub(crate) async fn fire(target: Target) -> Result<Response, Problem> {
    let resource = target.existing().await?;
    let app = &target.app;
    app.store()
        .audit(AuditRecord {
            workspace: target.workspace.id,
            actor: target.caller.actor.to_string(),
            action: format!("{}.fire", target.word()),
            subject: target.name.clone(),
            at: app.capture().ports().clock.now(),
        })
        .await?;
    let fired = target.control.triggers.fire(target.workspace.id, &resource, &target.caller.actor).await;
    let fired = fired.map_err(|error| refused(&target.name, error))?;
    let events: Vec<_> = fired.first.iter().map(|accepted| accepted.event).collect();
    let jobs: Vec<_> = fired.first.iter().flat_map(|accepted| accepted.jobs.clone()).collect();
    // Of many events only the first are named.
    let count = fired.events;
    Ok(Json(json!({ "name": target.name, "events": events, "jobs": jobs, "captured": count }))
        .into_response())
}

fn refused(name: &str, error: FireError) -> Problem {
    match error {
        FireError::NotByTime => Problem::new(&codes::CONFLICT, format!("`{name}` waits for others: {error}")),
        FireError::Conflict => Problem::new(&codes::CONFLICT, format!("`{name}` was not fired: {error}"))
            .with_hint("enable it, or try again"),
        FireError::TooFast { seconds } => {
            Problem::new(&codes::RATE_LIMIT, format!("`{name}` was not fired: {error}"))
                .with_header(RETRY_AFTER, seconds.max(1).into())
        }
        FireError::Failed(reason) => {
            Problem::new(&codes::CONFLICT, format!("`{name}` was not fired: {reason}"))
        }
        FireError::Capture(error) => error.into(),
    }
}

/// What happened to it, newest first.
pub(crate) async fn notes(
    target: Target,
    given: Query<HashMap<String, String>>,
) -> Result<Json<Value>, Problem> {
    let parameters = Parameters::new(given, &["limit", "cursor"])?;
    let (cursor, limit) = (parameters.cursor()?, parameters.limit()?);
    let id = target.existing().await?.revision.resource;
    let found = target.app.store().trigger_notes(target.workspace.id, id, cursor, limit).await?;
    let next = found.next.map(|next| next.to_string());
    Ok(page(found.items.iter().map(shown).collect(), next))
}

fn shown(note: &TriggerNote) -> Value {
    let detail: Value = serde_json::from_slice(&note.detail).unwrap_or(Value::Null);
    json!({ "at": rfc3339(note.at), "kind": note.kind.name(), "detail": detail })
}

/// The next occurrences of something with a schedule; null for everything else.
pub(crate) async fn next(app: &App, resource: &Resource) -> Result<Value, Problem> {
    let outlook = tenon_trigger::outlook(app.capture(), resource).await?;
    Ok(outlook.map_or(Value::Null, |outlook| outlook.next.into_iter().map(rfc3339).collect()))
}
