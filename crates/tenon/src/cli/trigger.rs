//! `tenon trigger …`

use std::str::FromStr;

use clap::Subcommand;

use super::PageArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum TriggerCommand {
    /// List the triggers
    #[command(after_help = "Examples:
  tenon trigger list
  tenon trigger list --output yaml")]
    List(PageArgs),
    /// Show one trigger with its state, what happened lately, and its document
    #[command(after_help = "Examples:
  tenon trigger show shop
  tenon trigger show shop --output json")]
    Show { trigger: TriggerName },
    /// Show the last requests that a webhook has seen, taken and refused
    #[command(after_help = "Examples:
  tenon trigger captures shop
  tenon trigger captures shop --output json")]
    Captures { trigger: TriggerName },
    /// Fire a schedule, or poll, now
    #[command(after_help = "Examples:
  tenon trigger fire nightly
  tenon trigger fire contacts --output json")]
    Fire { trigger: TriggerName },
    /// Show where a poller goes on, or set it
    #[command(after_help = "Examples:
  tenon trigger cursor contacts
  tenon trigger cursor contacts 2026-01-01T00:00:00Z
  tenon trigger cursor contacts 4711
  tenon trigger cursor contacts null

The cursor is JSON; what is not JSON is taken as text. null begins anew. The poller asks with it at once.")]
    Cursor {
        trigger: TriggerName,
        /// The new cursor
        #[arg(allow_hyphen_values = true)]
        value: Option<String>,
    },
    /// Let the trigger produce events again
    #[command(after_help = "Examples:
  tenon trigger enable shop")]
    Enable { trigger: TriggerName },
    /// Let the trigger produce no more events
    #[command(after_help = "Examples:
  tenon trigger disable shop")]
    Disable { trigger: TriggerName },
    /// Delete the trigger
    #[command(after_help = "Examples:
  tenon trigger delete shop")]
    Delete { trigger: TriggerName },
}

/// The stem of the trigger's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TriggerName(pub(crate) String);

impl FromStr for TriggerName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
        if (1..=100).contains(&text.len()) && text.chars().all(allowed) {
            return Ok(Self(text.to_owned()));
        }
        Err("a trigger's name has 1 to 100 letters, digits, `.`, `_` and `-`".to_owned())
    }
}
