//! `cargo xtask test`: every test of the repository.
//!
//! The tests that follow the guides need what the guides use: bash, curl, openssl and python3, which are there on any
//! machine that the README describes. Servers that tests need, they start themselves.

use crate::{clock, repository};
use anyhow::Result;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

/// What cargo's `test result:` lines add up to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    binaries: usize,
    passed: usize,
    failed: usize,
    ignored: usize,
}

/// Runs all tests and ends with one summary line.
pub(crate) fn run() -> Result<()> {
    let start = clock::now();
    let mut child = repository::cargo()
        .args(["test", "--workspace", "--locked", "--no-fail-fast"])
        .stdout(Stdio::piped())
        .spawn()?;
    let output = child.stdout.take().expect("stdout was asked to be piped");
    let mut totals = Totals::default();
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        std::io::stdout().write_all(&[&line, b"\n".as_slice()].concat())?;
        totals.add(&String::from_utf8_lossy(&line));
    }
    let status = child.wait()?;
    let verdict = if status.success() { "ok" } else { "FAILED" };
    println!(
        "\ntests {verdict}: {} passed, {} failed, {} ignored in {} binaries, {:.0} s",
        totals.passed,
        totals.failed,
        totals.ignored,
        totals.binaries,
        start.elapsed().as_secs_f64()
    );
    anyhow::ensure!(status.success(), "some tests failed or did not compile (see above)");
    Ok(())
}

impl Totals {
    /// Counts `test result: ok. 3 passed; 0 failed; 0 ignored; …`; other lines say nothing.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) =
            line.trim_end().strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        self.binaries += 1;
        for part in counts.split("; ") {
            let Some((number, word)) = part.split_once(' ') else { continue };
            let number = number.parse().unwrap_or(0);
            match word {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_add_up_over_binaries() {
        let mut totals = Totals::default();
        totals.add("running 3 tests");
        totals.add(
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        );
        totals.add(
            "test result: FAILED. 1 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 1s",
        );
        assert_eq!(totals, Totals { binaries: 2, passed: 4, failed: 2, ignored: 1 });
    }
}
