//! `respond: wait`: the answer is the workflow's.

use std::time::Duration;

use axum::Router;
use serde_json::{Value, json};
use tenon_gateway::Limits;
use tenon_store::JobState;

use crate::fixture::{Answer, Fixture};

const WAIT: &str = "kind: webhook\npath: ask\nauth: none\nemits: { type: ask }\nrespond: wait\n";

async fn asked(settings: Value, state: JobState, result: Value) -> Answer {
    let fixture = Fixture::new().await;
    fixture.trigger("ask", WAIT).await;
    fixture.workflow("ask", settings, "ask").await;
    fixture.end_jobs(state, result);
    let answer = fixture.post("/hooks/default/ask", "{}").await;
    assert_eq!(answer.header("content-security-policy"), Some("sandbox"));
    assert!(fixture.app.capture().ports().watch.is_empty());
    answer
}

#[tokio::test]
async fn the_output_is_the_answer() {
    let answer = asked(json!({}), JobState::Completed, json!({"total": 1.50})).await.expect(200);
    assert_eq!(answer.json(), json!({"total": 1.50}));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(answer.header("tenon-job").is_some_and(|job| job.starts_with("job_")));
}

#[tokio::test]
async fn respond_shapes_the_answer_within_bounds() {
    let respond = json!({"respond": {
        "status": "${ .code }",
        "headers": {
            "Content-Type": "text/plain", "Location": "${ .at }", "Set-Cookie": "a=b",
            "Access-Control-Allow-Origin": "*", "Content-Security-Policy": "none",
        },
        "body": "${ .text }",
    }});
    let output = json!({"code": 201, "at": "/x", "text": "made"});
    let answer = asked(respond.clone(), JobState::Completed, output).await.expect(201);
    assert_eq!((answer.header("location"), answer.header("content-type")), (Some("/x"), Some("text/plain")));
    assert_eq!((answer.header("set-cookie"), answer.header("access-control-allow-origin")), (None, None));
    assert_eq!(&answer.body[..], b"made");
    let bad = json!({"code": 99, "at": "/x", "text": "made"});
    asked(respond.clone(), JobState::Completed, bad).await.expect_problem(500, "TN0027");
    let split = json!({"code": 200, "at": "/x\r\nSet-Cookie: a=b", "text": ""});
    asked(respond, JobState::Completed, split).await.expect_problem(500, "TN0027");
}

#[tokio::test]
async fn an_error_is_a_problem_with_its_own_status() {
    let error = json!({"type": "https://acme.com/out-of-stock", "status": 409, "title": "Out of stock", "detail": "none left"});
    let problem = asked(json!({}), JobState::Faulted, error).await.expect_problem(409, "TN0025");
    assert_eq!(
        (&problem["type"], &problem["detail"]),
        (&json!("https://acme.com/out-of-stock"), &json!("none left"))
    );
    let odd = json!({"type": "about:blank", "status": 200, "title": "odd"});
    asked(json!({}), JobState::Faulted, odd).await.expect_problem(500, "TN0025");
    asked(json!({}), JobState::Cancelled, Value::Null).await.expect_problem(409, "TN0026");
}

#[tokio::test]
async fn when_time_runs_out_the_job_goes_on() {
    let limits = Limits { hook_wait: Duration::from_millis(20), ..Limits::default() };
    let fixture = Fixture::with(limits, Router::new()).await;
    fixture.trigger("ask", WAIT).await;
    let nobody = fixture.post("/hooks/default/ask", "{}").await.expect(202).json();
    assert_eq!(nobody["jobs"], json!([]));
    fixture.workflow("ask", json!({}), "ask").await;
    let answer = fixture.post("/hooks/default/ask", "{}").await.expect(202).json();
    assert_eq!(answer["jobs"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn whoever_waits_is_answered_when_the_server_stops() {
    let mut fixture = Fixture::new().await;
    fixture.trigger("ask", WAIT).await;
    fixture.workflow("ask", json!({}), "ask").await;
    let mut news = fixture.app.capture().ports().live.subscribe();
    let stop = fixture.stop.take().expect("runs");
    let (answer, ()) = tokio::join!(fixture.post("/hooks/default/ask", "{}"), async {
        news.recv().await.expect("the job has started");
        stop.send(()).expect("the server runs");
    });
    answer.expect(202);
    fixture.server.await.expect("no panic").expect("a clean end");
}
