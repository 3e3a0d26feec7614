//! What may be written on the command line: clap types, nothing else. Flags are declared once, here or (those of
//! `tenon up`) in the configuration table; help, completions and man pages come from the declaration.

mod event;
mod job;
mod lane;
mod trigger;
mod usage;
mod variable;
mod vault;
mod workflow;
mod workspace;

use std::path::PathBuf;

use clap::builder::styling::Styles;
use clap::{Args, Parser, Subcommand};

pub(crate) use event::{EventCommand, EventFilter, SendArgs};
pub(crate) use job::{JobCommand, JobFilter, ManyJobs, RerunArgs, TraceArgs, Version, WatchArgs, WhichJobs};
pub(crate) use lane::{LaneCommand, LaneFilter};
pub(crate) use trigger::{TriggerCommand, TriggerName};
pub(crate) use usage::report as report_usage;
pub(crate) use variable::{GetArgs, SetArgs, VariableCommand, VariableName};
pub(crate) use vault::{RotateMasterArgs, VaultCommand};
pub(crate) use workflow::{ExplainWorkflowArgs, LintArgs, RunArgs, WorkflowCommand, WorkflowName};
pub(crate) use workspace::{WorkspaceArgs, WorkspaceCommand};

use crate::config::UpArgs;
use crate::output::Format;

/// One event in, a durable workflow out, every step visible.
#[derive(Debug, Parser)]
#[command(name = "tenon", version, styles = Styles::plain(), max_term_width = 100)]
#[command(disable_help_subcommand = true, arg_required_else_help = true)]
#[command(after_help = "Examples:
  tenon up                                   start the server; its data in ~/.local/share/tenon
  tenon apply examples/orders                deploy a project
  tenon event send --type com.acme.order.created --data '{\"id\":1}'
  tenon job list --state faulted             what went wrong
  tenon job trace job_01J9                   every step of one job (ids may be shortened)

Exit codes: 0 ok, 1 the request failed, 2 usage, 3 not allowed, 4 not found, 5 conflict or drift,
6 cannot reach the server, 7 the server could not start, 70 bug")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Globals {
    /// How data is printed
    #[arg(
        long,
        short,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    #[arg(help = "How data is printed: table, json or yaml")]
    pub(crate) output: Format,
    /// Address of the server [env: TENON_SERVER]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// The key to use; better kept in TENON_KEY, where other users do not see it
    #[arg(long, global = true, value_name = "KEY", hide_short_help = true)]
    pub(crate) key: Option<String>,
    /// The workspace [env: TENON_WORKSPACE]
    #[arg(long, short, global = true, value_name = "NAME")]
    pub(crate) workspace: Option<String>,
    /// Take the workspace from this entry of `environments` in tenon.yaml [env: TENON_ENVIRONMENT]
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    pub(crate) environment: Option<String>,
    /// Data directory of the local server [env: TENON_DATA] [default: $XDG_DATA_HOME/tenon]
    #[arg(long, global = true, value_name = "DIR", hide_short_help = true)]
    pub(crate) data_dir: Option<String>,
}

