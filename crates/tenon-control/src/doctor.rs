//! `/version` and `/doctor`: what this server is and how it fares.

use std::time::Duration;

use axum::extract::State;
use axum::{Extension, Json};
use serde_json::{Value, json};
use tenon_engine::scheduler::Obstacle;
use tenon_gateway::{App, Caller, Problem, Workspace, codes};
use tenon_store::DiskUse;
use tenon_worker::WorkerUse;

use crate::workspaces::settings;
use crate::{Control, vault};

/// Free space below this is worth a warning, bytes.
const LITTLE_SPACE: u64 = 1 << 30;
/// More jobs than this waiting for their turn are worth a warning.
const LONG_BACKLOG: i64 = 100_000;
/// Clocks that are slewed may be this much off.
const SLEW: Duration = Duration::from_secs(1);

pub(crate) async fn version(_: Caller) -> Json<Value> {
    Json(json!({ "version": env!("CARGO_PKG_VERSION"), "semantics": tenon_engine::SEMANTICS }))
}

pub(crate) async fn doctor(
    State(app): State<App>,
    Extension(control): Extension<Control>,
    _: Caller,
    workspace: Workspace,
) -> Result<Json<Value>, Problem> {
    let disk = app.store().disk_use().await?;
    let metrics = app.metrics();
    let backlog = i64::try_from(disk.open_jobs).unwrap_or(i64::MAX);
    let keys = vault::doctor(&control.vault, &workspace).await?;
    let own = app.store().workspace_settings(workspace.id)?;
    let held = settings::line(&workspace.name, own, control.worker.defaults());
    let held = check("workspace", true, held, "");
    let stopped = |_| Problem::new(&codes::UNAVAILABLE, "the worker has stopped");
    let usage = control.worker.usage().await.map_err(stopped)?;
    let limits = limits(&usage, &workspace);
    let clock = clock(app.capture().ports().clock.behind());
    let checks = [space(&disk), jobs(backlog), limits, clock, panics(metrics.panics.get()), keys, held];
    Ok(Json(json!({
        "checks": checks,
        "disk": {
            "bytes": disk.bytes,
            "free": disk.free,
            "events": disk.events,
            "jobs": disk.jobs,
            "openJobs": disk.open_jobs,
        },
    })))
}

/// One finding.
pub(crate) fn check(name: &str, is_fine: bool, detail: String, hint: &str) -> Value {
    let state = if is_fine { "ok" } else { "warning" };
    let hint = if is_fine { Value::Null } else { Value::from(hint) };
    json!({ "name": name, "state": state, "detail": detail, "hint": hint })
}

fn space(disk: &DiskUse) -> Value {
    let megabytes = |bytes: u64| bytes >> 20;
    let detail = format!("{} MiB used, {} MiB free", megabytes(disk.bytes), megabytes(disk.free));
    check(
        "disk",
        disk.free >= LITTLE_SPACE,
        detail,
        "make room: when the disk is full, events are answered 507",
    )
}

fn jobs(open: i64) -> Value {
    let detail = format!("{open} jobs are not finished");
    check("backlog", open < LONG_BACKLOG, detail, "`tenon job list --state pending` shows what waits")
}

/// What keeps the workspace's jobs from starting.
fn limits(usage: &WorkerUse, workspace: &Workspace) -> Value {
    let backlog = usage.backlogs.iter().find(|of| of.workspace == workspace.id);
    let is_refused = backlog.is_some_and(|of| of.refused.is_some());
    let jobs = usage.scheduler.workspaces.iter().find(|of| of.workspace == workspace.id.0);
    let why = jobs.and_then(|jobs| jobs.obstacle).map(|obstacle| match obstacle {
        Obstacle::Concurrency => "it runs as many at once as it may (workspaceConcurrency)",
        Obstacle::Capacity => "the server runs as many at once as it may (serverConcurrency)",
        Obstacle::Share => "it runs its share of what the server may (workspaceShare)",
        Obstacle::Room => "as many begin as may at once (serverOpenings)",
    });
    let why = why.map_or_else(String::new, |why| format!(": {why}"));
    let waiting = jobs.map_or(0, |jobs| jobs.ready);
    let detail = format!("{waiting} jobs of {} wait for their turn{why}", workspace.name);
    let hint =
        "nothing new is taken for the workspace until it has caught up (429); `tenon limits` shows why";
    check("limits", !is_refused, detail, hint)
}

fn clock(behind: Duration) -> Value {
    let is_fine = behind <= SLEW;
    let detail = if is_fine {
        "has not been set back".to_owned()
    } else {
        format!("was set back: time stands still here for another {} seconds", behind.as_secs())
    };
    check("clock", is_fine, detail, "restart Tenon, and everything goes on at once; see docs/clocks.md")
}

fn panics(count: u64) -> Value {
    let detail = format!("{count} requests hit a bug since the server started");
    check("panics", count == 0, detail, "the server's log has the details; please report them")
}
