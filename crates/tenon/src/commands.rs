//! One file per command. Here is only which one runs, and what each is given.

mod apply;
mod completions;
mod doctor;
mod event;
mod explain;
mod generate;
mod job;
mod lane;
mod limits;
mod plan;
mod resource;
mod trigger;
mod up;
mod variable;
mod vault;
mod whoami;
mod workflow;
mod workspace;

use std::path::Path;

use serde_json::Value;

use crate::cli::{Cli, Command, Globals, PageArgs, WorkflowCommand};
use crate::client::{Client, Query};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::output::{Format, Output};
use crate::settings::Settings;

/// What a command that talks to the server is given.
pub(crate) struct Context<'a> {
    pub(crate) client: Client,
    pub(crate) output: &'a mut Output,
}

/// Everything a command may need to make a [`Context`].
pub(crate) struct Session<'a> {
    globals: Globals,
    environment: &'a Environment,
    output: &'a mut Output,
}

/// Runs what was asked for.
pub(crate) async fn run(cli: Cli, environment: &Environment, output: &mut Output) -> Result<(), Failure> {
    let session = Session { globals: cli.globals, environment, output };
    refuse_markdown(&cli.command, session.output.format())?;
    match cli.command {
        Command::Up(args) => up::run(args, session).await,
        Command::Apply(args) => apply::run(args, session).await,
        Command::Plan(args) => plan::run(args, session).await,
        Command::Workflow(command) => workflow::run(command, session).await,
        Command::Trigger(command) => trigger::run(command, session.context()?).await,
        Command::Event(command) => event::run(command, session.context()?).await,
        Command::Job(command) => job::run(command, session.context()?).await,
        Command::Lane(command) => lane::run(command, session.context()?).await,
        Command::Variable(command) => variable::run(command, session.context()?).await,
        Command::Vault(command) => vault::run(command, session.context()?).await,
        Command::Workspace(command) => workspace::run(command, session.context()?).await,
        Command::Limits => limits::run(session.context()?).await,
        Command::Doctor => doctor::run(session).await,
        Command::Explain(args) => explain::run(&args, session.output),
        Command::Completions(args) => completions::run(&args, session.output),
        Command::Whoami => whoami::run(session.context()?).await,
        Command::Generate(command) => generate::run(&command, session.output),
    }
}

/// Most data is no prose.
fn refuse_markdown(command: &Command, format: Format) -> Result<(), Failure> {
    if format != Format::Markdown || matches!(command, Command::Workflow(WorkflowCommand::Explain(_))) {
        return Ok(());
    }
    Err(Failure::usage("only `tenon workflow explain` prints Markdown")
        .hint("use --output table, json or yaml"))
}

// === impl Session ===

impl<'a> Session<'a> {
    /// Settings for the current directory.
    fn context(self) -> Result<Context<'a>, Failure> {
        self.context_from(Path::new("."))
    }

    /// Settings with `tenon.yaml` looked for from `start` upwards.
    fn context_from(self, start: &Path) -> Result<Context<'a>, Failure> {
        let settings = Settings::resolve(&self.globals, self.environment, start)?;
        Ok(Context { client: Client::new(settings)?, output: self.output })
    }
}

// === impl Context ===

impl Context<'_> {
    /// Prints one page of a list; says on standard error how to get the next.
    async fn list(
        self,
        path: &str,
        query: Query,
        page: &PageArgs,
        table: impl FnOnce(&[Value]) -> String,
    ) -> Result<(), Failure> {
        let query = query.with("limit", Some(page.limit)).with("cursor", page.cursor.as_ref());
        let body = self.client.get(query.after(path)).await?;
        let items = body["items"].as_array().map_or(&[][..], Vec::as_slice);
        self.output.value(&body, |_| table(items))?;
        if items.is_empty() && self.output.format() == Format::Table {
            self.output.note("nothing found");
        }
        if body["complete"] == false {
            self.output.note(
                "there is too much to look at all of it: some may be missing, ask for less by a filter",
            );
        }
        if let Some(next) = body["next"].as_str() {
            self.output.note(&format!("there is more: --cursor {next}"));
        }
        Ok(())
    }
}
