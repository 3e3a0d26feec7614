//! `tenon lane …`

use clap::{Args, Subcommand};

use super::{PageArgs, WorkflowName};

#[derive(Debug, Subcommand)]
pub(crate) enum LaneCommand {
    /// List the ordered lanes with jobs that have not ended, the one that stands longest first
    #[command(after_help = "Examples:
  tenon lane list
  tenon lane list --parked                   those that stand still until somebody acts
  tenon lane list --workflow shop/orders --output json")]
    List {
        #[command(flatten)]
        filter: LaneFilter,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show one lane with its first job, which the others wait for
    #[command(after_help = "Examples:
  tenon lane show shop/orders customer-7
  tenon lane show shop/orders customer-7 --output json")]
    Show {
        /// The workflow
        #[arg(value_name = "NAMESPACE/NAME")]
        workflow: WorkflowName,
        /// The ordering key
        #[arg(value_name = "KEY")]
        ordering_key: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct LaneFilter {
    /// Of this workflow
    #[arg(long, value_name = "NAMESPACE/NAME")]
    pub(crate) workflow: Option<WorkflowName>,
    /// Whose first job is in one of these states: pending, running, waiting, suspended
    #[arg(long, value_name = "STATE,…", value_delimiter = ',')]
    #[arg(value_parser = ["pending", "running", "waiting", "suspended"])]
    #[arg(hide_possible_values = true)]
    pub(crate) state: Vec<String>,
    /// Those that stand still until somebody acts: the same as --state suspended
    #[arg(long, conflicts_with = "state")]
    pub(crate) parked: bool,
}
