//! Jobs against given answers: lists, the trace as a tree, watching.

use std::process::Stdio;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fake_server::FakeServer;
use crate::sandbox::{Ran, Sandbox};

fn job(state: &str) -> Value {
    let ended = if state == "running" { Value::Null } else { json!("2026-11-21T18:00:01.250000Z") };
    json!({
        "id": "job_01J9", "workspace": "default", "event": "ev_1", "state": state, "lane": null, "parent": null,
        "workflow": { "namespace": "shop", "name": "orders", "version": "1.0.0", "revision": 3 },
        "createdAt": "2026-11-21T18:00:00Z", "startedAt": "2026-11-21T18:00:00Z", "endedAt": ended,
    })
}

fn step(task: &str, kind: &str, state: &str, took_ms: u64) -> Value {
    json!({
        "id": task, "task": task, "reference": format!("/do/0/{task}"), "kind": kind, "state": state,
        "startedAt": "2026-11-21T18:00:00Z", "endedAt": format!("2026-11-21T18:00:00.{took_ms:03}Z"),
        "attempts": [], "children": [],
    })
}

/// A loop with children, a retried call, a fault.
fn trace() -> Value {
    let error = |detail: &str| json!({ "type": "https://open-workflow-specification.org/spec/1.0.0/errors/communication", "status": 500, "detail": detail });
    let mut lookup = step("lookup", "call http", "completed", 120);
    lookup["input"] = json!({ "id": 1 });
    lookup["arguments"] = json!({ "method": "GET", "url": "http://crm/customers/1" });
    lookup["output"] = json!({ "name": "Ada Lovelace", "notes": "n".repeat(200) });
    lookup["attempts"] = json!([
        { "number": 1, "startedAt": "2026-11-21T18:00:00Z", "endedAt": "2026-11-21T18:00:00.040Z", "error": { "error": "communication", "status": 503, "detail": "asleep" } },
        { "number": 2, "startedAt": "2026-11-21T18:00:00.050Z", "endedAt": "2026-11-21T18:00:00.120Z", "error": null },
    ]);
    let mut line = step("line", "set", "completed", 0);
    line["output"] = json!({ "total": 3 });
    let mut each = step("eachLine", "for", "completed", 5);
    each["children"] = json!([line, step("skipIt", "set", "skipped", 0)]);
    let mut notify = step("notify", "call http", "faulted", 30);
    notify["error"] = error("the CRM is asleep");
    notify["attempts"] = json!([
        { "number": 1, "startedAt": "2026-11-21T18:00:00Z", "endedAt": "2026-11-21T18:00:00.030Z", "error": error("the CRM is asleep") },
    ]);
    let mut job = job("faulted");
    job["error"] = error("the CRM is asleep");
    job["error"]["instance"] = json!("/do/2/notify");
    json!({ "job": job, "steps": [lookup, each, notify] })
}

#[test]
fn job_list() {
    let server = FakeServer::start();
    let mut faulted = job("faulted");
    faulted["error"] = json!({ "type": "x/timeout", "status": 408, "title": "too slow" });
    let path = "/api/v1/jobs?workflow=shop%2Forders&state=faulted%2Crunning&limit=50";
    server.on("GET", path, json!({ "items": [faulted, job("running")], "next": null }));
    let args = ["job", "list", "--workflow", "shop/orders", "--state", "faulted,running"];
    assert_snapshot!(Sandbox::with(&server).run(&args));
}

#[test]
fn job_show() {
    let server = FakeServer::start();
    let mut shown = job("completed");
    shown["input"] = json!({ "id": 1 });
    shown["output"] = json!("done");
    server.on("GET", "/api/v1/jobs/job_01", shown);
    assert_snapshot!(Sandbox::with(&server).run(&["job", "show", "job_01"]));
}

#[test]
fn job_trace() {
    let server = FakeServer::start();
    server.on("GET", "/api/v1/jobs/job_01J9/trace", trace());
    let sandbox = Sandbox::with(&server);
    assert_snapshot!("job_trace", sandbox.run(&["job", "trace", "job_01J9"]));
    assert_snapshot!("job_trace_full", sandbox.run(&["job", "trace", "job_01J9", "--full"]));
    let json = sandbox.run(&["job", "trace", "job_01J9", "--output", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&json.stdout).expect("JSON"), trace());
}

