//! `tenon generate` (hidden): documentation that comes from declarations in the code.

use std::path::Path;

use clap::CommandFactory as _;

use crate::cli::{Cli, GenerateCommand};
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::{codes, config};

pub(super) fn run(command: &GenerateCommand, output: &mut Output) -> Result<(), Failure> {
    match command {
        GenerateCommand::Configuration => output.text(&config::markdown()),
        GenerateCommand::Errors => output.text(&codes::markdown()),
        GenerateCommand::Man { directory } => man(directory, output),
    }
}

fn man(directory: &Path, output: &mut Output) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Failed, format!("cannot write man pages to {}: {error}", directory.display()))
    };
    std::fs::create_dir_all(directory).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), directory).map_err(failed)?;
    output.note(&format!("man pages are in {}", directory.display()));
    Ok(())
}
