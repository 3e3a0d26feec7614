//! A cancellation ends its job whatever the job is doing when it comes, and what is left verifies.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use serde_json::json;
use tenon_store::{Error, JobState, Store, Write};
use tenon_worker::{Options, Verdict};

use crate::hooked_store::{Gate, Hooks, hooked};
use crate::stage::{Callee, Stage, open};

const SUBSCRIBED: &str = "schedule: {on: {one: {with: {type: go}}}}\n";
/// One lane for all, which stops where a job faults.
const ORDERED: &str = ", metadata: {tenon: {orderingKey: '${ .type }', onFailure: park}}}\n";
/// Jobs with `fast` are done at once.
const FAST: &str = "- choose: {switch: [{fast: {when: '.[0].fast', then: end}}]}\n";
const FAULTS: &str = "- bad: {raise: {error: {type: 'https://x/y', status: 500, title: t}}}\n";
const ENDLESS: &str = "- a: {try: [{b: {set: {x: 1}, then: b}}], catch: {}, then: a}\n";

fn ordered(tasks: &str) -> String {
    format!("{ORDERED}{SUBSCRIBED}do:\n{FAST}{tasks}")
}

#[track_caller]
fn call(address: std::net::SocketAddr, path: &str) -> String {
    format!("- {path}: {{call: http, with: {{method: get, endpoint: 'http://{address}/{path}'}}}}\n")
}

