//! Jobs that listen: what came before, what comes while they are parked and while they run, and restarts.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;
use tenon_store::JobState;
use tokio::sync::Semaphore;

use crate::hooked_store::{Hooks, hooked};
use crate::stage::{Callee, Stage, open};

const ON_GO: &str = "}\nschedule: {on: {one: {with: {type: go}}}}\n";
/// The first event of type `order`; the job's output is its data in an array.
const HEAR: &str = "- hear: {listen: {to: {one: {with: {type: order}}}}}\n";

async fn listens(stage: &Stage, tasks: &str) {
    stage.put("w", &format!("{ON_GO}do:\n{tasks}"), (&["go"], &["order", "tick"])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_wakes_a_job_that_waits_for_it() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    listens(&stage, HEAR).await;
    let job = stage.go(json!({})).await;
    stage.reaches(job, JobState::Waiting).await;
    assert_eq!(stage.record(job).await.wake_at, None, "no moment wakes it");
    stage.event("other", json!({"n": 0})).await;
    stage.event("order", json!({"n": 1})).await;
    assert_eq!(stage.output(job).await, json!([{"n": 1}]));
    stage.verify(job).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_came_early_is_found() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    stage.event("order", json!({"n": "before the type was declared"})).await;
    listens(
        &stage,
        &format!("- tell: {{emit: {{event: {{with: {{type: order, data: {{n: 1}}}}}}}}}}\n{HEAR}"),
    )
    .await;
    stage.event("order", json!({"n": "before the job"})).await;
    let job = stage.go(json!({})).await;
    assert_eq!(stage.output(job).await, json!([{"n": 1}]));
    stage.verify(job).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_comes_while_another_branch_calls() {
    let (callee, address) = Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    let tasks = format!(
        "- race: {{fork: {{compete: true, branches: [{{slow: {{call: http, with: {{method: get, endpoint: 'http://{address}/hang'}}}}}}, {{hear: {{listen: {{to: {{one: {{with: {{type: order}}}}}}}}}}}}]}}}}\n"
    );
    listens(&stage, &tasks).await;
    let job = stage.go(json!({})).await;
    callee.has_calls(1).await;
    stage.event("order", json!({"n": 1})).await;
    assert_eq!(stage.output(job).await, json!([{"n": 1}]));
    stage.verify(job).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_woken_in_vain_waits_on_and_misses_nothing() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    listens(&stage, "- hear: {listen: {to: {one: {with: {type: order, data: '${ .n > 2 }'}}}}}\n").await;
    let job = stage.go(json!({})).await;
    for n in 0..4 {
        stage.reaches(job, JobState::Waiting).await;
        stage.event("order", json!({"n": n})).await;
    }
    assert_eq!(stage.output(job).await, json!([{"n": 3}]));
    stage.verify(job).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_listens_each_find_their_events() {
    for (what, tasks, expected) in [
        (
            "side by side",
            "- both: {fork: {branches: [{a: {listen: {to: {one: {with: {type: order}}}}}}, {b: {listen: {to: {one: {with: {type: tick}}}}}}]}}\n",
            json!([[{"n": "order"}], [{"n": "tick"}]]),
        ),
        (
            "one after the other",
            "- a: {listen: {to: {one: {with: {type: order}}}}}\n- b: {listen: {to: {one: {with: {type: tick}}}}}\n- c: {set: {a: '${ $steps.a }', b: '${ $steps.b }'}}\n",
            json!({"a": [{"n": "order"}], "b": [{"n": "tick"}]}),
        ),
    ] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let stage = Stage::on(open(&directory)).await;
        listens(&stage, tasks).await;
        let job = stage.go(json!({})).await;
        stage.reaches(job, JobState::Waiting).await;
        stage.event("tick", json!({"n": "tick"})).await;
        stage.event("order", json!({"n": "order"})).await;
        assert_eq!(stage.output(job).await, expected, "{what}");
        stage.verify(job).await;
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_of_a_foreach_is_called_for_in_order() {
    let (callee, address) = Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    let tasks = format!(
        "- hear:\n    listen: {{to: {{any: [{{with: {{type: order}}}}], until: 'length == 3'}}}}\n    foreach:\n      do: [{{send: {{call: http, with: {{method: post, endpoint: 'http://{address}/orders', body: '${{ . }}'}}}}}}]\n      output: {{as: '${{ .body }}'}}\n"
    );
    listens(&stage, &tasks).await;
    let job = stage.go(json!({})).await;
    for n in 0..5 {
        stage.event("order", json!({"n": n})).await;
    }
    assert_eq!(stage.output(job).await, json!([r#"{"n":0}"#, r#"{"n":1}"#, r#"{"n":2}"#]));
    assert_eq!(callee.calls().len(), 3);
    stage.verify(job).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_events_that_are_there_already_are_taken_in_in_order() {
    const EVENTS: usize = 250;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    let tasks = format!(
        "- first: {{listen: {{to: {{one: {{with: {{type: tick}}}}}}}}}}\n- all: {{listen: {{to: {{any: [{{with: {{type: order}}}}], until: 'length == {EVENTS}'}}}}, output: {{as: '[.[].n]'}}}}\n"
    );
    listens(&stage, &tasks).await;
    let job = stage.go(json!({})).await;
    stage.reaches(job, JobState::Waiting).await;
    for n in 0..EVENTS {
        stage.event("order", json!({"n": n})).await;
    }
    stage.event("tick", json!({})).await;
    assert_eq!(stage.output(job).await, json!((0..EVENTS).collect::<Vec<_>>()));
    stage.verify(job).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_listens_outlives_restarts() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    listens(&stage, "- both: {listen: {to: {all: [{with: {type: order}}, {with: {type: tick}}]}}}\n").await;
    let job = stage.go(json!({})).await;
    stage.reaches(job, JobState::Waiting).await;
    stage.stop().await;

    let stage = Stage::on(open(&directory)).await;
    stage.event("tick", json!({"n": 1})).await;
    stage.has_entries(job, 1, JobState::Waiting).await;
    stage.stop().await;

    let stage = Stage::on(open(&directory)).await;
    stage.event("order", json!({"n": 2})).await;
    assert_eq!(stage.output(job).await, json!([{"n": 1}, {"n": 2}]));
    stage.verify(job).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_ends_the_wait_for_an_event() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    let tasks =
        "- hear: {listen: {to: {one: {with: {type: order}}}}, timeout: {after: {milliseconds: 100}}}\n";
    listens(&stage, tasks).await;
    let job = stage.go(json!({})).await;
    let error = stage.output(job).await;
    assert_eq!((error["status"].as_u64(), error["instance"].as_str()), (Some(408), Some("/do/0/hear")));
    stage.verify(job).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ordered_lane_waits_for_a_job_that_listens() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    let ordered =
        ", metadata: {tenon: {orderingKey: '${ .type }'}}}\nschedule: {on: {one: {with: {type: go}}}}\n";
    let tasks =
        format!("{ordered}do:\n- choose: {{switch: [{{fast: {{when: '.[0].fast', then: end}}}}]}}\n{HEAR}");
    stage.put("w", &tasks, (&["go"], &["order"])).await;
    let first = stage.go(json!({})).await;
    stage.reaches(first, JobState::Waiting).await;
    let second = stage.go(json!({"fast": true})).await;
    assert_eq!(stage.record(second).await.state, JobState::Pending);
    stage.event("order", json!({"n": 1})).await;
    assert_eq!(stage.end(first).await.state, JobState::Completed);
    assert_eq!(stage.end(second).await.state, JobState::Completed);
    let (first, second) = (stage.record(first).await, stage.record(second).await);
    assert!(first.ended_at <= second.started_at, "one after the other");
    stage.stop().await;
}

/// Never finds an event, nor that there is none.
struct LooksForEver(Semaphore);

#[async_trait]
impl Hooks for LooksForEver {
    async fn look_for_events(&self) {
        self.0.add_permits(1);
        std::future::pending::<()>().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_looks_through_events_can_be_cancelled() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let looks = Arc::new(LooksForEver(Semaphore::new(0)));
    let stage = Stage::on(hooked(&directory, &looks)).await;
    listens(&stage, HEAR).await;
    let job = stage.go(json!({})).await;
    looks.0.acquire().await.expect("never closed").forget();
    stage.worker.cancel(job).await.expect("the worker runs");
    assert_eq!(stage.end(job).await.state, JobState::Cancelled);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_listens_side_by_side_find_their_events() {
    const BRANCHES: usize = 300;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    let branch = |n| {
        format!("{{b{n}: {{listen: {{to: {{one: {{with: {{type: order, data: '${{ .n == {n} }}'}}}}}}}}}}}}")
    };
    let branches: Vec<String> = (0..BRANCHES).map(branch).collect();
    let tasks =
        format!("- all: {{fork: {{branches: [{}]}}, output: {{as: '[.[][0].n]'}}}}\n", branches.join(", "));
    listens(&stage, &tasks).await;
    let job = stage.go(json!({})).await;
    stage.reaches(job, JobState::Waiting).await;
    for n in (0..BRANCHES).rev() {
        stage.event("order", json!({"n": n})).await;
    }
    assert_eq!(stage.output(job).await, json!((0..BRANCHES).collect::<Vec<_>>()));
    stage.verify(job).await;
    stage.stop().await;
}
