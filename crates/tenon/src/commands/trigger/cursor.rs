//! `tenon trigger cursor`: where a poller goes on.

use http::Method;
use serde_json::{Value, json};

use crate::cli::TriggerName;
use crate::client::{Request, path};
use crate::commands::Context;
use crate::failure::{Exit, Failure};
use crate::output::{Format, plain};

pub(super) async fn run(
    name: &TriggerName,
    value: Option<&str>,
    context: Context<'_>,
) -> Result<(), Failure> {
    let Some(value) = value else { return show(name, context).await };
    let cursor = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    let address = path(&["api", "v1", "triggers", &name.0, "cursor"]);
    let request = Request::new(Method::PUT, address).json(&json!({ "cursor": cursor }));
    let answer = context.client.send(request).await?.body;
    if context.output.format() == Format::Table {
        let cursor = plain(&answer["state"]["cursor"]);
        context.output.note(&format!("trigger {} goes on from {cursor}", name.0));
        return Ok(());
    }
    context.output.value(&answer["state"], |_| String::new())
}

async fn show(name: &TriggerName, context: Context<'_>) -> Result<(), Failure> {
    let trigger = context.client.get(path(&["api", "v1", "triggers", &name.0])).await?;
    if trigger["kind"] != "poll" {
        return Err(Failure::new(Exit::Usage, format!("trigger {} is no poller", name.0))
            .hint("only triggers of `kind: poll` have a cursor"));
    }
    let cursor = trigger["state"].get("cursor").cloned().unwrap_or_default();
    context.output.value(&cursor, |_| cursor.to_string())
}
