//! Everything that is run on this repository: `cargo xtask demo | test | ci | tidy | bench | crash | conformance`.
//!
//! One file per command; each reads as a list of steps. Nothing here is shipped: rules that a test would
//! want to reach live in the crates, and what xtask knows of Tenon it learns from outside, over HTTP and the
//! command line, as a user would. (The one exception: `bench` times `tenon-expr` in process.)

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a development tool talks to its terminal")]

mod api;
mod bench;
mod ci;
mod clock;
mod conformance;
mod crash;
mod demo;
mod echo;
mod generate;
mod http;
mod load;
mod poller;
mod process;
mod progress;
mod repository;
mod server;
mod simulate;
mod steps;
mod test;
mod tidy;
mod wire;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Everything that is run on this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A shop sends 1,000 orders, Tenon is killed half-way, nothing is lost.
    Demo(demo::Arguments),
    /// Run every test.
    Test,
    /// What CI runs: format, lints, tidy, tests, generated files, conformance, a short crash run.
    Ci(ci::Arguments),
    /// Check the rules of the repository that reviews forget.
    Tidy,
    /// Write the generated pages of docs/.
    Generate,
    /// Measure the workloads of measure.md on this machine.
    Bench(bench::Arguments),
    /// Run the specification's conformance kit, our own scenarios and the guide's examples.
    Conformance(conformance::Arguments),
    /// Kill Tenon over and over, and check that nothing is lost or done twice.
    Crash(crash::Arguments),
    /// Run random workflows with crashes in the engine and in a naive reference, which must agree.
    Simulate(simulate::Arguments),
    /// Send one request over and over and print what was measured, as JSON (started by `bench`).
    #[command(hide = true)]
    Load(load::Arguments),
    /// The demo's CRM alone (started by `demo --keep`).
    #[command(hide = true)]
    Crm(demo::crm::Arguments),
    /// Answer every request with the same small JSON (started by `bench`).
    #[command(hide = true)]
    Echo(echo::Arguments),
    /// Time expressions in process and print the result as JSON (started by `bench`).
    #[command(hide = true)]
    Expressions(bench::expressions::Arguments),
}

fn main() -> ExitCode {
    let result = match CommandLine::parse().command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Test => test::run(),
        Command::Ci(arguments) => ci::run(&arguments),
        Command::Tidy => tidy::run(),
        Command::Generate => generate::run(),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Conformance(arguments) => conformance::run(&arguments),
        Command::Crash(arguments) => crash::run(arguments),
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Load(arguments) => load::run(&arguments),
        Command::Crm(arguments) => demo::crm::run(&arguments),
        Command::Echo(arguments) => echo::run(&arguments),
        Command::Expressions(arguments) => bench::expressions::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
