//! B7: 100,000 jobs that wait for a day cost a row each; after `kill -9` the server is back at once.

use super::report::{Report, Row, Verdict, mebibytes};
use super::{Bench, documents};
use crate::clock::{self, Deadline};
use crate::http::{Connection, Request};
use crate::process;
use anyhow::{Context, Result};
use serde_json::json;
use std::net::SocketAddr;
use std::time::Duration;

/// How long all jobs may take to reach their wait.
const SETTLE_LIMIT: Duration = Duration::from_mins(10);
/// How long the first webhook after the kill may take.
const SERVE_LIMIT: Duration = Duration::from_mins(1);
/// The number that the target is about.
const FULL: u64 = 100_000;
const CLIENTS: usize = 64;

pub(super) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let stage = bench.stage("b7")?;
    stage.deploy("day", Some(&documents::wait_a_day("day")), "accepted")?;
    let mut load = stage.closed_loop(&bench.options, "day", CLIENTS);
    load.count = Some(bench.options.jobs);
    load.warm_up = 0.0;
    let begun = clock::now();
    let summary = bench.load(&load)?;
    stage.settle(SETTLE_LIMIT)?;
    let parked_in = begun.elapsed();
    let memory = process::resident_bytes(stage.server.process())?;

    let begun = clock::now();
    let stage = stage.kill_and_start()?;
    let ready_in = stage.server.started_in;
    first_webhook(stage.server.address())?;
    let serving_in = begun.elapsed();
    let memory_after = process::resident_bytes(stage.server.process())?;
    let open = stage.server.api().get("/api/v1/doctor")?["disk"]["openJobs"].as_u64();
    let open = open.context("the doctor does not say how many jobs are open")?;
    anyhow::ensure!(open >= bench.options.jobs, "only {open} of {} jobs are still there", bench.options.jobs);

    let worst = memory.max(memory_after);
    report.row(Row {
        id: "B7",
        what: format!(
            "{} jobs waiting a day (parked in {:.0} s), kill -9",
            bench.options.jobs,
            parked_in.as_secs_f64()
        ),
        target: "≤ 300 MB, serving ≤ 2 s".into(),
        measured: format!(
            "{} ({} after the restart), serving after {:.2} s",
            mebibytes(memory),
            mebibytes(memory_after),
            serving_in.as_secs_f64()
        ),
        verdict: Verdict::at_full_size(
            bench.options.jobs >= FULL,
            worst <= 300_000_000 && serving_in.as_secs_f64() <= 2.0,
        ),
    });
    report.raw(
        "B7",
        json!({
            "jobs": bench.options.jobs,
            "parked_in_seconds": parked_in.as_secs_f64(),
            "resident_bytes": memory,
            "resident_bytes_after_restart": memory_after,
            "ready_in_seconds": ready_in.as_secs_f64(),
            "serving_in_seconds": serving_in.as_secs_f64(),
            "load": summary,
        }),
    )
}

/// Sends one webhook until it is accepted.
fn first_webhook(address: SocketAddr) -> Result<()> {
    let headers = [("Content-Type", "application/json")];
    let target = "/hooks/default/bench/day";
    let request = Request { method: "POST", target, headers: &headers, body: documents::BODY.as_bytes() };
    let mut connection = Connection::new(address, Duration::from_secs(5));
    let deadline = Deadline::after(SERVE_LIMIT);
    loop {
        let status = connection.send(&request).and_then(|answer| answer.status());
        if matches!(status, Ok(202)) {
            return Ok(());
        }
        anyhow::ensure!(!deadline.passed(), "no webhook was accepted after the restart: {status:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
