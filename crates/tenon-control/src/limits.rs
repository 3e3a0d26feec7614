//! `/limits`: each limit that work of a workspace meets, what it is used for now, and what waits for it.

use axum::extract::State;
use axum::{Extension, Json};
use serde_json::{Value, json};
use tenon_capture::rfc3339;
use tenon_engine::scheduler::WorkflowUse;
use tenon_gateway::{App, Caller, Problem, Workspace, codes};
use tenon_outbound::HostRateUse;
use tenon_store::{Timestamp, WorkspaceSettings};
use tenon_worker::WorkerUse;

use crate::Control;

pub(crate) async fn limits(
    State(app): State<App>,
    Extension(control): Extension<Control>,
    _: Caller,
    workspace: Workspace,
) -> Result<Json<Value>, Problem> {
    let stopped = |_| Problem::new(&codes::UNAVAILABLE, "the worker has stopped");
    let usage = control.worker.usage().await.map_err(stopped)?;
    let mut items = of_server(&app, &usage);
    let own = app.store().workspace_settings(workspace.id)?;
    items.push(concurrency(&usage, &workspace, (own, control.worker.defaults())));
    items.extend(of_backlog(&usage, &workspace));
    for workflow in usage.scheduler.workflows.iter().filter(|of| of.workspace == workspace.id.0) {
        items.extend(of_workflow(&usage, workflow));
    }
    items.extend(control.http.rates().iter().map(of_host));
    Ok(Json(json!({ "items": items })))
}

fn of_server(app: &App, usage: &WorkerUse) -> Vec<Value> {
    let scheduler = &usage.scheduler;
    // The others' jobs are a number here, and nothing else.
    let ready: u64 = scheduler.workspaces.iter().map(|workspace| u64::from(workspace.ready)).sum();
    let (openings, opening) = usage.openings;
    let (bodies, most_bodies) = app.limits().body_budget.used();
    vec![
        json!({
            "kind": "serverConcurrency", "unit": "jobs", "setting": "worker.effects",
            "limit": usage.capacity, "used": scheduler.running, "waiting": ready,
        }),
        json!({
            "kind": "serverOpenings", "unit": "jobs", "setting": null,
            "limit": openings, "used": opening, "waiting": ready,
        }),
        json!({
            "kind": "bodyMemory", "unit": "bytes", "setting": null,
            "limit": most_bodies, "used": bodies, "waiting": 0,
        }),
        json!({
            "kind": "payloadMemory", "unit": "bytes", "setting": null,
            "limit": usage.payload_limit, "used": usage.payload_bytes, "waiting": 0,
        }),
    ]
}

/// The setting that holds, from the moment on at which it is set.
fn concurrency(
    usage: &WorkerUse,
    workspace: &Workspace,
    (own, defaults): (WorkspaceSettings, WorkspaceSettings),
) -> Value {
    let jobs = usage.scheduler.workspaces.iter().find(|of| of.workspace == workspace.id.0);
    let is_own = own.concurrency.is_some();
    json!({
        "kind": "workspaceConcurrency", "name": workspace.name, "unit": "jobs",
        "setting": if is_own { "workspace concurrency" } else { "limits.workspace_concurrency" },
        "limit": own.or(defaults).concurrency,
        "used": jobs.map_or(0, |of| of.running), "waiting": jobs.map_or(0, |of| of.ready),
    })
}

fn of_backlog(usage: &WorkerUse, workspace: &Workspace) -> Vec<Value> {
    let backlog = usage.backlogs.iter().find(|of| of.workspace == workspace.id);
    let (waiting, bytes, oldest) =
        backlog.map_or((0, 0, 0.0), |of| (of.jobs, of.bytes, of.oldest.as_secs_f64()));
    let refused = backlog.and_then(|of| of.refused);
    let retry_after = refused.map(|refused| refused.retry_after.as_secs());
    let backlog_row = |kind: &str, unit: &str, setting: &str, (limit, used): (Value, Value)| {
        json!({
            "kind": kind, "unit": unit, "setting": setting, "limit": limit, "used": used, "waiting": 0,
            "refusing": refused.is_some(), "retryAfter": retry_after,
            "perSecond": backlog.map(|of| (of.per_second * 10.0).round() / 10.0),
        })
    };
    vec![
        backlog_row("backlogJobs", "jobs", "limits.backlog_jobs", (usage.bounds.jobs.into(), waiting.into())),
        backlog_row(
            "backlogBytes",
            "bytes",
            "limits.backlog_bytes",
            (usage.bounds.bytes.into(), bytes.into()),
        ),
        backlog_row(
            "backlogAge",
            "seconds",
            "limits.backlog_age",
            (usage.bounds.age.as_secs().into(), oldest.floor().into()),
        ),
    ]
}

fn of_workflow(usage: &WorkerUse, workflow: &WorkflowUse) -> Vec<Value> {
    let name = usage.names.get(&workflow.workflow).map(AsRef::as_ref);
    let concurrency = workflow.concurrency.map(|limit| {
        json!({
            "kind": "workflowConcurrency", "name": name, "unit": "jobs",
            "setting": "metadata.tenon.concurrency",
            "limit": limit, "used": workflow.running, "waiting": workflow.ready,
        })
    });
    let rate = workflow.rate.map(|of| {
        let per = of.rate.per_us as f64 / 1e6;
        let next = (of.tokens == 0).then(|| rfc3339(Timestamp(of.next.0)));
        json!({
            "kind": "workflowRate", "name": name, "unit": "starts", "setting": "metadata.tenon.rateLimit",
            "limit": of.rate.limit, "perSeconds": per, "burst": of.rate.burst, "left": of.tokens,
            "used": of.rate.burst.saturating_sub(of.tokens), "waiting": workflow.ready, "next": next,
        })
    });
    concurrency.into_iter().chain(rate).collect()
}

fn of_host(host: &HostRateUse) -> Value {
    json!({
        "kind": "outboundRate", "name": host.rate.host, "unit": "calls", "setting": "outbound.rates",
        "limit": host.rate.limit, "perSeconds": host.rate.per.as_secs(),
        "used": host.sent, "waiting": host.waiting,
        "delayed": host.delayed, "delayedSeconds": host.waited.as_secs_f64(),
    })
}
