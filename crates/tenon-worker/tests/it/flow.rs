//! Limits and backlogs: what is held back, and who is told.

use std::time::Duration;

use serde_json::json;
use tenon_capture::{BacklogBound, Event, Incoming};
use tenon_engine::scheduler::{Bounds, Obstacle, WorkspaceUse};
use tenon_store::{JobState, PutResource, WorkspaceId};
use tenon_worker::{BacklogBounds, BacklogUse, Options, WorkerUse};

use crate::stage::{Callee, Stage, open};

const TWO_AN_HOUR: &str = ", metadata: {tenon: {rateLimit: {limit: 2, per: PT1H}}}}\nschedule: {on: {one: {with: {type: go}}}}\ndo:\n- pause: {wait: {milliseconds: 1}}\n- done: {set: {ok: true}}\n";

/// Another workspace, with a workflow that ends at once.
async fn neighbour(stage: &Stage) -> WorkspaceId {
    let workspace = stage.store.create_workspace("quiet").await.expect("a workspace");
    let quick = "}\nschedule: {on: {one: {with: {type: go}}}}\ndo:\n- done: {set: {ok: true}}\n";
    let put = stage.resource("quick", "1.0.0", quick, (&["go"], &[]));
    stage.save(PutResource { workspace, ..put }).await;
    stage.capture.refresh(workspace).await.expect("refreshed");
    workspace
}

/// Nobody is in the way of the neighbour's next job.
async fn works(stage: &Stage, neighbour: WorkspaceId) {
    let event = Event { source: "/test".to_owned(), r#type: "go".to_owned(), ..Event::default() };
    let jobs = stage.capture.event(Incoming::new(neighbour, event)).await.expect("captured").jobs;
    let has_ended = async {
        // polls: the stage's own watch is for its own workspace
        while stage.store.job(neighbour, jobs[0]).await.expect("read").expect("it exists").state
            != JobState::Completed
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), has_ended).await.expect("nobody is in its way");
}

fn hangs_at(address: std::net::SocketAddr) -> String {
    format!(
        "}}\nschedule: {{on: {{one: {{with: {{type: go}}}}}}}}\ndo:\n- ask: {{call: http, with: {{method: get, endpoint: 'http://{address}/hang'}}}}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn long_calls_of_one_workspace_leave_permits_to_others() {
    let (callee, address) = Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::with(open(&directory), Options { capacity: 18, ..Options::default() }).await;
    stage.deploy("hangs", &hangs_at(address)).await;
    for n in 0..40 {
        stage.go(json!({ "n": n })).await;
    }
    callee.has_calls(16).await;
    let quiet = neighbour(&stage).await;
    for _ in 0..20 {
        works(&stage, quiet).await;
    }
    let is_hog = |of: &&WorkspaceUse| of.workspace == stage.workspace.0;
    let waits = |of: &WorkspaceUse| of.startable == 24;
    let is_seen = |used: &WorkerUse| {
        used.scheduler.running == 16 && used.scheduler.workspaces.iter().find(is_hog).is_some_and(waits)
    };
    let used = stage.used(is_seen).await.scheduler;
    let hog = used.workspaces.iter().find(is_hog).expect("it has jobs");
    assert_eq!((hog.running, hog.share, hog.obstacle), (16, 16, Some(Obstacle::Share)));
    stage.until(|| stage.capture.ports().metrics.workspaces_crowded.get() == 1).await;
    assert_eq!(callee.calls().len(), 16, "what was left to others it did not take");
    for job in stage.jobs().await {
        stage.worker.cancel(job.id).await.expect("the worker runs");
        stage.end(job.id).await;
    }
    stage.stop().await;
}

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
    let usage = stage.used(|used| used.scheduler.running == 0).await;
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
async fn a_workspace_that_is_over_its_places_holds_up_no_other_and_loses_nothing() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let options = Options { places: Bounds { held: 8, least: 2 }, ..Options::default() };
    let stage = Stage::with(open(&directory), options).await;
    stage.deploy("slow", TWO_AN_HOUR).await;
    let mut flood = Vec::new();
    for n in 0..40 {
        flood.push(stage.go(json!({ "n": n })).await);
    }
    // Places are left to others in the one shard where the flood is, and in all the rest.
    let quiet = neighbour(&stage).await;
    for _ in 0..40 {
        works(&stage, quiet).await;
    }
    // Those in the store count, too.
    let is_flood = |of: &&BacklogUse| of.workspace == stage.workspace;
    stage.used(|used| used.backlogs.iter().find(is_flood).is_some_and(|of| of.jobs == 38)).await;
    let open = TWO_AN_HOUR.replace(", metadata: {tenon: {rateLimit: {limit: 2, per: PT1H}}}", "");
    stage.put_version("slow", "1.0.1", &open, (&["go"], &[])).await;
    for job in flood {
        assert_eq!(stage.end(job).await.state, JobState::Completed);
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_has_no_more_jobs_at_once_than_it_may() {
    let (callee, address) = crate::stage::Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let options = Options { workspace_concurrency: Some(2), ..Options::default() };
    let stage = Stage::with(open(&directory), options).await;
    stage.deploy("hangs", &hangs_at(address)).await;
    for n in 0..4 {
        stage.go(json!({ "n": n })).await;
    }
    callee.has_calls(2).await;
    let ready = |used: &WorkerUse| -> u32 { used.scheduler.workspaces.iter().map(|of| of.ready).sum() };
    let usage = stage.used(|used| ready(used) >= 2).await;
    let [workspace] = usage.scheduler.workspaces.as_slice() else { panic!("{usage:?}") };
    assert_eq!((workspace.concurrency, workspace.running, workspace.ready), (Some(2), 2, 2));
    for job in stage.jobs().await {
        stage.worker.cancel(job.id).await.expect("the worker runs");
        stage.end(job.id).await;
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_call_or_compute_for_long_keep_no_other_from_opening() {
    let (callee, address) = Callee::serve().await;
    let on = |name: &str| format!("}}\nschedule: {{on: {{one: {{with: {{type: {name}}}}}}}}}\ndo:\n");
    let calls = format!(
        "{}- hang: {{call: http, with: {{method: get, endpoint: 'http://{address}/hang'}}}}\n",
        on("call")
    );
    let computes = on("compute") + "- a: {try: [{b: {set: {x: 1}, then: b}}], catch: {}, then: a}\n";
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::with(open(&directory), Options { openings: 1, ..Options::default() }).await;
    stage.put("calls", &calls, (&["call"], &[])).await;
    stage.put("computes", &computes, (&["compute"], &[])).await;
    stage.deploy("quick", &(on("go") + "- done: {set: {ok: true}}\n")).await;
    let mut busy = stage.event("compute", json!({})).await;
    busy.extend(stage.event("call", json!({})).await);
    busy.extend(stage.event("call", json!({})).await);
    callee.has_calls(2).await;
    // One at a time, and all of a burst.
    let mut burst = Vec::new();
    for n in 0..20 {
        burst.push(stage.go(json!({ "n": n })).await);
    }
    for job in burst {
        assert_eq!(stage.end(job).await.state, JobState::Completed);
    }
    let usage = stage.used(|used| used.scheduler.running <= 3).await;
    assert_eq!((usage.scheduler.running, usage.openings), (3, (1, 0)), "those that run have opened");
    for job in busy {
        stage.worker.cancel(job).await.expect("the worker runs");
        assert_eq!(stage.end(job).await.state, JobState::Cancelled);
    }
    stage.stop().await;
}
