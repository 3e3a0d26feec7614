//! Lifecycle events: where somebody wants them, each once, and never by jobs that they start.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use serde_json::{Value, json};
use tenon_store::{Error, EventFilter, JobId, JobState, Store, Transition, Write};
use tokio::sync::Notify;

use crate::hooked_store::{Hooks, hooked};
use crate::stage::{Process, Stage, open};

const ON_GO: &str = "}\nschedule: {on: {one: {with: {type: go}}}}\n";
const WORKFLOW: &str = "io.serverlessworkflow.workflow.";
const TASK: &str = "io.serverlessworkflow.task.";
const FAULTS: &str = "- bad: {raise: {error: {type: 'https://x/y', status: 418, title: t}}}\n";

/// A workflow that events of this type start, and that keeps the event.
async fn handler(stage: &Stage, r#type: &str, tasks: &str) {
    let document =
        format!("}}\nschedule: {{on: {{one: {{with: {{type: '{type}'}}}}}}, read: envelope}}\ndo:\n{tasks}");
    stage.put("handler", &document, (&[r#type], &[])).await;
}

/// Types and data of the lifecycle events of a job, in order of capture, without what differs from run to run.
async fn events_of(stage: &Stage, job: JobId) -> Vec<(String, Value)> {
    let filter = EventFilter { source: Some(format!("/jobs/{job}")), ..EventFilter::default() };
    let listed = stage.store.events(stage.workspace, &filter, None, 500).await.expect("read").items;
    let mut events = Vec::new();
    for listed in listed.into_iter().rev() {
        let event = stage.store.event(stage.workspace, listed.id).await.expect("read").expect("it exists");
        let envelope: Value = serde_json::from_slice(&event.envelope.expect("whole")).expect("JSON");
        let mut data = envelope["data"].clone();
        data.as_object_mut().expect("an object").retain(|name, _| !name.ends_with("At"));
        events.push((listed.r#type, data));
    }
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_starts_the_workflow_that_waits_for_faults_and_nothing_more() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    // It faults itself, starts a child that faults, and tells a third one, which faults.
    let tasks = format!(
        "- tell: {{emit: {{event: {{with: {{type: told}}}}}}}}\n- call: {{run: {{workflow: {{namespace: test, name: child, version: latest}}, await: false}}}}\n{FAULTS}"
    );
    let faulted = format!("{WORKFLOW}faulted.v1");
    handler(&stage, &faulted, &tasks).await;
    stage.put("child", &format!("}}\ndo:\n{FAULTS}"), (&[], &[])).await;
    let told = format!("}}\nschedule: {{on: {{one: {{with: {{type: told}}}}}}}}\ndo:\n{FAULTS}");
    stage.put("told", &told, (&["told"], &[])).await;
    stage.deploy("w", &format!("{ON_GO}do:\n{FAULTS}")).await;
    let job = stage.go(json!({})).await;
    assert_eq!(stage.end(job).await.state, JobState::Faulted);
    let name = format!("w-{job}.test");
    let error = json!({"type": "https://x/y", "status": 418, "title": "t", "instance": "/do/0/bad"});
    let events = events_of(&stage, job).await;
    assert_eq!(events, [(faulted.clone(), json!({"name": name, "error": error}))]);
    stage.has_jobs(4).await;
    for job in stage.jobs().await {
        assert_eq!(stage.end(job.id).await.state, JobState::Faulted);
    }
    let types = stage.event_types().await;
    assert_eq!(types.iter().filter(|r#type| **r#type == faulted).count(), 1, "{types:?}");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_is_told_in_order_where_somebody_listens_for_anything() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    stage.put("listens", "}\ndo: [{hear: {listen: {to: {any: []}}}}]\n", (&[], &["*"])).await;
    let tasks = format!("{ON_GO}do:\n- nap: {{wait: {{milliseconds: 10}}}}\n- done: {{set: {{x: 1}}}}\n");
    stage.deploy("w", &tasks).await;
    let job = stage.go(json!({})).await;
    assert_eq!(stage.output(job).await, json!({"x": 1}));
    let name = format!("w-{job}.test");
    let task = |what: &str, reference: &str| {
        (format!("{TASK}{what}.v1"), json!({"workflow": name, "task": reference}))
    };
    let definition = json!({"name": "w", "namespace": "test", "version": "1.0.0"});
    let expected = [
        (format!("{WORKFLOW}started.v1"), json!({"name": name, "definition": definition})),
        task("created", "/do/0/nap"),
        task("started", "/do/0/nap"),
        task("completed", "/do/0/nap"),
        task("created", "/do/1/done"),
        task("started", "/do/1/done"),
        task("completed", "/do/1/done"),
        (
            format!("{WORKFLOW}completed.v1"),
            json!({"name": name, "outputUri": format!("/api/v1/jobs/{job}")}),
        ),
    ];
    assert_eq!(events_of(&stage, job).await, expected);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_pays_where_nobody_listens() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    // Neither another type, nor a filter that no lifecycle event passes.
    handler(&stage, "other", "- done: {set: {x: 1}}\n").await;
    let elsewhere = "}\nschedule: {on: {any: [{with: {source: 'https://elsewhere'}}, {with: {type: 'com\\..*'}}]}}\ndo: [{done: {set: {x: 1}}}]\n";
    stage.put("elsewhere", elsewhere, (&["*"], &["order"])).await;
    stage.deploy("w", &format!("{ON_GO}do: [{{done: {{set: {{x: 1}}}}}}]\n")).await;
    let job = stage.go(json!({})).await;
    assert_eq!(stage.output(job).await, json!({"x": 1}));
    assert_eq!(stage.event_types().await, ["go"]);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_and_suspended_jobs_are_told_of_whether_they_run_or_not() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    let types: Vec<String> = ["cancelled", "suspended"].map(|what| format!("{WORKFLOW}{what}.v1")).into();
    let filters: Vec<String> = types.iter().map(|r#type| format!("{{with: {{type: {type}}}}}")).collect();
    let document = format!(
        "}}\nschedule: {{on: {{any: [{}]}}}}\ndo: [{{done: {{set: {{x: 1}}}}}}]\n",
        filters.join(", ")
    );
    stage.put("handler", &document, (&[types[0].as_str(), types[1].as_str()], &[])).await;
    let parks = ", metadata: {tenon: {orderingKey: '${ .type }', onFailure: park}}}\nschedule: {on: {one: {with: {type: go}}}}\n";
    stage.deploy("w", &format!("{parks}do:\n{FAULTS}")).await;
    let job = stage.go(json!({})).await;
    stage.reaches(job, JobState::Suspended).await;
    let name = json!({"name": format!("w-{job}.test")});
    assert_eq!(events_of(&stage, job).await, [(types[1].clone(), name.clone())]);
    stage.worker.cancel(job).await.expect("the worker runs");
    assert_eq!(stage.end(job).await.state, JobState::Cancelled);
    assert_eq!(events_of(&stage, job).await, [(types[1].clone(), name.clone()), (types[0].clone(), name)]);
    stage.verify(job).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_resumed_says_so_and_tells_of_its_tasks_from_there_on() {
    let (_callee, address) = crate::stage::Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    let any = "}\nschedule: {on: {any: [{with: {type: 'io\\..*'}}]}}\ndo: [{done: {set: {x: 1}}}]\n";
    stage.put("handler", any, (&["*"], &[])).await;
    let parks = ", metadata: {tenon: {orderingKey: '${ .type }', onFailure: park}}}\nschedule: {on: {one: {with: {type: go}}}}\n";
    let calls = format!(
        "do:\n- call: {{call: http, with: {{method: get, endpoint: 'http://{address}/fail/1'}}}}\n- last: {{set: {{x: 1}}}}\n"
    );
    stage.deploy("w", &format!("{parks}{calls}")).await;
    let job = stage.go(json!({})).await;
    stage.reaches(job, JobState::Suspended).await;
    stage.worker.resume(job).await.expect("it is suspended");
    assert_eq!(stage.end(job).await.state, JobState::Completed);
    let told: Vec<String> = events_of(&stage, job).await.into_iter().map(|(kind, _)| kind).collect();
    let task = |what: &str| format!("{TASK}{what}.v1");
    let workflow = |what: &str| format!("{WORKFLOW}{what}.v1");
    let expected = [
        workflow("started"),
        task("created"),
        task("started"),
        task("faulted"),
        workflow("suspended"),
        workflow("resumed"),
        task("completed"),
        task("created"),
        task("started"),
        task("completed"),
        workflow("completed"),
    ];
    assert_eq!(told, expected);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tasks_of_a_job_that_is_cancelled_are_told_of_whether_it_runs_or_not() {
    let (callee, address) = crate::stage::Callee::serve().await;
    let hangs = format!("- it: {{call: http, with: {{method: get, endpoint: 'http://{address}/hang'}}}}\n");
    for tasks in ["- it: {wait: P1D}\n", hangs.as_str()] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let stage = Stage::on(open(&directory)).await;
        let cancelled = format!("{TASK}cancelled.v1");
        handler(&stage, &cancelled, "- done: {set: {x: 1}}\n").await;
        stage.deploy("w", &format!("{ON_GO}do:\n{tasks}")).await;
        let job = stage.go(json!({})).await;
        if tasks == hangs {
            callee.has_calls(1).await;
        } else {
            stage.reaches(job, JobState::Waiting).await;
        }
        stage.worker.cancel(job).await.expect("the worker runs");
        assert_eq!(stage.end(job).await.state, JobState::Cancelled);
        let data = json!({"workflow": format!("w-{job}.test"), "task": "/do/0/it"});
        assert_eq!(events_of(&stage, job).await, [(cancelled, data)], "{tasks}");
        stage.verify(job).await;
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_hears_lifecycle_events_has_none_of_its_own_from_there_on() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    // It would hear of its own iterations for ever.
    let tasks = "- hear:\n    listen: {to: {any: [], until: 'any(.[]; .type == \"last\")'}, read: envelope}\n    foreach: {do: [{done: {set: '${ . }'}}]}\n    output: {as: '[.[].type]'}\n";
    stage.put("w", &format!("{ON_GO}do:\n{tasks}"), (&["go"], &["*"])).await;
    let job = stage.go(json!({})).await;
    let own = [format!("{WORKFLOW}started.v1"), format!("{TASK}created.v1"), format!("{TASK}started.v1")];
    stage.has_entries(job, own.len(), JobState::Waiting).await;
    stage.event("last", json!({})).await;
    let heard: Vec<_> = own.iter().map(String::as_str).chain(["last"]).collect();
    assert_eq!(stage.output(job).await, json!(heard));
    assert_eq!(stage.event_types().await, ["go", &own[0], &own[1], &own[2], "last"]);
    stage.verify(job).await;
    stage.stop().await;
}

/// Dies after the events of a job's end are captured and before its end is written.
#[derive(Default)]
struct Dies {
    has_died: AtomicBool,
    died: Notify,
}

#[async_trait]
impl Hooks for Dies {
    async fn write(&self, inner: &dyn Store, write: Write) -> Result<(), Error> {
        let ends = matches!(write.transition, Transition::Completed { .. });
        if ends && !self.has_died.swap(true, Ordering::SeqCst) {
            assert!(write.entries.is_empty(), "the outcomes are durable before the events");
            self.died.notify_one();
            std::future::pending::<()>().await;
        }
        inner.write(write).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_loses_none_and_repeats_none() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let dies = Arc::new(Dies::default());
    let store = hooked(&directory, &dies);
    let process = Process::on(Arc::clone(&store)).await;
    process.put("listens", "}\ndo: [{hear: {listen: {to: {any: []}}}}]\n", (&[], &["*"])).await;
    let tasks = format!(
        "{ON_GO}do:\n- tell: {{emit: {{event: {{with: {{type: told}}}}}}}}\n- done: {{set: {{x: 1}}}}\n"
    );
    process.deploy("w", &tasks).await;
    let job = process.go(json!({})).await;
    dies.died.notified().await;
    let before = events_of(&process, job).await;
    assert_eq!(before.len(), 8, "{before:?}");
    process.kill().await;
    let again = Stage::on(store).await;
    assert_eq!(again.output(job).await, json!({"x": 1}));
    assert_eq!(events_of(&again, job).await, before);
    again.stop().await;
}
