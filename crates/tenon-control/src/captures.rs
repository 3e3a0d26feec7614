//! `/triggers/{name}/captures`: the last requests that a webhook has seen on this node, taken and refused.

use std::collections::HashMap;

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use serde_json::Value;
use tenon_capture::trigger::Trigger;
use tenon_gateway::{App, Caller, Problem, Workspace, codes};
use tenon_store::Kind;
use tenon_worker::{MASKED, Mask, Masks};

use crate::page::{Parameters, page};
use crate::{Control, masked};

/// What of a request may have come into its event.
const PARTS: [&str; 5] = ["path", "query", "headers", "body", "raw"];

pub(crate) async fn list(
    (State(app), Extension(control)): (State<App>, Extension<Control>),
    _: Caller,
    workspace: Workspace,
    Path(name): Path<String>,
    given: Query<HashMap<String, String>>,
) -> Result<Json<Value>, Problem> {
    Parameters::new(given, &[])?;
    let found = app.store().resource(workspace.id, Kind::Trigger, &name).await?;
    let found = found.ok_or_else(|| {
        Problem::new(&codes::NOT_FOUND, "there is no trigger of this name")
            .with_hint("`tenon trigger list` shows those there are")
    })?;
    match Trigger::parse(&found.document) {
        Ok(Trigger::Webhook(webhook)) if webhook.captures => {
            let mut requests = app.captured_requests(found.revision.resource, &webhook);
            let mut masks = control.history.masks();
            for request in &mut requests {
                hide_values(&app, &mut masks, &workspace, request).await?;
            }
            Ok(page(requests, None))
        }
        Ok(Trigger::Webhook(_)) => {
            let problem = Problem::new(&codes::CONFLICT, "the trigger says `captures: false`");
            Err(problem.with_hint("remove it from the trigger; requests are kept from then on"))
        }
        _ => Err(Problem::new(&codes::CONFLICT, "only webhooks have requests to look at")
            .with_hint("`tenon event list` shows what the trigger has produced")),
    }
}

/// What the workflows that the request's event is for mask of it, is not shown of the request either.
async fn hide_values(
    app: &App,
    masks: &mut Masks,
    workspace: &Workspace,
    request: &mut Value,
) -> Result<(), Problem> {
    let event = request["event"].as_str().and_then(|event| event.parse().ok());
    let Some(event) = event else { return Ok(()) };
    let event = app.store().event(workspace.id, event).await?;
    let mask = match &event {
        Some(event) => masks.of_event(workspace.id, event).await,
        None => Ok(Mask::default()),
    };
    let mask = mask.map_err(|error| masked::unreadable(&error))?;
    // Nobody knows what is masked of a request whose event is gone. A repeat is known by its key only: what else is in
    // it may not be in the first one's event, of which the values are known. What is cut off may begin a value. And
    // short values are found by the pointers of the event, which do not lead through its request.
    let is_partial = request["outcome"] == "duplicate" || request["truncated"] == true;
    let is_unknown = event.is_none() || mask.has_short_values() || (is_partial && !mask.is_empty());
    for part in PARTS {
        match request.get_mut(part) {
            Some(value) if is_unknown => *value = MASKED.into(),
            Some(value) => mask.value(value),
            None => {}
        }
    }
    Ok(())
}
