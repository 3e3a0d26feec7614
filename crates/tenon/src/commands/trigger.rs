//! `tenon trigger …`: which verb runs.

mod captures;
mod cursor;
mod fire;
mod list;
mod show;

use super::Context;
use super::resource::{Action, Target};
use crate::cli::{TriggerCommand, TriggerName};
use crate::failure::Failure;

pub(super) async fn run(command: TriggerCommand, context: Context<'_>) -> Result<(), Failure> {
    match command {
        TriggerCommand::List(page) => list::run(&page, context).await,
        TriggerCommand::Show { trigger } => show::run(&trigger, context).await,
        TriggerCommand::Captures { trigger } => captures::run(&trigger, context).await,
        TriggerCommand::Fire { trigger } => fire::run(&trigger, context).await,
        TriggerCommand::Cursor { trigger, value } => cursor::run(&trigger, value.as_deref(), context).await,
        TriggerCommand::Enable { trigger } => act(&trigger, Action::Enable, context).await,
        TriggerCommand::Disable { trigger } => act(&trigger, Action::Disable, context).await,
        TriggerCommand::Delete { trigger } => act(&trigger, Action::Delete, context).await,
    }
}

async fn act(name: &TriggerName, action: Action, context: Context<'_>) -> Result<(), Failure> {
    let title = format!("trigger {}", name.0);
    Target { address: &["triggers", &name.0], title }.act(action, context).await
}
