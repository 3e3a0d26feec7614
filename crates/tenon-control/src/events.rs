//! `/events`: what was captured.

use std::collections::HashMap;

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use serde_json::Value;
use tenon_gateway::{App, Caller, Problem, Workspace, codes};
use tenon_store::{EventFilter, EventId};

use crate::page::{Parameters, bad, page, the_one};
use crate::{Control, masked, show};

const KNOWN: [&str; 8] = ["type", "source", "since", "until", "wanted", "id", "limit", "cursor"];

pub(crate) async fn list(
    State(app): State<App>,
    _: Caller,
    workspace: Workspace,
    given: Query<HashMap<String, String>>,
) -> Result<Json<Value>, Problem> {
    let parameters = Parameters::new(given, &KNOWN)?;
    let ids = parameters.get("id").map(EventId::range).transpose().map_err(|error| bad(error.to_string()))?;
    let filter = EventFilter {
        r#type: parameters.get("type").map(str::to_owned),
        source: parameters.get("source").map(str::to_owned),
        since: parameters.moment("since")?,
        until: parameters.moment("until")?,
        is_wanted: parameters.get("wanted").map(|_| parameters.is_true("wanted")).transpose()?,
        ids,
    };
    let (cursor, limit) = (parameters.cursor()?, parameters.limit()?);
    let found = app.store().events(workspace.id, &filter, cursor, limit).await?;
    let next = found.next.map(|next| next.to_string());
    Ok(page(found.items.iter().map(show::event).collect(), next))
}

pub(crate) async fn show(
    State(app): State<App>,
    Extension(control): Extension<Control>,
    _: Caller,
    workspace: Workspace,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let id = find(&app, &workspace, &id).await?;
    let record = app.store().event(workspace.id, id).await?.ok_or_else(|| missing(&id.to_string()))?;
    let mask = control.history.masks().of_event(workspace.id, &record).await;
    let mask = mask.map_err(|error| masked::unreadable(&error))?;
    Ok(Json(show::whole_event(&record, &mask)))
}

/// The event that an id or a unique beginning of one names.
async fn find(app: &App, workspace: &Workspace, text: &str) -> Result<EventId, Problem> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let ids = EventId::range(text).map_err(|error| bad(error.to_string()))?;
    let filter = EventFilter { ids: Some(ids), ..EventFilter::default() };
    let found = app.store().events(workspace.id, &filter, None, 2).await?;
    let one = the_one(text, found.items, missing(text))?;
    Ok(one.id)
}

fn missing(text: &str) -> Problem {
    let shown: String = text.chars().take(40).collect();
    Problem::new(&codes::NOT_FOUND, format!("there is no event `{shown}`"))
}
