//! A secret that is set, used, replaced and sealed anew is found nowhere: not in the data directory, not in the log,
//! not in any answer, neither as it is nor in base64 nor URL-encoded.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::{Value, json};

use crate::fake_server::FakeServer;
use crate::live_server::LiveServer;
use crate::sandbox::{Ran, Sandbox};

const FIRST: &str = "s3cret/one+with odd&signs=%";
const SECOND: &str = "s3cret/two+with odd&signs=%";

/// Reads a secret in a header, another one to authenticate, and a variable in the body.
fn workflow(callee: &str) -> String {
    format!(
        "document: {{ dsl: '1.0.3', namespace: shop, name: book, version: '1.0.0' }}
use:
  secrets: [api-key, token]
do:
  - book:
      call: http
      with:
        method: post
        endpoint:
          uri: {callee}/book
          authentication: {{ bearer: {{ token: '${{ $secrets.token }}' }} }}
        headers: {{ x-key: '${{ \"key \" + $secrets[\"api-key\"] }}' }}
        query: {{ key: '${{ $secrets[\"api-key\"] }}' }}
        body: {{ key: '${{ $secrets[\"api-key\"] }}', limit: {{ $variable: limit }} }}
"
    )
}

/// Every form of a secret that is looked for.
fn forms(secret: &str) -> Vec<String> {
    let encoded =
        percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string();
    let mut forms = vec![secret.to_owned(), encoded.replace("%20", "+"), encoded];
    // Within a longer text, base64 depends on where the secret starts.
    for start in 0..3 {
        let padded = [&vec![b'x'; start][..], secret.as_bytes()].concat();
        for engine in [STANDARD, URL_SAFE] {
            let text = engine.encode(&padded);
            let inner = &text[4 * start.min(1)..text.len() / 4 * 4 - 4];
            forms.push(inner.to_owned());
        }
    }
    forms
}

fn find(bytes: &[u8], place: &str) -> Vec<String> {
    // What is not text stays around what is; the search in texts is the fast one.
    let text = String::from_utf8_lossy(bytes);
    let secrets = [FIRST, SECOND, FakeServer::KEY];
    let all = secrets.iter().flat_map(|secret| forms(secret).into_iter().map(move |form| (secret, form)));
    let found = all.filter(|(_, form)| text.contains(form.as_str()));
    found.map(|(secret, form)| format!("`{secret}` as `{form}` in {place}")).collect()
}

fn find_in_files(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(find_in_files(&path));
        } else {
            found.extend(find(&std::fs::read(&path).expect("readable"), &path.display().to_string()));
        }
    }
    found
}

/// The job that a run started, with every answer about it.
fn answers(server: &LiveServer, job: &str, event: &str) -> Vec<String> {
    let paths = [
        "/api/v1/variables".to_owned(),
        "/api/v1/variables/api-key".to_owned(),
        "/api/v1/audit".to_owned(),
        "/api/v1/workflows/shop/book".to_owned(),
        "/api/v1/jobs".to_owned(),
        "/api/v1/events".to_owned(),
        "/api/v1/doctor".to_owned(),
        "/api/v1/vault".to_owned(),
        "/metrics".to_owned(),
        format!("/api/v1/jobs/{job}"),
        format!("/api/v1/jobs/{job}/trace"),
        format!("/api/v1/jobs/{job}/journal"),
        format!("/api/v1/events/{event}"),
    ];
    paths
        .iter()
        .map(|path| {
            let answer = server.get(path);
            assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
            answer
        })
        .collect()
}

#[track_caller]
fn good(ran: &Ran) -> Value {
    assert_eq!(ran.exit, Some(0), "{ran}");
    serde_json::from_str(&ran.stdout).unwrap_or(Value::Null)
}

struct Shop {
    sandbox: Sandbox,
    callee: FakeServer,
    seen: Vec<String>,
}

// === impl Shop ===

impl Shop {
    fn set(&mut self, name: &str, secret: &str) {
        let ran = self.sandbox.run_input(&["variable", "set", name, "--secret", "-o", "json"], secret);
        good(&ran);
        self.seen.push(ran.to_string());
    }

