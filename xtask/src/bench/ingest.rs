//! B1, durable ingest: a webhook is answered after it is committed.
//!
//! (a) nobody listens; (b) one workflow with one `set` does, and jobs are finished as fast as they come: the
//! number that counts is finished jobs, and the backlog must be flat.

use super::report::{Report, Row, Verdict, milliseconds, thousands};
use super::stage::{Round, Sample, Stage};
use super::statistics::median;
use super::{Bench, documents};
use anyhow::Result;
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) const CLIENTS: [usize; 4] = [1, 16, 64, 128];
/// The concurrency that B1's target is about.
const TARGET_CLIENTS: usize = 64;
/// Open loop: this part of what the closed loop reached.
const OPEN_LOOP_SHARE: f64 = 0.7;
/// A backlog is flat when it grew by less than this part of what was captured …
const FLAT_SHARE: f64 = 0.01;
/// … or by less than this many jobs.
const FLAT_JOBS: f64 = 500.0;
/// Where the backlog grows, the load is lowered to this part, and again.
const STEP_DOWN: f64 = 0.9;
const MAX_STEPS: u32 = 4;
/// How long the target wants the backlog to be flat.
const FLAT_SECONDS: f64 = 60.0;
/// How long jobs may take to finish after a load.
const SETTLE_LIMIT: Duration = Duration::from_mins(5);

/// What counters say about a load: rates over the measured time, and whether the backlog was flat.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Balance {
    finished_per_second: f64,
    grew_by: f64,
    captured: f64,
}

pub(super) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    captured_only(bench, report)?;
    captured_and_finished(bench, report)
}

/// (a)
fn captured_only(bench: &Bench, report: &mut Report) -> Result<()> {
    let stage = bench.stage("b1a")?;
    stage.deploy("capture", None, "accepted")?;
    let mut raw = BTreeMap::new();
    let mut reached = 0.0;
    for clients in CLIENTS {
        let rounds = stage.rounds(bench, &stage.closed_loop(&bench.options, "capture", clients))?;
        let rate = median(rounds.iter().map(|round| round.load.per_second));
        let p99 = median(rounds.iter().map(|round| round.load.latency_us.p99));
        let is_target = clients == TARGET_CLIENTS;
        if is_target {
            reached = rate;
        }
        report.row(Row {
            id: "B1a",
            what: format!("webhook → 202 after commit, {clients} clients"),
            target: if is_target { "≥ 25,000/s, p99 ≤ 10 ms".into() } else { String::new() },
            measured: format!("{}/s, p99 {}", thousands(rate), milliseconds(p99)),
            verdict: if is_target { Verdict::of(rate >= 25_000.0 && p99 <= 10_000.0) } else { Verdict::Info },
        });
        raw.insert(format!("{clients} clients"), rounds);
    }
    let mut load = stage.closed_loop(&bench.options, "capture", TARGET_CLIENTS);
    load.rate = Some((reached * OPEN_LOOP_SHARE).round());
    let rounds = stage.rounds(bench, &load)?;
    let latency = |pick: fn(&Round) -> f64| milliseconds(median(rounds.iter().map(pick)));
    report.row(Row {
        id: "B1a",
        what: format!("the same, open loop at {}/s", thousands(load.rate.unwrap_or_default())),
        target: String::new(),
        measured: format!(
            "p50 {}, p99 {}",
            latency(|round| round.load.latency_us.p50),
            latency(|round| round.load.latency_us.p99)
        ),
        verdict: Verdict::Info,
    });
    raw.insert("open loop".into(), rounds);
    report.raw("B1a", raw)
}

