//! `tenon job cancel`

use serde_json::json;

use super::many::{self, Deed};
use crate::cli::WhichJobs;
use crate::client::{Request, path};
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::{Format, plain};

pub(super) async fn run(which: &WhichJobs, context: Context<'_>) -> Result<(), Failure> {
    let Some(job) = &which.job else {
        let deed = Deed { action: "cancel", done: "cancelled", of: "unfinished", with: json!({}) };
        return many::run(&deed, &which.many, context).await;
    };
    let request = Request::post(path(&["api", "v1", "jobs", job, "cancel"]));
    let answer = context.client.send(request).await?.body;
    if context.output.format() == Format::Table {
        context.output.note(&format!("{} is being cancelled", plain(&answer["job"])));
        return Ok(());
    }
    context.output.value(&answer, |_| plain(&answer["job"]))
}
