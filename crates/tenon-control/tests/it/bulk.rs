//! Thousands of jobs, acted on page by page, while events go on coming in: every page leaves room for them.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::server::Server;

const JOBS: usize = 5_000;
/// As many as a request may look at.
const PAGE: usize = 1_000;
const PATIENCE: Duration = Duration::from_mins(2);

/// Events that come in all the time, one after the other.
#[derive(Default)]
struct Intake {
    taken: AtomicUsize,
    is_over: AtomicBool,
}

// === impl Intake ===

impl Intake {
    async fn run(&self, server: &Server) {
        while !self.is_over.load(Ordering::Relaxed) {
            let id = self.taken();
            let event =
                json!({"specversion": "1.0", "id": id.to_string(), "source": "/shop", "type": "intake"});
            let headers = [("content-type", "application/cloudevents+json")];
            server.send("POST /events/default", &event.to_string(), &headers).await.expect(202);
            self.taken.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Waits until more have been taken.
    async fn goes_on(&self, before: usize) {
        // polls: whoever counts tells nobody
        let look = async {
            while self.taken() <= before {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, look).await.expect("what comes in is taken");
    }
}

/// All pages of a deed: how many there were, and how many jobs it was done to. Events were taken with each of them.
async fn deed(server: &Server, intake: &Intake, mut body: Value) -> (usize, u64) {
    body["limit"] = PAGE.into();
    let (mut pages, mut done) = (0, 0);
    loop {
        let before = intake.taken();
        let answer = server.post("/api/v1/jobs/bulk", &body.to_string()).await.expect(200);
        assert_eq!(answer["refused"], json!([]), "{body}");
        assert!(answer["matched"].as_u64() <= Some(PAGE as u64), "{answer}");
        done += answer["done"].as_u64().expect("a number");
        pages += usize::from(answer["matched"] != 0);
        if body["action"] != "purge" {
            // Each job is a write of its own, between those of everybody else.
            assert!(intake.taken() > before, "nothing came in during page {pages} of {body}");
        }
        intake.goes_on(before).await;
        if answer["next"].is_null() {
            return (pages, done);
        }
        body["cursor"] = answer["next"].clone();
    }
}

/// Waits until no job is in these states any more.
async fn none_is(server: &Server, states: &str) {
    let path = format!("/api/v1/jobs?workflow=acme/many&state={states}&limit=1");
    // polls: thousands of jobs tell nobody that the last of them is so far
    let look = async { while server.get(&path).await.expect(200)["items"] != json!([]) {} };
    tokio::time::timeout(PATIENCE, look).await.expect("the jobs come so far");
}

async fn audited(server: &Server, action: &str) -> usize {
    let audit = server.get("/api/v1/audit?limit=500").await.expect(200);
    audit["items"].as_array().expect("a list").iter().filter(|record| record["action"] == action).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_jobs_do_not_hold_up_what_comes_in() {
    let server = Server::start().await;
    server.deploy("many", "do: [{rest: {wait: PT1H}}]").await.expect(201);
    let run = |_| async { server.send("POST /run/default/acme/many", "{}", &[]).await.expect(202) };
    stream::iter(0..JOBS).map(run).buffer_unordered(64).for_each(async |_| {}).await;
    none_is(&server, "pending,running").await;
    // Who is run again by the newest version ends at once.
    server.deploy("many", "do: [{done: {set: {n: 1}}}]").await.expect(200);

    let intake = Intake::default();
    let work = async {
        intake.goes_on(0).await;
        let all = (JOBS / PAGE, JOBS as u64);
        let of = |state: &str| json!({"workflow": "acme/many", "state": state});
        let cancel = json!({"action": "cancel", "filter": of("waiting")});
        assert_eq!(deed(&server, &intake, cancel).await, all);
        none_is(&server, "waiting").await;
        let rerun = json!({"action": "rerun", "filter": of("cancelled"), "version": "latest"});
        assert_eq!(deed(&server, &intake, rerun).await, all);
        none_is(&server, "pending,running").await;
        let purge = json!({"action": "purge", "filter": of("cancelled,completed")});
        assert_eq!(deed(&server, &intake, purge).await, (2 * JOBS / PAGE, 2 * JOBS as u64));
        intake.is_over.store(true, Ordering::Relaxed);
    };
    tokio::join!(intake.run(&server), work);
    let left = server.get("/api/v1/jobs?workflow=acme/many").await.expect(200);
    assert_eq!(left["items"], json!([]));
    // One record for a page, not one for a job.
    for (action, pages) in [("cancel", 5), ("rerun", 5), ("purge", 10)] {
        assert_eq!(audited(&server, &format!("job.{action}.bulk")).await, pages, "{action}");
    }
    let newest = intake.taken() - 1;
    let headers = [("content-type", "application/cloudevents+json")];
    for id in [0, newest] {
        let event = json!({"specversion": "1.0", "id": id.to_string(), "source": "/shop", "type": "intake"});
        let again = server.send("POST /events/default", &event.to_string(), &headers).await.body;
        assert_eq!(again["duplicate"], true, "{again}");
    }
}
