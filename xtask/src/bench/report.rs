//! The table of a bench, its JSON, and the page in `docs/`.

use super::machine::Machine;
use anyhow::{Context, Result, bail};
use comfy_table::{Table, presets};
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// One line of the table.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) id: &'static str,
    pub(super) what: String,
    pub(super) target: String,
    pub(super) measured: String,
    pub(super) verdict: Verdict,
}

/// How a measurement stands to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Ok,
    Short,
    /// There is no target; the number is for information.
    Info,
}

/// Everything that was measured.
#[derive(Serialize)]
pub(super) struct Report {
    machine: Machine,
    rows: Vec<Row>,
    /// Workloads that could not be measured, and why.
    failures: Vec<String>,
    raw: Map<String, Value>,
}

impl Verdict {
    pub(super) fn of(reached: bool) -> Self {
        if reached { Self::Ok } else { Self::Short }
    }

    /// As [`Verdict::of`], where the workload was run at its full size; a smaller one says nothing of its target.
    pub(super) fn at_full_size(full: bool, reached: bool) -> Self {
        if full { Self::of(reached) } else { Self::Info }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Short => "SHORT",
            Self::Info => "",
        }
    }
}

impl Report {
    pub(super) fn new(machine: Machine) -> Self {
        Self { machine, rows: Vec::new(), failures: Vec::new(), raw: Map::new() }
    }

    pub(super) fn row(&mut self, row: Row) {
        eprintln!("{}: {}: {} {}", row.id, row.what, row.measured, row.verdict.word());
        self.rows.push(row);
    }

    /// Raw numbers for the JSON file.
    pub(super) fn raw(&mut self, name: &str, value: impl Serialize) -> Result<()> {
        self.raw.insert(name.to_owned(), serde_json::to_value(value)?);
        Ok(())
    }

    pub(super) fn failed(&mut self, workload: &str, error: &anyhow::Error) {
        self.failures.push(format!("{workload}: {error:#}"));
    }

    pub(super) fn write_json(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        fs::write(path, text).with_context(|| format!("could not write {}", path.display()))
    }

    /// An error when something could not be measured. A target that was not reached is a result, not an error.
    pub(super) fn verdict(&self) -> Result<()> {
        if !self.failures.is_empty() {
            bail!("not measured: {}", self.failures.join("; "));
        }
        Ok(())
    }

    pub(super) fn text(&self) -> String {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING).set_header(["id", "workload", "target", "measured", ""]);
        for row in &self.rows {
            table.add_row([row.id, &row.what, &row.target, &row.measured, row.verdict.word()]);
        }
        let mut text = format!("{}\n\n{table}\n", self.machine_line());
        for failure in &self.failures {
            let _ = writeln!(text, "not measured: {failure}");
        }
        text
    }

    pub(super) fn markdown(&self) -> String {
        let mut page = String::from(
            "# Benchmarks\n\nWritten by `cargo xtask bench --write`; the workloads and targets are those of the \
             design's measure.md.\nRelease build, default settings (durable, every commit synced, payloads \
             encrypted). The load generator and the callee are\nprocesses of their own on the same machine and \
             share its cores. Medians of all rounds after a warm-up.\n\n## The machine\n\n",
        );
        let _ = writeln!(page, "{}\n\n## Results\n", self.machine_line());
        page.push_str("| id | workload | target | measured | |\n| --- | --- | --- | --- | --- |\n");
        for row in &self.rows {
            let cells = [row.id, &row.what, &row.target, &row.measured, row.verdict.word()];
            let _ = writeln!(page, "| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
        }
        for failure in &self.failures {
            let _ = writeln!(page, "\nNot measured: {failure}");
        }
        page
    }

    fn machine_line(&self) -> String {
        let machine = &self.machine;
        format!(
            "{} × {}, {:.0} GiB, {}, {:.0} synced 4 KiB appends a second, revision {}",
            machine.cores,
            machine.processor,
            machine.memory_gib,
            machine.kernel,
            machine.syncs_per_second,
            machine.commit
        )
    }
}

/// `12,345`
pub(super) fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Microseconds as milliseconds.
pub(super) fn milliseconds(microseconds: f64) -> String {
    format!("{:.2} ms", microseconds / 1_000.0)
}

/// Bytes as mebibytes.
pub(super) fn mebibytes(bytes: u64) -> String {
    format!("{:.0} MiB", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report::new(Machine {
            processor: "a processor".into(),
            cores: 2,
            memory_gib: 8.0,
            kernel: "linux 6".into(),
            syncs_per_second: 5000.0,
            commit: "abc".into(),
            measured_at: 0,
        })
    }

    #[test]
    fn a_target_missed_is_shown_and_a_workload_missed_is_an_error() {
        let mut report = report();
        let verdict = Verdict::of(false);
        report.row(Row {
            id: "B1",
            what: "a | b".into(),
            target: "≥ 2".into(),
            measured: "1".into(),
            verdict,
        });
        report.verdict().unwrap();
        assert!(report.text().contains("SHORT"));
        assert!(report.markdown().contains("| B1 | a \\| b | ≥ 2 | 1 | SHORT |"));
        report.failed("B2", &anyhow::anyhow!("no server"));
        assert_eq!(report.verdict().unwrap_err().to_string(), "not measured: B2: no server");
        assert!(report.text().contains("B2: no server"));
    }

    #[test]
    fn numbers_are_readable() {
        assert_eq!(thousands(1_234_567.4), "1,234,567");
        assert_eq!(thousands(999.0), "999");
        assert_eq!(milliseconds(1234.0), "1.23 ms");
        assert_eq!(mebibytes(3 << 20), "3 MiB");
    }
}
