//! `tenon job …`: which verb runs.

mod cancel;
mod list;
mod many;
mod purge;
mod rerun;
mod resume;
mod show;
mod trace;
mod watch;

use super::Context;
use crate::cli::JobCommand;
use crate::failure::Failure;

pub(super) async fn run(command: JobCommand, context: Context<'_>) -> Result<(), Failure> {
    match command {
        JobCommand::List { filter, page } => list::run(filter, &page, context).await,
        JobCommand::Show(id) => show::run(&id.job, context).await,
        JobCommand::Trace(args) => trace::run(&args, context).await,
        JobCommand::Watch(args) => watch::run(args, context).await,
        JobCommand::Rerun(args) => rerun::run(args, context).await,
        JobCommand::Resume(which) => resume::resume(&which, context).await,
        JobCommand::Skip(which) => resume::skip(&which, context).await,
        JobCommand::Cancel(which) => cancel::run(&which, context).await,
        JobCommand::Purge(which) => purge::run(&which, context).await,
    }
}
