//! `tenon event …`: which verb runs.

mod list;
mod send;
mod show;

use super::Context;
use crate::cli::EventCommand;
use crate::failure::Failure;

pub(super) async fn run(command: EventCommand, context: Context<'_>) -> Result<(), Failure> {
    match command {
        EventCommand::Send(args) => send::run(args, context).await,
        EventCommand::List { filter, page } => list::run(filter, &page, context).await,
        EventCommand::Show { event } => show::run(&event, context).await,
    }
}