/// (b)
fn captured_and_finished(bench: &Bench, report: &mut Report) -> Result<()> {
    let stage = bench.stage("b1b")?;
    stage.deploy("one-set", Some(&documents::one_set("one-set")), "accepted")?;
    let mut load = stage.closed_loop(&bench.options, "one-set", TARGET_CLIENTS);
    let mut rounds = Vec::new();
    for _ in 0..bench.options.rounds {
        let round = stage.sampled_round(bench, &load)?;
        let balance = balance(&round.samples, load.warm_up);
        let (finished, captured, grew) =
            (balance.finished_per_second, round.load.per_second, balance.grew_by);
        eprintln!(
            "{TARGET_CLIENTS} clients: captured {captured:.0}/s, finished {finished:.0}/s, backlog {grew:+.0}"
        );
        rounds.push(round);
        stage.settle(SETTLE_LIMIT)?;
    }
    let finished =
        median(rounds.iter().map(|round| balance(&round.samples, load.warm_up).finished_per_second));
    report.raw("B1b rounds", &rounds)?;

    load.seconds = bench.options.flat_seconds;
    let (round, balance) = flat_round(bench, &stage, &mut load, finished)?;
    let pace = load.rate.map_or("closed loop".into(), |rate| format!("open loop at {}/s", thousands(rate)));
    report.row(Row {
        id: "B1b",
        what: format!(
            "one `set`: captured and finished, {TARGET_CLIENTS} clients, {:.0} s, {pace}",
            load.seconds
        ),
        target: "≥ 10,000/s, backlog flat".into(),
        measured: format!(
            "{}/s, backlog {:+.0} over {} captured (median of short rounds {}/s)",
            thousands(balance.finished_per_second),
            balance.grew_by,
            thousands(balance.captured),
            thousands(finished)
        ),
        verdict: Verdict::at_full_size(
            load.seconds >= FLAT_SECONDS,
            balance.finished_per_second >= 10_000.0 && balance.is_flat(),
        ),
    });
    report.raw("B1b flat", round)
}

/// The long round: closed loop, or, where its backlog grows, the fastest constant rate that is tried at which
/// it does not.
fn flat_round(
    bench: &Bench,
    stage: &Stage,
    load: &mut crate::load::Arguments,
    finished: f64,
) -> Result<(Round, Balance)> {
    let mut rate = finished;
    for step in 0.. {
        let round = stage.sampled_round(bench, load)?;
        stage.settle(SETTLE_LIMIT)?;
        let balance = balance(&round.samples, load.warm_up);
        if balance.is_flat() || step == MAX_STEPS {
            return Ok((round, balance));
        }
        rate = rate.min(balance.finished_per_second) * STEP_DOWN;
        eprintln!("the backlog grew by {:.0}; trying {rate:.0}/s", balance.grew_by);
        load.rate = Some(rate.round());
    }
    unreachable!("the loop ends with its last step")
}

impl Balance {
    fn is_flat(&self) -> bool {
        self.grew_by <= (self.captured * FLAT_SHARE).max(FLAT_JOBS)
    }
}

/// Rates between the end of the warm-up and the last sample.
fn balance(samples: &[Sample], warm_up: f64) -> Balance {
    let first = samples.iter().find(|sample| sample.at >= warm_up);
    let (Some(first), Some(last)) = (first, samples.last()) else {
        return Balance { finished_per_second: 0.0, grew_by: 0.0, captured: 0.0 };
    };
    let (captured, finished) = (last.captured - first.captured, last.finished - first.finished);
    let seconds = (last.at - first.at).max(f64::EPSILON);
    Balance { finished_per_second: finished / seconds, grew_by: captured - finished, captured }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at: f64, captured: f64, finished: f64) -> Sample {
        Sample { at, captured, finished }
    }

    #[test]
    fn a_backlog_that_keeps_up_is_flat() {
        let samples =
            [sample(0.0, 0.0, 0.0), sample(1.0, 9_000.0, 8_900.0), sample(11.0, 109_000.0, 108_800.0)];
        let balance = balance(&samples, 1.0);
        assert!((balance.finished_per_second - 9_990.0).abs() < 1e-6);
        assert!(balance.is_flat());
    }

    #[test]
    fn a_backlog_that_grows_is_not() {
        let samples = [sample(1.0, 0.0, 0.0), sample(11.0, 100_000.0, 90_000.0)];
        assert!(!balance(&samples, 1.0).is_flat());
    }

    #[test]
    fn no_samples_are_no_throughput() {
        assert!(balance(&[], 1.0).finished_per_second.abs() < 1e-9);
    }
}
