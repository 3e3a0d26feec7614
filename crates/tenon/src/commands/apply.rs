//! `tenon apply`: makes the server hold what the files say. All files are checked before the first is sent; each is
//! sent with the revision the plan saw (`If-Match`), so that nobody's change is lost unseen.

use http::Method;
use http::header::{IF_MATCH, IF_NONE_MATCH};

use super::plan::{ABOUT_WORKSPACE, WIDTH, address, forget_hooks, make, warn_of_missing};
use super::{Context, Session};
use crate::cli::ApplyArgs;
use crate::client::{Answer, Request};
use crate::failure::{Exit, Failure};
use crate::output::{Format, plain};
use crate::project::{self, Applied, Change, Item, Memory};

pub(super) async fn run(args: ApplyArgs, session: Session<'_>) -> Result<(), Failure> {
    let resources = project::read(&args.paths)?;
    let environment = session.environment;
    let mut context = session.context_from(&project::start(&args.paths))?;
    let mut memory = Memory::read(environment, context.client.settings());
    let plan = make(resources, &memory, &context).await;
    let mut plan = plan.map_err(|refusals| refusals.report(context.output))?;
    if !args.overwrite {
        refuse_drift(&plan)?;
    }
    let mut outcome = Ok(());
    let hooks = plan.hooks();
    for item in &mut plan.items {
        forget_hooks(&mut item.findings, &hooks);
        outcome = push(item, &hooks, &mut memory, &mut context).await;
        if outcome.is_err() {
            break;
        }
    }
    // Also after a failure: what was applied before it is applied.
    if let Err(error) = memory.save() {
        context
            .output
            .warning(&format!("cannot remember what was applied, so drift will go unseen: {error}"));
    }
    outcome?;
    warn_of_missing(&plan, context.output);
    let width = context.output.width.unwrap_or(WIDTH);
    if context.output.format() == Format::Table {
        plan.items.iter_mut().for_each(|item| item.drift = None);
    }
    context.output.value(&plan.json(), |output| plan.table(output.paint, width, "created", "changed"))
}

fn refuse_drift(plan: &project::Plan) -> Result<(), Failure> {
    let drifted: Vec<String> = plan.drifted().map(Item::title).collect();
    if drifted.is_empty() {
        return Ok(());
    }
    let (what, was) = (drifted.join(", "), if drifted.len() == 1 { "was" } else { "were" });
    Err(Failure::new(
        Exit::Conflict,
        format!("{what} {was} changed on the server since the last apply from here"),
    )
    .hint("`tenon plan` shows what differs")
    .hint("`tenon apply --overwrite` lets the files win"))
}

async fn push(
    item: &mut Item,
    hooks: &[String],
    memory: &mut Memory,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    if matches!(item.change, Change::None | Change::Missing) {
        if let Some(current) = &item.current {
            memory.remember(&item.resource, current.clone());
        }
        item.findings["diagnostics"].as_array_mut().into_iter().for_each(|findings| {
            findings.retain(|finding| ABOUT_WORKSPACE.iter().any(|code| finding["code"] == *code));
        });
        for line in super::workflow::finding_lines(&item.resource.path, &item.findings) {
            context.output.note(&line);
        }
        return Ok(());
    }
    let request = Request::new(Method::PUT, address(&item.resource));
    let request = match &item.current {
        Some(current) => request.header(IF_MATCH, format!("\"{}\"", current.revision)),
        None => request.header(IF_NONE_MATCH, "*"),
    };
    let (content_type, body) = item.resource.body();
    let answer = context.client.send(request.body(content_type, body)).await;
    let mut answer = answer.map_err(|error| conflict(item, error.into()))?;
    forget_hooks(&mut answer.body, hooks);
    for line in super::workflow::finding_lines(&item.resource.path, &answer.body) {
        context.output.note(&line);
    }
    let revision = revision(&answer);
    item.applied = Some(revision);
    memory.remember(&item.resource, Applied { revision, digest: plain(&answer.body["digest"]) });
    Ok(())
}

fn revision(answer: &Answer) -> u64 {
    answer.body["revision"].as_u64().or_else(|| answer.revision()).unwrap_or_default()
}

fn conflict(item: &Item, mut failure: Failure) -> Failure {
    failure.message = format!("{}: {}", item.title(), failure.message);
    if failure.exit == Exit::Conflict {
        return failure.hint("somebody changed it at the same moment; `tenon plan` shows what differs now");
    }
    failure
}
