//! `tenon plan`: what apply would change. Asks the server by dry runs; changes nothing, remembers nothing.

use http::Method;

use super::{Context, Session};
use crate::cli::ProjectArgs;
use crate::client::{self, Query, Request, path};
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::project::{self, Item, Memory, Plan, ResourceFile};

/// Columns for values where there is no terminal.
pub(super) const WIDTH: usize = 120;

pub(super) async fn run(args: ProjectArgs, session: Session<'_>) -> Result<(), Failure> {
    let resources = project::read(&args.paths)?;
    let environment = session.environment;
    let context = session.context_from(&project::start(&args.paths))?;
    let memory = Memory::read(environment, context.client.settings());
    let plan = make(resources, &memory, &context).await;
    let plan = plan.map_err(|refusals| refusals.report(context.output))?;
    for item in &plan.items {
        advise(item, &plan, context.output);
    }
    warn_of_missing(&plan, context.output);
    let width = context.output.width.unwrap_or(WIDTH);
    context.output.value(&plan.json(), |output| plan.table(output.paint, width, "to create", "to change"))
}

/// The server knows of a variable that a workflow reads and that does not exist.
const MISSING_VARIABLE: &str = "TN0050";
/// It knows of a webhook that a poller is woken by and that does not exist.
const MISSING_WEBHOOK: &str = "TN0054";
/// Findings that depend on what the workspace has, so that they are news also for a file that did not change.
pub(super) const ABOUT_WORKSPACE: [&str; 3] = [MISSING_VARIABLE, "TN0051", MISSING_WEBHOOK];

/// What the server says about one file, without what the plan itself will mend.
fn advise(item: &Item, plan: &Plan, output: &mut Output) {
    let mut findings = item.findings.clone();
    if let Some(list) = findings["diagnostics"].as_array_mut() {
        list.retain(|finding| finding["code"] != MISSING_VARIABLE || !is_made(finding, plan));
    }
    forget_hooks(&mut findings, &plan.hooks());
    for line in super::workflow::finding_lines(&item.resource.path, &findings) {
        output.note(&line);
    }
}

fn is_made(finding: &serde_json::Value, plan: &Plan) -> bool {
    named(finding).is_some_and(|name| plan.makes_variable(name))
}

/// The name stands in backquotes in the message.
fn named(finding: &serde_json::Value) -> Option<&str> {
    finding["message"].as_str().and_then(|message| message.split('`').nth(1))
}

/// Takes out what is said about webhooks that files of the same project make: they may come after the poller.
pub(super) fn forget_hooks(findings: &mut serde_json::Value, hooks: &[String]) {
    if let Some(list) = findings["diagnostics"].as_array_mut() {
        let is_made = |finding: &serde_json::Value| {
            named(finding).is_some_and(|path| hooks.iter().any(|hook| hook == path))
        };
        list.retain(|finding| finding["code"] != MISSING_WEBHOOK || !is_made(finding));
    }
}

/// Secrets are named by files, but only people give them values.
pub(super) fn warn_of_missing(plan: &Plan, output: &mut Output) {
    for name in plan.missing() {
        output.warning(&format!("secret {name} has no value yet"));
        output.hint(&format!("tenon variable set {name} --secret"));
    }
}

/// Files that the server would not take, each with what it says.
pub(super) struct Refusals(Vec<(ResourceFile, client::Error)>);

/// Holds all files against the server; one bad file is enough to have no plan, but all are looked at.
pub(super) async fn make(
    resources: Vec<ResourceFile>,
    memory: &Memory,
    context: &Context<'_>,
) -> Result<Plan, Refusals> {
    let mut items = Vec::new();
    let mut refused = Vec::new();
    for resource in resources {
        match dry_run(&resource, context).await {
            Ok(answer) => items.push(Item::new(resource, &answer, memory)),
            Err(error) => {
                let fatal = error.problem().is_none_or(|problem| problem.exit() == Exit::NotAllowed);
                refused.push((resource, error));
                if fatal {
                    break;
                }
            }
        }
    }
    if refused.is_empty() { Ok(Plan { items }) } else { Err(Refusals(refused)) }
}

async fn dry_run(resource: &ResourceFile, context: &Context<'_>) -> Result<serde_json::Value, client::Error> {
    let query = Query::default().with("dryRun", Some("true"));
    let request = Request::new(Method::PUT, query.after(&address(resource)));
    let (content_type, body) = resource.body();
    Ok(context.client.send(request.body(content_type, body)).await?.body)
}

pub(super) fn address(resource: &ResourceFile) -> String {
    path(&[&["api", "v1"][..], &resource.address()].concat())
}

impl Refusals {
    /// The findings, a line each, then the one error.
    pub(super) fn report(self, output: &mut Output) -> Failure {
        let count = self.0.len();
        let fatal = self
            .0
            .iter()
            .position(|(_, error)| error.problem().is_none_or(|problem| problem.exit() == Exit::NotAllowed));
        let mut refused = self.0;
        if let Some(fatal) = fatal {
            return refused.swap_remove(fatal).1.into();
        }
        let mut findings = 0;
        for (resource, error) in &refused {
            let Some(problem) = error.problem() else { continue };
            let lines = super::workflow::finding_lines(&resource.path, &problem.document);
            findings += lines.len();
            for line in &lines {
                output.note(line);
            }
        }
        let Some((resource, error)) = refused.pop() else { return Failure::bug() };
        let failed = match error.problem() {
            Some(problem) => problem.exit(),
            None => Exit::Failed,
        };
        if count == 1 && findings == 0 {
            let mut failure = Failure::from(error);
            failure.message = format!("{}: {}", resource.path.display(), failure.message);
            return failure;
        }
        let files = if count == 1 { "1 file is".to_owned() } else { format!("{count} files are") };
        Failure::new(failed, format!("{files} refused, nothing was changed"))
            .hint("each line above says where; `tenon explain CODE` says more")
    }
}
