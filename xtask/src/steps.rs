//! Named steps that are timed, and the table of them at the end.

use crate::clock;
use anyhow::{Result, bail};
use comfy_table::{Table, presets};
use std::time::Duration;

/// What one step came to.
struct Outcome {
    name: &'static str,
    took: Duration,
    failure: Option<String>,
}

/// Runs steps one after another. A failed step does not keep the later ones from being tried: one run
/// shows everything that is wrong.
#[derive(Default)]
pub(crate) struct Steps {
    outcomes: Vec<Outcome>,
}

impl Steps {
    /// Runs one step and remembers how it went.
    pub(crate) fn run(&mut self, name: &'static str, step: impl FnOnce() -> Result<()>) {
        eprintln!("\n── {name}");
        let start = clock::now();
        let result = step();
        let took = start.elapsed();
        let failure = result.err().map(|error| format!("{error:#}"));
        if let Some(failure) = &failure {
            eprintln!("failed: {failure}");
        }
        self.outcomes.push(Outcome { name, took, failure });
    }

    /// Prints the table; an error when any step failed.
    pub(crate) fn finish(self) -> Result<()> {
        println!("\n{}", self.table());
        let failed: Vec<&str> = self
            .outcomes
            .iter()
            .filter(|outcome| outcome.failure.is_some())
            .map(|outcome| outcome.name)
            .collect();
        if !failed.is_empty() {
            bail!("{} of {} steps failed: {}", failed.len(), self.outcomes.len(), failed.join(", "));
        }
        Ok(())
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING).set_header(["step", "time", "result"]);
        let total: Duration = self.outcomes.iter().map(|outcome| outcome.took).sum();
        for outcome in &self.outcomes {
            let result = if outcome.failure.is_some() { "FAILED" } else { "ok" };
            table.add_row([outcome.name.to_owned(), seconds(outcome.took), result.to_owned()]);
        }
        table.add_row(["total".to_owned(), seconds(total), String::new()]);
        table
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_steps_run_after_a_failure_and_the_whole_fails() {
        let mut steps = Steps::default();
        let mut ran = false;
        steps.run("first", || bail!("broken"));
        steps.run("second", || {
            ran = true;
            Ok(())
        });
        assert!(ran);
        let table = steps.table().to_string();
        assert!(table.contains("FAILED") && table.contains("total"), "{table}");
        assert_eq!(steps.finish().unwrap_err().to_string(), "1 of 2 steps failed: first");
    }

    #[test]
    fn all_well_is_no_error() {
        let mut steps = Steps::default();
        steps.run("only", || Ok(()));
        steps.finish().unwrap();
    }
}
