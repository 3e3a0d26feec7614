//! `tenon workflow …`

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};

use super::PageArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum WorkflowCommand {
    /// List the workflows
    #[command(after_help = "Examples:
  tenon workflow list
  tenon workflow list --output json")]
    List(PageArgs),
    /// Show one workflow with its document
    #[command(after_help = "Examples:
  tenon workflow show shop/orders
  tenon workflow show shop/orders --revision 3
  tenon workflow show shop/orders --output json")]
    Show {
        workflow: WorkflowName,
        /// An earlier revision
        #[arg(long, value_name = "N")]
        revision: Option<u64>,
    },
    /// Check documents, without a server
    #[command(after_help = "Examples:
  tenon workflow lint workflows/*.yaml
  tenon workflow lint workflows/*.yaml --fix
  tenon workflow lint workflows/orders.yaml --output json")]
    Lint(LintArgs),
    /// Say in plain English what a document or a deployed workflow does
    #[command(after_help = "Examples:
  tenon workflow explain workflows/orders.yaml
  tenon workflow explain workflows/orders.yaml --output markdown > orders.md
  tenon workflow explain shop/orders --revision 3
  tenon workflow explain shop/orders --output json

What is no file is taken for the name of a deployed workflow. `--output` is text (the default), markdown, json or yaml.
Codes of errors are explained by `tenon explain CODE`.")]
    Explain(ExplainWorkflowArgs),
    /// Print the JSON Schema of workflow documents, for editors
    #[command(after_help = "Examples:
  tenon workflow schema > workflow.schema.json

Then let the YAML language server of your editor know, in the first line of a document:
  # yaml-language-server: $schema=../workflow.schema.json")]
    Schema,
    /// Start a workflow
    #[command(after_help = "Examples:
  tenon workflow run shop/orders --input '{\"id\":1}' --wait
  tenon workflow run shop/orders --input @order.json
  curl -s https://example.com/order | tenon workflow run shop/orders --input -")]
    Run(RunArgs),
    /// List the revisions of a workflow
    #[command(after_help = "Examples:
  tenon workflow versions shop/orders")]
    Versions {
        workflow: WorkflowName,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Let events start the workflow again
    #[command(after_help = "Examples:
  tenon workflow enable shop/orders")]
    Enable { workflow: WorkflowName },
    /// Let no event start the workflow; running jobs go on
    #[command(after_help = "Examples:
  tenon workflow disable shop/orders")]
    Disable { workflow: WorkflowName },
    /// Delete the workflow; its jobs stay
    #[command(after_help = "Examples:
  tenon workflow delete shop/orders")]
    Delete { workflow: WorkflowName },
}

#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    /// Workflow documents
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Mend in the files what can be mended without changing what they mean
    #[arg(long)]
    pub(crate) fix: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainWorkflowArgs {
    /// A document, or the name of a deployed workflow
    #[arg(value_name = "FILE|NAMESPACE/NAME")]
    pub(crate) workflow: String,
    /// An earlier revision of a deployed workflow
    #[arg(long, value_name = "N")]
    pub(crate) revision: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    pub(crate) workflow: WorkflowName,
    /// The workflow's input: JSON, @FILE, or - for standard input
    #[arg(long, value_name = "JSON|@FILE|-", default_value = "{}")]
    pub(crate) input: String,
    /// Wait for the output, at most so many seconds (1 to 300)
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "300")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=300))]
    pub(crate) wait: Option<u16>,
    /// The same key gives the same job again
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
}

/// `NAMESPACE/NAME`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WorkflowName {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl FromStr for WorkflowName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
                Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() })
            }
            _ => Err("write NAMESPACE/NAME, e.g. shop/orders".to_owned()),
        }
    }
}

impl std::fmt::Display for WorkflowName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.namespace, self.name)
    }
}
