//! `tenon vault …`

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum VaultCommand {
    /// Show which keys the data is encrypted with
    #[command(after_help = "Examples:
  tenon vault show
  tenon vault show --output json")]
    Show,
    /// Change the master key while the server runs
    #[command(after_help = "Examples:
  tenon vault rotate-master --new-key-file /etc/tenon/master-2.key

The server makes the file (mode 0600), or uses the master key in it if it exists; nothing is
overwritten, and the key is written nowhere else. From then on only this key opens the data: the
answer says what to do before the server starts the next time. Keep the old key for as long as you
keep backups from before.")]
    RotateMaster(RotateMasterArgs),
    /// Give the workspace a new data key for everything that is written from now on
    #[command(after_help = "Examples:
  tenon vault rotate-data
  tenon vault rotate-data --workspace test

What older data keys encrypted stays readable. Variables are encrypted anew at once, payloads go
with retention; `tenon vault show` says which keys are still needed.")]
    RotateData,
}

/// Where the new key is.
#[derive(Debug, Args)]
pub(crate) struct RotateMasterArgs {
    /// A file on the server's machine, outside of the data directory
    #[arg(long, value_name = "FILE")]
    pub(crate) new_key_file: PathBuf,
}
