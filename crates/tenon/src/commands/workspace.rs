//! `tenon workspace list|create`.

use http::Method;
use serde_json::Value;

use super::Context;
use crate::cli::WorkspaceCommand;
use crate::client::{Request, path};
use crate::failure::Failure;
use crate::output::{Format, plain, table};

pub(super) async fn run(command: WorkspaceCommand, context: Context<'_>) -> Result<(), Failure> {
    match command {
        WorkspaceCommand::List => list(context).await,
        WorkspaceCommand::Create { name } => create(&name, context).await,
    }
}

async fn list(context: Context<'_>) -> Result<(), Failure> {
    let body = context.client.get("/api/v1/workspaces").await?;
    let items = body["items"].as_array().map_or(&[][..], Vec::as_slice);
    let rows = items.iter().map(|item: &Value| vec![plain(&item["name"])]).collect();
    context.output.value(&body, |_| table(&["NAME"], rows))
}

async fn create(name: &str, context: Context<'_>) -> Result<(), Failure> {
    let request = Request::new(Method::PUT, path(&["api", "v1", "workspaces", name]));
    let answer = context.client.send(request).await?;
    if context.output.format() == Format::Table {
        let word = if answer.status == http::StatusCode::CREATED { "created" } else { "is there already" };
        context.output.note(&format!("workspace {name} {word}"));
        return Ok(());
    }
    context.output.value(&answer.body, |_| String::new())
}