    fn run(&mut self, args: &[&str]) -> Value {
        let ran = self.sandbox.run(&[args, &["-o", "json"]].concat());
        let value = good(&ran);
        self.seen.push(ran.to_string());
        value
    }

    /// Runs the workflow, whose call must have had this secret, and looks at everything there is about the job.
    #[track_caller]
    fn book(&mut self, server: &LiveServer, secret: &str, versions: (u64, u64)) {
        let started = self.run(&["workflow", "run", "shop/book", "--input", "{\"n\":1}", "--wait"]);
        assert!(started.to_string().contains("<secret:api-key>"), "the callee's echo is masked: {started}");
        let asked = self.callee.asked();
        let last = asked.last().expect("it was called");
        assert_eq!(last.header("x-key"), Some(format!("key {secret}").as_str()));
        let body: Value = serde_json::from_str(&last.body).expect("JSON");
        assert_eq!(body, json!({ "key": secret, "limit": 5 }));
        let jobs = self.run(&["job", "list", "--limit", "1"]);
        let (job, event) = (jobs["items"][0]["id"].as_str(), jobs["items"][0]["event"].as_str());
        let (job, event) = (job.expect("an id").to_owned(), event.expect("an id").to_owned());
        let trace = self.run(&["job", "trace", &job]).to_string();
        assert!(trace.contains("<secret:api-key>"), "{trace}");
        for (name, version) in [("api-key", versions.0), ("token", versions.1)] {
            let used = json!({ "name": name, "version": version }).to_string();
            assert!(trace.contains(&used), "{used} is not in {trace}");
        }
        self.seen.extend(answers(server, &job, &event));
    }
}

#[test]
fn a_secret_is_found_nowhere() {
    let callee = FakeServer::start();
    for secret in [FIRST, SECOND] {
        let encoded = percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC);
        let echo = json!({ "raw": secret, "base64": STANDARD.encode(secret), "url": encoded.to_string() });
        callee.on("POST", &format!("/book?key={encoded}"), echo);
    }
    let sandbox = Sandbox::new();
    let server =
        LiveServer::start(&sandbox, &["--log-filter", "debug"]).map_err(|(_, log)| log).expect("it starts");
    let mut shop = Shop { sandbox, callee, seen: Vec::new() };
    shop.sandbox.write("project/workflows/book.yaml", &workflow(&shop.callee.url()));
    shop.sandbox.write("project/variables/limit.yaml", "kind: config\nvalue: 5\n");
    shop.sandbox.write("project/variables/api-key.yaml", "kind: secret\n");
    shop.run(&["apply", "project"]);
    shop.set("api-key", FIRST);
    shop.set("token", FakeServer::KEY);
    shop.book(&server, FIRST, (1, 1));
    shop.run(&["vault", "rotate-data"]);
    shop.set("api-key", SECOND);
    shop.book(&server, SECOND, (2, 1));
    let file = shop.sandbox.path().join("keys/new.key");
    let file = file.to_str().expect("text");
    shop.run(&["vault", "rotate-master", "--new-key-file", file]);
    shop.book(&server, SECOND, (2, 1));
    let (exit, mut log) = server.stop();
    assert!(exit.success(), "{log}");

    let (exit, refused) = LiveServer::start(&shop.sandbox, &[]).map(drop).expect_err("it needs the new key");
    assert_eq!(exit, Some(7), "{refused}");
    assert!(refused.contains("TN2031") && refused.contains(file), "{refused}");
    let again = LiveServer::start(&shop.sandbox, &["--master-key-file", file]);
    let server = again.map_err(|(_, log)| log).expect("the new key opens the data");
    shop.book(&server, SECOND, (2, 1));
    log.push_str(&server.stop().1);
    log.push_str(&refused);

    let mut found = find(log.as_bytes(), "the log");
    for answer in &shop.seen {
        found.extend(find(answer.as_bytes(), answer));
    }
    let home = shop.sandbox.path();
    found.extend(find_in_files(home));
    assert!(found.is_empty(), "{found:#?}");

    for form in forms(FIRST) {
        shop.sandbox.write("proof/file", &format!("a {form} b"));
        assert_ne!(find_in_files(&home.join("work")).len(), 0, "the search finds {form}");
    }
}
