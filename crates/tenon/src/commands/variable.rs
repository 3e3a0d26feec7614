//! `tenon variable …`: which verb runs.

mod get;
mod list;
mod set;

use super::Context;
use super::resource::{Action, Target};
use crate::cli::{VariableCommand, VariableName};
use crate::client::path;
use crate::failure::Failure;

pub(super) async fn run(command: VariableCommand, context: Context<'_>) -> Result<(), Failure> {
    match command {
        VariableCommand::List(page) => list::run(&page, context).await,
        VariableCommand::Get(args) => get::run(&args, context).await,
        VariableCommand::Set(args) => set::run(args, context).await,
        VariableCommand::Delete { variable } => {
            let title = format!("variable {}", variable.0);
            Target { address: &["variables", &variable.0], title }.act(Action::Delete, context).await
        }
    }
}

fn address(variable: &VariableName) -> String {
    path(&["api", "v1", "variables", &variable.0])
}
