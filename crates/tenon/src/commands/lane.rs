//! `tenon lane …`: which verb runs.

mod list;
mod show;

use super::Context;
use crate::cli::LaneCommand;
use crate::failure::Failure;

pub(super) async fn run(command: LaneCommand, context: Context<'_>) -> Result<(), Failure> {
    match command {
        LaneCommand::List { filter, page } => list::run(filter, &page, context).await,
        LaneCommand::Show { workflow, ordering_key } => show::run(&workflow, &ordering_key, context).await,
    }
}
