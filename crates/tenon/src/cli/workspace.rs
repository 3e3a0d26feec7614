//! `tenon workspace …`: the words.

use clap::{Args, Subcommand};

/// Workspaces.
#[derive(Debug, Subcommand)]
pub(crate) enum WorkspaceCommand {
    /// List the workspaces there are, with what each says for itself
    #[command(after_help = "Examples:
  tenon workspace list
  tenon workspace list --output json")]
    List,
    /// Create a workspace; one that is there keeps what is not named
    #[command(after_help = "Examples:
  tenon workspace create shop-test
  tenon workspace create shop-test --retain-jobs P7D --concurrency 20
  tenon --workspace shop-test apply")]
    Create {
        /// Lower case letters, digits and `-`
        name: String,
        #[command(flatten)]
        settings: WorkspaceArgs,
    },
    /// Change what a workspace says for itself; it holds at once, for jobs that end or start from now on
    #[command(after_help = "Examples:
  tenon workspace set shop-test --retain-jobs P30D --retain-payloads P7D
  tenon workspace set shop-test --concurrency default")]
    Set {
        /// The workspace
        name: String,
        #[command(flatten)]
        settings: WorkspaceArgs,
    },
    /// Show what is in force for a workspace, and who says so
    #[command(after_help = "Examples:
  tenon workspace show shop-test
  tenon workspace show shop-test --output json")]
    Show {
        /// The workspace
        name: String,
    },
}

/// What a workspace says for itself; `default` takes it back.
#[derive(Debug, Args)]
pub(crate) struct WorkspaceArgs {
    /// How long finished jobs and events are kept, e.g. P30D; `default`: as the server says
    #[arg(long, value_name = "DURATION")]
    pub(crate) retain_jobs: Option<String>,
    /// How long payloads of finished jobs are kept, e.g. P7D; `default`: as the server says
    #[arg(long, value_name = "DURATION")]
    pub(crate) retain_payloads: Option<String>,
    /// Jobs that run at once; `default`: as the server says
    #[arg(long, value_name = "COUNT")]
    pub(crate) concurrency: Option<String>,
}
