//! The run: a server, the workflows of the hunt, everything that can go wrong with them, and all that is said.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use super::callee::Callee;
use super::documents::{Case, End, REFUSED, WATCHER, cases, slow_cases};
use super::secrets::Secret;
use crate::live_server::LiveServer;
use crate::sandbox::{Ran, Sandbox};

/// A server under watch.
pub(crate) struct Hunt<'a> {
    callee: &'a Callee,
    sandbox: Sandbox,
    /// There is none between a crash and the next start.
    server: Option<LiveServer>,
    /// What the stream said, when its server has ended.
    stream: JoinHandle<String>,
    data: PathBuf,
    /// Everything that was said, and where.
    texts: Vec<(String, String)>,
}

/// Everything is logged, also what libraries say unless they are silenced. The stream never ends by itself, so that
/// draining would take all its time.
const ARGUMENTS: [&str; 4] =
    ["--log-filter", "trace,h2=trace,hyper_util=debug,tonic=trace,rustls=trace", "--shutdown-drain", "2s"];
/// The same without knowledge of libraries.
const ARGUMENTS_AGAIN: [&str; 4] = ["--log-filter", "trace", "--shutdown-drain", "2s"];

impl<'a> Hunt<'a> {
    pub(crate) fn start(callee: &'a Callee) -> Self {
        let sandbox = Sandbox::new();
        let server = LiveServer::start(&sandbox, &ARGUMENTS).map_err(|(_, log)| log).expect("it starts");
        let stream = listen(&server);
        let data = sandbox.path().join(".local/share/tenon");
        Self { callee, sandbox, server: Some(server), stream, data, texts: Vec::new() }
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// The keys of the server itself: the owner's, and the one that everything is sealed with.
    pub(crate) fn keys(&self) -> Vec<(String, String)> {
        let files = [self.data.join("owner.key"), self.sandbox.path().join(".config/tenon/master.key")];
        let read = |file: &PathBuf| std::fs::read_to_string(file).expect("made at the first start");
        let keys = files.iter().map(|file| (file.display().to_string(), read(file).trim().to_owned()));
        keys.collect()
    }

    // === doing ===

    /// No document that would put a secret into the data is taken, and none says more than names.
    pub(crate) fn refuses_documents(&mut self) {
        for (number, tasks) in REFUSED.iter().enumerate() {
            let document = format!(
                "document: {{dsl: '1.0.3', namespace: hunt, name: refused-{number}, version: '1.0.0'}}\n\
                 use: {{secrets: [plain], functions: {{tell: {{set: {{x: 1}}}}}}}}\n{tasks}\n"
            );
            let file = self.sandbox.write("refused.yaml", &document);
            let ran = self.tenon(&["apply", &file.display().to_string()]);
            assert_ne!(ran.exit, Some(0), "{tasks}\n{ran}");
            assert!(ran.stderr.contains("TN1") || ran.stdout.contains("TN1"), "{tasks}\n{ran}");
        }
    }

    pub(crate) fn deploy(&mut self) {
        self.sandbox.write("project/workflows/watcher.yaml", WATCHER);
        for case in cases().iter().chain(&slow_cases()) {
            self.sandbox.write(&case.path(), &case.document(self.callee));
        }
        for args in [&["plan", "project"][..], &["apply", "project"], &["plan", "project", "-o", "json"]] {
            let ran = self.tenon(args);
            assert_eq!(ran.exit, Some(0), "{ran}");
        }
    }

    pub(crate) fn set(&mut self, secrets: &[Secret]) {
        for secret in secrets {
            let args = ["variable", "set", secret.name, "--secret", "--json"];
            let ran = self.sandbox.run_input(&args, &secret.value.to_string());
            assert_eq!(ran.exit, Some(0), "{ran}");
            self.texts.push((format!("tenon {}", args.join(" ")), ran.to_string()));
        }
        // What is wrong with a value is said without it.
        for (name, value) in [("plain", json!({"x": secrets[0].value})), ("broken", secrets[1].value.clone())]
        {
            let given = value.to_string().replace('}', "");
            let given = given.trim_end_matches('"');
            let ran = self.sandbox.run_input(&["variable", "set", name, "--secret", "--json"], given);
            assert_ne!(ran.exit, Some(0), "{ran}");
            self.texts.push(("a refused value".to_owned(), ran.to_string()));
            for body in
                [given.to_owned(), json!({"kind": "secret", "valeu": value}).to_string(), value.to_string()]
            {
                self.ask("PUT", &format!("/api/v1/variables/{name}"), "", &body);
            }
            let dry = json!({"kind": "secret", "value": value}).to_string();
            self.ask("PUT", &format!("/api/v1/variables/{name}?dryRun=true"), "", &dry);
        }
    }

    /// Every case ends as it should.
    pub(crate) fn run_all(&mut self) {
        let wrong: Vec<String> = cases().iter().filter_map(|case| self.run(case)).collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    fn run(&mut self, case: &Case) -> Option<String> {
        let path = format!("/run/default/hunt/{}", case.name);
        let answer = self.ask("POST", &path, "prefer: wait=60\r\n", "{}");
        let job =
            answer.lines().find_map(|line| line.strip_prefix("tenon-job: ")).unwrap_or_default().to_owned();
        let shown = self.get(&format!("/api/v1/jobs/{job}"));
        let expected = match case.end {
            End::Completed => "completed",
            End::Faulted => "faulted",
        };
        let is_right = shown.contains(&format!("\"state\":\"{expected}\""));
        (!is_right).then(|| format!("{} is not {expected}: {answer}", case.name))
    }

    /// A job that is cancelled in the middle of a call.
    pub(crate) fn cancel(&mut self) {
        let job = self.begin("cancelled");
        self.callee.wait_for("/hold/cancelled", 1);
        assert_eq!(self.tenon(&["job", "cancel", &job]).exit, Some(0));
        self.tenon(&["job", "watch", &job]);
        assert!(self.get(&format!("/api/v1/jobs/{job}")).contains("\"state\":\"cancelled\""));
    }

    /// Something that is no secret, where it can be seen.
    pub(crate) fn plant(&mut self, text: &str) {
        let event =
            json!({"specversion": "1.0", "type": text, "source": text, "data": {"x": text}}).to_string();
        let answer =
            self.ask("POST", "/events/default", "content-type: application/cloudevents+json\r\n", &event);
        assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
        let input = json!({"planted": text}).to_string();
        let ran =
            self.tenon(&["workflow", "run", "hunt/function", "--input", &input, "--wait", "-o", "json"]);
        assert_eq!(ran.exit, Some(0), "{ran}");
    }

    /// The server is killed in the middle of a call, and another one makes it again.
    pub(crate) fn crash(&mut self) {
        let job = self.begin("crashed");
        self.callee.wait_for("/gate", 1);
        let killed = self.server.take().expect("it runs");
        let log = killed.kill();
        assert!(log.contains("TRACE") && log.contains("DEBUG"), "it logs more than usual");
        self.texts.push(("the log before the crash".to_owned(), log));
        let server = LiveServer::start(&self.sandbox, &ARGUMENTS_AGAIN).map_err(|(_, log)| log);
        let server = server.expect("it starts again");
        let stream = std::mem::replace(&mut self.stream, listen(&server));
        self.server = Some(server);
        self.texts.push(("the stream before the crash".to_owned(), stream.join().expect("it reads")));
        self.callee.wait_for("/gate", 2);
        self.callee.open_gate();
        self.tenon(&["job", "watch", &job]);
        let shown = self.get(&format!("/api/v1/jobs/{job}"));
        assert!(shown.contains("\"state\":\"completed\""), "{shown}");
    }

    /// Starts a job and does not wait for it.
    fn begin(&mut self, name: &str) -> String {
        let answer = self.ask("POST", &format!("/run/default/hunt/{name}"), "", "{}");
        let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
        let body: Value = serde_json::from_str(body).expect("JSON");
        body["job"].as_str().expect("an id").to_owned()
    }

    // === looking ===

    /// Everything that can be asked.
    pub(crate) fn look(&mut self) {
        for path in [
            "variables",
            "variables/plain",
            "audit?limit=500",
            "workflows?limit=500",
            "doctor",
            "vault",
            "version",
            "workspaces",
        ] {
            self.get(&format!("/api/v1/{path}"));
        }
        self.get("/metrics");
        for name in ["hunt/transformed", "hunt/watcher"] {
            self.get(&format!("/api/v1/workflows/{name}"));
        }
        for job in self.items("/api/v1/jobs?limit=500") {
            self.get(&format!("/api/v1/jobs/{job}"));
            self.get(&format!("/api/v1/jobs/{job}/trace"));
            self.get(&format!("/api/v1/jobs/{job}/journal"));
            self.ask("POST", &format!("/api/v1/jobs/{job}/verify"), "", "");
        }
        for event in self.items("/api/v1/events?limit=500") {
            self.get(&format!("/api/v1/events/{event}"));
        }
        let answer = self.get("/api/v1/jobs?limit=1&workflow=hunt/function");
        let job = ids(&answer).pop().expect("it ran");
        for args in [
            &["job", "list"][..],
            &["job", "show", &job],
            &["job", "trace", &job],
            &["job", "trace", &job, "--full"],
            &["event", "list"],
            &["variable", "list"],
            &["variable", "get", "plain"],
            &["variable", "get", "plain", "--value"],
            &["workflow", "show", "hunt/written"],
            &["workflow", "explain", "project/workflows/oauth-post.yaml"],
            &["workflow", "lint", "project/workflows/oauth-post.yaml"],
            &["doctor"],
            &["up", "--print-config"],
        ] {
            self.tenon(args);
        }
    }

    /// The ids of all items.
    fn items(&mut self, path: &str) -> Vec<String> {
        let mut all = Vec::new();
        let mut answer = self.get(path);
        loop {
            all.extend(ids(&answer));
            let body: Value = serde_json::from_str(body(&answer)).expect("JSON");
            let Some(next) = body["next"].as_str() else { return all };
            answer = self.get(&format!("{path}&cursor={next}"));
        }
    }

    /// Ends the server: its home, and everything that was said.
    pub(crate) fn stop(mut self) -> (Sandbox, Vec<(String, String)>) {
        let (exit, log) = self.server.expect("it runs").stop();
        assert!(exit.success(), "{exit}");
        self.texts.push(("the log".to_owned(), log));
        self.texts.push(("the stream".to_owned(), self.stream.join().expect("it reads")));
        let stream = &self.texts[self.texts.len() - 1].1;
        assert!(stream.contains("200 OK"), "{stream}");
        (self.sandbox, self.texts)
    }

    fn get(&mut self, path: &str) -> String {
        let answer = self.ask("GET", path, "", "");
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        answer
    }

    fn ask(&mut self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let answer = self.server.as_ref().expect("it runs").ask(method, path, headers, body);
        self.texts.push((format!("{method} {path}"), answer.clone()));
        answer
    }

    fn tenon(&mut self, args: &[&str]) -> Ran {
        let ran = self.sandbox.run(args);
        self.texts.push((format!("tenon {}", args.join(" ")), ran.to_string()));
        ran
    }
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

fn ids(answer: &str) -> Vec<String> {
    let body: Value = serde_json::from_str(body(answer)).expect("JSON");
    let items = body["items"].as_array().expect("a list").iter();
    items.map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

/// Reads the server's news until it ends.
fn listen(server: &LiveServer) -> JoinHandle<String> {
    let mut stream = TcpStream::connect(server.address()).expect("it listens");
    let request = server.request("GET", "/api/v1/stream", "", "");
    stream.write_all(request.as_bytes()).expect("sent");
    std::thread::spawn(move || {
        let mut all = Vec::new();
        // A server that is killed breaks the connection.
        let _ = stream.read_to_end(&mut all);
        String::from_utf8_lossy(&all).into_owned()
    })
}
