//! `cargo xtask ci`: what must be green before anything is merged, as one list of timed steps.
//!
//! Built once each: the dev profile (clippy shares its dependencies' build scripts and macros with tests,
//! generated files and conformance) and the release profile (the crash run).

use crate::{conformance, crash, generate, repository, steps::Steps, test, tidy};
use anyhow::{Context, Result};
use clap::{Args, Parser};

#[derive(Args)]
pub(crate) struct Arguments {
    /// How often the short crash run kills Tenon; 0 leaves it (and the release build) out
    #[arg(long, default_value_t = 10)]
    crash_kills: u32,
}

/// `crash`'s own flags, so that the short run is asked for as a person would.
#[derive(Parser)]
struct CrashLine {
    #[command(flatten)]
    arguments: crash::Arguments,
}

/// Runs every step, also after a failure, and ends with a table of them.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut steps = Steps::default();
    steps.run("format", || repository::run(repository::cargo().args(["fmt", "--all", "--check"])));
    steps.run("tidy", tidy::run);
    steps.run("clippy", || {
        let flags = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
        repository::run(repository::cargo().args(flags))
    });
    steps.run("test", test::run);
    steps.run("generated files", generate::check);
    // With the binary that made the generated files: built already.
    steps.run("conformance", || conformance::run(&conformance::Arguments::default()));
    if arguments.crash_kills > 0 {
        let kills = arguments.crash_kills.to_string();
        steps.run("crash (short)", || {
            let line = CrashLine::try_parse_from(["crash", "--demand-shim", "--kills", &kills])
                .context("the crash command does not take its flags")?;
            crash::run(line.arguments)
        });
    }
    steps.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_crash_run_uses_flags_that_exist() {
        assert!(CrashLine::try_parse_from(["crash", "--demand-shim", "--kills", "10"]).is_ok());
    }
}
