//! `tenon variable …`

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};

use super::PageArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum VariableCommand {
    /// List the variables; values of secrets are never shown
    #[command(after_help = "Examples:
  tenon variable list
  tenon variable list --output json")]
    List(PageArgs),
    /// Show one variable
    #[command(after_help = "Examples:
  tenon variable get price-limit
  tenon variable get price-limit --value     the value alone
  tenon variable get api-key                 of a secret everything but the value (exit code 3)")]
    Get(GetArgs),
    /// Give a variable a value; the next call that reads it uses it
    #[command(after_help = "Examples:
  tenon variable set greeting 'Good morning'
  tenon variable set price-limit 1000 --json
  tenon variable set regions --json '[\"eu\", \"us\"]'
  tenon variable set mapping --json --file mapping.json
  tenon variable set api-key --secret        asks for it, without showing it
  tenon variable set api-key --secret < key.txt
  tenon variable set tls-key --secret --file key.pem

A secret is never an argument: arguments are seen by other users and kept in the shell's history.
One line break at the end of standard input or of a file is left out.")]
    Set(SetArgs),
    /// Delete a variable
    #[command(after_help = "Examples:
  tenon variable delete price-limit")]
    Delete {
        /// Its name
        variable: VariableName,
    },
}

/// Which variable, and how much of it.
#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    /// Its name
    pub(crate) variable: VariableName,
    /// Print the value alone: text as it is, everything else as JSON
    #[arg(long)]
    pub(crate) value: bool,
}

/// Which variable, and where its value comes from.
#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// Its name: letters, digits, `-`, `_` and `.`
    pub(crate) variable: VariableName,
    /// The value, of kind config
    #[arg(value_name = "VALUE", conflicts_with = "file")]
    pub(crate) value: Option<String>,
    /// It is a secret: asked for, or read from standard input or --file
    #[arg(long)]
    pub(crate) secret: bool,
    /// The value is JSON, not text
    #[arg(long)]
    pub(crate) json: bool,
    /// Read the value from a file; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

/// A variable's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VariableName(pub(crate) String);

impl FromStr for VariableName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if tenon_store::is_variable_name(text) {
            return Ok(Self(text.to_owned()));
        }
        Err("a variable's name has 1 to 128 letters, digits, `-`, `_` and `.`".to_owned())
    }
}