#[test]
fn job_watch_tells_each_step_once_and_ends_with_the_job() {
    let server = FakeServer::start();
    let mut running = step("lookup", "call http", "running", 0);
    running["endedAt"] = Value::Null;
    server.on("GET", "/api/v1/jobs/job_01", job("running"));
    server.stream(
        "/api/v1/stream?job=job_01J9",
        "event: step\ndata: {\"job\":\"job_01J9\"}\n\nevent: job\ndata: {\"job\":\"job_01J9\"}\n\n",
    );
    let path = "/api/v1/jobs/job_01J9/trace";
    server.on(
        "GET",
        path,
        json!({ "job": job("running"), "steps": [running.clone(), step("next", "set", "pending", 0)] }),
    );
    server.on("GET", path, json!({ "job": job("running"), "steps": [running] }));
    server.on("GET", path, trace());
    assert_snapshot!(Sandbox::with(&server).run(&["job", "watch", "job_01"]));
    // Listening begins before the first reading.
    let lines = server.lines();
    assert_eq!(lines[1], "GET /api/v1/stream?job=job_01J9");
    assert_eq!(lines[2], format!("GET {path}"));
}

#[test]
fn job_watch_all_needs_no_job() {
    let server = FakeServer::start();
    server.stream(
        "/api/v1/stream",
        "event: job\ndata: {\"job\":\"job_1\",\"state\":\"completed\",\"workflow\":\"shop/orders\",\"at\":\"2026-11-21T18:00:00Z\"}\n\n\
         event: step\ndata: {\"job\":\"job_1\"}\n\n",
    );
    server.answer(
        "GET",
        "/api/v1/stream",
        503,
        json!({ "detail": "the server is draining", "code": "TN0503" }),
    );
    assert_snapshot!(Sandbox::with(&server).run(&["job", "watch", "--all"]));
}

#[test]
fn job_rerun_and_cancel() {
    let server = FakeServer::start();
    server.answer("POST", "/api/v1/jobs/job_01/rerun", 202, json!({ "job": "job_02" }));
    server.answer("POST", "/api/v1/jobs/job_01/cancel", 202, json!({ "job": "job_01J9" }));
    server.answer(
        "POST",
        "/api/v1/jobs/job_02/cancel",
        409,
        json!({ "detail": "The job is final", "code": "TN0409" }),
    );
    let sandbox = Sandbox::with(&server);
    let args = ["job", "rerun", "job_01", "--version", "latest", "--input", "{\"id\":2}"];
    assert_snapshot!("job_rerun", sandbox.run(&args));
    assert_snapshot!("job_cancel", sandbox.run(&["job", "cancel", "job_01"]));
    assert_snapshot!("job_cancel_final", sandbox.run(&["job", "cancel", "job_02"]));
    let sent: Value = serde_json::from_str(&server.asked()[0].body).expect("JSON");
    assert_eq!(sent, json!({ "version": "latest", "from": "start", "input": { "id": 2 } }));
}

#[test]
fn job_resume_skip_and_purge_of_one_job() {
    let server = FakeServer::start();
    server.answer("POST", "/api/v1/jobs/job_01/resume", 202, json!({ "job": "job_01" }));
    server.answer("POST", "/api/v1/jobs/job_01/skip", 202, json!({ "job": "job_01" }));
    let refused = json!({ "detail": "the job is completed, not suspended", "code": "TN0021" });
    server.answer("POST", "/api/v1/jobs/job_02/resume", 409, refused);
    let purged = json!({ "matched": 1, "done": 1, "refused": [], "next": null });
    server.on("POST", "/api/v1/jobs/bulk", purged);
    let sandbox = Sandbox::with(&server);
    assert_snapshot!("job_resume", sandbox.run(&["job", "resume", "job_01"]));
    assert_snapshot!("job_skip", sandbox.run(&["job", "skip", "job_01"]));
    assert_snapshot!("job_resume_completed", sandbox.run(&["job", "resume", "job_02"]));
    assert_snapshot!("job_purge", sandbox.run(&["job", "purge", "job_01"]));
    let sent: Value = serde_json::from_str(&server.asked()[3].body).expect("JSON");
    assert_eq!(sent, json!({ "filter": { "job": "job_01" }, "action": "purge" }));
}

