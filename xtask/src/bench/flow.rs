//! B2, B3 and B4: a webhook is answered with the output of a workflow that calls a local echo.

use super::ingest::CLIENTS;
use super::report::{Report, Row, Verdict, milliseconds, thousands};
use super::statistics::median;
use super::{Bench, documents, stage};
use crate::process;
use anyhow::Result;
use std::collections::BTreeMap;

/// A flow and what is demanded of it.
pub(super) struct Flow {
    id: &'static str,
    name: &'static str,
    /// HTTP calls, one after another.
    calls: u32,
    /// Flows a second.
    target: f64,
}

pub(super) const SHORT: Flow = Flow { id: "B2", name: "flow", calls: 1, target: 6_000.0 };
pub(super) const LONG: Flow = Flow { id: "B3", name: "long-flow", calls: 5, target: 2_000.0 };
/// B4: half of all answers within this many microseconds.
const LATENCY_TARGET_US: f64 = 1_500.0;

/// Throughput at several concurrencies; the best one stands against the target.
pub(super) fn run(bench: &Bench, report: &mut Report, flow: &Flow) -> Result<()> {
    let callee = stage::callee(bench)?;
    let stage = bench.stage(flow.name)?;
    stage.deploy(flow.name, Some(&documents::flow(flow.name, flow.calls, callee.address)), "wait")?;
    let mut raw = BTreeMap::new();
    let (mut best, mut best_clients, mut answered) = (0.0, 0, 0);
    for clients in CLIENTS {
        let busy = process::processor_time(callee.process())?;
        let rounds = stage.rounds(bench, &stage.closed_loop(&bench.options, flow.name, clients))?;
        let busy = process::processor_time(callee.process())?.saturating_sub(busy).as_secs_f64();
        eprintln!("callee used {:.2} s of processor per round", busy / rounds.len() as f64);
        let rate = median(rounds.iter().map(|round| round.load.per_second));
        answered += rounds.iter().map(|round| round.load.requests).sum::<u64>();
        if rate > best {
            (best, best_clients) = (rate, clients);
        }
        raw.insert(clients, rounds);
    }
    let called = callee.stop()?;
    anyhow::ensure!(
        called >= answered * u64::from(flow.calls),
        "{answered} flows were answered with {called} calls: a flow did not call"
    );
    for (clients, rounds) in &raw {
        let rate = median(rounds.iter().map(|round| round.load.per_second));
        let p99 = median(rounds.iter().map(|round| round.load.latency_us.p99));
        let is_best = *clients == best_clients;
        report.row(Row {
            id: flow.id,
            what: format!("set → {} × HTTP → set, answered, {clients} clients", flow.calls),
            target: if is_best { format!("≥ {}/s", thousands(flow.target)) } else { String::new() },
            measured: format!("{}/s, p99 {}", thousands(rate), milliseconds(p99)),
            verdict: if is_best { Verdict::of(rate >= flow.target) } else { Verdict::Info },
        });
    }
    report.raw(flow.id, raw)
}

/// B4: latency of the short flow with one client.
pub(super) fn latency(bench: &Bench, report: &mut Report) -> Result<()> {
    let callee = stage::callee(bench)?;
    let stage = bench.stage("latency")?;
    stage.deploy(SHORT.name, Some(&documents::flow(SHORT.name, SHORT.calls, callee.address)), "wait")?;
    let rounds = stage.rounds(bench, &stage.closed_loop(&bench.options, SHORT.name, 1))?;
    let p50 = median(rounds.iter().map(|round| round.load.latency_us.p50));
    let p99 = median(rounds.iter().map(|round| round.load.latency_us.p99));
    report.row(Row {
        id: "B4",
        what: "set → HTTP → set, answered, one client".into(),
        target: "p50 ≤ 1.5 ms".into(),
        measured: format!("p50 {}, p99 {}", milliseconds(p50), milliseconds(p99)),
        verdict: Verdict::of(p50 <= LATENCY_TARGET_US),
    });
    report.raw("B4", rounds)
}
