//! Variables: what is printed, what is asked, and that a secret is never an argument, never shown, never in a file.

use std::io::Read as _;
use std::process::Stdio;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fake_server::FakeServer;
use crate::sandbox::Sandbox;

const UPDATED: &str = "2026-11-21T18:00:00.5Z";

fn config(value: Value) -> Value {
    json!({ "name": "limit", "kind": "config", "version": 3, "updatedAt": UPDATED, "value": value })
}

fn secret() -> Value {
    json!({ "name": "api-key", "kind": "secret", "version": 2, "updatedAt": UPDATED })
}

fn saved(version: u32, unchanged: bool) -> Value {
    json!({ "name": "x", "kind": "config", "version": version, "updatedAt": UPDATED, "unchanged": unchanged })
}

/// What the one request said, as JSON.
fn sent(server: &FakeServer) -> Value {
    let asked = server.asked();
    assert_eq!(asked.len(), 1, "{:?}", server.lines());
    assert_eq!(asked[0].header("content-type"), Some("application/json"));
    serde_json::from_str(&asked[0].body).expect("JSON")
}

#[test]
fn list() {
    let server = FakeServer::start();
    let page = json!({ "items": [secret(), config(json!({ "eu": ["x".repeat(80)] }))], "next": null });
    server.on("GET", "/api/v1/variables?limit=50", page);
    let sandbox = Sandbox::with(&server);
    assert_snapshot!("list", sandbox.run(&["variable", "list"]));
    assert_snapshot!("list_yaml", sandbox.run(&["variable", "list", "-o", "yaml"]));
}

#[test]
fn get_of_configuration() {
    let server = FakeServer::start();
    server.on("GET", "/api/v1/variables/limit", config(json!({ "eu": 1 })));
    server.on("GET", "/api/v1/variables/text", config(json!("good morning")));
    let sandbox = Sandbox::with(&server);
    assert_snapshot!("get", sandbox.run(&["variable", "get", "limit"]));
    assert_snapshot!("get_json", sandbox.run(&["variable", "get", "limit", "-o", "json"]));
    assert_eq!(sandbox.run(&["variable", "get", "limit", "--value"]).stdout, "{\"eu\":1}\n");
    assert_eq!(sandbox.run(&["variable", "get", "text", "--value"]).stdout, "good morning\n");
    assert_snapshot!("get_missing", sandbox.run(&["variable", "get", "nobody"]));
}

#[test]
fn get_of_a_secret_gives_all_but_the_value() {
    let server = FakeServer::start();
    server.on("GET", "/api/v1/variables/api-key", secret());
    let sandbox = Sandbox::with(&server);
    assert_snapshot!("get_secret", sandbox.run(&["variable", "get", "api-key"]));
    assert_snapshot!("get_secret_json", sandbox.run(&["variable", "get", "api-key", "-o", "json"]));
    assert_snapshot!("get_secret_value", sandbox.run(&["variable", "get", "api-key", "--value"]));
}

#[test]
fn set_of_configuration() {
    #[track_caller]
    fn check(args: &[&str], value: Value) {
        let server = FakeServer::start();
        server.answer("PUT", "/api/v1/variables/x", 201, saved(1, false));
        let sandbox = Sandbox::with(&server);
        sandbox.write("value.json", "{ \"a\": [1, 2] }\n");
        let ran = sandbox.run(&[&["variable", "set", "x"], args].concat());
        assert_eq!((ran.exit, ran.stderr.as_str()), (Some(0), "variable x set, version 1\n"), "{ran}");
        assert_eq!(sent(&server), json!({ "kind": "config", "value": value }));
    }
    check(&["good morning"], json!("good morning"));
    check(&["1000"], json!("1000"));
    check(&["1000", "--json"], json!(1000));
    check(&["--json", "null"], json!(null));
    check(&["--json", "--", "-5"], json!(-5));
    check(&["--json", "--file", "value.json"], json!({ "a": [1, 2] }));
    check(&["--file", "value.json"], json!("{ \"a\": [1, 2] }"));
}

#[test]
fn set_says_what_happened() {
    let server = FakeServer::start();
    server.on("PUT", "/api/v1/variables/x", saved(3, true));
    let detail = "variable `x` is of kind secret and stays so";
    let problem = json!({ "status": 409, "detail": detail, "code": "TN0042", "hint": "choose another name" });
    server.answer("PUT", "/api/v1/variables/y", 409, problem);
    let sandbox = Sandbox::with(&server);
    assert_snapshot!("set_unchanged", sandbox.run(&["variable", "set", "x", "1"]));
    assert_snapshot!("set_json", sandbox.run(&["variable", "set", "x", "1", "-o", "json"]));
    assert_snapshot!("set_other_kind", sandbox.run(&["variable", "set", "y", "1"]));
}

