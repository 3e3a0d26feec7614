//! `/audit`: who changed what.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Query, State};
use serde_json::{Value, json};
use tenon_capture::rfc3339;
use tenon_gateway::{App, Caller, Problem, Workspace};

use crate::page::{Parameters, page};

pub(crate) async fn list(
    State(app): State<App>,
    _: Caller,
    workspace: Workspace,
    given: Query<HashMap<String, String>>,
) -> Result<Json<Value>, Problem> {
    let parameters = Parameters::new(given, &["limit", "cursor"])?;
    let (cursor, limit) = (parameters.cursor()?, parameters.limit()?);
    let found = app.store().audit_records(workspace.id, cursor, limit).await?;
    let items = found.items.iter().map(|record| {
        json!({
            "actor": record.actor,
            "action": record.action,
            "subject": record.subject,
            "at": rfc3339(record.at),
        })
    });
    Ok(page(items.collect(), found.next.map(|next| next.to_string())))
}
