//! What a workflow masks is not found in anything that people are shown of its jobs and events, nor in the log; what
//! it does not mask is. The job itself and those it calls get the real values.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};

use crate::live_server::LiveServer;
use crate::sandbox::Sandbox;

/// Masked, in every form in which it may be shown.
const SSN: &str = "123-45-6789";
const FORMS: [&str; 4] = [SSN, "MTIzLTQ1LTY3ODk", "4111222233334444", "98765.4321"];
/// Not masked.
const NAME: &str = "Ada-of-the-test";

const SHOP: &str = "
  metadata: { tenon: { mask: [/data/ssn, /data/card, /data/pin], orderingKey: '${ .data.name }', onFailure: park } }
schedule: { on: { one: { with: { type: com.acme.person } } } }
do:
  - keep:
      set:
        name: ${ .[0].name }
        ssn: ${ .[0].ssn }
        text: ${ \"it is \" + .[0].ssn }
        encoded: ${ .[0].ssn | @base64 }
        card: ${ .[0].card }
  - child: { run: { workflow: { namespace: mask, name: child, version: latest, input: '${ . }' } } }
  - tell:
      call: http
      with: { method: post, endpoint: 'http://127.0.0.1:PORT/people', body: '${ . }' }
";
const QUIET: &str = "
  metadata: { tenon: { mask: [/data/ssn, /data/card, /data/pin] } }
schedule:
  on: { any: [{ with: { type: com.acme.person } }, { with: { type: com.acme.person.hooked } }] }
  read: envelope
do: [{ keep: { set: { all: '${ .[0].data.ssn }', name: '${ .[0].data.name }' } } }]
";
const CHILD: &str =
    "\ndo: [{ keep: { set: { ssn: '${ .ssn }', name: '${ .name }', card: '${ .card }' } } }]\n";
const ALERT: &str = "
schedule:
  on:
    any:
      - with: { type: io.serverlessworkflow.workflow.faulted.v1, data: '${ .name | startswith(\"shop-\") }' }
      - with: { type: io.serverlessworkflow.workflow.suspended.v1, data: '${ .name | startswith(\"shop-\") }' }
do: [{ note: { set: { about: '${ .[0].name }', why: '${ .[0].error.detail }' } } }]
";

/// Somebody who says no, and what was asked.
fn refusing() -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let (say, said) = channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while !String::from_utf8_lossy(&request).contains("\"ssn\"") {
                match stream.read(&mut buffer) {
                    Ok(count) if count > 0 => request.extend_from_slice(&buffer[..count]),
                    _ => break,
                }
            }
            let request = String::from_utf8_lossy(&request).into_owned();
            let body = format!("nobody is called {request}");
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 400 No\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            let _ = say.send(request);
        }
    });
    (port, said)
}

fn body(answer: &str) -> Value {
    let (_, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    serde_json::from_str(body).unwrap_or(Value::Null)
}

/// The ids in a list.
fn ids(server: &LiveServer, list: &str) -> Vec<String> {
    let items = body(&server.get(&format!("/api/v1/{list}")));
    let items = items["items"].as_array().cloned().unwrap_or_default();
    items.iter().filter_map(|item| Some(item["id"].as_str()?.to_owned())).collect()
}

/// Until five jobs have come as far as they will.
fn wait(server: &LiveServer) {
    for _ in 0..600 {
        let done = ids(server, "jobs?state=completed").len();
        let parked = ids(server, "jobs?state=suspended").len();
        if (done, parked) == (4, 1) {
            return;
        }
        // polls: jobs end in another process
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("{}", server.get("/api/v1/jobs"));
}

/// Everything that is shown, and where.
fn shown(server: &LiveServer, sandbox: &Sandbox) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    for job in ids(server, "jobs") {
        for part in ["", "/trace", "/journal"] {
            let path = format!("/api/v1/jobs/{job}{part}");
            texts.push((path.clone(), server.get(&path)));
        }
        for args in [&["job", "show", &job][..], &["job", "trace", "--full", &job]] {
            texts.push((format!("tenon {}", args.join(" ")), sandbox.run(args).to_string()));
        }
    }
    for event in ids(server, "events") {
        let path = format!("/api/v1/events/{event}");
        texts.push((path.clone(), server.get(&path)));
        texts
            .push((format!("tenon event show {event}"), sandbox.run(&["event", "show", &event]).to_string()));
    }
    for path in [
        "/api/v1/jobs",
        "/api/v1/events",
        "/api/v1/lanes",
        "/api/v1/triggers/people/captures",
        "/api/v1/audit",
        "/api/v1/doctor",
        "/metrics",
    ] {
        texts.push((path.to_owned(), server.get(path)));
    }
    texts
}

#[test]
fn masked_values_are_shown_nowhere() {
    let (port, asked) = refusing();
    let sandbox = Sandbox::new();
    let arguments = ["--log-filter", "debug"];
    let server = LiveServer::start(&sandbox, &arguments).map_err(|(_, log)| log).expect("it starts");
    for (name, rest) in [("shop", SHOP), ("quiet", QUIET), ("child", CHILD), ("alert", ALERT)] {
        let rest = rest.replace("PORT", &port.to_string());
        let document =
            format!("document:\n  dsl: '1.0.3'\n  namespace: mask\n  name: {name}\n  version: '1.0.0'{rest}");
        let answer = server.ask("PUT", &format!("/api/v1/workflows/mask/{name}"), "", &document);
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }
    let hook = "kind: webhook\npath: people\nauth: none\nemits: { type: com.acme.person.hooked }\n";
    let answer = server.ask("PUT", "/api/v1/triggers/people", "", hook);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let data =
        json!({ "name": NAME, "ssn": SSN, "card": 4_111_222_233_334_444_u64, "pin": [98_765.432_1, true] });
    let event = json!({ "specversion": "1.0", "type": "com.acme.person", "source": "/people", "data": data });
    let headers = "content-type: application/cloudevents+json\r\n";
    let answer = server.ask("POST", "/events/default", headers, &event.to_string());
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    let headers = "content-type: application/json\r\n";
    let answer = server.ask("POST", "/hooks/default/people", headers, &data.to_string());
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    wait(&server);

    let mut texts = shown(&server, &sandbox);
    let (_, log) = server.stop();
    texts.push(("the log".to_owned(), log));
    for (place, text) in &texts {
        for form in FORMS {
            assert!(!text.contains(form), "{form} is in {place}:\n{text}");
        }
    }
    let has =
        |place: &str, what: &str| texts.iter().any(|(at, text)| at.contains(place) && text.contains(what));
    for place in
        ["/api/v1/jobs/", "/trace", "/journal", "/api/v1/events/", "job show", "job trace", "event show"]
    {
        assert!(has(place, NAME) && has(place, "<masked>"), "{place} shows what is not masked");
    }
    // A text has no pointers, and a short value cannot be looked for in it: it is hidden as a whole.
    assert!(has("captures", "<masked>") && !has("captures", NAME), "a masked boolean hides the request");
    let request = asked.recv().expect("it was asked");
    assert!(request.contains(SSN) && request.contains("4111222233334444"), "{request}");
}
