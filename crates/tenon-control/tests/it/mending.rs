//! Suspended jobs: resumed, skipped, run again from a step; and many jobs at once.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tenon_capture::{CaptureService, Clock, Data, Event, IdSource, Incoming, Options, Ports};
use tenon_store::Timestamp;

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
async fn what_else_is_asked_for_by_the_same_cursor_is_done() {
    let server = Server::start().await;
    parked(&server, 1).await;
    let filter = json!({"workflow": "acme/parks"});
    assert_eq!(bulk(&server, json!({"action": "skip", "filter": filter})).await, (1, 1, 0));
    let mut rerun = json!({"action": "rerun", "filter": filter, "dryRun": true});
    let counted = server.post("/api/v1/jobs/bulk", &rerun.to_string()).await.expect(200);
    (rerun["cursor"], rerun["dryRun"]) = (counted["cursor"].clone(), false.into());
    for (more, jobs) in [
        (json!({}), 2),
        (json!({"from": "start", "version": "same"}), 2),
        (json!({"version": "latest"}), 3),
        (json!({"from": "failed"}), 4),
        (json!({"from": "/do/0/check"}), 5),
        (json!({"from": "failed"}), 5),
    ] {
        let mut body = rerun.clone();
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let answer = server.post("/api/v1/jobs/bulk", &body.to_string()).await.expect(200);
        assert_eq!((&answer["done"], &answer["refused"]), (&json!(1), &json!([])), "{body}");
        let all = server.get("/api/v1/jobs?limit=100").await.expect(200);
        assert_eq!(all["items"].as_array().map(Vec::len), Some(jobs), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_reruns_is_refused_before_it_is_forgotten_what_was_run_again() {
    let server = Server::start().await;
    let now = server.app.capture().ports().clock.now();
    let day = Duration::from_hours(24);
    let ask = async |action: &str, days: u32| {
        let began = Timestamp(now.0 - i64::from(days) * i64::try_from(day.as_micros()).expect("a day"));
        let cursor = format!("9000000000000000000.{}", IdSource::first_at(began));
        let body = json!({"action": action, "filter": {"state": "cancelled"}, "cursor": cursor});
        server.post("/api/v1/jobs/bulk", &body.to_string()).await
    };
    ask("rerun", 29).await.expect(200);
    let refused = ask("rerun", 31).await.expect(400);
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("30 days")), "{refused}");
    ask("purge", 31).await.expect(200);
}

/// The jobs of these states, as ids and what they run again.
async fn listed(server: &Server, states: &str) -> Vec<(String, Value)> {
    let shown = server.get(&format!("/api/v1/jobs?limit=100&state={states}")).await.expect(200);
    let items = shown["items"].as_array().expect("items").clone();
    items
        .into_iter()
        .map(|job| (job["id"].as_str().expect("an id").to_owned(), job["rerunOf"].clone()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_before_the_clock_was_set_back_are_found() {
    let server = Server::start().await;
    let now = parked(&server, 1).await.remove(0);
    // The clock was an hour ahead, and Tenon has restarted since it was set back.
    let ports = server.app.capture().ports().clone();
    let clock = Clock::manual(ports.clock.now().after(Duration::from_hours(1)));
    let ports = Ports { ids: Arc::new(IdSource::new(clock.clone())), clock, ..ports };
    let ahead = CaptureService::new(ports, Options::new(tenon_engine::SEMANTICS));
    let event = Event {
        source: "/shop".to_owned(),
        r#type: "com.acme.order".to_owned(),
        data: Data::Value(json!({"customer": "ahead", "bad": true})),
        ..Event::default()
    };
    let workspace = server.app.store().create_workspace("default").await.expect("it is there");
    let captured = ahead.event(Incoming::new(workspace, event)).await.expect("captured");
    let ahead = captured.jobs[0].to_string();
    reaches(&server, &ahead, "suspended").await;
    let of = |action: &str| json!({"action": action, "filter": {"workflow": "acme/parks"}, "limit": 1});
    assert_eq!(bulk(&server, of("skip")).await, (2, 2, 0));
    // What is started is between the two by its id, and found by the filter: it is not run again.
    let mut rerun = of("rerun");
    rerun["filter"]["state"] = "faulted,suspended".into();
    let answer = server.post("/api/v1/jobs/bulk", &rerun.to_string()).await.expect(200);
    assert_eq!((&answer["done"], &answer["next"].is_string()), (&json!(1), &true));
    let [(again, _)] = listed(&server, "pending,running,suspended").await.try_into().expect("one");
    reaches(&server, &again, "suspended").await;
    rerun["cursor"] = answer["next"].clone();
    assert_eq!(bulk(&server, rerun).await, (1, 1, 0));
    let mut reruns = listed(&server, "pending,running,suspended").await;
    reruns.sort_unstable_by_key(|(_, of)| of.to_string());
    assert_eq!(reruns.iter().map(|(_, of)| of.clone()).collect::<Vec<_>>(), [json!(now), json!(ahead)]);
    for (job, _) in &reruns {
        reaches(&server, job, "suspended").await;
    }
    assert_eq!(bulk(&server, of("cancel")).await, (2, 2, 0));
    for (job, _) in &reruns {
        reaches(&server, job, "cancelled").await;
    }
    assert_eq!(bulk(&server, of("purge")).await, (4, 4, 0));
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