/// Noun, then verb.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the server
    Up(UpArgs),
    /// Make the server hold what the files say
    Apply(ApplyArgs),
    /// Show what `apply` would change
    Plan(ProjectArgs),
    /// Workflows: what to do with an event
    #[command(subcommand)]
    Workflow(WorkflowCommand),
    /// Triggers: what produces events
    #[command(subcommand)]
    Trigger(TriggerCommand),
    /// Events: what was captured
    #[command(subcommand)]
    Event(EventCommand),
    /// Jobs: one execution of one workflow for one event
    #[command(subcommand)]
    Job(JobCommand),
    /// Lanes: jobs with one ordering key, one after the other
    #[command(subcommand)]
    Lane(LaneCommand),
    /// Variables: configuration and secrets, read at the moment of use
    #[command(subcommand)]
    Variable(VariableCommand),
    /// Keys: what the data is encrypted with
    #[command(subcommand)]
    Vault(VaultCommand),
    /// Workspaces: tenants, or test and production
    #[command(subcommand)]
    Workspace(WorkspaceCommand),
    /// Show each limit, what it is used for now, and what waits for it
    #[command(after_help = "Examples:
  tenon limits
  tenon limits --workspace shop-test --output json")]
    Limits,
    /// Say what is wrong and how to mend it
    #[command(after_help = "Examples:
  tenon doctor
  tenon doctor --output json")]
    Doctor,
    /// Explain an error code
    #[command(after_help = "Examples:
  tenon explain TN2001
  tenon explain              list all codes")]
    Explain(ExplainArgs),
    /// Print a completion script for a shell
    #[command(after_help = "Examples:
  tenon completions bash > ~/.local/share/bash-completion/completions/tenon
  tenon completions zsh > ~/.zfunc/_tenon
  tenon completions fish > ~/.config/fish/completions/tenon.fish")]
    Completions(CompletionsArgs),
    /// Say which server, key and workspace are used, and which setting won
    #[command(after_help = "Examples:
  tenon whoami
  tenon whoami --server https://tenon.example.com")]
    Whoami,
    /// Write generated documentation
    #[command(subcommand, hide = true)]
    Generate(GenerateCommand),
}

/// Which files.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tenon plan                                 the project in this directory
  tenon plan examples/orders
  tenon plan workflows/orders.yaml --output json

Each change is one line: `+` added, `-` removed, `~` changed, with the place as a JSON Pointer.")]
pub(crate) struct ProjectArgs {
    /// Project directories, or single files [default: .]
    #[arg(value_name = "DIR|FILE")]
    pub(crate) paths: Vec<PathBuf>,
}

/// Which files, and what to do about drift.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tenon apply                                the project in this directory
  tenon apply examples/orders
  tenon apply triggers/shop.yaml
  tenon apply --overwrite                    the files win over what somebody else changed

Nothing is changed unless every file is good. A second apply changes nothing. Where the server holds something
else than what was last applied from here (drift), apply stops with exit code 5.")]
pub(crate) struct ApplyArgs {
    /// Project directories, or single files [default: .]
    #[arg(value_name = "DIR|FILE")]
    pub(crate) paths: Vec<PathBuf>,
    /// Replace what was changed on the server since the last apply
    #[arg(long)]
    pub(crate) overwrite: bool,
}

/// Which page of a list.
#[derive(Debug, Clone, Args)]
pub(crate) struct PageArgs {
    /// At most so many, 1 to 500
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub(crate) limit: u16,
    /// Where the page before ended
    #[arg(long, value_name = "CURSOR")]
    pub(crate) cursor: Option<String>,
}

/// Which error code.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A code such as TN2001; without one all codes are listed
    pub(crate) code: Option<String>,
}

/// For which shell.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// Which document.
#[derive(Debug, Subcommand)]
pub(crate) enum GenerateCommand {
    /// docs/configuration.md
    Configuration,
    /// docs/errors.md
    Errors,
    /// One man page per command
    Man {
        /// Where to put the pages
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_declaration_is_sound() {
        super::Cli::command().debug_assert();
    }

    /// clap lets an argument of a command silently take the value of a global one of the same name.
    #[test]
    fn no_command_hides_what_is_understood_everywhere() {
        fn check(command: &clap::Command, globals: &[&str]) {
            for command in command.get_subcommands() {
                for argument in command.get_arguments() {
                    let id = argument.get_id().as_str();
                    assert!(!globals.contains(&id), "`{}` hides the global `{id}`", command.get_name());
                }
                check(command, globals);
            }
        }
        let cli = super::Cli::command();
        let globals: Vec<&str> = cli
            .get_arguments()
            .filter(|argument| argument.is_global_set())
            .map(|argument| argument.get_id().as_str())
            .collect();
        assert!(globals.contains(&"server"));
        check(&cli, &globals);
    }

    /// Every command that does something shows how.
    #[test]
    fn every_command_has_examples() {
        fn check(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            if command.has_subcommands() {
                command
                    .get_subcommands()
                    .filter(|command| !command.is_hide_set())
                    .for_each(|sub| check(sub, &path));
                return;
            }
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Examples:\n  tenon "), "`{path}` has no examples");
        }
        check(&super::Cli::command(), "");
    }
}
