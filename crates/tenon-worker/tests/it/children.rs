//! Jobs that other jobs start: awaited or not, their faults, their cancellation, and crashes between.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use serde_json::json;
use tenon_store::{Change, ChangeResource, Error, JobId, JobState, Kind, Store, Write};
use tokio::sync::Notify;

use crate::hooked_store::{Hooks, hooked};
use crate::stage::{Callee, Process, Stage, open};

const ON_GO: &str = "}\nschedule: {on: {one: {with: {type: go}}}}\n";
const SLEEPS: &str = "}\ndo: [{nap: {wait: P1D}}]\n";

/// `run: workflow` of `test/<name>`.
fn run(name: &str, rest: &str) -> String {
    format!(
        "- call: {{run: {{workflow: {{namespace: test, name: {name}, version: latest, input: {{n: '${{ .[0].n }}'}}}}{rest}}}}}\n"
    )
}

async fn parent(stage: &Stage, tasks: &str) {
    stage.deploy("parent", &format!("{ON_GO}do:\n{tasks}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_is_awaited_gives_its_output() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    let doubles =
        "}\ndo: [{nap: {wait: {milliseconds: 20}}}, {double: {set: {m: '${ .n * 2 }', e: '${ $event }'}}}]\n";
    stage.put("child", doubles, (&[], &[])).await;
    parent(&stage, &run("child", "")).await;
    let job = stage.go(json!({"n": 21})).await;
    assert_eq!(stage.output(job).await, json!({"m": 42, "e": null}));
    let children = stage.children(job).await;
    assert_eq!(children.len(), 1);
    assert_eq!((children[0].parent, children[0].state), (Some(job), JobState::Completed));
    stage.verify(job).await;
    stage.verify(children[0].id).await;
    let trace = stage.history.trace(stage.workspace, job).await.expect("read");
    assert_eq!(trace.steps[0].kind, "run");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_is_not_awaited_goes_its_own_way() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    stage.put("child", SLEEPS, (&[], &[])).await;
    let both = format!("{}- nap: {{wait: P1D}}\n", run("child", ", await: false"));
    parent(&stage, &both).await;
    let job = stage.go(json!({"n": 1})).await;
    let child = stage.has_children(job, 1).await[0].id;
    stage.reaches(child, JobState::Waiting).await;
    stage.reaches(job, JobState::Waiting).await;
    stage.worker.cancel(job).await.expect("the worker runs");
    assert_eq!(stage.end(job).await.state, JobState::Cancelled);
    assert_eq!(stage.record(child).await.state, JobState::Waiting, "nobody waits for it");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_childs_fault_is_its_parents() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    let faults =
        "}\ndo: [{bad: {raise: {error: {type: 'https://x/y', status: 418, title: t, detail: d}}}}]\n";
    stage.put("child", faults, (&[], &[])).await;
    parent(&stage, &run("child", "")).await;
    let job = stage.go(json!({"n": 1})).await;
    let error = stage.output(job).await;
    assert_eq!(
        error,
        json!({"type": "https://x/y", "status": 418, "title": "t", "detail": "d", "instance": "/do/0/call"})
    );
    stage.verify(job).await;
    stage.stop().await;
}

/// What a parent faults with when its child cannot be started.
async fn refused(stage: &Stage, what: &str, said: &str) {
    let job = stage.go(json!({"n": 1})).await;
    let error = stage.output(job).await;
    let kind = error["type"].as_str().expect("a type").rsplit('/').next().unwrap_or_default().to_owned();
    assert_eq!(kind, "configuration", "{what}: {error}");
    assert!(error["detail"].as_str().is_some_and(|detail| detail.contains(said)), "{what}: {error}");
    assert_eq!(stage.children(job).await.len(), 0, "{what}");
    stage.verify(job).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_cannot_be_started_is_a_configuration_error() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    parent(&stage, &run("child", "")).await;
    refused(&stage, "unknown", "workflow `test/child` not found").await;
    stage.put("child", SLEEPS, (&[], &[])).await;
    let change = ChangeResource {
        workspace: stage.workspace,
        kind: Kind::Workflow,
        name: "test/child".to_owned(),
        change: Change::Disable,
        state: None,
        actor: "test".to_owned(),
        at: stage.capture.ports().clock.now(),
    };
    stage.store.change_resource(change).await.expect("it exists");
    refused(&stage, "disabled", "workflow `test/child` is disabled").await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_revision_of_the_version_is_run() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    for (version, says) in [("1.0.0", "old"), ("1.0.0", "mended"), ("2.0.0", "new")] {
        let document = format!("}}\ndo: [{{say: {{set: {{is: {says}}}}}}}]\n");
        stage.put_version("child", version, &document, (&[], &[])).await;
    }
    for (version, expected) in [("1.0.0", "mended"), ("2.0.0", "new"), ("latest", "new")] {
        let call = run("child", "").replace("latest", &format!("'{version}'"));
        parent(&stage, &call).await;
        let job = stage.go(json!({"n": 1})).await;
        assert_eq!(stage.output(job).await, json!({"is": expected}), "{version}");
    }
    parent(&stage, &run("child", "").replace("latest", "'3.0.0'")).await;
    refused(&stage, "unknown version", "workflow `test/child` has no version `3.0.0`").await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_cannot_wait_for_a_lane_of_who_waits_for_it() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    let ordered =
        ", metadata: {tenon: {orderingKey: one}}}\nschedule: {on: {one: {with: {type: go}}}}\ndo:\n";
    let ordered = ordered.replace("orderingKey: one", "orderingKey: '${ \"one\" }'");
    stage.put("middle", &format!("}}\ndo:\n{}", run("top", "").replace(".[0].n", ".n")), (&[], &[])).await;
    stage.put("top", &format!("{ordered}{}", run("middle", "")), (&["go"], &[])).await;
    let job = stage.go(json!({"n": 1})).await;
    let error = stage.output(job).await;
    assert!(error["detail"].as_str().is_some_and(|detail| detail.contains("ordered lane")), "{error}");
    let middle = stage.children(job).await[0].id;
    assert_eq!(stage.children(middle).await.len(), 0);
    stage.stop().await;
}

/// The descendants of a job, itself first, each the only awaited child of the one before.
async fn family(stage: &Stage, job: JobId, generations: usize) -> Vec<JobId> {
    let mut family = vec![job];
    for _ in 0..generations {
        let last = family[family.len() - 1];
        family.push(stage.has_children(last, 1).await[0].id);
    }
    family
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_a_job_cancels_the_children_that_it_awaits() {
    let (callee, address) = Callee::serve().await;
    let hangs = format!(
        "}}\ndo: [{{call: {{call: http, with: {{method: get, endpoint: 'http://{address}/hang'}}}}}}]\n"
    );
    for (what, last) in [("waiting", SLEEPS), ("calling", hangs.as_str())] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let stage = Stage::on(open(&directory)).await;
        stage.put("grandchild", last, (&[], &[])).await;
        stage
            .put("child", &format!("}}\ndo:\n{}", run("grandchild", "").replace(".[0].n", ".n")), (&[], &[]))
            .await;
        parent(&stage, &run("child", "")).await;
        let job = stage.go(json!({"n": 1})).await;
        let family = family(&stage, job, 2).await;
        if what == "waiting" {
            stage.reaches(family[2], JobState::Waiting).await;
        } else {
            callee.has_calls(1).await;
        }
        stage.worker.cancel(job).await.expect("the worker runs");
        assert_eq!(stage.end(job).await.state, JobState::Cancelled, "{what}");
        let mut ends = Vec::new();
        for member in &family {
            let record = stage.record(*member).await;
            assert_eq!(record.state, JobState::Cancelled, "{what}");
            ends.push(record.ended_at);
            stage.verify(*member).await;
        }
        assert!(
            ends.is_sorted_by(|above, below| above >= below),
            "{what}: the youngest ends first: {ends:?}"
        );
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_whose_parent_has_no_use_for_it_any_more_is_cancelled() {
    let (callee, address) = Callee::serve().await;
    let hang = format!("{{slow: {{call: http, with: {{method: get, endpoint: 'http://{address}/hang'}}}}}}");
    let in_fork = |wins: &str| {
        let child = run("child", "").replacen("- call:", "call:", 1);
        format!("- race: {{fork: {{compete: true, branches: [{{{}}}, {wins}]}}}}\n", child.trim_end())
    };
    for (what, tasks, state) in [
        (
            "its task's timeout",
            run("child", "").replacen("{run:", "{timeout: {after: {milliseconds: 50}}, run:", 1),
            JobState::Faulted,
        ),
        ("another branch has won", in_fork("{other: {wait: {milliseconds: 50}}}"), JobState::Completed),
    ] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let stage = Stage::on(open(&directory)).await;
        stage.put("child", SLEEPS, (&[], &[])).await;
        parent(&stage, &tasks).await;
        let job = stage.go(json!({"n": 1})).await;
        assert_eq!(stage.end(job).await.state, state, "{what}");
        let child = stage.children(job).await[0].clone();
        assert_eq!(child.state, JobState::Cancelled, "{what}");
        assert!(child.ended_at <= stage.record(job).await.ended_at, "{what}: before its parent");
        stage.verify(job).await;
        stage.stop().await;
    }
    // And the other way round: the child wins while a call is on its way.
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    stage
        .put("child", "}\ndo: [{nap: {wait: {milliseconds: 50}}}, {done: {set: {won: true}}}]\n", (&[], &[]))
        .await;
    parent(&stage, &in_fork(&hang)).await;
    let job = stage.go(json!({"n": 1})).await;
    callee.has_calls(1).await;
    assert_eq!(stage.output(job).await, json!({"won": true}));
    stage.verify(job).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_starts_while_its_parent_fails_is_cancelled() {
    let branch = |name: &str| {
        let run = run(name, "").replacen("- call:", &format!("{name}:"), 1);
        format!("{{{}}}", run.trim_end())
    };
    for order in [["child", "nobody"], ["nobody", "child"]] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let stage = Stage::on(open(&directory)).await;
        stage.put("child", SLEEPS, (&[], &[])).await;
        let branches = order.map(branch).join(", ");
        parent(&stage, &format!("- both: {{fork: {{branches: [{branches}]}}}}\n")).await;
        let job = stage.go(json!({"n": 1})).await;
        assert_eq!(stage.end(job).await.state, JobState::Faulted, "{order:?}");
        let children = stage.children(job).await;
        assert_eq!(children.len(), 1, "{order:?}");
        assert_eq!(children[0].state, JobState::Cancelled, "{order:?}");
        assert!(children[0].ended_at <= stage.record(job).await.ended_at, "{order:?}: before its parent");
        stage.verify(job).await;
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_start_one_another_for_ever_come_to_an_end() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    let again = run("again", "").replace(".[0].n", ".n");
    stage.put("again", &format!("}}\ndo:\n{again}"), (&[], &[])).await;
    parent(&stage, &run("again", "")).await;
    let job = stage.go(json!({"n": 1})).await;
    let error = stage.output(job).await;
    assert!(error["type"].as_str().is_some_and(|kind| kind.ends_with("/runtime")), "{error}");
    assert_eq!(stage.jobs().await.len(), 33);
    stage.stop().await;
}

/// Loses the first write of a parent: as if the process died before it was durable.
#[derive(Default)]
struct Dies {
    has_died: AtomicBool,
    died: Notify,
}

#[async_trait]
impl Hooks for Dies {
    async fn write(&self, inner: &dyn Store, write: Write) -> Result<(), Error> {
        let tells_of_child = write.entries.iter().any(|entry| entry.effect == "/do/0/call");
        if tells_of_child && !self.has_died.swap(true, Ordering::SeqCst) {
            self.died.notify_one();
            std::future::pending::<()>().await;
        }
        inner.write(write).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_a_childs_start_and_its_record_starts_it_once() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let dies = Arc::new(Dies::default());
    let store = hooked(&directory, &dies);
    let process = Process::on(Arc::clone(&store)).await;
    process.put("child", "}\ndo: [{done: {set: {n: '${ .n }'}}}]\n", (&[], &[])).await;
    parent(&process, &run("child", "")).await;
    let job = process.go(json!({"n": 7})).await;
    dies.died.notified().await;
    let first = process.has_children(job, 1).await[0].id;
    process.kill().await;
    let again = Stage::on(store).await;
    assert_eq!(again.output(job).await, json!({"n": 7}));
    let children = again.children(job).await;
    assert_eq!(children.iter().map(|child| child.id).collect::<Vec<_>>(), [first]);
    again.verify(job).await;
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_retry_starts_a_child_of_its_own() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    let faults =
        "}\ndo: [{bad: {raise: {error: {type: 'https://x/y', status: 418, title: t, detail: d}}}}]\n";
    stage.put("child", faults, (&[], &[])).await;
    let child = run("child", "").replacen("- call:", "call:", 1);
    let tries = format!(
        "- again: {{try: [{{{}}}], catch: {{retry: {{limit: {{attempt: {{count: 2}}}}}}}}}}\n",
        child.trim_end()
    );
    parent(&stage, &tries).await;
    let job = stage.go(json!({"n": 1})).await;
    assert_eq!(stage.end(job).await.state, JobState::Completed, "it is caught");
    assert_eq!(stage.children(job).await.len(), 3, "the first attempt and two retries");
    stage.verify(job).await;
    stage.stop().await;
}

/// As [`Dies`]; afterwards there is no room for effects.
#[derive(Default)]
struct DiesAndHasNoRoom(Dies);

#[async_trait]
impl Hooks for DiesAndHasNoRoom {
    async fn write(&self, inner: &dyn Store, write: Write) -> Result<(), Error> {
        self.0.write(inner, write).await
    }

    fn has_room(&self, _: &dyn Store) -> bool {
        !self.0.has_died.load(Ordering::SeqCst)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_a_crash_hid_is_cancelled_with_its_parent() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let dies = Arc::new(DiesAndHasNoRoom::default());
    let store = hooked(&directory, &dies);
    let process = Process::on(Arc::clone(&store)).await;
    process.put("child", SLEEPS, (&[], &[])).await;
    parent(&process, &run("child", "")).await;
    let job = process.go(json!({"n": 7})).await;
    dies.0.died.notified().await;
    let child = process.has_children(job, 1).await[0].id;
    process.reaches(child, JobState::Waiting).await;
    process.kill().await;
    // The next owner runs the parent, which waits for room before it starts (or finds) its child.
    let again = Stage::on(store).await;
    again.until(|| again.capture.ports().metrics.jobs_running.get() == 1).await;
    again.worker.cancel(job).await.expect("the worker runs");
    assert_eq!(again.end(job).await.state, JobState::Cancelled);
    assert_eq!(again.record(child).await.state, JobState::Cancelled);
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_a_crash_hid_is_found_before_something_ends_its_task() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let dies = Arc::new(DiesInFork::default());
    let store = hooked(&directory, &dies);
    let process = Process::on(Arc::clone(&store)).await;
    process.put("child", SLEEPS, (&[], &[])).await;
    let child = run("child", "").replacen("- call:", "call:", 1);
    let race = format!(
        "- race: {{fork: {{compete: true, branches: [{{{}}}, {{hear: {{listen: {{to: {{one: {{with: {{type: order}}}}}}}}}}}}]}}}}\n",
        child.trim_end()
    );
    process.put("parent", &format!("{ON_GO}do:\n{race}"), (&["go"], &["order"])).await;
    let job = process.go(json!({"n": 7})).await;
    dies.0.died.notified().await;
    let child = process.has_children(job, 1).await[0].id;
    process.event("order", json!({"n": 1})).await;
    process.kill().await;
    let again = Stage::on(store).await;
    assert_eq!(again.output(job).await, json!([{"n": 1}]));
    assert_eq!(again.record(child).await.state, JobState::Cancelled);
    again.verify(job).await;
    again.stop().await;
}

/// As [`Dies`], for a child in a branch.
#[derive(Default)]
struct DiesInFork(Dies);

#[async_trait]
impl Hooks for DiesInFork {
    async fn write(&self, inner: &dyn Store, mut write: Write) -> Result<(), Error> {
        if write.entries.iter().any(|entry| entry.effect.ends_with("/branches/0/call"))
            && !self.0.has_died.load(Ordering::SeqCst)
        {
            "/do/0/call".clone_into(&mut write.entries[0].effect);
        }
        self.0.write(inner, write).await
    }
}
