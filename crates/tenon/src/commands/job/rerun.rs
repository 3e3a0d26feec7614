//! `tenon job rerun`

use serde_json::json;

use super::many::{self, Deed};
use crate::cli::{RerunArgs, Version};
use crate::client::{Request, path};
use crate::commands::Context;
use crate::failure::Failure;
use crate::json_input;
use crate::output::plain;

pub(super) async fn run(args: RerunArgs, context: Context<'_>) -> Result<(), Failure> {
    let version = match args.version {
        Version::Same => "same",
        Version::Latest => "latest",
    };
    let mut body = json!({ "version": version, "from": args.from });
    let Some(job) = &args.which.job else {
        if args.input.is_some() {
            return Err(Failure::usage("--input is for one job").hint("name the job"));
        }
        let deed = Deed { action: "rerun", done: "started again", of: "faulted", with: body };
        return many::run(&deed, &args.which.many, context).await;
    };
    if let Some(input) = &args.input {
        body["input"] = json_input::read(input)?;
    }
    let request = Request::post(path(&["api", "v1", "jobs", job, "rerun"])).json(&body);
    let accepted = context.client.send(request).await?.body;
    context.output.value(&accepted, |_| plain(&accepted["job"]))
}
