//! `tenon job purge`

use serde_json::json;

use super::many::{self, Deed};
use crate::cli::WhichJobs;
use crate::client::Request;
use crate::commands::Context;
use crate::failure::{Exit, Failure};
use crate::output::{Format, plain};

pub(super) async fn run(which: &WhichJobs, context: Context<'_>) -> Result<(), Failure> {
    let Some(job) = &which.job else {
        let deed = Deed { action: "purge", done: "purged", of: "finished", with: json!({}) };
        return many::run(&deed, &which.many, context).await;
    };
    let body = json!({ "filter": { "job": job }, "action": "purge" });
    let answer = context.client.send(Request::post("/api/v1/jobs/bulk").json(&body)).await?.body;
    if answer["done"] == 1 {
        if context.output.format() == Format::Table {
            context.output.note(&format!("{job} purged"));
            return Ok(());
        }
        return context.output.value(&answer, |_| plain(&answer["done"]));
    }
    if let Some(why) = answer["stopped"]["detail"].as_str() {
        return Err(Failure::new(Exit::Failed, format!("{job} stays: {why}")).hint("try again"));
    }
    let why = answer["refused"][0]["detail"].as_str().unwrap_or("it has not ended");
    Err(Failure::new(Exit::Conflict, format!("{job} stays: {why}"))
        .hint("only a job that has ended can be purged; `tenon job cancel` ends it"))
}
