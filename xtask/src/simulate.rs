//! `cargo xtask simulate`: random workflows in random worlds with crashes, the engine against the naive reference.
//!
//! The simulation is a test of `tenon-engine` (`tests/it/simulation.rs`), which runs a few thousand executions with
//! every other test. This runs the same test in release mode, as often as is asked for.

use crate::repository;
use anyhow::Result;
use clap::Args;

/// Executions that one seed gives: one without a crash, two with.
const EXECUTIONS_PER_SEED: u64 = 3;

#[derive(Args)]
pub(crate) struct Arguments {
    /// How many executions
    #[arg(long, default_value_t = 1_000_000)]
    executions: u64,
    /// The first seed; a divergence prints its own
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Ends with an error at the first divergence.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let seeds = arguments.executions.div_ceil(EXECUTIONS_PER_SEED);
    let test = ["test", "--release", "--locked", "-p", "tenon-engine", "--test", "it", "simulation::"];
    repository::run(
        repository::cargo()
            .args(test)
            .args(["--", "--nocapture"])
            .env("TENON_SIMULATIONS", seeds.to_string())
            .env("TENON_SEED", arguments.seed.to_string()),
    )
}