/// The job is cancelled, durably and in a way that replays, and the next of its lane goes on.
async fn is_cancelled(stage: &Stage, job: tenon_store::JobId, what: &str) {
    assert_eq!(stage.end(job).await.state, JobState::Cancelled, "{what}");
    let verdict = stage.history.verify(stage.workspace, job).await.expect("read");
    assert_eq!(verdict, Verdict::Same, "{what}");
    let next = stage.go(json!({"fast": true})).await;
    assert_eq!(stage.end(next).await.state, JobState::Completed, "{what}: its lane goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_comes_while_the_job_is_being_saved_is_not_lost() {
    let (_callee, address) = Callee::serve().await;
    let goes_on = format!("{}{}", call(address, "1"), call(address, "hang"));
    for (what, tasks) in [
        ("parked", "- sleep: {wait: P1D}\n"),
        ("suspended", FAULTS),
        ("saved between two calls", goes_on.as_str()),
    ] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let gate = Arc::new(Gate::closed());
        let stage = Stage::on(hooked(&directory, &gate)).await;
        stage.deploy("w", &ordered(tasks)).await;
        let job = stage.go(json!({})).await;
        gate.has_arrival().await;
        // The worker is told of this before it can be told that the job was left.
        stage.worker.cancel(job).await.expect("the worker runs");
        gate.open();
        is_cancelled(&stage, job, what).await;
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_comes_while_the_end_is_being_saved_comes_too_late() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let gate = Arc::new(Gate::closed());
    let stage = Stage::on(hooked(&directory, &gate)).await;
    stage.deploy("w", &ordered("- done: {set: {x: 1}}\n")).await;
    let job = stage.go(json!({})).await;
    gate.has_arrival().await;
    stage.worker.cancel(job).await.expect("the worker runs");
    gate.open();
    assert_eq!(stage.output(job).await, json!({"x": 1}));
    let next = stage.go(json!({"fast": true})).await;
    assert_eq!(stage.end(next).await.state, JobState::Completed);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_its_lanes_policy_has_parked_can_be_cancelled() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    stage.deploy("w", &ordered(FAULTS)).await;
    let job = stage.go(json!({})).await;
    stage.reaches(job, JobState::Suspended).await;
    stage.worker.cancel(job).await.expect("the worker runs");
    is_cancelled(&stage, job, "parked by policy").await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_in_pure_work_can_be_cancelled() {
    let (_callee, address) = Callee::serve().await;
    let after_a_call = format!("{}{ENDLESS}", call(address, "1"));
    for (what, calls, tasks) in [("from the start", 0, ENDLESS), ("after a call", 1, after_a_call.as_str())] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let stage = Stage::on(open(&directory)).await;
        stage.deploy("w", &ordered(tasks)).await;
        let job = stage.go(json!({})).await;
        let metrics = &stage.capture.ports().metrics;
        stage.until(|| metrics.jobs_running.get() == 1 && metrics.effects_completed.get() == calls).await;
        stage.worker.cancel(job).await.expect("the worker runs");
        is_cancelled(&stage, job, what).await;
        stage.stop().await;
    }
}

/// Writes the first outcome down with another hash of its effect's arguments.
#[derive(Default)]
struct Forger(AtomicBool);

#[async_trait]
impl Hooks for Forger {
    async fn write(&self, inner: &dyn Store, mut write: Write) -> Result<(), Error> {
        if let Some(entry) = write.entries.first_mut()
            && !self.0.swap(true, Ordering::SeqCst)
        {
            entry.arguments ^= 1;
        }
        inner.write(write).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_diverged_job_is_suspended_and_can_be_cancelled() {
    let (callee, address) = Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(hooked(&directory, &Arc::new(Forger::default()))).await;
    let rest = "- rest: {listen: {to: {one: {with: {type: wake}}}}}\n";
    let tasks = format!("{}{rest}{}", call(address, "1"), call(address, "2"));
    stage.put("w", &ordered(&tasks), (&["go"], &["wake"])).await;
    let job = stage.go(json!({})).await;
    let behind = stage.go(json!({"fast": true})).await;
    stage.reaches(job, JobState::Waiting).await;
    stage.event("wake", json!({})).await;
    stage.reaches(job, JobState::Suspended).await;
    let reason = stage.record(job).await.result.expect("why it is suspended");
    let reason: serde_json::Value = serde_json::from_slice(&reason).expect("JSON");
    assert!(reason["detail"].as_str().is_some_and(|detail| detail.contains("diverges")), "{reason}");
    assert_eq!(callee.calls().len(), 1, "nothing is guessed");
    assert_eq!(stage.record(behind).await.state, JobState::Pending, "its lane stands");
    stage.worker.cancel(job).await.expect("the worker runs");
    assert_eq!(stage.end(job).await.state, JobState::Cancelled);
    assert_eq!(stage.end(behind).await.state, JobState::Completed);
    let verdict = stage.history.verify(stage.workspace, job).await.expect("read");
    assert!(matches!(verdict, Verdict::Different(_)), "a cancellation hides no divergence: {verdict:?}");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_without_a_place_in_line_can_be_cancelled() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    let keyed = ", metadata: {tenon: {orderingKey: '${ .data.customer }'}}}\n";
    stage.deploy("w", &format!("{keyed}{SUBSCRIBED}do: [{{done: {{set: {{x: 1}}}}}}]\n")).await;
    let job = stage.go(json!({})).await;
    assert_eq!(stage.record(job).await.state, JobState::Suspended);
    stage.worker.cancel(job).await.expect("the worker runs");
    assert_eq!(stage.end(job).await.state, JobState::Cancelled);
    let verdict = stage.history.verify(stage.workspace, job).await.expect("read");
    assert_eq!(verdict, Verdict::Same);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_are_cancelled_where_they_wait_make_no_room_for_others() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let gate = Arc::new(Gate::closed());
    let options = Options { openings: 1, ..Options::default() };
    let stage = Stage::with(hooked(&directory, &gate), options).await;
    stage.deploy("w", &format!("}}\n{SUBSCRIBED}do: [{{sleep: {{wait: P1D}}}}]\n")).await;
    let mut waiting = Vec::new();
    gate.permits.add_permits(5);
    for n in 0..5 {
        let job = stage.go(json!({ "n": n })).await;
        stage.reaches(job, JobState::Waiting).await;
        waiting.push(job);
        gate.has_arrival().await;
    }
    let metrics = &stage.capture.ports().metrics;
    stage.until(|| metrics.jobs_running.get() == 0).await;
    for job in &waiting {
        stage.worker.cancel(*job).await.expect("the worker runs");
        gate.has_arrival().await;
    }
    for n in 0..3 {
        waiting.push(stage.go(json!({ "n": n })).await);
    }
    // They are told of before this is asked for.
    let usage = stage.worker.usage().await.expect("the worker runs");
    assert_eq!((usage.scheduler.running, usage.openings), (1, (1, 1)), "one may open");
    gate.open();
    for job in waiting {
        stage.worker.cancel(job).await.expect("the worker runs");
        assert_eq!(stage.end(job).await.state, JobState::Cancelled);
    }
    stage.stop().await;
}
