//! `tenon job resume` and `tenon job skip`: what is done about suspended jobs.

use serde_json::json;

use super::many::{self, Deed};
use crate::cli::WhichJobs;
use crate::client::{Request, path};
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::{Format, plain};

pub(super) async fn resume(which: &WhichJobs, context: Context<'_>) -> Result<(), Failure> {
    run(Deed { action: "resume", done: "resumed", of: "suspended", with: json!({}) }, which, context).await
}

pub(super) async fn skip(which: &WhichJobs, context: Context<'_>) -> Result<(), Failure> {
    run(Deed { action: "skip", done: "skipped", of: "suspended", with: json!({}) }, which, context).await
}

async fn run(deed: Deed, which: &WhichJobs, context: Context<'_>) -> Result<(), Failure> {
    let Some(job) = &which.job else { return many::run(&deed, &which.many, context).await };
    let request = Request::post(path(&["api", "v1", "jobs", job, deed.action]));
    let answer = context.client.send(request).await?.body;
    if context.output.format() == Format::Table {
        context.output.note(&format!("{} {}", plain(&answer["job"]), deed.done));
        return Ok(());
    }
    context.output.value(&answer, |_| plain(&answer["job"]))
}
