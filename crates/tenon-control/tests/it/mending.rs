//! Suspended jobs: resumed, skipped, run again from a step; and many jobs at once.

use std::time::Duration;

use serde_json::{Value, json};

use crate::server::Server;

/// Parks what is bad, in the lane of its customer.
const PARKS: &str = "document: {dsl: '1.0.3', namespace: acme, name: parks, version: '1.0.0', metadata: {tenon: {orderingKey: '${ .data.customer }', onFailure: park}}}
schedule: {on: {one: {with: {type: com.acme.order}}}}
do:
- check: {switch: [{bad: {when: '.[0].bad', then: fail}}, {good: {then: end}}]}
- fail: {raise: {error: {type: 'https://acme.example/errors/bad-order', status: 422, title: bad order}}}
";

async fn order(server: &Server, id: usize, data: &Value) -> String {
    let event = json!({"specversion": "1.0", "id": id.to_string(), "source": "/shop", "type": "com.acme.order", "data": data});
    let headers = [("content-type", "application/cloudevents+json")];
    let accepted = server.send("POST /events/default", &event.to_string(), &headers).await.expect(202);
    accepted["jobs"][0].as_str().expect("one workflow is subscribed").to_owned()
}

async fn state(server: &Server, job: &str) -> String {
    let shown = server.get(&format!("/api/v1/jobs/{job}")).await.expect(200);
    shown["state"].as_str().expect("a state").to_owned()
}

async fn reaches(server: &Server, job: &str, wanted: &str) {
    let look = async { while state(server, job).await != wanted {} };
    tokio::time::timeout(Duration::from_secs(30), look).await.expect("the state is reached");
}

/// All pages of a bulk action: matched, done, refused.
async fn bulk(server: &Server, body: Value) -> (u64, u64, u64) {
    let (mut body, mut sum) = (body, (0, 0, 0));
    loop {
        let answer = server.post("/api/v1/jobs/bulk", &body.to_string()).await.expect(200);
        sum.0 += answer["matched"].as_u64().expect("a number");
        sum.1 += answer["done"].as_u64().expect("a number");
        sum.2 += answer["refused"].as_array().expect("a list").len() as u64;
        if answer["next"].is_null() {
            return sum;
        }
        body["cursor"] = answer["next"].clone();
    }
}

