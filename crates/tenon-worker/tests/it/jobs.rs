//! Jobs from capture to end, through waits, failures, cancellation and restarts.

use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tenon_store::JobState;
use tenon_worker::Verdict;

use crate::stage::{Callee, Stage, open};

fn directory() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

const SUBSCRIBED: &str = "}\nschedule: {on: {one: {with: {type: go}}}}\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_job_calls_and_completes_and_its_replay_gives_the_same_result() {
    let (callee, address) = Callee::serve().await;
    let directory = directory();
    let stage = Stage::on(open(&directory)).await;
    let call = format!(
        "{SUBSCRIBED}do:\n- send: {{call: http, with: {{method: post, endpoint: 'http://{address}/orders', body: {{n: '${{ .[0].n }}'}}}}}}\n- done: {{set: {{path: '${{ .path }}'}}}}\n"
    );
    stage.deploy("calls", &call).await;
    let job = stage.go(json!({"n": 7})).await;
    assert_eq!(stage.output(job).await, json!({"path": "/orders"}));
    let calls = callee.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].body, r#"{"n":7}"#);
    assert_eq!(calls[0].key, format!("{job}./do/0/send"));
    assert_eq!(calls[0].attempt, "1");
    assert_eq!(stage.history.verify(stage.workspace, job).await.expect("read"), Verdict::Same);
    let trace = stage.history.trace(stage.workspace, job).await.expect("read");
    let steps: Vec<_> = trace.steps.iter().map(|step| (step.task.as_str(), step.attempts.len())).collect();
    assert_eq!(steps, [("send", 1), ("done", 0)]);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_call_is_retried_with_the_same_key_and_the_next_attempt() {
    let (callee, address) = Callee::serve().await;
    let directory = directory();
    let stage = Stage::on(open(&directory)).await;
    let retries = format!(
        "{SUBSCRIBED}do:\n- attempt:\n    try: [{{send: {{call: http, with: {{method: get, endpoint: 'http://{address}/fail/2'}}}}}}]\n    catch: {{retry: {{delay: {{milliseconds: 5}}}}}}\n"
    );
    stage.deploy("retries", &retries).await;
    let job = stage.go(json!({})).await;
    assert_eq!(stage.output(job).await["path"], "/fail/2");
    let calls = callee.calls();
    let attempts: Vec<_> = calls.iter().map(|call| call.attempt.as_str()).collect();
    assert_eq!(attempts, ["1", "2", "3"]);
    assert!(calls.iter().all(|call| call.key == calls[0].key));
    assert_eq!(stage.history.verify(stage.workspace, job).await.expect("read"), Verdict::Same);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_takes_too_long_is_tried_again_at_once() {
    let (callee, address) = Callee::serve().await;
    let directory = directory();
    let stage = Stage::on(open(&directory)).await;
    let retries = format!(
        "{SUBSCRIBED}do:\n- attempt:\n    try: [{{send: {{call: http, with: {{method: get, endpoint: 'http://{address}/hang'}}}}}}]\n    catch: {{retry: {{limit: {{attempt: {{count: 2, duration: {{milliseconds: 50}}}}}}}}}}\n"
    );
    stage.deploy("retries", &retries).await;
    let tries = async {
        loop {
            let job = stage.go(json!({})).await;
            assert_eq!(stage.end(job).await.state, JobState::Completed, "what is caught is over");
            let steps = stage.history.trace(stage.workspace, job).await.expect("read").steps;
            let attempts = steps[0].children[0].attempts.iter().map(|attempt| attempt.number);
            assert_eq!(attempts.collect::<Vec<_>>(), [1, 2, 3], "{steps:#?}");
            stage.verify(job).await;
            let (job, calls) = (job.to_string(), callee.calls());
            let heard = calls.iter().filter(|call| call.key.starts_with(&job));
            let heard: Vec<_> = heard.map(|call| call.attempt.as_str()).collect();
            if heard == ["1", "2", "3"] {
                return;
            }
            // On a busy machine an attempt may have been given up before it got out.
            let is_known = heard.iter().all(|attempt| ["1", "2", "3"].contains(attempt));
            assert!(is_known && heard.is_sorted_by(|one, next| one < next), "{heard:?}");
        }
    };
    tokio::time::timeout(Duration::from_mins(1), tries).await.expect("once all three get out");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_call_ends_with_the_jobs_cancellation() {
    let (callee, address) = Callee::serve().await;
    let directory = directory();
    let stage = Stage::on(open(&directory)).await;
    let hangs = format!(
        "{SUBSCRIBED}do: [{{send: {{call: http, with: {{method: get, endpoint: 'http://{address}/hang'}}}}}}]\n"
    );
    stage.deploy("hangs", &hangs).await;
    let job = stage.go(json!({})).await;
    callee.has_calls(1).await;
    stage.worker.cancel(job).await.expect("the worker runs");
    assert_eq!(stage.end(job).await.state, JobState::Cancelled);
    assert_eq!(stage.history.verify(stage.workspace, job).await.expect("read"), Verdict::Same);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_job_is_a_row_and_can_be_cancelled() {
    let directory = directory();
    let stage = Stage::on(open(&directory)).await;
    stage.deploy("waits", &format!("{SUBSCRIBED}do: [{{sleep: {{wait: P1D}}}}]\n")).await;
    let job = stage.go(json!({})).await;
    stage.reaches(job, JobState::Waiting).await;
    assert!(stage.record(job).await.wake_at.is_some());
    stage.worker.cancel(job).await.expect("the worker runs");
    assert_eq!(stage.end(job).await.state, JobState::Cancelled);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_outlives_a_restart() {
    let directory = directory();
    let stage = Stage::on(open(&directory)).await;
    let waits =
        format!("{SUBSCRIBED}do: [{{sleep: {{wait: {{seconds: 2}}}}}}, {{done: {{set: {{woke: true}}}}}}]\n");
    stage.deploy("waits", &waits).await;
    let job = stage.go(json!({})).await;
    stage.reaches(job, JobState::Waiting).await;
    stage.stop().await;
    let again = Stage::on(open(&directory)).await;
    assert_eq!(again.output(job).await, json!({"woke": true}));
    assert_eq!(again.history.verify(again.workspace, job).await.expect("read"), Verdict::Same);
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emitted_event_starts_its_subscribers_once() {
    let directory = directory();
    let stage = Stage::on(open(&directory)).await;
    let emits = "}\ndo: [{tell: {emit: {event: {with: {source: 'https://x', type: told, data: {n: 1}}}}}}]\n";
    stage
        .deploy("emits", &format!("}}\nschedule: {{on: {{one: {{with: {{type: go}}}}}}}}\n{}", &emits[2..]))
        .await;
    let job = stage.go(json!({})).await;
    assert_eq!(stage.output(job).await["type"], "told");
    let all = tenon_store::EventFilter::default();
    let events = stage.store.events(stage.workspace, &all, None, 10).await.expect("read");
    let types: Vec<_> = events.items.into_iter().map(|event| event.r#type).collect();
    assert_eq!(types, ["told", "go"]);
    stage.stop().await;
}
