//! `--against REV`: is it slower than it was? Rounds of both binaries in turn, on the same machine, and the
//! confidence interval of their ratio.

use super::report::{milliseconds, thousands};
use super::stage::{self, Stage};
use super::statistics::{self, Ratio, median};
use super::{Bench, Workload, documents};
use crate::{load, repository};
use anyhow::{Context, Result};
use comfy_table::{Table, presets};
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

/// A workload whose rounds are one number.
struct Contest {
    workload: Workload,
    name: &'static str,
    clients: usize,
    /// The workflow, given the callee's address; `None` when nobody listens.
    document: fn(SocketAddr) -> Option<String>,
    respond: &'static str,
    /// Latency counts (less is better), else throughput (more is better).
    number: Number,
}

#[derive(Clone, Copy, PartialEq)]
enum Number {
    PerSecond,
    MedianLatency,
}

const CONTESTS: [Contest; 4] = [
    Contest {
        workload: Workload::Ingest,
        name: "capture",
        clients: 64,
        document: |_| None,
        respond: "accepted",
        number: Number::PerSecond,
    },
    Contest {
        workload: Workload::Flow,
        name: "flow",
        clients: 64,
        document: |callee| Some(documents::flow("flow", 1, callee)),
        respond: "wait",
        number: Number::PerSecond,
    },
    Contest {
        workload: Workload::LongFlow,
        name: "long-flow",
        clients: 64,
        document: |callee| Some(documents::flow("long-flow", 5, callee)),
        respond: "wait",
        number: Number::PerSecond,
    },
    Contest {
        workload: Workload::Latency,
        name: "latency",
        clients: 1,
        document: |callee| Some(documents::flow("latency", 1, callee)),
        respond: "wait",
        number: Number::MedianLatency,
    },
];

/// Prints a table of ratios; an error when something is slower for sure.
pub(super) fn run(bench: &Bench, revision: &str) -> Result<()> {
    let old = build(revision)?;
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(["workload", revision, "now", "now / then (95 %)", ""]);
    let mut slower = Vec::new();
    let mut raw = serde_json::Map::new();
    for contest in CONTESTS.iter().filter(|contest| bench.wants(contest.workload)) {
        let pairs = contest.run(bench, &old)?;
        let ratio = statistics::ratio(&pairs).context("at least two rounds are needed (--rounds)")?;
        let verdict = contest.number.verdict(ratio);
        if verdict == "SLOWER" {
            slower.push(contest.name);
        }
        let show = |values: Vec<f64>| contest.number.show(median(values));
        table.add_row([
            contest.name.to_owned(),
            show(pairs.iter().map(|pair| pair.0).collect()),
            show(pairs.iter().map(|pair| pair.1).collect()),
            format!("{:.3} ({:.3} to {:.3})", ratio.mean, ratio.low, ratio.high),
            verdict.to_owned(),
        ]);
        raw.insert(contest.name.to_owned(), json!(pairs));
    }
    let json = bench.options.json.clone().unwrap_or_else(|| bench.directory.join("against.json"));
    fs::write(
        &json,
        serde_json::to_string_pretty(&json!({ "against": revision, "pairs": Value::Object(raw) }))?,
    )?;
    println!("\n{table}\n\nraw numbers: {}", json.display());
    anyhow::ensure!(slower.is_empty(), "slower than {revision}: {}", slower.join(", "));
    Ok(())
}

/// The other revision's binary, built in a worktree of its own.
fn build(revision: &str) -> Result<PathBuf> {
    let folder = repository::target().join("against");
    fs::create_dir_all(&folder)?;
    let (tree, target) = (folder.join("tree"), folder.join("target"));
    let git = || {
        let mut command = Command::new("git");
        command.current_dir(repository::root());
        command
    };
    if tree.exists() {
        repository::run(git().args(["worktree", "remove", "--force"]).arg(&tree))?;
    }
    repository::run(git().args(["worktree", "add", "--detach"]).arg(&tree).arg(revision))?;
    let mut command = repository::cargo();
    command.current_dir(&tree).args(["build", "--release", "--locked", "--package", "tenon", "--target-dir"]);
    repository::run(command.arg(&target))?;
    repository::run(git().args(["worktree", "remove", "--force"]).arg(&tree))?;
    Ok(target.join("release").join(format!("tenon{}", std::env::consts::EXE_SUFFIX)))
}

impl Contest {
    /// Pairs (then, now). The order within a pair alternates, so that a drift of the machine cancels out.
    fn run(&self, bench: &Bench, old: &std::path::Path) -> Result<Vec<(f64, f64)>> {
        let callee = stage::callee(bench)?;
        let stages = [bench.stage_of(old, "against-then")?, bench.stage("against-now")?];
        for stage in &stages {
            stage.deploy(self.name, (self.document)(callee.address).as_deref(), self.respond)?;
        }
        let mut pairs = Vec::new();
        for round in 0..bench.options.rounds {
            let mut numbers = [0.0; 2];
            let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
            for which in order {
                numbers[which] = self.round(bench, &stages[which])?;
            }
            let [then, now] = numbers.map(|number| self.number.show(number));
            eprintln!("{}: then {then}, now {now}", self.name);
            pairs.push(numbers.into());
        }
        Ok(pairs)
    }

    fn round(&self, bench: &Bench, stage: &Stage) -> Result<f64> {
        let load = stage.closed_loop(&bench.options, self.name, self.clients);
        Ok(self.number.of(&stage.round(bench, &load)?.load))
    }
}

impl Number {
    fn of(self, summary: &load::Summary) -> f64 {
        match self {
            Self::PerSecond => summary.per_second,
            Self::MedianLatency => summary.latency_us.p50,
        }
    }

    fn show(self, value: f64) -> String {
        match self {
            Self::PerSecond => format!("{}/s", thousands(value)),
            Self::MedianLatency => milliseconds(value),
        }
    }

    fn verdict(self, ratio: Ratio) -> &'static str {
        let more_is_better = self == Self::PerSecond;
        match (ratio.low > 1.0, ratio.high < 1.0) {
            (true, _) if more_is_better => "faster",
            (_, true) if !more_is_better => "faster",
            (false, false) => "no difference shown",
            _ => "SLOWER",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slower_is_less_throughput_or_more_latency() {
        let (up, down) = (Ratio { mean: 1.2, low: 1.1, high: 1.3 }, Ratio { mean: 0.8, low: 0.7, high: 0.9 });
        assert_eq!(Number::PerSecond.verdict(down), "SLOWER");
        assert_eq!(Number::PerSecond.verdict(up), "faster");
        assert_eq!(Number::MedianLatency.verdict(up), "SLOWER");
        assert_eq!(Number::MedianLatency.verdict(down), "faster");
        let unclear = Ratio { mean: 1.0, low: 0.9, high: 1.1 };
        assert_eq!(Number::PerSecond.verdict(unclear), "no difference shown");
    }
}