async fn parked(server: &Server, count: usize) -> Vec<String> {
    server.send("PUT /api/v1/workflows/acme/parks", PARKS, &[]).await.expect(201);
    let mut jobs = Vec::new();
    for n in 0..count {
        jobs.push(order(server, n, &json!({"customer": n, "bad": true})).await);
    }
    for job in &jobs {
        reaches(server, job, "suspended").await;
    }
    jobs
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_job_is_resumed_and_skipped_and_both_are_audited() {
    let server = Server::start().await;
    let job = parked(&server, 1).await.remove(0);
    let behind = order(&server, 99, &json!({"customer": 0})).await;
    let at = |verb: &str| format!("/api/v1/jobs/{job}/{verb}");
    assert_eq!(server.post(&at("resume"), "").await.expect(202), json!({"job": job}));
    reaches(&server, &job, "suspended").await;
    assert_eq!(state(&server, &behind).await, "pending");
    server.post(&at("skip"), "").await.expect(202);
    let shown = server.get(&format!("/api/v1/jobs/{job}")).await.expect(200);
    assert_eq!((&shown["state"], &shown["error"]["title"]), (&json!("faulted"), &json!("bad order")));
    reaches(&server, &behind, "completed").await;
    for verb in ["resume", "skip"] {
        let refused = server.post(&at(verb), "").await.expect(409);
        assert_eq!(refused["code"], "TN0021");
    }
    let audit = server.get("/api/v1/audit").await.expect(200);
    let actions = audit["items"].as_array().expect("items").iter().map(|record| record["action"].clone());
    let about_jobs: Vec<_> =
        actions.filter(|action| action.as_str().is_some_and(|a| a.starts_with("job."))).collect();
    assert_eq!(about_jobs, ["job.skip", "job.resume"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_jobs_are_worked_through_page_by_page() {
    let server = Server::start().await;
    let jobs = parked(&server, 7).await;
    let of = |action: &str, filter: Value| json!({"action": action, "filter": filter, "limit": 3});
    let workflow = json!({"workflow": "acme/parks"});
    let mut count = of("skip", workflow.clone());
    count["dryRun"] = true.into();
    assert_eq!(bulk(&server, count).await, (7, 0, 0));
    let other = json!({"workflow": "acme/parks", "errorType": "communication"});
    assert_eq!(bulk(&server, of("skip", other)).await, (0, 0, 0));
    let of_type = json!({"errorType": "bad-order", "errorStatus": 422});
    assert_eq!(bulk(&server, of("resume", of_type)).await, (7, 7, 0));
    for job in &jobs {
        reaches(&server, job, "suspended").await;
    }
    assert_eq!(bulk(&server, of("skip", workflow.clone())).await, (7, 7, 0));
    for job in &jobs {
        assert_eq!(state(&server, job).await, "faulted");
    }
    // Reruns park again; their lanes are free.
    assert_eq!(bulk(&server, of("rerun", workflow.clone())).await, (7, 7, 0));
    let listed = server.get("/api/v1/jobs?state=pending,running,suspended").await.expect(200);
    let again: Vec<_> =
        listed["items"].as_array().expect("items").iter().map(|job| job["id"].clone()).collect();
    assert_eq!(again.len(), 7);
    for job in &again {
        reaches(&server, job.as_str().expect("an id"), "suspended").await;
    }
    assert_eq!(bulk(&server, of("cancel", json!({"state": "suspended"}))).await, (7, 7, 0));
    for job in &again {
        reaches(&server, job.as_str().expect("an id"), "cancelled").await;
    }
    assert_eq!(bulk(&server, of("purge", workflow)).await, (14, 14, 0));
    assert_eq!(server.get("/api/v1/jobs").await.expect(200)["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_asked_for_again_runs_no_job_twice() {
    let server = Server::start().await;
    let jobs = parked(&server, 5).await;
    // So that what is started is found by the filter, too.
    let filter = json!({"workflow": "acme/parks"});
    assert_eq!(bulk(&server, json!({"action": "skip", "filter": filter})).await, (5, 5, 0));
    let filter = json!({"workflow": "acme/parks", "state": "faulted,suspended"});
    let of = |cursor: &Value| json!({"action": "rerun", "filter": filter, "limit": 3, "cursor": cursor});
    let ask = async |body: Value| server.post("/api/v1/jobs/bulk", &body.to_string()).await.expect(200);
    let mut count = of(&Value::Null);
    count["dryRun"] = true.into();
    let counted = ask(count).await;
    let reruns = async || {
        let shown = server.get("/api/v1/jobs?limit=100").await.expect(200);
        let all = shown["items"].as_array().expect("items").clone();
        all.into_iter()
            .filter(|job| !jobs.contains(&job["id"].as_str().expect("an id").to_owned()))
            .collect::<Vec<_>>()
    };
    // The answer to the first page was lost.
    for _ in 0..2 {
        let answer = ask(of(&counted["cursor"])).await;
        assert_eq!(
            (&answer["matched"], &answer["done"], &answer["stopped"]),
            (&json!(3), &json!(3), &Value::Null)
        );
        assert_eq!((&answer["next"], &answer["cursor"]), (&counted["next"], &counted["cursor"]));
        let started = reruns().await;
        assert_eq!(started.len(), 3);
        for job in &started {
            reaches(&server, job["id"].as_str().expect("an id"), "suspended").await;
        }
    }
    for _ in 0..2 {
        let answer = ask(of(&counted["next"])).await;
        assert_eq!((&answer["done"], &answer["next"]), (&json!(2), &Value::Null));
        assert_eq!(reruns().await.len(), 5);
    }
    // Another request is another.
    assert_eq!(ask(of(&Value::Null)).await["done"], 3);
    assert_eq!(reruns().await.len(), 8);
    // They have the workflow's priority, in the class of what gives way.
    let id = reruns().await[0]["id"].as_str().expect("an id").parse().expect("an id");
    let open = server.app.store().open_job(id).await.expect("read").expect("it is open");
    assert_eq!((open.priority, open.is_bulk), (5, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_bulk_action_cannot_mean_is_refused() {
    let server = Server::start().await;
    for (body, said) in [
        (json!({"action": "purge", "filter": {}}), "empty"),
        (json!({"action": "purge", "filter": {"state": "running"}}), "cannot be the subject of purge"),
        (json!({"action": "cancel", "filter": {"state": "completed"}}), "cannot be the subject of cancel"),
        (json!({"action": "drop", "filter": {"state": "completed"}}), "unknown variant"),
        (json!({"action": "purge", "filter": {"colour": "red"}}), "unknown field"),
        (json!({"action": "purge", "filter": {"state": "faulted"}, "limit": 1001}), "1 to 1000"),
        (json!({"action": "purge", "filter": {"since": "yesterday"}}), "since"),
        (json!({"action": "purge", "filter": {"state": "faulted"}, "cursor": "77"}), "cursor"),
    ] {
        let refused = server.post("/api/v1/jobs/bulk", &body.to_string()).await.expect(400);
        assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains(said)), "{body}: {refused}");
    }
    let nowhere = json!({"action": "purge", "filter": {"workflow": "acme/none"}});
    assert_eq!(bulk(&server, nowhere).await, (0, 0, 0));
}
