//! `/limits`: each limit that work of a workspace meets, what it is used for now, and what waits for it: that, and not
//! for another limit first.

mod triggers;

use axum::extract::State;
use axum::{Extension, Json};
use serde_json::{Value, json};
use tenon_capture::rfc3339;
use tenon_engine::scheduler::{Obstacle, WorkflowUse, WorkspaceUse};
use tenon_gateway::{App, Caller, Problem, Workspace, codes};
use tenon_outbound::HostRateUse;
use tenon_store::{Timestamp, WorkspaceSettings};
use tenon_worker::WorkerUse;

use crate::Control;

pub(crate) use triggers::Rates;

pub(crate) async fn limits(
    State(app): State<App>,
    Extension(control): Extension<Control>,
    Extension(rates): Extension<Rates>,
    _: Caller,
    workspace: Workspace,
) -> Result<Json<Value>, Problem> {
    let stopped = |_| Problem::new(&codes::UNAVAILABLE, "the worker has stopped");
    let usage = control.worker.usage().await.map_err(stopped)?;
    let mut items = Vec::from(of_server(&usage));
    items.push(of_bodies(&app));
    let own = app.store().workspace_settings(workspace.id)?;
    items.extend(of_workspace(&usage, &workspace, (own, control.worker.defaults())));
    items.extend(of_backlog(&usage, &workspace));
    for workflow in usage.scheduler.workflows.iter().filter(|of| of.workspace == workspace.id.0) {
        items.extend(of_workflow(&usage, workflow));
    }
    items.extend(triggers::rows(&app, (&control.triggers, &rates), &workspace).await?);
    items.extend(control.http.rates().iter().map(of_host));
    Ok(Json(json!({ "items": items })))
}

/// What all workspaces share. The others' jobs are a number here, and nothing else.
fn of_server(usage: &WorkerUse) -> [Value; 3] {
    let scheduler = &usage.scheduler;
    let waiting = |why| scheduler.workspaces.iter().map(|workspace| kept(workspace, why)).sum::<usize>();
    let (openings, opening) = usage.openings;
    [
        json!({
            "kind": "serverConcurrency", "unit": "jobs", "setting": "worker.effects",
            "limit": usage.capacity, "used": scheduler.running, "waiting": waiting(Obstacle::Capacity),
        }),
        json!({
            "kind": "serverOpenings", "unit": "jobs", "setting": null,
            "limit": openings, "used": opening, "waiting": waiting(Obstacle::Room),
        }),
        json!({
            "kind": "payloadMemory", "unit": "bytes", "setting": null,
            "limit": usage.payload_limit, "used": usage.payload_bytes, "waiting": 0,
        }),
    ]
}

fn of_bodies(app: &App) -> Value {
    let (used, most) = app.limits().body_budget.used();
    json!({
        "kind": "bodyMemory", "unit": "bytes", "setting": null, "limit": most, "used": used, "waiting": 0,
    })
}

/// Its jobs that lack nothing but a permit, if this is why they have none.
fn kept(workspace: &WorkspaceUse, why: Obstacle) -> usize {
    if workspace.obstacle == Some(why) { workspace.startable } else { 0 }
}

