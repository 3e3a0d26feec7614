//! B6: 100,000 deployed workflows that nobody uses cost nothing; then B1 on one of them.

use super::report::{Report, Row, Verdict, mebibytes, milliseconds, thousands};
use super::stage::Stage;
use super::statistics::median;
use super::{Bench, documents};
use crate::progress::Progress;
use crate::{clock, process};
use anyhow::{Result, anyhow};
use serde_json::json;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// The number that the target is about.
const FULL: u32 = 100_000;
/// Connections that deploy.
const DEPLOYERS: usize = 16;
/// Time after the start before memory and processor time are looked at.
const SETTLE: Duration = Duration::from_secs(3);

pub(super) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let stage = bench.stage("b6")?;
    let count = bench.options.workflows;
    let deployed_in = deploy_all(&stage, count)?;
    let stage = stage.restart()?;
    let started_in = stage.server.started_in;
    std::thread::sleep(SETTLE);
    let memory = process::resident_bytes(stage.server.process())?;
    let share = idle_share(&stage, bench.options.idle_seconds)?;
    report.row(Row {
        id: "B6",
        what: format!(
            "{} idle workflows (deployed in {:.0} s)",
            thousands(count.into()),
            deployed_in.as_secs_f64()
        ),
        target: "start ≤ 2 s, ≤ 250 MB, ≤ 0.1 % CPU".into(),
        measured: format!(
            "{:.2} s, {}, {:.3} % CPU",
            started_in.as_secs_f64(),
            mebibytes(memory),
            share * 100.0
        ),
        verdict: Verdict::at_full_size(
            count >= FULL,
            started_in.as_secs_f64() <= 2.0 && memory <= 250_000_000 && share <= 0.001,
        ),
    });

    // One of them gets a webhook.
    let one = format!("idle-{}", count / 2);
    let trigger = documents::trigger_for("one", &documents::event_type(&one), "accepted");
    stage.server.api().put("/api/v1/triggers/one", &trigger)?;
    let rounds = stage.rounds(bench, &stage.closed_loop(&bench.options, "one", 64))?;
    let rate = median(rounds.iter().map(|round| round.load.per_second));
    let p99 = median(rounds.iter().map(|round| round.load.latency_us.p99));
    report.row(Row {
        id: "B6",
        what: "B1 (b) on one of them, 64 clients, captured".into(),
        target: String::new(),
        measured: format!("{}/s, p99 {}", thousands(rate), milliseconds(p99)),
        verdict: Verdict::Info,
    });
    report.raw(
        "B6",
        json!({
            "workflows": count,
            "deployed_in_seconds": deployed_in.as_secs_f64(),
            "started_in_seconds": started_in.as_secs_f64(),
            "resident_bytes": memory,
            "processor_share": share,
            "rounds": rounds,
        }),
    )
}

/// Puts every workflow through the API, as a deployment would.
fn deploy_all(stage: &Stage, count: u32) -> Result<Duration> {
    let begun = clock::now();
    let next = AtomicU32::new(0);
    let progress = Progress::new("workflows deployed", count.into());
    std::thread::scope(|scope| {
        let deploy = || -> Result<()> {
            let mut api = stage.server.api();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok(());
                }
                let name = format!("idle-{number}");
                let path = format!("/api/v1/workflows/{}/{name}", documents::NAMESPACE);
                api.put(&path, &documents::one_set(&name))?;
                progress.advance();
            }
        };
        let deployers: Vec<_> = (0..DEPLOYERS).map(|_| scope.spawn(deploy)).collect();
        for deployer in deployers {
            deployer.join().map_err(|_| anyhow!("a deployer panicked"))??;
        }
        Ok::<(), anyhow::Error>(())
    })?;
    progress.finish();
    Ok(begun.elapsed())
}

/// The part of one core that the server uses while nothing happens.
fn idle_share(stage: &Stage, seconds: f64) -> Result<f64> {
    eprintln!("watching the idle server for {seconds:.0} s …");
    let before = process::processor_time(stage.server.process())?;
    std::thread::sleep(Duration::from_secs_f64(seconds));
    let used = process::processor_time(stage.server.process())?.saturating_sub(before);
    Ok(used.as_secs_f64() / seconds)
}
