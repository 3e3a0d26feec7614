//! `tenon event send`: one CloudEvent, in structured mode.

use std::hash::{BuildHasher as _, RandomState};

use serde_json::{Value, json};

use crate::cli::SendArgs;
use crate::client::{Request, path};
use crate::commands::Context;
use crate::failure::Failure;
use crate::json_input;
use crate::output::{fields, plain};

pub(super) async fn run(args: SendArgs, context: Context<'_>) -> Result<(), Failure> {
    let mut event = json!({
        "specversion": "1.0",
        "id": args.id.unwrap_or_else(new_id),
        "source": args.source,
        "type": args.kind,
    });
    if let Some(subject) = args.subject {
        event["subject"] = Value::String(subject);
    }
    if let Some(data) = &args.data {
        event["datacontenttype"] = Value::String("application/json".to_owned());
        event["data"] = json_input::read(data)?;
    }
    let workspace = context.client.settings().workspace.value.clone();
    let request = Request::post(path(&["events", &workspace]))
        .body("application/cloudevents+json; charset=utf-8", event.to_string());
    let accepted = context.client.send(request).await?.body;
    context.output.value(&accepted, |_| {
        let jobs = accepted["jobs"].as_array().map_or(&[][..], Vec::as_slice);
        let jobs = jobs.iter().map(plain).collect::<Vec<_>>().join(" ");
        let mut rows = vec![("event", plain(&accepted["event"]))];
        rows.push(("jobs", if jobs.is_empty() { "- (no workflow listens for it)".to_owned() } else { jobs }));
        if accepted["duplicate"] == Value::Bool(true) {
            rows.push(("duplicate", "yes: this is the answer of the first".to_owned()));
        }
        fields(&rows)
    })
}

/// 128 bits from the seeds of the standard library's hash maps, which the system's randomness makes.
fn new_id() -> String {
    let half = || RandomState::new().hash_one(std::process::id());
    format!("cli-{:016x}{:016x}", half(), half())
}
