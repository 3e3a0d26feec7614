//! Limits and backlogs: what is held back, and who is told.

use std::time::Duration;

use serde_json::json;
use tenon_capture::BacklogBound;
use tenon_store::{JobState, WorkspaceId};
use tenon_worker::{BacklogBounds, Options};

use crate::stage::{Stage, open};

const TWO_AN_HOUR: &str = ", metadata: {tenon: {rateLimit: {limit: 2, per: PT1H}}}}\nschedule: {on: {one: {with: {type: go}}}}\ndo:\n- pause: {wait: {milliseconds: 1}}\n- done: {set: {ok: true}}\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_holds_starts_back_and_not_what_has_started() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    stage.deploy("slow", TWO_AN_HOUR).await;
    let mut jobs = Vec::new();
    for n in 0..3 {
        jobs.push(stage.go(json!({ "n": n })).await);
    }
    for job in &jobs[..2] {
        assert_eq!(stage.end(*job).await.state, JobState::Completed, "it waited and took no second token");
    }
    assert_eq!(stage.record(jobs[2]).await.state, JobState::Pending);
    let mut usage = stage.worker.usage().await.expect("the worker runs");
    // polls: the dispatcher hears of a job's end a moment after the store has it
    while usage.scheduler.running > 0 {
        usage = stage.worker.usage().await.expect("the worker runs");
    }
    let [workflow] = usage.scheduler.workflows.as_slice() else { panic!("{usage:?}") };
    let rate = workflow.rate.expect("it has one");
    assert_eq!((workflow.running, workflow.ready, rate.tokens), (0, 1, 0));
    assert_eq!(usage.names[&workflow.workflow].as_ref(), "test/slow");
    // Without the rate the third one goes on at once.
    let open = TWO_AN_HOUR.replace(", metadata: {tenon: {rateLimit: {limit: 2, per: PT1H}}}", "");
    stage.put_version("slow", "1.0.1", &open, (&["go"], &[])).await;
    let fourth = stage.go(json!({ "n": 3 })).await;
    for job in [jobs[2], fourth] {
        assert_eq!(stage.end(job).await.state, JobState::Completed);
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_that_is_behind_is_refused_alone_until_it_has_caught_up() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let backlog = BacklogBounds { jobs: 5, bytes: u64::MAX, age: Duration::MAX };
    let options = Options { backlog, ..Options::default() };
    let stage = Stage::with(open(&directory), options).await;
    stage.deploy("slow", TWO_AN_HOUR).await;
    for n in 0..10 {
        stage.go(json!({ "n": n })).await;
    }
    let backlogs = &stage.capture.ports().metrics.backlogs;
    let is_refused = || backlogs.refusal(stage.workspace).is_some();
    stage.until(is_refused).await;
    let refused = backlogs.refusal(stage.workspace).expect("it still is");
    assert_eq!(refused.bound, BacklogBound::Jobs { used: 8, limit: 5 });
    assert!((1..=60).contains(&refused.retry_after.as_secs()), "{refused:?}");
    assert_eq!(backlogs.refusal(WorkspaceId(stage.workspace.0 + 1)), None, "strangers are not slowed");
    let usage = stage.worker.usage().await.expect("the worker runs");
    let [behind] = usage.backlogs.as_slice() else { panic!("{usage:?}") };
    assert!(behind.jobs == 8 && behind.bytes > 0 && behind.refused.is_some(), "{behind:?}");
    // Without the rate all of it is done, though no new job comes to tell of that.
    let open = TWO_AN_HOUR.replace(", metadata: {tenon: {rateLimit: {limit: 2, per: PT1H}}}", "");
    stage.put_version("slow", "1.0.1", &open, (&["go"], &[])).await;
    stage.until(|| !is_refused()).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_has_no_more_jobs_at_once_than_it_may() {
    let (callee, address) = crate::stage::Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let options = Options { workspace_concurrency: Some(2), ..Options::default() };
    let stage = Stage::with(open(&directory), options).await;
    let hangs = format!(
        "}}\nschedule: {{on: {{one: {{with: {{type: go}}}}}}}}\ndo:\n- ask: {{call: http, with: {{method: get, endpoint: 'http://{address}/hang'}}}}\n"
    );
    stage.deploy("hangs", &hangs).await;
    for n in 0..4 {
        stage.go(json!({ "n": n })).await;
    }
    callee.has_calls(2).await;
    let usage = stage.worker.usage().await.expect("the worker runs");
    let [workspace] = usage.scheduler.workspaces.as_slice() else { panic!("{usage:?}") };
    assert_eq!((workspace.concurrency, workspace.running, workspace.ready), (Some(2), 2, 2));
    for job in stage.jobs().await {
        stage.worker.cancel(job.id).await.expect("the worker runs");
        stage.end(job.id).await;
    }
    stage.stop().await;
}
