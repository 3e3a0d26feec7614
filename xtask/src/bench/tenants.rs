//! B9: what a quiet workspace feels of another one's flood. Its p99 alone, beside a flood of events that are captured
//! and worked off, and beside the same flood answered by plain 429s: what the machine's two cores cost anyhow.

use super::report::{Report, Row, Verdict, milliseconds, thousands};
use super::stage::{Round, Stage};
use super::statistics::median;
use super::{Bench, documents};
use crate::load;
use anyhow::{Context, Result};
use serde_json::json;
use std::process::Child;
use std::time::Duration;

const QUIET: &str = "quiet";
const FLOOD: &str = "flood";
/// Requests of the quiet one, a second.
const RATE: f64 = 100.0;
const QUIET_CLIENTS: usize = 4;
const FLOOD_CLIENTS: usize = 64;
/// The number that the target is about.
const FULL: u64 = 1_000_000;
const TARGET: f64 = 2.0;
/// Longer than any round: a flood that ends by being ended.
const ENDLESS_SECONDS: f64 = 86_400.0;
const LIMIT: Duration = Duration::from_mins(1);

/// A flood in a process of its own; ends when dropped.
struct Flood(Child);

impl Drop for Flood {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(super) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let stage = bench.stage("b9")?;
    deploy(&stage, &documents::one_set("flooded"))?;
    let alone = beside_rounds(bench, &stage)?;
    let (flooded, flood) = beside_flood(bench, &stage)?;
    drop(stage);

    let stage = bench.stage_with("b9-refused", &[("TENON_LIMITS_BACKLOG_JOBS", "1")])?;
    deploy(&stage, &documents::one_a_day("flooded"))?;
    let refused = beside_refusals(bench, &stage)?;

    let [alone_p99, flooded_p99, refused_p99] = [&alone, &flooded, &refused].map(|rounds| p99(rounds));
    let against_refused = flooded_p99 / refused_p99;
    let count = flood.statuses.get("202").copied().unwrap_or(0);
    report.row(Row {
        id: "B9",
        what: format!("a quiet workspace's p99 ({RATE}/s, captured, worked on and answered), alone"),
        target: String::new(),
        measured: milliseconds(alone_p99),
        verdict: Verdict::Info,
    });
    report.row(Row {
        id: "B9",
        what: "the same beside a flood that is answered by 429s".into(),
        target: String::new(),
        measured: milliseconds(refused_p99),
        verdict: Verdict::Info,
    });
    report.row(Row {
        id: "B9",
        what: format!(
            "the same beside {} events of another workspace, {FLOOD_CLIENTS} clients, {}/s",
            thousands(count as f64),
            thousands(flood.per_second)
        ),
        target: "≤ 2 × beside 429s".into(),
        measured: format!(
            "{}: {against_refused:.2} × beside 429s, {:.2} × alone",
            milliseconds(flooded_p99),
            flooded_p99 / alone_p99
        ),
        verdict: Verdict::at_full_size(count >= FULL, against_refused <= TARGET),
    });
    report.raw("B9", json!({ "alone": alone, "beside": flooded, "flood": flood, "refused": refused }))
}

fn p99(rounds: &[Round]) -> f64 {
    median(rounds.iter().map(|round| round.load.latency_us.p99))
}

fn deploy(stage: &Stage, flooded: &str) -> Result<()> {
    stage.deploy_in(QUIET, "asked", &documents::one_set("asked"), "wait")?;
    stage.deploy_in(FLOOD, "flooded", flooded, "accepted")
}

fn quiet(bench: &Bench, stage: &Stage) -> load::Arguments {
    let mut load = stage.closed_loop(&bench.options, "asked", QUIET_CLIENTS);
    load.target = format!("/hooks/{QUIET}/bench/asked");
    load.rate = Some(RATE);
    load
}

fn flood(bench: &Bench, stage: &Stage) -> load::Arguments {
    let mut load = stage.closed_loop(&bench.options, "flooded", FLOOD_CLIENTS);
    load.target = format!("/hooks/{FLOOD}/bench/flooded");
    load.warm_up = 0.0;
    load
}

/// As many rounds as asked for.
fn beside_rounds(bench: &Bench, stage: &Stage) -> Result<Vec<Round>> {
    (0..bench.options.rounds).map(|_| round(bench, stage)).collect()
}

fn round(bench: &Bench, stage: &Stage) -> Result<Round> {
    let round = stage.round(bench, &quiet(bench, stage))?;
    eprintln!(
        "p50 {}, p99 {}",
        milliseconds(round.load.latency_us.p50),
        milliseconds(round.load.latency_us.p99)
    );
    Ok(round)
}

/// Rounds for as long as the flood lasts; the last one, in which it ended, does not count if there is another.
fn beside_flood(bench: &Bench, stage: &Stage) -> Result<(Vec<Round>, load::Summary)> {
    let mut load = flood(bench, stage);
    load.count = Some(bench.options.flood);
    let mut child = bench.spawn_load(&load)?;
    let mut rounds = Vec::new();
    while child.try_wait()?.is_none() {
        rounds.push(round(bench, stage)?);
    }
    if rounds.len() > 1 {
        rounds.pop();
    }
    let output = child.wait_with_output()?;
    anyhow::ensure!(output.status.success(), "the flood failed ({})", output.status);
    let summary = serde_json::from_slice(&output.stdout).context("the load generator's answer")?;
    anyhow::ensure!(!rounds.is_empty(), "the flood was over before the first round (--flood)");
    Ok((rounds, summary))
}

/// As many rounds as asked for, while the flooded workspace takes nothing.
fn beside_refusals(bench: &Bench, stage: &Stage) -> Result<Vec<Round>> {
    let mut load = flood(bench, stage);
    load.seconds = ENDLESS_SECONDS;
    let _flood = Flood(bench.spawn_load(&load)?);
    let mut api = stage.server.api();
    let deadline = crate::clock::Deadline::after(LIMIT);
    // polls: the backlog reaches its bound
    while crate::api::metric(&api.text("/metrics")?, "tenon_intake_refused_total") < Some(100.0) {
        anyhow::ensure!(!deadline.passed(), "the flooded workspace was not refused");
        std::thread::sleep(Duration::from_millis(50));
    }
    beside_rounds(bench, stage)
}
