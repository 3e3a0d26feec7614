//! `tenon job …`

use clap::{Args, Subcommand, ValueEnum};

use super::{PageArgs, WorkflowName};
use crate::time;

#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    /// List jobs, newest first
    #[command(after_help = "Examples:
  tenon job list
  tenon job list --state faulted,suspended --since 1h
  tenon job list --workflow shop/orders --output json")]
    List {
        #[command(flatten)]
        filter: JobFilter,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show one job with its input and output
    #[command(after_help = "Examples:
  tenon job show job_01J9
  tenon job show job_01J9 --output json")]
    Show(JobId),
    /// Show every step of a job as a tree
    #[command(after_help = "Examples:
  tenon job trace job_01J9
  tenon job trace job_01J9 --full
  tenon job trace job_01J9 --output json | jq '.steps[].output'")]
    Trace(TraceArgs),
    /// Follow a job, or all jobs, as they happen
    #[command(after_help = "Examples:
  tenon job watch job_01J9                   ends when the job does
  tenon job watch --all                      until Ctrl-C")]
    Watch(WatchArgs),
    /// Run a finished job again, as a new job
    #[command(after_help = "Examples:
  tenon job rerun job_01J9
  tenon job rerun job_01J9 --version latest --input '{\"id\":2}'")]
    Rerun(RerunArgs),
    /// Cancel a job that is not finished
    #[command(after_help = "Examples:
  tenon job cancel job_01J9")]
    Cancel(JobId),
}

#[derive(Debug, Args)]
pub(crate) struct JobId {
    /// A job's id, or a unique beginning of it
    #[arg(value_name = "JOB")]
    pub(crate) job: String,
}

#[derive(Debug, Args)]
pub(crate) struct TraceArgs {
    /// A job's id, or a unique beginning of it
    #[arg(value_name = "JOB")]
    pub(crate) job: String,
    /// Show values whole instead of cut to one line
    #[arg(long)]
    pub(crate) full: bool,
}

#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// A job's id, or a unique beginning of it
    #[arg(value_name = "JOB", required_unless_present = "all", conflicts_with = "all")]
    pub(crate) job: Option<String>,
    /// All jobs of the workspace
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RerunArgs {
    /// A job's id, or a unique beginning of it
    #[arg(value_name = "JOB")]
    pub(crate) job: String,
    /// Which revision of the workflow
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    #[arg(help = "Which revision of the workflow: the same as before, or the latest")]
    pub(crate) version: Version,
    /// Another input: JSON, @FILE, or - for standard input
    #[arg(long, value_name = "JSON|@FILE|-")]
    pub(crate) input: Option<String>,
}

/// Which revision a rerun uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Version {
    #[default]
    Same,
    Latest,
}

#[derive(Debug, Args)]
pub(crate) struct JobFilter {
    /// Of this workflow
    #[arg(long, value_name = "NAMESPACE/NAME")]
    pub(crate) workflow: Option<WorkflowName>,
    /// In one of these states: pending, running, waiting, suspended, completed, faulted, cancelled
    #[arg(long, value_name = "STATE,…", value_delimiter = ',')]
    #[arg(value_parser = ["pending", "running", "waiting", "suspended", "completed", "faulted", "cancelled"])]
    #[arg(hide_possible_values = true)]
    pub(crate) state: Vec<String>,
    /// For this event
    #[arg(long, value_name = "EVENT")]
    pub(crate) event: Option<String>,
    /// Started by this job
    #[arg(long, value_name = "JOB")]
    pub(crate) parent: Option<String>,
    /// Captured at or after: a time, a date, or how long ago (15m, 2h, 7d)
    #[arg(long, value_name = "TIME", value_parser = time::moment)]
    pub(crate) since: Option<String>,
    /// Captured before: a time, a date, or how long ago
    #[arg(long, value_name = "TIME", value_parser = time::moment)]
    pub(crate) until: Option<String>,
    /// Whose id begins so
    #[arg(long, value_name = "PREFIX")]
    pub(crate) id: Option<String>,
}