/// The setting that holds, from the moment on at which it is set; and the share of the server's jobs that it has, which
/// is less while others have jobs at work.
fn of_workspace(
    usage: &WorkerUse,
    workspace: &Workspace,
    (own, defaults): (WorkspaceSettings, WorkspaceSettings),
) -> [Value; 2] {
    let jobs = usage.scheduler.workspaces.iter().find(|of| of.workspace == workspace.id.0);
    let is_own = own.concurrency.is_some();
    let used = jobs.map_or(0, |of| of.running);
    let waiting = |why| jobs.map_or(0, |of| kept(of, why));
    let concurrency = json!({
        "kind": "workspaceConcurrency", "name": workspace.name, "unit": "jobs",
        "setting": if is_own { "workspace concurrency" } else { "limits.workspace_concurrency" },
        "limit": own.or(defaults).concurrency, "used": used, "waiting": waiting(Obstacle::Concurrency),
    });
    let share = json!({
        "kind": "workspaceShare", "name": workspace.name, "unit": "jobs", "setting": "worker.effects",
        "limit": jobs.map_or(usage.scheduler.newcomer_share, |of| of.share), "used": used,
        "waiting": waiting(Obstacle::Share),
    });
    [concurrency, share]
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
            "limit": limit, "used": workflow.running,
            "waiting": if workflow.running >= limit { workflow.ready } else { 0 },
        })
    });
    let rate = workflow.rate.map(|of| {
        let per = of.rate.per_us as f64 / 1e6;
        let next = (of.tokens == 0).then(|| rfc3339(Timestamp(of.next.0)));
        json!({
            "kind": "workflowRate", "name": name, "unit": "starts", "setting": "metadata.tenon.rateLimit",
            "limit": of.rate.limit, "perSeconds": per, "burst": of.rate.burst, "left": of.tokens,
            "used": of.rate.burst.saturating_sub(of.tokens),
            "waiting": if of.tokens == 0 { workflow.paced } else { 0 }, "next": next,
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tenon_engine::scheduler::{Class, Input, Job, Scheduler, Standing};
    use tenon_store::WorkspaceId;
    use tenon_worker::BacklogBounds;

    use super::*;

    fn job(id: u64) -> Job {
        let (class, standing) = (Class::Live, Standing::Ready);
        Job { id, shard: 0, workspace: 1, workflow: 1, lane: None, place: id, priority: 0, class, standing }
    }

    fn usage(capacity: u32, inputs: impl IntoIterator<Item = Input>) -> WorkerUse {
        let mut scheduler = Scheduler::new();
        for input in [Input::Capacity(capacity)].into_iter().chain(inputs) {
            scheduler.handle(input, tenon_engine::Timestamp(0), &mut Vec::new());
        }
        WorkerUse {
            scheduler: scheduler.usage(tenon_engine::Timestamp(0)),
            capacity,
            openings: (32, 0),
            names: HashMap::new(),
            backlogs: Vec::new(),
            bounds: BacklogBounds::default(),
            payload_bytes: 0,
            payload_limit: 0,
        }
    }

    /// Of twenty jobs, how many wait for the server's limit, for those that begin, for the workspace's, and for its share.
    #[track_caller]
    fn check(capacity: u32, then: Option<Input>, expected: [u64; 4]) {
        let jobs = (1..=20).map(|id| Input::Arrived(job(id)));
        let usage = usage(capacity, then.into_iter().chain(jobs));
        let workspace = Workspace { id: WorkspaceId(1), name: "shop".to_owned() };
        let settings = (WorkspaceSettings::default(), WorkspaceSettings::default());
        let [server, openings, _] = of_server(&usage);
        let [concurrency, share] = of_workspace(&usage, &workspace, settings);
        let waiting = [server, openings, concurrency, share].map(|row| row["waiting"].as_u64());
        assert_eq!(waiting, expected.map(Some));
    }

    #[test]
    fn each_waits_for_one_limit_and_is_told_so() {
        check(40, None, [0, 0, 0, 0]);
        check(8, None, [12, 0, 0, 0]);
        check(40, Some(Input::Room(5)), [0, 15, 0, 0]);
        check(40, Some(Input::WorkspaceLimit { workspace: 1, concurrency: Some(3) }), [0, 0, 17, 0]);
        check(18, None, [0, 0, 0, 4]);
        // Its rate holds it back, and none of these.
        let rate = Some(tenon_engine::scheduler::Rate::new(1, 3_600_000_000, 2));
        check(18, Some(Input::WorkflowRate { workspace: 1, workflow: 1, rate }), [0, 0, 0, 0]);
    }
}
