//! `/lanes`: ordered lanes that have jobs left, the one that has stood longest first.

use std::collections::HashMap;

use axum::extract::{Query, State};
use axum::{Extension, Json};
use serde_json::{Value, json};
use tenon_capture::rfc3339;
use tenon_gateway::{App, Caller, Problem, Workspace};
use tenon_store::{JobState, Kind, LaneFilter, LaneRecord, Timestamp};

use crate::page::{Parameters, bad};
use crate::{Control, masked};

const KNOWN: [&str; 5] = ["workflow", "key", "state", "limit", "cursor"];
/// How the first job of a lane may stand.
const STATES: [JobState; 4] = [JobState::Pending, JobState::Running, JobState::Waiting, JobState::Suspended];

pub(crate) async fn list(
    State(app): State<App>,
    Extension(control): Extension<Control>,
    _: Caller,
    workspace: Workspace,
    given: Query<HashMap<String, String>>,
) -> Result<Json<Value>, Problem> {
    let parameters = Parameters::new(given, &KNOWN)?;
    let (cursor, limit) = (parameters.cursor()?, parameters.limit()?);
    let states = parameters.get("state").map(states).transpose()?.unwrap_or_default();
    let mut filter = LaneFilter { workflow: None, key: parameters.get("key").map(str::to_owned), states };
    if let Some(name) = parameters.get("workflow") {
        let Some(resource) = app.store().resource(workspace.id, Kind::Workflow, name).await? else {
            return Ok(Json(json!({ "items": [], "next": null, "complete": true })));
        };
        filter.workflow = Some(resource.revision.resource);
    }
    let found = app.store().lanes(workspace.id, &filter, cursor, limit).await?;
    let now = app.capture().ports().clock.now();
    let mut masks = control.history.masks();
    let mut items = Vec::with_capacity(found.items.len());
    for lane in &found.items {
        // Removed meanwhile: then the lane is another one by now.
        let Some(head) = app.store().job(workspace.id, lane.head).await? else { continue };
        let mask = masks.of_key(&head).await.map_err(|error| masked::unreadable(&error))?;
        let mut lane = shown(lane, now);
        mask.ordering_key(&mut lane["key"]);
        items.push(lane);
    }
    let next = found.next.map(|next| next.to_string());
    Ok(Json(json!({ "items": items, "next": next, "complete": found.is_complete })))
}

fn states(list: &str) -> Result<Vec<JobState>, Problem> {
    let one = |name: &str| {
        STATES.into_iter().find(|state| state.name() == name).ok_or_else(|| {
            let names = STATES.map(JobState::name).join(", ");
            bad(format!("`state` must be some of {names}: how the first job of the lane stands"))
        })
    };
    list.split(',').map(str::trim).map(one).collect()
}

fn shown(lane: &LaneRecord, now: Timestamp) -> Value {
    let (namespace, name) = lane.workflow_name.split_once('/').unwrap_or(("", &lane.workflow_name));
    json!({
        "workflow": { "namespace": namespace, "name": name },
        "key": lane.key,
        "length": lane.length,
        "head": lane.head,
        "state": lane.head_state,
        "parked": lane.head_state == JobState::Suspended,
        "since": rfc3339(lane.since),
        "ageSeconds": now.since(lane.since).as_secs(),
        "wakeAt": lane.wake_at.map(rfc3339),
    })
}
