//! What a workflow masks is masked where its values go: emitted events and what they start, events that a `listen`
//! takes, ordering keys, requests that were repeats.

use serde_json::{Value, json};
use tenon_capture::Programs;
use tenon_gateway::Workspace;
use tenon_store::{JobId, JobRecord, Kind, MASK_KEY, PutResource};
use tenon_worker::{History, Mask};

use crate::server::Server;

const SSN: &str = "123-45-6789";
const NAME: &str = "Ada-of-the-test";
const MASKS: &str = "mask: [/data/ssn, /data/pin]";

/// Emits what it masks.
const TELL: &str = "
schedule: {on: {one: {with: {type: person}}}}
do: [{tell: {emit: {event: {with: {type: told, data: '${ {name: .[0].name, note: (\"it is \" + .[0].ssn)} }'}}}}}]
";
/// Is started by that, and hands it on: to a child, and in another event.
const HEAR: &str = "
schedule: {on: {one: {with: {type: told}}}}
do:
  - child: {run: {workflow: {namespace: acme, name: child, version: latest, input: '${ .[0] }'}}}
  - again: {emit: {event: {with: {type: echo, data: '${ . }'}}}}
";
const CHILD: &str = "do: [{keep: {set: {name: '${ .name }', note: '${ .note }'}}}]\n";
/// Takes it from there.
const LISTEN: &str = "
schedule: {on: {one: {with: {type: wait}}}}
do: [{hear: {listen: {to: {one: {with: {type: echo}}}}}}, {last: {emit: {event: {with: {type: heard, data: '${ .[0] }'}}}}}]
";
/// Masks in what it listens for.
const OWN: &str = "
schedule: {on: {one: {with: {type: wait}}}}
do: [{hear: {listen: {to: {one: {with: {type: said}}}}}}, {keep: {set: {name: '${ .[0].name }', note: '${ .[0].ssn + \"!\" }'}}}]
";
const FAIL: &str = "
schedule: {on: {one: {with: {type: person}}}}
do: [{bad: {raise: {error: {type: 'https://x/y', status: 418}}}}]
";

async fn deploy(server: &Server, name: &str, (settings, rest): (&str, &str)) {
    let document = format!(
        "document: {{dsl: '1.0.3', namespace: acme, name: {name}, version: '1.0.0', metadata: {{tenon: {{{settings}}}}}}}\n{rest}"
    );
    server.send(&format!("PUT /api/v1/workflows/acme/{name}"), &document, &[]).await.expect(201);
}

