//! `tenon event …`

use clap::{Args, Subcommand};

use super::PageArgs;
use crate::time;

#[derive(Debug, Subcommand)]
pub(crate) enum EventCommand {
    /// Send an event
    #[command(after_help = "Examples:
  tenon event send --type com.acme.order.created --data '{\"id\":1}'
  tenon event send --type com.acme.order.created --source /shop --id order-1 --data @order.json")]
    Send(SendArgs),
    /// List captured events, newest first
    #[command(after_help = "Examples:
  tenon event list
  tenon event list --type com.acme.order.created --since 1h
  tenon event list --unwanted                events that started nothing
  tenon event list --output json --limit 500")]
    List {
        #[command(flatten)]
        filter: EventFilter,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show one event with its data
    #[command(after_help = "Examples:
  tenon event show ev_01J9
  tenon event show ev_01J9 --output json")]
    Show {
        /// An event's id, or a unique beginning of it
        #[arg(value_name = "EVENT")]
        event: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// CloudEvents type, e.g. com.acme.order.created
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: String,
    /// CloudEvents source
    #[arg(long, value_name = "URI", default_value = "/tenon/cli")]
    pub(crate) source: String,
    /// The event's data: JSON, @FILE, or - for standard input
    #[arg(long, value_name = "JSON|@FILE|-")]
    pub(crate) data: Option<String>,
    /// CloudEvents subject
    #[arg(long, value_name = "TEXT")]
    pub(crate) subject: Option<String>,
    /// CloudEvents id; a repeat of source and id is refused as a duplicate [default: a new one]
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct EventFilter {
    /// Of this CloudEvents type
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<String>,
    /// From this CloudEvents source
    #[arg(long, value_name = "URI")]
    pub(crate) source: Option<String>,
    /// Captured at or after: a time, a date, or how long ago (15m, 2h, 7d)
    #[arg(long, value_name = "TIME", value_parser = time::moment)]
    pub(crate) since: Option<String>,
    /// Captured before: a time, a date, or how long ago
    #[arg(long, value_name = "TIME", value_parser = time::moment)]
    pub(crate) until: Option<String>,
    /// That no workflow wanted
    #[arg(long)]
    pub(crate) unwanted: bool,
    /// Whose id begins so
    #[arg(long, value_name = "PREFIX")]
    pub(crate) id: Option<String>,
}