#[test]
fn many_jobs_are_counted_then_asked_about_then_worked_through() {
    let server = FakeServer::start();
    let path = "/api/v1/jobs/bulk";
    server.on("POST", path, json!({ "matched": 250, "done": 0, "refused": [], "next": null }));
    let sandbox = Sandbox::with(&server);
    let args = ["job", "cancel", "--workflow", "shop/orders", "--state", "pending,waiting"];
    assert_snapshot!("many_dry_run", sandbox.run(&[&args[..], &["--dry-run"]].concat()));
    assert_snapshot!("many_without_yes", sandbox.run(&args));
    assert_snapshot!("many_without_filter", sandbox.run(&["job", "purge", "--yes"]));
    let one = ["job", "purge", "job_01", "--dry-run"];
    assert_snapshot!("one_is_not_counted", sandbox.run(&one));
    let counted: Value = serde_json::from_str(&server.asked()[0].body).expect("JSON");
    let filter = json!({ "workflow": "shop/orders", "state": "pending,waiting" });
    assert_eq!(counted, json!({ "filter": filter, "action": "cancel", "limit": 1000, "dryRun": true }));
}

#[test]
fn pages_of_many_jobs_are_told_and_so_are_refusals() {
    let server = FakeServer::start();
    let path = "/api/v1/jobs/bulk";
    let refused = json!([{ "job": "job_07", "detail": "no step of the job has failed" }]);
    server.answer("POST", path, 200, json!({ "matched": 1, "done": 0, "cursor": "99.99", "next": "98.99" }));
    server.answer(
        "POST",
        path,
        200,
        json!({ "matched": 200, "done": 199, "refused": refused, "next": "77.99" }),
    );
    server.answer("POST", path, 200, json!({ "matched": 50, "done": 50, "refused": [], "next": null }));
    let sandbox = Sandbox::with(&server);
    let args = ["job", "rerun", "--error", "timeout", "--from", "failed", "--version", "latest", "--yes"];
    assert_snapshot!("many_reruns", sandbox.run(&args));
    let second: Value = serde_json::from_str(&server.asked()[2].body).expect("JSON");
    let expected = json!({
        "filter": { "errorType": "timeout" }, "action": "rerun", "limit": 200, "dryRun": false,
        "cursor": "77.99", "version": "latest", "from": "failed",
    });
    assert_eq!(second, expected);
}

/// The cursors of the pages that were asked for; the first request only asks where to begin.
fn cursors(server: &FakeServer) -> Vec<Value> {
    let body = |asked: &str| serde_json::from_str::<Value>(asked).expect("JSON")["cursor"].clone();
    server.asked().iter().skip(1).map(|asked| body(&asked.body)).collect()
}

#[test]
fn many_jobs_go_on_where_the_server_stopped() {
    let server = FakeServer::start();
    let path = "/api/v1/jobs/bulk";
    let answer = |status, answer| server.answer("POST", path, status, answer);
    answer(200, json!({ "matched": 1, "cursor": "99.99", "next": null }));
    let stopped =
        json!({ "job": "job_04", "status": 503, "detail": "the server is stopping", "past": "4.99" });
    answer(200, json!({ "matched": 2, "done": 2, "refused": [], "next": "5.99", "stopped": stopped }));
    answer(503, json!({ "detail": "the server is starting", "code": "TN0014" }));
    answer(200, json!({ "matched": 3, "done": 3, "refused": [], "next": null, "stopped": null }));
    let sandbox = Sandbox::with(&server);
    assert_snapshot!("many_stopped", sandbox.run(&["job", "rerun", "--state", "faulted", "--yes"]));
    assert_eq!(cursors(&server), ["99.99", "5.99", "5.99"]);
}

