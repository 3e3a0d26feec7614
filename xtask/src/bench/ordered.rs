//! B5: events of many ordering keys, captured beforehand, each one effect that takes 50 ms. The ideal is one lane's
//! effects one after another with nothing between them, and all lanes at once.
//!
//! "Beforehand": the callee answers nothing until everything is captured, so that each lane stands at its first
//! effect when its gate opens and the clock starts.

use super::gate::{Gate, Seen};
use super::report::{Report, Row, Verdict};
use super::stage::Stage;
use super::{Bench, documents};
use crate::clock::{self, Deadline};
use crate::http::{Connection, Request};
use anyhow::{Context, Result};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

const KEYS: u64 = 100;
const EFFECT: Duration = Duration::from_millis(50);
/// The number that the target is about.
const FULL: u64 = 10_000;
/// Of the ideal, what may be reached.
const TARGET: f64 = 1.2;
const LIMIT: Duration = Duration::from_mins(5);
/// How often it is asked whether all jobs have ended: well below an effect.
const LOOK_EVERY: Duration = Duration::from_millis(5);

pub(super) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let turns = bench.options.events.div_ceil(KEYS);
    let events = turns * KEYS;
    let mut ratios = Vec::new();
    let mut faults = Vec::new();
    for round in 0..bench.options.rounds {
        let gate = Gate::start(EFFECT)?;
        let stage = bench.stage("b5")?;
        stage.deploy("ordered", Some(&documents::ordered("ordered", gate.address)), "accepted")?;
        let captured = clock::now();
        capture(&stage, turns)?;
        let captured = captured.elapsed();
        let makespan = work_off(&stage, &gate, events)?;
        let ideal = EFFECT * u32::try_from(turns)?;
        let ratio = makespan.as_secs_f64() / ideal.as_secs_f64();
        eprintln!(
            "round {round}: {events} events captured in {:.1} s, done in {:.3} s, {ratio:.3} × the ideal",
            captured.as_secs_f64(),
            makespan.as_secs_f64()
        );
        ratios.push(ratio);
        faults.extend(disorder(&gate.came(), turns));
    }
    let ratio = super::statistics::median(ratios.iter().copied());
    let ideal = EFFECT.as_secs_f64() * turns as f64;
    let order =
        faults.first().map_or_else(|| "order exact".to_owned(), |fault| format!("ORDER BROKEN: {fault}"));
    report.row(Row {
        id: "B5",
        what: format!("{events} events of {KEYS} keys, one effect of 50 ms each (ideal {ideal:.1} s)"),
        target: "≤ 1.2 × ideal, order exact".into(),
        measured: format!("{:.2} s, {ratio:.3} × ideal, {order}", ratio * ideal),
        verdict: if faults.is_empty() {
            Verdict::at_full_size(events >= FULL, ratio <= TARGET)
        } else {
            Verdict::Short
        },
    });
    report.raw("B5", json!({ "events": events, "keys": KEYS, "ratios": ratios, "disorder": faults }))
}

/// One event of each key in each batch, one batch after the other: so the order of each key is certain.
fn capture(stage: &Stage, turns: u64) -> Result<()> {
    let mut connection = Connection::new(stage.server.address(), Duration::from_mins(1));
    let authorization = format!("Bearer {}", stage.server.key());
    let headers =
        [("Authorization", authorization.as_str()), ("Content-Type", "application/cloudevents-batch+json")];
    for turn in 0..turns {
        let events = (0..KEYS).map(|key| {
            json!({
                "specversion": "1.0", "id": format!("{key}-{turn}"), "source": "/bench",
                "type": documents::event_type("ordered"), "data": { "key": key, "turn": turn },
            })
        });
        let body = serde_json::Value::Array(events.collect()).to_string();
        let request =
            Request { method: "POST", target: "/events/default", headers: &headers, body: body.as_bytes() };
        let answer = connection.send(&request)?;
        let status = answer.status()?;
        anyhow::ensure!(
            status == 202,
            "a batch was answered {status}: {}",
            String::from_utf8_lossy(&answer.body)
        );
    }
    Ok(())
}

/// Opens the gate; how long until all jobs have ended.
fn work_off(stage: &Stage, gate: &Gate, events: u64) -> Result<Duration> {
    let mut api = stage.server.api();
    let deadline = Deadline::after(LIMIT);
    // polls: every lane stands at its first effect
    while (gate.came().len() as u64) < KEYS {
        anyhow::ensure!(!deadline.passed(), "only {} lanes came to the callee", gate.came().len());
        std::thread::sleep(LOOK_EVERY);
    }
    let opened = gate.open();
    loop {
        let text = api.text("/metrics")?;
        let finished = crate::api::metric(&text, "tenon_jobs_finished_total").context("no such metric")?;
        if finished as u64 >= events {
            return Ok(opened.elapsed());
        }
        anyhow::ensure!(!deadline.passed(), "only {finished} of {events} jobs ended");
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Calls of a key that came out of turn, twice, beside another of the same key, or not at all.
fn disorder(came: &[Seen], turns: u64) -> Vec<String> {
    let mut faults = Vec::new();
    let mut next: BTreeMap<&str, u64> = BTreeMap::new();
    for seen in came {
        let Some((lane, turn)) = seen.path.rsplit_once('/') else {
            faults.push(format!("a strange call: {}", seen.path));
            continue;
        };
        let expected = next.entry(lane).or_default();
        if turn.parse() != Ok(*expected) {
            faults.push(format!("{} came where {lane}/{expected} was next", seen.path));
        }
        if seen.beside > 0 {
            faults.push(format!("{} came beside {} others of its key", seen.path, seen.beside));
        }
        *expected += 1;
    }
    let missing = next.values().filter(|count| **count != turns).count() as u64 + KEYS - next.len() as u64;
    if missing > 0 {
        faults.push(format!("{missing} keys did not have their {turns} calls"));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(path: &str, beside: usize) -> Seen {
        Seen { path: path.to_owned(), beside }
    }

    fn all() -> Vec<Seen> {
        (0..2).flat_map(|turn| (0..KEYS).map(move |key| seen(&format!("/{key}/{turn}"), 0))).collect()
    }

    #[test]
    fn order_is_exact_or_said_to_be_broken() {
        assert_eq!(disorder(&all(), 2), Vec::<String>::new());
        let mut swapped = all();
        swapped.swap(7, 107);
        assert_eq!(disorder(&swapped, 2).len(), 2);
        let mut twice = all();
        twice.push(seen("/3/1", 0));
        assert_eq!(disorder(&twice, 2).len(), 2, "out of turn, and one too many");
        let mut beside = all();
        beside[150].beside = 1;
        assert_eq!(disorder(&beside, 2).len(), 1);
        assert_eq!(disorder(&all()[..199], 2).len(), 1);
    }
}