async fn send(server: &Server, r#type: &str, more: &Value) -> String {
    let mut event = json!({"specversion": "1.0", "source": "/shop", "type": r#type});
    let more = more.as_object().expect("members").clone();
    event.as_object_mut().expect("an object").extend(more);
    let headers = [("content-type", "application/cloudevents+json")];
    let answer = server.send("POST /events/default", &event.to_string(), &headers).await.expect(202);
    answer["event"].as_str().expect("an id").to_owned()
}

async fn items(server: &Server, list: &str) -> Vec<Value> {
    let list = server.get(&format!("/api/v1/{list}")).await.expect(200);
    list["items"].as_array().expect("items").clone()
}

/// The jobs, once so many have completed and are suspended.
async fn jobs(server: &Server, expected: (usize, usize)) -> Vec<Value> {
    let look = async {
        loop {
            let jobs = items(server, "jobs").await;
            let count = |state: &str| jobs.iter().filter(|job| job["state"] == state).count();
            if (count("completed"), count("suspended")) == expected {
                return jobs;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), look).await.expect("they come so far")
}

fn id(shown: &Value) -> &str {
    shown["id"].as_str().expect("an id")
}

/// All that is shown, and where.
async fn shown(server: &Server, jobs: &[Value]) -> Vec<(String, Value)> {
    let mut paths: Vec<String> = vec!["jobs".to_owned(), "lanes".to_owned(), "events".to_owned()];
    for job in jobs {
        let of = |part: &str| format!("jobs/{}{part}", id(job));
        paths.extend(["", "/trace", "/journal"].map(of));
    }
    for event in items(server, "events").await {
        paths.push(format!("events/{}", id(&event)));
    }
    let mut all = Vec::new();
    for path in paths {
        let shown = server.get(&format!("/api/v1/{path}")).await.expect(200);
        all.push((path, shown));
    }
    all
}

async fn purge(server: &Server, jobs: &[&str]) {
    let workspace = Workspace::find(&server.app, "default").await.expect("it is there").id;
    let jobs: Vec<JobId> = jobs.iter().map(|job| job.parse().expect("an id")).collect();
    let now = server.app.capture().ports().clock.now();
    let purged = server.app.store().purge(workspace, &jobs, now).await.expect("a store");
    assert_eq!(purged, jobs.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn masked_values_stay_masked_in_events_that_are_emitted_and_listened_for() {
    let server = Server::start().await;
    for (name, document) in [
        ("tell", (MASKS, TELL)),
        ("hear", ("", HEAR)),
        ("child", ("", CHILD)),
        ("listen", ("", LISTEN)),
        ("own", (MASKS, OWN)),
    ] {
        deploy(&server, name, document).await;
    }
    send(&server, "wait", &json!({})).await;
    let data = json!({"data": {"name": NAME, "ssn": SSN, "pin": 12}});
    send(&server, "person", &data).await;
    send(&server, "said", &data).await;
    let jobs = jobs(&server, (5, 0)).await;
    let all = shown(&server, &jobs).await;
    for (path, shown) in &all {
        assert!(!shown.to_string().contains(SSN), "{path}: {shown:#}");
    }
    let of = |name: &str| jobs.iter().find(|job| job["workflow"]["name"] == name).expect("it ran");
    for (name, note) in [
        ("hear", "it is <masked>"),
        ("child", "it is <masked>"),
        ("listen", "it is <masked>"),
        ("own", "<masked>!"),
    ] {
        let path = format!("jobs/{}/trace", id(of(name)));
        let (_, trace) = all.iter().find(|(at, _)| *at == path).expect("it was looked at");
        let text = trace.to_string();
        assert!(text.contains(note) && text.contains(NAME), "{name}: {trace:#}");
    }
    let path = format!("jobs/{}/journal", id(of("own")));
    let (_, journal) = all.iter().find(|(at, _)| *at == path).expect("it was looked at");
    assert_eq!(journal["items"][0]["outcome"]["envelope"]["data"]["pin"], "<masked>", "short, where it is");

    // Whose values they were cannot be known any more.
    purge(&server, &[id(of("tell"))]).await;
    let heard = server.get(&format!("/api/v1/jobs/{}", id(of("hear")))).await.expect(200);
    assert_eq!(heard["input"], "<masked>");
}

#[tokio::test(flavor = "multi_thread")]
async fn ordering_keys_that_are_masked_have_names() {
    let server = Server::start().await;
    for (name, key, mask) in [("ssn", "ssn", MASKS), ("pin", "pin", MASKS), ("name", "name", "priority: 5")] {
        let settings = format!("{mask}, onFailure: park, orderingKey: '${{ .data.{key} }}'");
        deploy(&server, name, (&settings, FAIL)).await;
    }
    deploy(&server, "done", (&format!("{MASKS}, orderingKey: '${{ .data.ssn }}'"), TELL)).await;
    send(&server, "person", &json!({"data": {"name": NAME, "ssn": SSN, "pin": "12"}})).await;
    let jobs = jobs(&server, (1, 3)).await;
    let lanes = items(&server, "lanes").await;
    for name in ["ssn", "pin", "name"] {
        let of = |list: &[Value]| {
            list.iter().find(|item| item["workflow"]["name"] == name).expect("it is listed").clone()
        };
        let (job, lane) = (of(&jobs), of(&lanes));
        let key = lane["key"].as_str().expect("text");
        assert_eq!(key.starts_with("<masked:"), name != "name", "{key}");
        assert_eq!(job["lane"], key, "the same wherever it is shown");
        assert_eq!(server.get(&format!("/api/v1/jobs/{}", id(&job))).await.expect(200)["lane"], key);
    }
    let masked: Vec<Value> = jobs.into_iter().filter(|job| job["workflow"]["name"] != "name").collect();
    for (path, shown) in shown(&server, &masked).await {
        assert!(!shown.to_string().contains(SSN), "{path}: {shown:#}");
    }
    // Whoever knows the key finds the lane by it.
    assert_eq!(items(&server, &format!("lanes?workflow=acme/ssn&key={SSN}")).await.len(), 1);
}

/// Else a sender could hide its events from whoever looks for them.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_outside_says_what_is_masked() {
    let server = Server::start().await;
    let gone = JobId(1).to_string();
    let event = send(&server, "person", &json!({"tenonmaskedby": gone, "data": {"name": NAME}})).await;
    let shown = server.get(&format!("/api/v1/events/{event}")).await.expect(200);
    assert_eq!((&shown["data"]["name"], &shown["attributes"]["tenonmaskedby"]), (&json!(NAME), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_shown_as_far_as_their_values_are_known() {
    let server = Server::start().await;
    deploy(&server, "tell", (MASKS, TELL)).await;
    let hook = "kind: webhook\npath: a\nauth: none\ndedupKey: ${ .body.id }\nemits: { type: person }\n";
    server.send("PUT /api/v1/triggers/hook", hook, &[]).await.expect(201);
    for ssn in [SSN, "987-65-4321"] {
        let body = json!({"id": 1, "name": NAME, "ssn": ssn}).to_string();
        server.send("POST /hooks/default/a", &body, &[]).await.expect(202);
    }
    let captures = items(&server, "triggers/hook/captures").await;
    let (repeat, first) = (&captures[0], &captures[1]);
    assert_eq!((&first["body"]["name"], &first["body"]["ssn"]), (&json!(NAME), &json!("<masked>")));
    assert_eq!((&repeat["outcome"], &repeat["body"]), (&json!("duplicate"), &json!("<masked>")));
    let jobs = jobs(&server, (1, 0)).await;
    purge(&server, &[id(&jobs[0])]).await;
    let captures = items(&server, "triggers/hook/captures").await;
    assert_eq!(captures[1]["body"], "<masked>", "its event is gone");
}

/// Short values are not looked for everywhere, and of a body that is cut off a value may be shown in part.
#[tokio::test(flavor = "multi_thread")]
async fn requests_with_short_or_cut_values_are_not_shown() {
    let server = Server::start().await;
    deploy(&server, "tell", ("mask: [/data/ssn, /data/card]", TELL)).await;
    let hook = "kind: webhook\npath: a\nauth: none\nemits: { type: person }\n";
    server.send("PUT /api/v1/triggers/hook", hook, &[]).await.expect(201);
    // It is cut off within the number.
    let length = 65_536 - json!({"name": "", "ssn": "123-4"}).to_string().len() + r#""}"#.len();
    for (body, is_shown) in [
        (json!({"name": NAME}), true),
        (json!({"name": NAME, "ssn": SSN}), true),
        (json!({"name": NAME, "card": {"cvv": "123"}}), false),
        (json!({"name": NAME, "card": 12}), false),
        (json!({"name": NAME, "card": true}), false),
        (json!({"name": "x".repeat(length), "ssn": SSN}), false),
    ] {
        server.send("POST /hooks/default/a?q=1", &body.to_string(), &[]).await.expect(202);
        let request = items(&server, "triggers/hook/captures").await.remove(0);
        let shown = if request["body"].is_null() { &request["raw"] } else { &request["body"] };
        assert_eq!(*shown != json!("<masked>"), is_shown, "{request:#}");
        assert_eq!(request["query"] != json!("<masked>"), is_shown, "{request:#}");
        assert!(!shown.to_string().contains("123"), "{request:#}");
    }
}

/// Wants every type.
const ANY: &str = "
schedule: {on: {one: {with: {source: /shop}}}}
do: [{hear: {listen: {to: {one: {with: {type: said}}}}}}]
";

/// Whether the value of an event is shown that a workflow listens for.
async fn shows_said(server: &Server) -> bool {
    let event = send(server, "said", &json!({"data": {"ssn": SSN}})).await;
    let shown = server.get(&format!("/api/v1/events/{event}")).await.expect(200);
    shown["data"]["ssn"] == SSN
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_listened_for_is_masked_while_the_workflow_is_disabled() {
    let server = Server::start().await;
    assert!(shows_said(&server).await, "nobody masks it");
    deploy(&server, "own", (MASKS, OWN)).await;
    assert!(!shows_said(&server).await);
    server.post("/api/v1/workflows/acme/own/disable", "").await;
    assert!(!shows_said(&server).await, "its jobs go on");

    // The key by which it is found starts nothing.
    deploy(&server, "any", (MASKS, ANY)).await;
    server.post("/api/v1/workflows/acme/any/disable", "").await;
    let event = send(&server, &format!("{MASK_KEY}said"), &json!({})).await;
    let shown = server.get(&format!("/api/v1/events/{event}")).await.expect(200);
    assert_eq!((&shown["wanted"], &shown["jobs"]), (&json!(false), &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_of_an_earlier_version_masks_when_it_is_applied_again() {
    let server = Server::start().await;
    deploy(&server, "own", (MASKS, OWN)).await;
    let workspace = Workspace::find(&server.app, "default").await.expect("it is there").id;
    let store = server.app.store();
    let found = store.resource(workspace, Kind::Workflow, "acme/own").await.expect("a store");
    let found = found.expect("it is deployed");
    // As if it had been deployed before there was such a key.
    let put = PutResource {
        workspace,
        kind: Kind::Workflow,
        name: found.name.clone(),
        version: found.version.clone(),
        digest: found.digest.clone(),
        document: found.document.clone(),
        keys: vec!["wait".to_owned()],
        listens: vec!["said".to_owned()],
        gathers: None,
        files: Vec::new(),
        expected: None,
        at: server.app.capture().ports().clock.now(),
        actor: "test".to_owned(),
    };
    server.send("DELETE /api/v1/workflows/acme/own", "", &[]).await.expect(204);
    store.put_resource(put).await.expect("a store");
    assert!(shows_said(&server).await);
    let line = "PUT /api/v1/workflows/acme/own";
    let again = server.send(line, &found.document, &[]).await.expect(200);
    assert_eq!(again["unchanged"], true);
    assert!(!shows_said(&server).await);
    let mask = format!("{MASK_KEY}said");
    let (found, _) = store.resources_by_key(workspace, Kind::Workflow, &[&mask]).await.expect("a store");
    assert_eq!(found.len(), 1);
}

/// Calls a child before it hears, and none of what it hears can be in that.
const CALL: &str = "
schedule: {on: {one: {with: {type: wait}}}}
do:
  - child: {run: {workflow: {namespace: acme, name: child, version: latest, input: {name: Ada, note: none}}}}
  - hear: {listen: {to: {one: {with: {type: told}}}}}
";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_together_is_looked_up_once_and_no_further_than_needed() {
    let server = Server::start().await;
    for (name, document) in
        [("tell", (MASKS, TELL)), ("hear", ("", HEAR)), ("child", ("", CHILD)), ("call", ("", CALL))]
    {
        deploy(&server, name, document).await;
    }
    send(&server, "wait", &json!({})).await;
    // polls: its child has ended, so that it listens or will
    while items(&server, "jobs?workflow=acme/child&state=completed").await.is_empty() {}
    send(&server, "person", &json!({"data": {"name": NAME, "ssn": SSN}})).await;
    let jobs = jobs(&server, (5, 0)).await;
    let workspace = Workspace::find(&server.app, "default").await.expect("it is there").id;
    let store = server.app.store();
    let mut records: Vec<JobRecord> = Vec::new();
    for name in ["hear", "child"] {
        // The oldest child is that of the call.
        let job = jobs.iter().rev().find(|job| job["workflow"]["name"] == name).expect("it ran");
        let found = store.job(workspace, id(job).parse().expect("an id")).await.expect("a store");
        records.push(found.expect("it is there"));
    }
    let history = History::new(store.clone(), Programs::new(store.clone(), 100));
    let is_masked = |mask: &Mask| {
        let mut text = format!("{NAME} {SSN}");
        mask.text(&mut text);
        text
    };
    let mut masks = history.masks();
    let before = masks.of_job(&records[0]).await.expect("a store");
    let teller = jobs.iter().find(|job| job["workflow"]["name"] == "tell").expect("it ran");
    purge(&server, &[id(teller)]).await;
    let same = masks.of_job(&records[0]).await.expect("a store");
    let anew = history.masks().of_job(&records[0]).await.expect("a store");
    let masked = format!("{NAME} <masked>");
    assert_eq!(
        [&before, &same, &anew].map(is_masked),
        [masked.clone(), masked, "<masked>".to_owned()],
        "its maker was known already"
    );
    let child = history.masks().of_job(&records[1]).await.expect("a store");
    assert!(child.is_empty(), "what its parent heard later is nothing of it");
}