#[test]
fn many_jobs_that_cannot_go_on_say_what_was_done_and_where_to_go_on() {
    let server = FakeServer::start();
    let path = "/api/v1/jobs/bulk";
    let answer = |status, answer| server.answer("POST", path, status, answer);
    answer(200, json!({ "matched": 200, "done": 200, "refused": [], "next": "5.99", "stopped": null }));
    answer(401, json!({ "detail": "no such key", "code": "TN0002" }));
    answer(200, json!({ "matched": 3, "done": 3, "refused": [], "next": null, "stopped": null }));
    let sandbox = Sandbox::with(&server);
    let args = ["job", "rerun", "--state", "faulted", "--yes", "--cursor"];
    assert_snapshot!("many_given_up", sandbox.run(&[&args[..], &["99.99"]].concat()));
    assert_snapshot!("many_gone_on", sandbox.run(&[&args[..], &["5.99"]].concat()));
    assert_eq!(cursors(&server), ["5.99", "5.99"]);
}

#[test]
fn many_jobs_that_are_none_are_said_to_be_none() {
    #[track_caller]
    fn check(ran: &Ran, stdout: &str) {
        assert_eq!((ran.exit, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), stdout, ""));
    }
    let server = FakeServer::start();
    let none = json!({ "matched": 0, "done": 0, "refused": [], "cursor": "99.99", "next": null });
    server.on("POST", "/api/v1/jobs/bulk", none);
    let sandbox = Sandbox::with(&server);
    let of = |args: &[&str]| sandbox.run(&[&["job"], args].concat());
    check(&of(&["rerun", "--workflow", "shop/orders"]), "no faulted job matches: nothing to rerun\n");
    check(&of(&["rerun", "--since", "1h", "--dry-run"]), "no faulted job matches: nothing to rerun\n");
    check(&of(&["skip", "--since", "1h", "--yes"]), "no suspended job matches: nothing to skip\n");
    check(&of(&["cancel", "--state", "pending", "--yes"]), "no job matches: nothing to cancel\n");
}

#[test]
fn many_refusals_are_not_all_told() {
    let server = FakeServer::start();
    let refused = vec![json!({ "job": "job_07", "detail": "still needed" }); 12];
    let answer = json!({ "matched": 12, "done": 0, "refused": refused, "cursor": "99.99", "next": null });
    server.on("POST", "/api/v1/jobs/bulk", answer);
    let ran = Sandbox::with(&server).run(&["job", "purge", "--until", "1d", "--yes"]);
    assert_eq!((ran.exit, ran.stderr.matches("still needed").count()), (Some(1), 10));
    assert!(ran.stderr.contains("warning: and 2 more; `--output json` has them all\n"), "{ran}");
}

#[test]
fn ctrl_c_says_what_was_done_and_where_to_go_on() {
    let server = FakeServer::start();
    let path = "/api/v1/jobs/bulk";
    let answer = |status, answer| server.answer("POST", path, status, answer);
    answer(200, json!({ "matched": 1, "cursor": "99.99", "next": null }));
    answer(200, json!({ "matched": 200, "done": 200, "refused": [], "next": "5.99", "stopped": null }));
    // From here on it waits and asks again.
    answer(503, json!({ "detail": "the server is starting", "code": "TN0014" }));
    let sandbox = Sandbox::with(&server);
    let args = ["job", "cancel", "--since", "2026-11-21", "--yes"];
    let mut command = sandbox.command(&args);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("the binary runs");
    // polls: what was asked for tells nobody; by the third request it heeds the signal
    while server.asked().len() < 3 {
        std::thread::yield_now();
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it runs");
    let ran = sandbox.ran(child.wait_with_output().expect("it ends"));
    assert_eq!((ran.exit, ran.stdout.as_str()), (Some(1), "200 jobs cancelled\n"), "{ran}");
    let (_, told) = ran.stderr.split_once("error: ").expect("an error");
    let expected = "interrupted: some of the next 200 jobs may have been cancelled, too
hint: the same command with --since 2026-11-21T00:00:00Z --cursor 5.99 goes on where this one stopped
";
    assert_eq!(told, expected);
}
