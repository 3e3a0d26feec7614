//! `tenon workspace …`: the words.

use clap::Subcommand;

/// Workspaces.
#[derive(Debug, Subcommand)]
pub(crate) enum WorkspaceCommand {
    /// List the workspaces there are
    #[command(after_help = "Examples:
  tenon workspace list
  tenon workspace list --output json")]
    List,
    /// Create a workspace; one that is there stays as it is
    #[command(after_help = "Examples:
  tenon workspace create shop-test
  tenon --workspace shop-test apply")]
    Create {
        /// Lower case letters, digits and `-`
        name: String,
    },
}
