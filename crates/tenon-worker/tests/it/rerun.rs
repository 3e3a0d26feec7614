//! Reruns that begin at a step: with what was recorded before it, as a job of its own.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;
use tenon_capture::{Clock, Rerun};
use tenon_store::{JobId, JobState, Kind};
use tenon_worker::{From, Options, RerunError, RerunFrom};

use crate::hooked_store::{Gate, hooked};
use crate::stage::{Callee, NOON, Stage, open};

/// Runs a job again from somewhere, on its newest revision.
async fn rerun(stage: &Stage, job: JobId, from: From, input: Option<&str>) -> Result<JobId, RerunError> {
    let record = stage.record(job).await;
    let newest = stage.store.resource(stage.workspace, Kind::Workflow, "test/w").await.expect("read");
    let revision = newest.expect("it is deployed").revision.id;
    let ports = stage.capture.ports();
    let (id, at) = (ports.ids.job(), ports.clock.now());
    let input = input.map(|input| Bytes::from(input.to_owned()));
    let asked = RerunFrom { record: record.clone(), revision, from, input, id, at };
    let beginning = stage.history.beginning(asked).await?;
    let rerun = Rerun { revision, beginning: Some(beginning), ..Rerun::of(record) };
    let accepted = stage.capture.rerun(rerun).await.expect("captured");
    assert_eq!(accepted.jobs, [id]);
    Ok(id)
}

