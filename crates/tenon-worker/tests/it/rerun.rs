//! Reruns that begin at a step: with what was recorded before it, as a job of its own.

use bytes::Bytes;
use serde_json::json;
use tenon_capture::Rerun;
use tenon_store::{JobId, JobState, Kind};
use tenon_worker::{From, RerunError, RerunFrom};

use crate::stage::{Callee, Stage, open};

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
