//! `/run`: workflows as endpoints.

use serde_json::json;
use tenon_store::{Change, ChangeResource, JobState, Kind, Timestamp};

use crate::fixture::{Answer, Fixture, bearer};

async fn run(fixture: &Fixture, name: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let (authorization, key) = bearer();
    let mut all = vec![(authorization, key.as_str())];
    all.extend_from_slice(headers);
    fixture.send(&format!("POST /run/default/acme/{name}"), &all, body.to_owned()).await
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn a_call_is_accepted_and_can_be_found() {
    let fixture = Fixture::new().await;
    fixture.workflow("sum", json!({}), "sum").await;
    let answer = run(&fixture, "sum", &[JSON], "{\"a\":1}").await.expect(202);
    let job = answer.json()["job"].as_str().expect("text").to_owned();
    assert_eq!(answer.header("location"), Some(format!("/api/v1/jobs/{job}").as_str()));
    let envelope = &fixture.envelopes().await[0];
    assert_eq!((&envelope["type"], &envelope["data"]), (&json!("io.tenon.run"), &json!({"a": 1})));
    run(&fixture, "sum", &[], "").await.expect(202);
    assert_eq!(fixture.envelopes().await[1]["data"], json!(null));
}

#[tokio::test]
async fn waiting_gives_the_output() {
    let fixture = Fixture::new().await;
    fixture.workflow("sum", json!({}), "sum").await;
    fixture.end_jobs(JobState::Completed, json!({"sum": 3}));
    let answer = run(&fixture, "sum", &[JSON, ("prefer", "wait=30")], "{}").await.expect(200);
    assert_eq!(answer.json(), json!({"sum": 3}));
    assert_eq!(answer.header("preference-applied"), Some("wait=30"));
    assert!(answer.header("tenon-job").is_some());
}

#[tokio::test]
async fn waiting_too_long_gives_the_place_to_look() {
    let fixture = Fixture::new().await;
    fixture.workflow("sum", json!({}), "sum").await;
    let answer = run(&fixture, "sum", &[JSON, ("prefer", "wait=1")], "{}").await.expect(202);
    assert!(answer.header("location").is_some_and(|place| place.starts_with("/api/v1/jobs/job_")));
}

#[tokio::test]
async fn an_idempotency_key_gives_the_same_job() {
    let fixture = Fixture::new().await;
    fixture.workflow("sum", json!({}), "sum").await;
    let key = ("idempotency-key", "k-1");
    let first = run(&fixture, "sum", &[JSON, key], "{}").await.expect(202).json();
    let again = run(&fixture, "sum", &[JSON, key], "{}").await.expect(202).json();
    assert_eq!((&again["job"], &again["duplicate"]), (&first["job"], &json!(true)));
    // A repeat may wait although the first call did not.
    let watch = fixture.app.capture().ports().watch.clone();
    let job = first["job"].as_str().expect("text").parse().expect("an id");
    let headers = [JSON, key, ("prefer", "wait=30")];
    let (answer, ()) = tokio::join!(run(&fixture, "sum", &headers, "{}"), async {
        while !watch.is_wanted(job) {
            tokio::task::yield_now().await;
        }
        let result = Some("7".into());
        watch.finished(tenon_capture::JobEnd { job, state: JobState::Completed, result });
    });
    assert_eq!(answer.expect(200).json(), json!(7));
    assert_eq!(fixture.envelopes().await.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_run_is_refused() {
    let fixture = Fixture::new().await;
    fixture.workflow("sum", json!({}), "sum").await;
    run(&fixture, "none", &[JSON], "{}").await.expect_problem(404, "TN0014");
    run(&fixture, "sum", &[JSON], "{").await.expect_problem(400, "TN0002");
    run(&fixture, "sum", &[("content-type", "text/plain")], "{}").await.expect_problem(415, "TN0003");
    let long = "k".repeat(256);
    run(&fixture, "sum", &[JSON, ("idempotency-key", &long)], "{}").await.expect_problem(400, "TN0022");
    let change = ChangeResource {
        workspace: fixture.workspace,
        kind: Kind::Workflow,
        name: "acme/sum".to_owned(),
        change: Change::Disable,
        state: None,
        actor: "test".to_owned(),
        at: Timestamp(2),
    };
    fixture.store.change_resource(change).await.expect("it exists");
    run(&fixture, "sum", &[JSON], "{}").await.expect_problem(409, "TN0015");
    fixture.assert_nothing_captured().await;
}