fn document(address: std::net::SocketAddr, two: &str) -> String {
    format!(
        "}}\nschedule: {{on: {{one: {{with: {{type: go}}}}}}}}
do:
- one: {{call: http, with: {{method: post, endpoint: 'http://{address}/one', body: '${{ .[0] }}'}}}}
- nap: {{wait: PT0.001S}}
- tell: {{emit: {{event: {{with: {{source: 'https://x', type: told}}}}}}}}
- two: {{call: http, with: {{method: post, endpoint: 'http://{address}{two}', body: '${{ . }}'}}}}
- done: {{set: {{one: '${{ $steps.one.body }}', two: '${{ $steps.two.body }}'}}}}
"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rerun_begins_at_the_failed_step_with_keys_of_its_own() {
    let (callee, address) = Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    stage.deploy("w", &document(address, "/fail/1")).await;
    let job = stage.go(json!({"n": 1})).await;
    assert_eq!(stage.end(job).await.state, JobState::Faulted);
    // A step before it has changed in a way that does not matter to what is recorded; the address is mended.
    stage.deploy("w", &document(address, "/mended")).await;
    for (from, input) in
        [(From::Failed, None), (From::Step("/do/3/two".to_owned()), Some("{\"edited\":true}"))]
    {
        let again = rerun(&stage, job, from, input).await.expect("the step was reached");
        let output = stage.output(again).await;
        assert_eq!(output["one"], "{\"n\":1}");
        assert_eq!(
            output["two"].as_str().is_some_and(|two| two.contains("edited")),
            input.is_some(),
            "{output}"
        );
        let calls = callee.calls();
        let of_job: Vec<_> = calls.iter().filter(|call| call.key.starts_with(&again.to_string())).collect();
        assert_eq!(of_job.len(), 1, "only the failed step runs: {of_job:?}");
        assert_eq!((of_job[0].path.as_str(), of_job[0].attempt.as_str()), ("/mended", "1"));
        assert_eq!(stage.record(again).await.rerun_of, Some(job));
        stage.verify(again).await;
        let steps = stage.history.trace(stage.workspace, again).await.expect("read");
        assert_eq!((steps.steps.len(), steps.diverged), (5, None));
    }
    assert_eq!(stage.event_types().await.iter().filter(|kind| *kind == "told").count(), 1);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rerun_inside_a_fork_has_children_of_its_own() {
    let (_callee, address) = Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    stage.put("kid", "}\ndo: [{nap: {wait: P1D}}]\n", (&[], &[])).await;
    let forks = |two: &str| {
        format!(
            "}}\nschedule: {{on: {{one: {{with: {{type: go}}}}}}}}
do:
- f:
    fork:
      branches:
      - kid: {{run: {{workflow: {{namespace: test, name: kid, version: latest}}}}}}
      - calls:
          do:
          - nap: {{wait: PT0.05S}}
          - two: {{call: http, with: {{method: get, endpoint: 'http://{address}{two}'}}}}
"
        )
    };
    stage.deploy("w", &forks("/fail/1")).await;
    let job = stage.go(json!({})).await;
    assert_eq!(stage.end(job).await.state, JobState::Faulted);
    let old = stage.children(job).await;
    assert_eq!(old.iter().map(|child| child.state).collect::<Vec<_>>(), [JobState::Cancelled]);
    stage.put_version("kid", "1.0.1", "}\ndo: [{done: {set: {ok: true}}}]\n", (&[], &[])).await;
    stage.deploy("w", &forks("/mended")).await;
    let again = rerun(&stage, job, From::Failed, None).await.expect("the step was reached");
    assert_eq!(stage.output(again).await[0], json!({"ok": true}));
    let own = stage.children(again).await;
    assert_eq!(own.iter().map(|child| child.state).collect::<Vec<_>>(), [JobState::Completed]);
    let journal = stage.store.journal(stage.workspace, again).await.expect("read");
    let starts = journal.iter().filter(|entry| entry.effect.ends_with("/kid")).count();
    assert_eq!(starts, 1, "{journal:?}");
    stage.verify(again).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reruns_of_many_give_way_to_what_comes_meanwhile() {
    let (callee, address) = Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let gate = Arc::new(Gate::closed());
    let options = Options { capacity: 1, ..Options::default() };
    // Turns go by the time that jobs have used: none of it here, however late a thread gets its core.
    let stage = Stage::by(hooked(&directory, &gate), Clock::manual(NOON), options).await;
    let calls = format!(
        "}}\nschedule: {{on: {{one: {{with: {{type: go}}}}}}}}\ndo: [{{one: {{call: http, with: {{method: get, endpoint: 'http://{address}/one'}}}}}}]\n"
    );
    stage.deploy("w", &calls).await;
    gate.permits.add_permits(1);
    let old = stage.go(json!({})).await;
    assert_eq!(stage.end(old).await.state, JobState::Completed);
    gate.has_arrival().await;
    stage.go(json!({})).await;
    gate.has_arrival().await;
    // One job has the only place; these wait for it.
    let record = stage.record(old).await;
    for request in 0..10 {
        let rerun = Rerun { bulk: Some(request.to_string().into()), ..Rerun::of(record.clone()) };
        stage.capture.rerun(rerun).await.expect("captured");
    }
    let live = stage.go(json!({})).await;
    stage.used(|used| used.scheduler.workspaces[0].startable == 11).await;
    gate.open();
    stage.end(live).await;
    let before = callee.calls().iter().take_while(|call| !call.key.starts_with(&live.to_string())).count();
    assert_eq!(before, 3, "the two that were there before, and one of the ten reruns");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rerun_cannot_begin_at_is_said() {
    let (_callee, address) = Callee::serve().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    let each = "}\nschedule: {on: {one: {with: {type: go}}}}\ndo: [{each: {for: {each: n, in: '${ [1, 2] }'}, do: [{in: {set: {x: 1}}}]}}]\n";
    stage.deploy("w", each).await;
    let job = stage.go(json!({})).await;
    stage.end(job).await;
    let step = |text: &str| From::Step(text.to_owned());
    let ambiguous = rerun(&stage, job, step("/do/0/each/do/0/in"), None).await.expect_err("two of them");
    assert!(matches!(ambiguous, RerunError::Ambiguous { .. }));
    assert!(ambiguous.to_string().contains("`/do/0/each[1]/do/0/in`"), "{ambiguous}");
    let missing = rerun(&stage, job, step("/do/7/x"), None).await.expect_err("none");
    assert!(matches!(missing, RerunError::NoSuchStep { .. }), "{missing}");
    rerun(&stage, job, step("/do/0/each[1]/do/0/in"), None).await.expect("one of them");

    stage.deploy("w", &document(address, "/refuse")).await;
    let job = stage.go(json!({"n": 1})).await;
    stage.end(job).await;
    stage.deploy("w", &document(address, "/x").replace("/one'", "/other'")).await;
    let parted = rerun(&stage, job, From::Failed, None).await.expect_err("another call is recorded");
    assert!(parted.to_string().contains("/do/0/one"), "{parted}");
    stage.stop().await;
}
