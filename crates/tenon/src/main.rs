//! The `tenon` binary: the server and the command line in one.
//!
//! Three steps, as in uv: [`cli`] says what may be written, [`settings`] and [`config`] decide once what holds,
//! [`commands`] has one file per command. Rules that a test would want to reach do not belong in this crate.

mod cli;
mod client;
mod codes;
mod commands;
mod config;
mod environment;
mod failure;
mod json_input;
mod output;
mod project;
mod server;
mod setting;
mod settings;
mod start_error;
mod terminal;
mod time;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::Cli;
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::output::Output;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let environment = Environment::read();
    let mut output = Output::standard(&environment);
    let outcome = match Cli::try_parse() {
        Ok(cli) => {
            output.set_format(cli.globals.output);
            std::panic::catch_unwind(AssertUnwindSafe(|| run(cli, &environment, &mut output)))
                .unwrap_or_else(|_| Err(Failure::bug()))
        }
        Err(error) => cli::report_usage(&error, &mut output),
    };
    let exit = match outcome {
        Ok(()) => Exit::Ok,
        Err(failure) => {
            failure.report(&mut output);
            failure.exit
        }
    };
    ExitCode::from(exit as u8)
}

fn run(cli: Cli, environment: &Environment, output: &mut Output) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot start threads: {error}")))?;
    let outcome = runtime.block_on(Box::pin(commands::run(cli, environment, output)));
    // A blocked thread, such as one that reads a terminal, must not keep a finished command alive.
    runtime.shutdown_background();
    outcome
}
