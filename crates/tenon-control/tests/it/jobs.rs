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
    let failed = rerun("{\"from\":\"failed\",\"version\":\"latest\",\"input\":{\"n\":5}}").await.expect(202);
    let shown = reaches(&server, failed["job"].as_str().expect("an id"), "completed").await;
    assert_eq!(shown["output"], json!({"n": 105}), "the failed step has another input");
    rerun("{\"from\":\"/do/9/none\"}").await.expect(400);
    rerun("{\"vrsion\":\"latest\"}").await.expect(400);
}

/// Sends an event of type `com.acme.order`; gives the job that it starts.
async fn order(server: &Server, id: &str, data: &Value) -> String {
    let event =
        json!({"specversion": "1.0", "id": id, "source": "/shop", "type": "com.acme.order", "data": data});
    let headers = [("content-type", "application/cloudevents+json")];
    let accepted = server.send("POST /events/default", &event.to_string(), &headers).await.expect(202);
    accepted["jobs"][0].as_str().expect("one workflow is subscribed").to_owned()
}

/// Actions and subjects of the audit trail, oldest first, without those about resources.
async fn audited(server: &Server) -> Vec<(Value, Value)> {
    let audit = server.get("/api/v1/audit").await.expect(200);
    let records = audit["items"].as_array().expect("items").iter().rev();
    let about_jobs =
        records.filter(|record| record["action"].as_str().is_some_and(|a| a.starts_with("job.")));
    about_jobs.map(|record| (record["action"].clone(), record["subject"].clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_input_that_is_shown_is_the_one_the_job_ran_on() {
    let server = Server::start().await;
    for (read, data) in [("data", "/0"), ("envelope", "/0/data")] {
        let rest = format!(
            "schedule: {{on: {{one: {{with: {{type: com.acme.order}}}}}}, read: {read}}}\ndo: [{{keep: {{set: {{saw: '${{ . }}'}}}}}}]"
        );
        server.deploy(&format!("by-{read}"), &rest).await.expect(201);
        let job = order(&server, read, &json!({"n": 1})).await;
        let shown = reaches(&server, &job, "completed").await;
        assert_eq!(shown["input"], shown["output"]["saw"], "{read}");
        assert_eq!(shown["input"].pointer(data), Some(&json!({"n": 1})), "{read}: {shown}");
        let body = json!({ "input": shown["input"] }).to_string();
        let again = server.post(&format!("/api/v1/jobs/{job}/rerun"), &body).await.expect(202);
        let again = reaches(&server, again["job"].as_str().expect("an id"), "completed").await;
        assert_eq!((&again["input"], &again["output"]), (&shown["input"], &shown["output"]), "{read}");
        server.send(&format!("DELETE /api/v1/workflows/acme/by-{read}"), "", &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_several_events_shows_all_of_them() {
    let server = Server::start().await;
    let rest = |r#type: &str| {
        format!(
            "schedule: {{on: {{all: [{{with: {{type: com.acme.order}}}}, {{with: {{type: {type}}}}}]}}}}\ndo: [{{keep: {{set: {{saw: '${{ . }}'}}}}}}]"
        )
    };
    server.deploy("both", &rest("com.acme.paid")).await.expect(201);
    let send = async |r#type: &str, data: Value| {
        let event = json!({"specversion": "1.0", "source": "/shop", "type": r#type, "id": data.to_string(), "data": data});
        let headers = [("content-type", "application/cloudevents+json")];
        server.send("POST /events/default", &event.to_string(), &headers).await.expect(202)
    };
    let first = send("com.acme.paid", json!({"euro": 5})).await;
    assert_eq!(first["jobs"], json!([]));
    let second = send("com.acme.order", json!({"n": 1})).await;
    let job = second["jobs"][0].as_str().expect("both are there");
    let shown = reaches(&server, job, "completed").await;
    assert_eq!(
        (&shown["event"], &shown["events"]),
        (&second["event"], &json!([first["event"], second["event"]]))
    );
    assert_eq!(shown["input"], json!([{"euro": 5}, {"n": 1}]));
    assert_eq!(shown["output"]["saw"], shown["input"]);
    for event in [&first["event"], &second["event"]] {
        let event = event.as_str().expect("an id");
        let of_event = server.get(&format!("/api/v1/jobs?event={event}")).await.expect(200);
        assert_eq!(of_event["items"][0]["id"], *job);
        let event = server.get(&format!("/api/v1/events/{event}")).await.expect(200);
        assert_eq!(event["jobs"], json!([job]));
    }

    // What was gathered for other filters is dropped when the document changes.
    send("com.acme.paid", json!({"euro": 6})).await;
    server.deploy("both", &rest("com.acme.refunded")).await.expect(200);
    let audit = server.get("/api/v1/audit").await.expect(200);
    let actions = audit["items"].as_array().expect("items").iter().map(|record| &record["action"]);
    assert_eq!(actions.filter(|action| **action == "workflow.gathered.drop").count(), 1, "{audit}");
    assert_eq!(send("com.acme.order", json!({"n": 2})).await["jobs"], json!([]));
    assert_eq!(send("com.acme.refunded", json!(3)).await["jobs"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_without_a_place_in_line_says_why_and_can_be_cancelled() {
    let server = Server::start().await;
    let document = "document: {dsl: '1.0.3', namespace: acme, name: w, version: '1.0.0', metadata: {tenon: {orderingKey: '${ .data.customer }'}}}
schedule: {on: {one: {with: {type: com.acme.order}}}}
do: [{keep: {set: {done: true}}}]";
    server.send("PUT /api/v1/workflows/acme/w", document, &[]).await.expect(201);
    let job = order(&server, "1", &json!({"customer": null})).await;
    let shown = reaches(&server, &job, "suspended").await;
    assert_eq!(shown["error"]["title"], "no place in line");
    assert!(shown["error"]["type"].as_str().is_some_and(|kind| kind.ends_with("/expression")), "{shown}");
    assert!(
        shown["error"]["detail"].as_str().is_some_and(|detail| detail.contains("orderingKey")),
        "{shown}"
    );
    assert_eq!(shown["input"], json!([{"customer": null}]));
    let listed = server.get("/api/v1/jobs?state=suspended").await.expect(200);
    assert_eq!(listed["items"][0]["error"], shown["error"]);
    server.post(&format!("/api/v1/jobs/{job}/cancel"), "").await.expect(202);
    let cancelled = reaches(&server, &job, "cancelled").await;
    assert_eq!(cancelled["error"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn reruns_and_cancellations_leave_audit_records_and_refusals_none() {
    let server = Server::start().await;
    server.deploy("w", "do: [{sleep: {wait: P1D}}]").await.expect(201);
    let job = run(&server, "w", "{}").await;
    reaches(&server, &job, "waiting").await;
    server.post(&format!("/api/v1/jobs/{job}/rerun"), "{\"from\":\"failed\"}").await.expect(409);
    assert_eq!(audited(&server).await, []);
    server.post(&format!("/api/v1/jobs/{job}/rerun"), "{}").await.expect(202);
    server.post(&format!("/api/v1/jobs/{job}/cancel"), "").await.expect(202);
    reaches(&server, &job, "cancelled").await;
    server.post(&format!("/api/v1/jobs/{job}/cancel"), "").await.expect(409);
    let expected = ["job.rerun", "job.cancel"].map(|action| (json!(action), json!(job)));
    assert_eq!(audited(&server).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_shows_no_credentials() {
    let server = Server::start().await;
    // The address is refused before anything is sent: the request is shown all the same.
    let call = "do: [{call: {call: http, with: {method: get, endpoint: 'http://169.254.169.254/', headers: {Authorization: Bearer abc123}}}}]";
    server.deploy("w", call).await.expect(201);
    let job = run(&server, "w", "{}").await;
    reaches(&server, &job, "faulted").await;
    let trace = server.get(&format!("/api/v1/jobs/{job}/trace")).await.expect(200);
    assert_eq!(trace["steps"][0]["arguments"]["headers"], json!([["Authorization", "<redacted>"]]));
    assert!(!trace.to_string().contains("abc123"), "{trace}");
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

#[tokio::test(flavor = "multi_thread")]
async fn a_child_shows_its_parent_and_root_and_is_listed_by_its_parent() {
    let server = Server::start().await;
    let call = |name: &str| {
        format!("do: [{{call: {{run: {{workflow: {{namespace: acme, name: {name}, version: latest}}}}}}}}]")
    };
    server.deploy("last", "do: [{done: {set: {x: 1}}}]").await.expect(201);
    server.deploy("middle", &call("last")).await.expect(201);
    server.deploy("first", &call("middle")).await.expect(201);
    let first = run(&server, "first", "{}").await;
    let shown = reaches(&server, &first, "completed").await;
    assert_eq!((&shown["parent"], &shown["root"]), (&json!(null), &json!(null)));
    let only_child = async |parent: &str| {
        let list = server.get(&format!("/api/v1/jobs?parent={parent}")).await.expect(200);
        assert_eq!(list["items"].as_array().map(Vec::len), Some(1), "{list}");
        list["items"][0].clone()
    };
    let middle = only_child(&first).await;
    assert_eq!((&middle["parent"], &middle["root"]), (&json!(first), &json!(first)));
    let middle = middle["id"].as_str().expect("an id").to_owned();
    let last = only_child(&middle).await;
    assert_eq!((&last["parent"], &last["root"]), (&json!(middle), &json!(first)));
    let last = last["id"].as_str().expect("an id");
    let shown = server.get(&format!("/api/v1/jobs/{last}")).await.expect(200);
    assert_eq!((&shown["parent"], &shown["root"]), (&json!(middle), &json!(first)));
    server.get("/api/v1/jobs?parent=job_0000000000000").await.expect(200);
}
