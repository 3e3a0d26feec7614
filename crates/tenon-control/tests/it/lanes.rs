//! Lanes, and events that nobody wanted.

use serde_json::{Value, json};

use crate::server::Server;

/// Sends an event of a type; gives the answer.
async fn send(server: &Server, r#type: &str, data: &Value) -> Value {
    let event = json!({"specversion": "1.0", "source": "/shop", "type": r#type, "data": data});
    let headers = [("content-type", "application/cloudevents+json")];
    server.send("POST /events/default", &event.to_string(), &headers).await.expect(202)
}

/// The lanes of a query once their heads are in these states.
async fn lanes(server: &Server, query: &str, states: &[&str]) -> Vec<Value> {
    let look = async {
        loop {
            let list = server.get(&format!("/api/v1/lanes{query}")).await.expect(200);
            let items = list["items"].as_array().expect("items").clone();
            let found: Vec<_> = items.iter().map(|lane| lane["state"].as_str().expect("a state")).collect();
            if found == states {
                return items;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), look).await.expect("they come")
}

#[tokio::test(flavor = "multi_thread")]
async fn lanes_show_what_stands_still_and_why() {
    let server = Server::start().await;
    let rest = "  metadata: {tenon: {orderingKey: '${ .data.k }', onFailure: park}}\n";
    let document = format!(
        "document:\n  dsl: '1.0.3'\n  namespace: acme\n  name: w\n  version: '1.0.0'\n{rest}\
         schedule: {{on: {{one: {{with: {{type: go}}}}}}}}\ndo: [{{sum: {{set: {{n: '${{ .[0].n + 1 }}'}}}}}}]\n"
    );
    server.send("PUT /api/v1/workflows/acme/w", &document, &[]).await.expect(201);
    assert_eq!(
        server.get("/api/v1/lanes").await.expect(200),
        json!({"items": [], "next": null, "complete": true})
    );
    let mut first = Vec::new();
    for (k, n) in [("b", json!("x")), ("a", json!("x")), ("b", json!(1)), ("c", json!(1))] {
        first.push(send(&server, "go", &json!({"k": k, "n": n})).await["jobs"][0].clone());
    }
    let found = lanes(&server, "", &["suspended", "suspended"]).await;
    let brief: Vec<_> = found.iter().map(|lane| json!([lane["key"], lane["length"], lane["head"]])).collect();
    assert_eq!(brief, [json!(["b", 2, first[0]]), json!(["a", 1, first[1]])]);
    assert_eq!(found[0]["workflow"], json!({"namespace": "acme", "name": "w"}));
    assert_eq!((&found[0]["parked"], &found[0]["wakeAt"]), (&json!(true), &Value::Null));
    assert!(found[0]["ageSeconds"].is_u64() && found[0]["since"].is_string(), "{}", found[0]);

    assert_eq!(lanes(&server, "?workflow=acme/w&key=a&state=suspended", &["suspended"]).await[0]["key"], "a");
    lanes(&server, "?state=pending,running,waiting", &[]).await;
    lanes(&server, "?workflow=acme/none", &[]).await;
    let page = server.get("/api/v1/lanes?limit=1").await.expect(200);
    let next = page["next"].as_str().expect("there is more");
    assert_eq!(lanes(&server, &format!("?limit=1&cursor={next}"), &["suspended"]).await[0]["key"], "a");
    for wrong in ["?state=completed", "?lane=a", "?limit=0"] {
        server.get(&format!("/api/v1/lanes{wrong}")).await.expect(400);
    }
    let head = first[0].as_str().expect("an id");
    server.post(&format!("/api/v1/jobs/{head}/cancel"), "").await.expect(202);
    assert_eq!(lanes(&server, "", &["suspended"]).await[0]["key"], "a", "the next of b is done");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_nobody_wanted_is_visible() {
    let server = Server::start().await;
    let rest = "schedule: {on: {one: {with: {type: go, data: .n > 0}}}}\ndo: [{a: {set: {x: 1}}}]";
    server.deploy("w", rest).await.expect(201);
    let mut events = Vec::new();
    for (r#type, n) in [("go", 1), ("go", 0), ("went", 1)] {
        events.push(send(&server, r#type, &json!({"n": n})).await["event"].clone());
    }
    let list = async |query: &str| -> Vec<Value> {
        let list = server.get(&format!("/api/v1/events{query}")).await.expect(200);
        let items = list["items"].as_array().expect("items").iter();
        items.map(|event| json!([event["id"], event["wanted"]])).collect()
    };
    let [wanted, filtered, other] = [0, 1, 2].map(|place| json!([events[place], place == 0]));
    assert_eq!(list("").await, [other.clone(), filtered.clone(), wanted.clone()]);
    assert_eq!(list("?wanted=false").await, [other.clone(), filtered.clone()]);
    assert_eq!(list("?wanted=false&type=went").await, [other]);
    assert_eq!(list("?wanted=true").await, [wanted]);
    server.get("/api/v1/events?wanted=maybe").await.expect(400);
    let event = events[1].as_str().expect("an id");
    let shown = server.get(&format!("/api/v1/events/{event}")).await.expect(200);
    assert_eq!((&shown["wanted"], &shown["jobs"]), (&json!(false), &json!([])));
    let metrics = server.app.capture().ports().metrics.render();
    assert!(metrics.contains("\ntenon_events_unwanted_total 2\n"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_is_told_of_jobs_that_fail_or_park() {
    let server = Server::start().await;
    let rest = "\
schedule:
  on:
    any:
      - with: { type: io.serverlessworkflow.workflow.faulted.v1, data: '.name | test(\"^(bill|ship)-[^.]*[.]acme$\")' }
      - with: { type: io.serverlessworkflow.workflow.suspended.v1, data: '.name | test(\"^(bill|ship)-[^.]*[.]acme$\")' }
do: [{tell: {set: {about: '${ .[0].name }'}}}]
";
    server.deploy("alert", rest).await.expect(201);
    let fails = "do: [{bad: {raise: {error: {type: 'https://x/y', status: 418}}}}]";
    let ship = "{dsl: '1.0.3', namespace: acme, name: ship, version: '1.0.0', metadata: {tenon: {orderingKey: '\"k\"', onFailure: park}}}";
    server.deploy("bill", fails).await.expect(201);
    server.deploy("other", fails).await.expect(201);
    let document = format!("document: {ship}\n{fails}");
    server.send("PUT /api/v1/workflows/acme/ship", &document, &[]).await.expect(201);
    let mut told = Vec::new();
    for name in ["other", "bill", "ship"] {
        let job = server.post(&format!("/run/default/acme/{name}"), "{}").await.expect(202)["job"].clone();
        told.push(format!("{name}-{}.acme", job.as_str().expect("an id")));
    }
    told.remove(0);
    let look = async {
        loop {
            let list = server.get("/api/v1/jobs?workflow=acme/alert&state=completed").await.expect(200);
            let jobs = list["items"].as_array().expect("items").clone();
            if jobs.len() == 2 {
                return jobs;
            }
        }
    };
    let jobs = tokio::time::timeout(std::time::Duration::from_secs(30), look).await.expect("it is told");
    let mut about = Vec::new();
    for job in jobs {
        let id = job["id"].as_str().expect("an id").to_owned();
        let shown = server.get(&format!("/api/v1/jobs/{id}")).await.expect(200);
        about.push(shown["output"]["about"].as_str().expect("a name").to_owned());
    }
    about.sort();
    assert_eq!(about, told);
}
