//! Jobs: show, trace, journal, verify, rerun, cancel.

use serde_json::{Value, json};

use crate::server::Server;

async fn run(server: &Server, name: &str, input: &str) -> String {
    let path = format!("/run/default/acme/{name}");
    let line = format!("POST {path}");
    let accepted = server.send(&line, input, &[]).await.expect(202);
    accepted["job"].as_str().expect("an id").to_owned()
}

/// The job once it is in a state.
async fn reaches(server: &Server, job: &str, state: &str) -> Value {
    let look = async {
        loop {
            let shown = server.get(&format!("/api/v1/jobs/{job}")).await.expect(200);
            if shown["state"] == state {
                return shown;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), look).await.expect("the state is reached")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_job_shows_input_output_and_steps() {
    let server = Server::start().await;
    server
        .deploy("w", "do: [{one: {set: {n: '${ .n + 1 }'}}}, {two: {if: .never, set: {n: 0}}}]")
        .await
        .expect(201);
    let output = server.send("POST /run/default/acme/w", "{\"n\":1}", &[("prefer", "wait=30")]).await;
    assert_eq!(output.expect(200), json!({"n": 2}));
    let list = server.get("/api/v1/jobs?workflow=acme/w&state=completed").await.expect(200);
    let job = list["items"][0]["id"].as_str().expect("an id").to_owned();
    let shown = server.get(&format!("/api/v1/jobs/{job}")).await.expect(200);
    assert_eq!((&shown["input"], &shown["output"]), (&json!({"n": 1}), &json!({"n": 2})));
    assert_eq!(shown["workspace"], "default");
    let trace = server.get(&format!("/api/v1/jobs/{job}/trace")).await.expect(200);
    assert_eq!(trace["steps"][0]["output"], json!({"n": 2}));
    assert_eq!(trace["steps"][1]["state"], "skipped");
    let verdict = server.post(&format!("/api/v1/jobs/{job}/verify"), "").await.expect(200);
    assert_eq!(verdict, json!({"replayed": true, "matches": true}));
    let short = &job[..job.len() - 1];
    assert_eq!(server.get(&format!("/api/v1/jobs/{short}")).await.expect(200)["id"], json!(job));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulted_job_is_run_again_with_edited_input_and_the_newest_version() {
    let server = Server::start().await;
    server.deploy("w", "do: [{sum: {set: {n: '${ .n + 1 }'}}}]").await.expect(201);
    let job = run(&server, "w", "{\"n\":\"x\"}").await;
    let faulted = reaches(&server, &job, "faulted").await;
    assert_eq!(faulted["error"]["instance"], "/do/0/sum");
    server.deploy("w", "do: [{sum: {set: {n: '${ .n + 100 }'}}}]").await.expect(200);
    let rerun = |body: &'static str| {
        let path = format!("/api/v1/jobs/{job}/rerun");
        let server = &server;
        async move { server.post(&path, body).await }
    };
    let same = rerun("{\"input\":{\"n\":1}}").await.expect(202);
    let shown = reaches(&server, same["job"].as_str().expect("an id"), "completed").await;
    assert_eq!((&shown["output"], &shown["rerunOf"]), (&json!({"n": 2}), &json!(job)));
    let latest = rerun("{\"version\":\"latest\",\"input\":{\"n\":1}}").await.expect(202);
    let shown = reaches(&server, latest["job"].as_str().expect("an id"), "completed").await;
    assert_eq!(shown["output"], json!({"n": 101}));
    assert_eq!(rerun("{\"from\":\"failed\"}").await.expect(422)["code"], "TN0029");
    rerun("{\"vrsion\":\"latest\"}").await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_job_can_be_cancelled_once() {
    let server = Server::start().await;
    server.deploy("w", "do: [{sleep: {wait: P1D}}]").await.expect(201);
    let job = run(&server, "w", "{}").await;
    reaches(&server, &job, "waiting").await;
    server.post(&format!("/api/v1/jobs/{job}/cancel"), "").await.expect(202);
    reaches(&server, &job, "cancelled").await;
    let again = server.post(&format!("/api/v1/jobs/{job}/cancel"), "").await.expect(409);
    assert_eq!(again["code"], "TN0021");
    let journal = server.get(&format!("/api/v1/jobs/{job}/journal")).await.expect(200);
    assert_eq!(journal["items"][0]["outcome"]["kind"], "cancelled");
    server.get("/api/v1/jobs/job_0000000000000").await.expect(404);
    server.get("/api/v1/jobs/nonsense!").await.expect(400);
}
