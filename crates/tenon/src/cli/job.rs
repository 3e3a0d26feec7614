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
    /// Run a job again, as a new job: from its start, from the step that failed, or from any step
    #[command(after_help = "Examples:
  tenon job rerun job_01J9
  tenon job rerun job_01J9 --version latest --input '{\"id\":2}'
  tenon job rerun job_01J9 --from failed --version latest
  tenon job rerun job_01J9 --from /do/2/upsert --input @contact.json
  tenon job rerun --workflow shop/orders --error communication --since 2h --from failed

Steps before the one that it begins at are not run again: the new job has what they gave.
`tenon job trace` shows the ids of steps. The new job stands at the end of its lane, also where
the old one is suspended.

Of several conditions all must hold. Without --state only jobs that are faulted are meant;
completed, cancelled and suspended ones can be run again, too.")]
    Rerun(RerunArgs),
    /// Have a suspended job go on: what failed is tried again
    #[command(after_help = "Examples:
  tenon job resume job_01J9
  tenon job resume --workflow shop/orders --error communication
  tenon job resume --state suspended --dry-run

Of several conditions all must hold; only jobs that are suspended are meant.")]
    Resume(WhichJobs),
    /// Give a suspended job up: it ends faulted, and its lane goes on
    #[command(after_help = "Examples:
  tenon job skip job_01J9
  tenon job skip --workflow shop/orders --until 7d --yes

Of several conditions all must hold; only jobs that are suspended are meant.")]
    Skip(WhichJobs),
    /// Cancel jobs that are not finished
    #[command(after_help = "Examples:
  tenon job cancel job_01J9
  tenon job cancel --workflow shop/orders --state pending --yes

Of several conditions all must hold. Without --state all jobs that are not finished are meant.
Each ends as soon as what it is doing can be stopped.")]
    Cancel(WhichJobs),
    /// Remove finished jobs with all that is kept of them
    #[command(after_help = "Examples:
  tenon job purge job_01J9
  tenon job purge --state completed --until 7d --dry-run
  tenon job purge --workflow shop/orders --until 2026-01-01 --yes

Of several conditions all must hold. Without --state all jobs that are finished are meant:
completed, faulted and cancelled ones.")]
    Purge(WhichJobs),
}

/// One job, or all that a filter finds.
#[derive(Debug, Args)]
pub(crate) struct WhichJobs {
    /// A job's id, or a unique beginning of it
    #[arg(value_name = "JOB")]
    #[arg(conflicts_with_all = ["workflow", "state", "since", "until", "error", "error_status", "cursor", "dry_run"])]
    pub(crate) job: Option<String>,
    #[command(flatten)]
    pub(crate) many: ManyJobs,
}

/// Which jobs, where it is not one.
#[derive(Debug, Args)]
pub(crate) struct ManyJobs {
    /// All jobs of this workflow
    #[arg(long, value_name = "NAMESPACE/NAME")]
    pub(crate) workflow: Option<WorkflowName>,
    /// All in one of these states: pending, running, waiting, suspended, completed, faulted, cancelled
    #[arg(long, value_name = "STATE,…", value_delimiter = ',')]
    #[arg(value_parser = ["pending", "running", "waiting", "suspended", "completed", "faulted", "cancelled"])]
    #[arg(hide_possible_values = true)]
    pub(crate) state: Vec<String>,
    /// All captured at or after: a time, a date, or how long ago (15m, 2h, 7d)
    #[arg(long, value_name = "TIME", value_parser = time::moment)]
    pub(crate) since: Option<String>,
    /// All captured before: a time, a date, or how long ago
    #[arg(long, value_name = "TIME", value_parser = time::moment)]
    pub(crate) until: Option<String>,
    /// All with an error of this type: the whole of it, or its last part (communication, timeout, …)
    #[arg(long, value_name = "TYPE")]
    pub(crate) error: Option<String>,
    /// All with an error of this status
    #[arg(long, value_name = "STATUS")]
    pub(crate) error_status: Option<u16>,
    /// Go on where a command stopped: at the cursor that it named
    #[arg(long, value_name = "CURSOR")]
    pub(crate) cursor: Option<String>,
    /// Only say how many there are
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask first
    #[arg(long)]
    pub(crate) yes: bool,
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
    #[command(flatten)]
    pub(crate) which: WhichJobs,
    /// Where it begins: start, failed, or the id of a step
    #[arg(long, value_name = "start|failed|STEP", default_value = "start")]
    pub(crate) from: String,
    /// Which revision of the workflow
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    #[arg(help = "Which revision of the workflow: the same as before, or the latest")]
    pub(crate) version: Version,
    /// Another input, of the workflow or of the step: JSON, @FILE, or - for standard input
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
    /// For this event: its whole id
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
