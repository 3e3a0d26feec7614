//! How things look as JSON: jobs, events, resources, diagnostics. The shapes are `interface.md`'s.

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tenon_capture::rfc3339;
use tenon_gateway::Workspace;
use tenon_store::{EventRecord, JobId, JobRecord, JobState, Origin, Resource, Timestamp};
use tenon_worker::Mask;
use tenon_workflow::{Diagnostic, ErrorType};

fn moment(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| Value::String(rfc3339(at)))
}

/// Stored JSON; what cannot be read is shown as text rather than hidden.
fn stored(bytes: Option<&Bytes>) -> Value {
    let Some(bytes) = bytes else { return Value::Null };
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

/// A job without its input and output. Its root is the job that its family began with.
pub(crate) fn job(job: &JobRecord, root: Option<JobId>, workspace: &Workspace) -> Value {
    let (namespace, name) = job.workflow_name.split_once('/').unwrap_or(("", &job.workflow_name));
    json!({
        "id": job.id,
        "workspace": workspace.name,
        "workflow": {
            "namespace": namespace,
            "name": name,
            "version": job.version,
            "revision": job.revision_number,
        },
        "event": job.event,
        "state": job.state,
        "createdAt": rfc3339(job.created_at),
        "startedAt": moment(job.started_at),
        "endedAt": moment(job.ended_at),
        "wakeAt": moment(job.wake_at),
        "lane": job.lane,
        "parent": job.parent,
        "root": root,
        "rerunOf": job.rerun_of,
        "error": error(job),
        "payloadsGone": job.payloads_gone,
    })
}

/// A job with the input it ran on and its output.
pub(crate) fn whole_job(
    record: &JobRecord,
    root: Option<JobId>,
    workspace: &Workspace,
    input: Value,
) -> Value {
    let mut shown = job(record, root, workspace);
    if !record.gathered.is_empty() {
        shown["events"] = json!(record.gathered);
    }
    shown["input"] = input;
    let is_completed = record.state == JobState::Completed;
    shown["output"] = if is_completed { stored(record.result.as_ref()) } else { Value::Null };
    shown
}

/// Why a job is not going on.
fn error(job: &JobRecord) -> Value {
    match (job.state, &job.result) {
        (JobState::Suspended, None) => json!({
            "type": ErrorType::Expression.uri(),
            "status": ErrorType::Expression.status(),
            "title": "no place in line",
            "detail": "the workflow's orderingKey or dedupKey gave no value for this event, so the job has no lane",
            "instance": "/document/metadata/tenon",
        }),
        (JobState::Faulted | JobState::Suspended, result) => stored(result.as_ref()),
        _ => Value::Null,
    }
}

/// An event as lists show it.
pub(crate) fn event(event: &EventRecord) -> Value {
    json!({
        "id": event.id,
        "source": event.source,
        "type": event.r#type,
        "subject": event.subject,
        "time": rfc3339(event.captured_at),
        "capturedAt": rfc3339(event.captured_at),
        "origin": match event.origin { Origin::Event => "event", Origin::Call => "call" },
        "duplicates": event.duplicates,
        "wanted": event.is_wanted,
        "jobs": event.jobs,
    })
}

/// An event with its data and its CloudEvents attributes.
pub(crate) fn whole_event(record: &EventRecord, mask: &Mask) -> Value {
    let mut shown = event(record);
    let mut envelope = stored(record.envelope.as_ref());
    mask.event(&mut envelope);
    mask.value(&mut shown["subject"]);
    let mut attributes = match envelope {
        Value::Object(attributes) => attributes,
        _ => Map::new(),
    };
    if let Some(time) = attributes.get("time") {
        shown["time"] = time.clone();
    }
    if let Some(base64) = attributes.shift_remove("data_base64") {
        shown["data_base64"] = base64;
    }
    shown["data"] = attributes.shift_remove("data").unwrap_or(Value::Null);
    shown["attributes"] = Value::Object(attributes);
    shown
}

/// What all resources show.
pub(crate) fn resource(resource: &Resource) -> Value {
    json!({
        "name": resource.name,
        "revision": resource.revision.number,
        "digest": resource.digest,
        "enabled": resource.enabled,
        "updatedAt": rfc3339(resource.at),
    })
}

/// Findings about a document.
pub(crate) fn diagnostics(findings: &[Diagnostic]) -> Value {
    let list = findings.iter().map(|finding| {
        json!({
            "code": finding.code,
            "severity": finding.severity.name(),
            "pointer": finding.pointer,
            "line": finding.line,
            "column": finding.column,
            "message": finding.message,
            "hint": finding.hint,
        })
    });
    Value::Array(list.collect())
}
