//! B1c: what retention costs those who come meanwhile: p99 of durable ingest while finished jobs are pruned, against
//! the same server with the same jobs before the first of them expires.

use super::report::{Report, Row, Verdict, milliseconds, thousands};
use super::stage::{Round, Stage};
use super::statistics::median;
use super::{Bench, documents};
use crate::clock;
use anyhow::{Context, Result};
use serde_json::json;
use std::time::Duration;

const CLIENTS: usize = 64;
/// Jobs that are finished to see how fast that goes.
const TRIAL: u64 = 5_000;
/// The number that the target is about.
const FULL: u64 = 1_000_000;
const TARGET: f64 = 2.0;
/// The fill may be so much slower than the trial.
const SLACK: f64 = 1.3;
/// Between the last expiry that was foreseen and the first round beside it: retention looks every ten seconds.
const LEAD: Duration = Duration::from_secs(11);
const SETTLE_LIMIT: Duration = Duration::from_mins(10);

pub(super) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let stage = bench.stage("b1c")?;
    stage.deploy("capture", None, "accepted")?;
    stage.deploy("trial", Some(&documents::one_set("trial")), "accepted")?;
    let per_second = TRIAL as f64 / fill(bench, &stage, "trial", TRIAL)?.as_secs_f64();
    let rounds = f64::from(bench.options.rounds) * (bench.options.seconds + bench.options.warm_up + 1.0);
    let keep = bench.options.finished as f64 / per_second * SLACK + rounds;
    let keep = Duration::from_secs(keep.ceil() as u64 + 1);
    stage.deploy("kept", Some(&documents::kept("kept", keep)), "accepted")?;

    let begun = clock::now();
    let filled_in = fill(bench, &stage, "kept", bench.options.finished)?;
    eprintln!(
        "{} jobs finished in {:.0} s, kept for {keep:?}",
        bench.options.finished,
        filled_in.as_secs_f64()
    );
    let before = ingest(bench, &stage)?;
    anyhow::ensure!(begun.elapsed() < keep, "jobs expired before the rounds without pruning were over");
    std::thread::sleep((keep + LEAD).saturating_sub(begun.elapsed()));

    let (jobs_before, beside, jobs_after) = (jobs(&stage)?, ingest(bench, &stage)?, jobs(&stage)?);
    let pruned = jobs_before.saturating_sub(jobs_after);
    let [without, with] =
        [&before, &beside].map(|rounds| median(rounds.iter().map(|round| round.load.latency_us.p99)));
    let ratio = with / without;
    report.row(Row {
        id: "B1c",
        what: format!(
            "B1a's p99 at {CLIENTS} clients while {} finished jobs are pruned ({} of them in this time)",
            thousands(bench.options.finished as f64),
            thousands(pruned as f64)
        ),
        target: "≤ 2 × without".into(),
        measured: format!("{}, without {}: {ratio:.2} ×", milliseconds(with), milliseconds(without)),
        verdict: Verdict::at_full_size(bench.options.finished >= FULL && pruned > 0, ratio <= TARGET),
    });
    report.raw("B1c", json!({ "pruned": pruned, "without": before, "with": beside }))
}

/// Captures so many events and waits until their jobs have ended.
fn fill(bench: &Bench, stage: &Stage, name: &str, count: u64) -> Result<Duration> {
    let begun = clock::now();
    let mut load = stage.closed_loop(&bench.options, name, CLIENTS);
    (load.count, load.warm_up) = (Some(count), 0.0);
    bench.load(&load)?;
    stage.settle(SETTLE_LIMIT)?;
    Ok(begun.elapsed())
}

fn ingest(bench: &Bench, stage: &Stage) -> Result<Vec<Round>> {
    stage.rounds(bench, &stage.closed_loop(&bench.options, "capture", CLIENTS))
}

fn jobs(stage: &Stage) -> Result<u64> {
    let jobs = stage.server.api().get("/api/v1/doctor")?["disk"]["jobs"].as_u64();
    jobs.context("the doctor does not say how many jobs there are")
}