#[test]
fn a_secret_comes_from_standard_input_or_a_file() {
    #[track_caller]
    fn check(args: &[&str], input: &str, value: Value) {
        let server = FakeServer::start();
        server.on("PUT", "/api/v1/variables/x", saved(2, false));
        let sandbox = Sandbox::with(&server);
        sandbox.write("key.pem", "-----BEGIN\nhunter2\n-----END\n");
        let ran = sandbox.run_input(&[&["variable", "set", "x", "--secret"], args].concat(), input);
        assert_eq!((ran.exit, ran.stderr.as_str()), (Some(0), "variable x set, version 2\n"), "{ran}");
        assert_eq!(sent(&server), json!({ "kind": "secret", "value": value }));
    }
    check(&[], "hunter2", json!("hunter2"));
    check(&[], "hunter2\r\n", json!("hunter2"));
    check(&[], "two\nlines\n\n", json!("two\nlines\n"));
    check(&["--file", "-"], "hunter2\n", json!("hunter2"));
    check(&["--json"], "{\"user\": \"u\"}", json!({ "user": "u" }));
    check(&["--file", "key.pem"], "", json!("-----BEGIN\nhunter2\n-----END"));
}

#[test]
fn what_is_no_way_to_set_a_value_is_refused_before_anything_is_sent() {
    let server = FakeServer::start();
    let sandbox = Sandbox::with(&server);
    sandbox.write("key.txt", "hunter2");
    assert_snapshot!("secret_as_argument", sandbox.run(&["variable", "set", "x", "hunter2", "--secret"]));
    assert_snapshot!("no_value", sandbox.run(&["variable", "set", "x"]));
    assert_snapshot!("two_values", sandbox.run(&["variable", "set", "x", "1", "--file", "key.txt"]));
    assert_snapshot!("empty_secret", sandbox.run_input(&["variable", "set", "x", "--secret"], "\n"));
    assert_snapshot!("not_json", sandbox.run(&["variable", "set", "x", "{a}", "--json"]));
    assert_snapshot!(
        "secret_not_json",
        sandbox.run_input(&["variable", "set", "x", "--secret", "--json"], "\"hunter2")
    );
    assert_snapshot!("no_file", sandbox.run(&["variable", "set", "x", "--file", "nowhere"]));
    assert_snapshot!("bad_variable_name", sandbox.run(&["variable", "set", "a b", "1"]));
    assert!(server.asked().is_empty());
}

#[test]
fn delete() {
    let server = FakeServer::start();
    server.raw(("DELETE", "/api/v1/variables/x"), 204, &[], String::new());
    assert_snapshot!("delete", Sandbox::with(&server).run(&["variable", "delete", "x"]));
}

#[test]
fn help() {
    assert_snapshot!("help", Sandbox::new().run(&["variable", "--help"]));
    assert_snapshot!("help_set", Sandbox::new().run(&["variable", "set", "--help"]));
}

/// A terminal shows what is typed, unless it is told not to before anybody is asked.
#[test]
fn a_secret_that_is_typed_is_not_shown() {
    let server = FakeServer::start();
    server.on("PUT", "/api/v1/variables/x", saved(1, false));
    let terminal = rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY);
    let terminal = terminal.expect("a terminal");
    rustix::pty::grantpt(&terminal).expect("granted");
    rustix::pty::unlockpt(&terminal).expect("unlocked");
    let name = rustix::pty::ptsname(&terminal, Vec::new()).expect("a name");
    let name = name.to_str().expect("text").to_owned();
    let user_end = std::fs::File::options().read(true).write(true).open(name).expect("the other end");

    let sandbox = Sandbox::with(&server);
    let mut command = sandbox.command(&["variable", "set", "x", "--secret"]);
    command.stdin(user_end).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    let mut asked = child.stderr.take().expect("piped");
    let prompt = "value of x (not shown): ";
    let mut shown = vec![0; prompt.len()];
    asked.read_exact(&mut shown).expect("it asks");
    assert_eq!(String::from_utf8_lossy(&shown), prompt);
    rustix::io::write(&terminal, b"hunter2\n").expect("typed");
    let mut rest = String::new();
    asked.read_to_string(&mut rest).expect("text");
    assert!(child.wait().expect("it ends").success(), "{rest}");
    assert_eq!(rest, "\nvariable x set, version 1\n");
    assert_eq!(sent(&server), json!({ "kind": "secret", "value": "hunter2" }));

    // What the terminal showed: the marker is shown again, because the terminal is as it was before.
    rustix::io::write(&terminal, b"seen\n").expect("typed");
    let mut screen = Vec::new();
    while !screen.ends_with(b"seen\r\n") {
        let mut piece = [0; 64];
        let count = rustix::io::read(&terminal, &mut piece).expect("the screen is readable");
        screen.extend_from_slice(&piece[..count]);
    }
    assert!(!String::from_utf8_lossy(&screen).contains("hunter2"), "{}", String::from_utf8_lossy(&screen));
}
