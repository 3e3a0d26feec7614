//! `/doctor/disk`: what takes the room, and what retention removes next.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use tenon_capture::rfc3339;
use tenon_gateway::{App, Caller, Problem, Workspace};
use tenon_store::{DiskDetail, DiskPart, NextRemoval, Timestamp, WorkflowUse};

/// Parts are the whole server's, workflows those of the caller's workspace.
pub(crate) async fn disk(
    State(app): State<App>,
    _: Caller,
    workspace: Workspace,
) -> Result<Json<Value>, Problem> {
    let detail: DiskDetail = app.store().disk_detail().await?;
    let own = detail.workflows.iter().filter(|of| of.workspace == workspace.id);
    Ok(Json(json!({
        "parts": detail.parts.iter().map(part).collect::<Vec<_>>(),
        "log": detail.log,
        "unused": detail.unused,
        "ballast": detail.ballast,
        "workflows": own.map(workflow).collect::<Vec<_>>(),
        "oldestJob": moment(detail.oldest_job),
        "oldestEvent": moment(detail.oldest_event),
        "next": detail.next.as_ref().map(next),
    })))
}

fn part(part: &DiskPart) -> Value {
    json!({ "kind": part.kind.name(), "bytes": part.bytes, "rows": part.rows, "estimate": part.is_estimate })
}

fn workflow(of: &WorkflowUse) -> Value {
    json!({ "workflow": of.name, "jobs": of.jobs, "bytes": of.bytes, "estimate": of.is_estimate })
}

fn next(next: &NextRemoval) -> Value {
    json!({
        "from": rfc3339(next.from),
        "until": rfc3339(next.until),
        "jobs": next.jobs,
        "payloads": next.payloads,
        "events": next.events,
        "marks": next.marks,
    })
}

fn moment(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| Value::String(rfc3339(at)))
}
