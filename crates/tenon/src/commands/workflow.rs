//! `tenon workflow …`: which verb runs.

mod explain;
mod lint;
mod list;
mod run;
mod schema;
mod show;
mod versions;

use super::resource::{Action, Target};
use super::{Context, Session};
use crate::cli::{WorkflowCommand, WorkflowName};
use crate::failure::Failure;

pub(super) use lint::finding_lines;

pub(super) async fn run(command: WorkflowCommand, session: Session<'_>) -> Result<(), Failure> {
    match &command {
        WorkflowCommand::Lint(args) => return lint::run(args, session.output),
        WorkflowCommand::Explain(args) => return explain::run(args, session).await,
        WorkflowCommand::Schema => return schema::run(session.output),
        _ => {}
    }
    let context = session.context()?;
    match command {
        WorkflowCommand::Lint(_) | WorkflowCommand::Explain(_) | WorkflowCommand::Schema => {
            unreachable!("may need no server, ran above")
        }
        WorkflowCommand::List(page) => list::run(&page, context).await,
        WorkflowCommand::Show { workflow, revision } => show::run(&workflow, revision, context).await,
        WorkflowCommand::Run(args) => run::run(args, context).await,
        WorkflowCommand::Versions { workflow, page } => versions::run(&workflow, &page, context).await,
        WorkflowCommand::Enable { workflow } => act(&workflow, Action::Enable, context).await,
        WorkflowCommand::Disable { workflow } => act(&workflow, Action::Disable, context).await,
        WorkflowCommand::Delete { workflow } => act(&workflow, Action::Delete, context).await,
    }
}

async fn act(name: &WorkflowName, action: Action, context: Context<'_>) -> Result<(), Failure> {
    let address = ["workflows", name.namespace.as_str(), name.name.as_str()];
    Target { address: &address, title: format!("workflow {name}") }.act(action, context).await
}
