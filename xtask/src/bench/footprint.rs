//! What Tenon costs before it does anything: size of the binary, idle memory, time to start.

use super::Bench;
use super::report::{Report, Row, Verdict, mebibytes};
use super::statistics::median;
use crate::process;
use anyhow::Result;
use serde_json::json;
use std::time::Duration;

/// Time after the start before memory is looked at.
const SETTLE: Duration = Duration::from_secs(3);

pub(super) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let size = std::fs::metadata(&bench.tenon)?.len();
    report.row(Row {
        id: "binary",
        what: "size, as built".into(),
        target: "≤ 60 MB".into(),
        measured: format!("{:.0} MB", size as f64 / 1e6),
        verdict: Verdict::of(size <= 60_000_000),
    });

    let mut stage = bench.stage("footprint")?;
    let first = stage.server.started_in.as_secs_f64() * 1_000.0;
    std::thread::sleep(SETTLE);
    let memory = process::resident_bytes(stage.server.process())?;
    report.row(Row {
        id: "idle",
        what: "resident memory, nothing deployed".into(),
        target: "≤ 30 MB".into(),
        measured: mebibytes(memory),
        verdict: Verdict::of(memory <= 30_000_000),
    });

    let mut starts = Vec::new();
    for _ in 0..bench.options.rounds {
        stage = stage.restart()?;
        starts.push(stage.server.started_in.as_secs_f64() * 1_000.0);
    }
    let start = median(starts.iter().copied());
    report.row(Row {
        id: "start",
        what: "process start → ready".into(),
        target: "≤ 200 ms".into(),
        measured: format!("{start:.0} ms (a new data directory {first:.0} ms)"),
        verdict: Verdict::of(start <= 200.0),
    });
    report.raw(
        "footprint",
        json!({ "binary_bytes": size, "idle_bytes": memory, "first_start_ms": first, "starts_ms": starts }),
    )
}
