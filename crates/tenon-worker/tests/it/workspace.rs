//! What a workspace says for itself holds from its next job on: for how long that is kept, and for how many run at
//! once. A workflow's own word goes before it, the server's after it.

use std::time::Duration;

use serde_json::json;
use tenon_store::{AuditRecord, EventId, JobId, PutWorkspaceSettings, WorkspaceSettings};
use tenon_worker::Options;

use crate::stage::{Callee, Stage, open};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

async fn set(stage: &Stage, settings: WorkspaceSettings) {
    let audit = AuditRecord {
        workspace: stage.workspace,
        actor: "test".to_owned(),
        action: "workspace.set".to_owned(),
        subject: "default".to_owned(),
        at: stage.capture.ports().clock.now(),
    };
    let expected = stage.store.workspace_settings(stage.workspace).expect("it is there");
    let put = PutWorkspaceSettings { settings, expected, audit };
    stage.store.put_workspace_settings(put).await.expect("nobody else sets it");
}

/// Whether a job, its payloads and its event are there after this much time.
async fn left(stage: &Stage, job: JobId, event: EventId, after: Duration) -> [bool; 3] {
    let now = stage.capture.ports().clock.now().after(after);
    while stage.store.prune(now, 1000).await.expect("retention works") > 0 {}
    let found = stage.store.job(stage.workspace, job).await.expect("read");
    let has_payloads = found.as_ref().is_some_and(|job| !job.payloads_gone);
    let event = stage.store.event(stage.workspace, event).await.expect("read");
    [found.is_some(), has_payloads, event.is_some()]
}

/// Kept for how many hours: what the workspace says of jobs and payloads, what the workflow says, and what becomes of
/// jobs, payloads and events. The server says 4 of jobs and 3 of payloads, and 168 of events.
async fn check(
    stage: &Stage,
    name: &str,
    [jobs, payloads]: [Option<u32>; 2],
    workflow: &str,
    hours: [u32; 3],
) {
    let time = |hours: Option<u32>| hours.map(|hours| HOUR * hours);
    set(stage, WorkspaceSettings { keep_jobs: time(jobs), keep_payloads: time(payloads), concurrency: None })
        .await;
    let rest = format!(
        ", metadata: {{tenon: {{retention: {workflow}}}}}}}\nschedule: {{on: {{one: {{with: {{type: {name}}}}}}}}}\ndo:\n- done: {{set: {{n: 1}}}}\n"
    );
    stage.put(name, &rest, (&[name], &[])).await;
    let job = stage.event(name, json!({})).await[0];
    stage.end(job).await;
    let event = stage.record(job).await.event;
    let mut moments: Vec<u32> = hours.to_vec();
    moments.sort_unstable();
    moments.dedup();
    for moment in moments {
        for (after, is_left) in [(MINUTE * (60 * moment - 1), true), (MINUTE * (60 * moment + 1), false)] {
            let expected = hours.map(|hour| if is_left { hour >= moment } else { hour > moment });
            assert_eq!(left(stage, job, event, after).await, expected, "{name} after {after:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nearest_word_decides_how_long_things_are_kept() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let options = Options { keep_jobs: 4 * HOUR, keep_payloads: Some(3 * HOUR), ..Options::default() };
    let stage = Stage::with(open(&directory), options).await;
    check(&stage, "server", [None, None], "{}", [4, 3, 168]).await;
    check(&stage, "workspace", [Some(20), Some(10)], "{}", [20, 10, 20]).await;
    check(&stage, "workflow", [Some(20), Some(10)], "{jobs: PT8H, payloads: PT5H}", [8, 5, 20]).await;
    check(&stage, "longer", [Some(2), Some(1)], "{jobs: PT8H, payloads: PT5H}", [8, 5, 8]).await;
    check(&stage, "mixed", [None, Some(1)], "{jobs: PT8H}", [8, 1, 168]).await;
    check(&stage, "again", [None, None], "{}", [4, 3, 168]).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspaces_concurrency_is_heard_while_jobs_wait() {
    let (callee, address) = Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let options = Options { workspace_concurrency: Some(3), ..Options::default() };
    let stage = Stage::with(open(&directory), options).await;
    let hangs = format!(
        "}}\nschedule: {{on: {{one: {{with: {{type: go}}}}}}}}\ndo:\n- ask: {{call: http, with: {{method: get, endpoint: 'http://{address}/hang'}}}}\n"
    );
    stage.deploy("hangs", &hangs).await;
    let most = |concurrency| WorkspaceSettings { concurrency, ..WorkspaceSettings::default() };
    set(&stage, most(Some(1))).await;
    for n in 0..4 {
        stage.go(json!({ "n": n })).await;
    }
    // Each time with no new job that could tell of it; the last one is the server's again.
    for (concurrency, running) in [(Some(1), 1), (Some(2), 2), (None, 3)] {
        set(&stage, most(concurrency)).await;
        callee.has_calls(running as usize).await;
        let usage = stage.worker.usage().await.expect("the worker runs");
        let [workspace] = usage.scheduler.workspaces.as_slice() else { panic!("{usage:?}") };
        assert_eq!((workspace.concurrency, workspace.running), (concurrency.or(Some(3)), running));
    }
    for job in stage.jobs().await {
        stage.worker.cancel(job.id).await.expect("the worker runs");
        stage.end(job.id).await;
    }
    stage.stop().await;
}
