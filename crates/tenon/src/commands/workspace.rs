//! `tenon workspace list|create|set|show`.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::Context;
use crate::cli::{WorkspaceArgs, WorkspaceCommand};
use crate::client::{Request, path};
use crate::failure::Failure;
use crate::output::{Format, plain, table};

/// Takes a setting back.
const DEFAULT: &str = "default";

pub(super) async fn run(command: WorkspaceCommand, context: Context<'_>) -> Result<(), Failure> {
    match command {
        WorkspaceCommand::List => list(context).await,
        WorkspaceCommand::Create { name, settings } => create(&name, &settings, context).await,
        WorkspaceCommand::Set { name, settings } => set(&name, &settings, context).await,
        WorkspaceCommand::Show { name } => show(&name, context).await,
    }
}

async fn list(context: Context<'_>) -> Result<(), Failure> {
    let body = context.client.get("/api/v1/workspaces").await?;
    let items = body["items"].as_array().map_or(&[][..], Vec::as_slice);
    let rows = items.iter().map(|item: &Value| {
        let retention = &item["retention"];
        let columns = [&item["name"], &retention["jobs"], &retention["payloads"], &item["concurrency"]];
        columns.map(plain).to_vec()
    });
    let rows = rows.collect();
    context.output.value(&body, |_| table(&["NAME", "JOBS KEPT", "PAYLOADS KEPT", "CONCURRENCY"], rows))
}

async fn create(name: &str, settings: &WorkspaceArgs, context: Context<'_>) -> Result<(), Failure> {
    let mut request = Request::new(Method::PUT, address(name));
    let changes = changes(settings)?;
    let is_plain = changes.is_empty();
    if !is_plain {
        request = request.json(&Value::Object(changes));
    }
    let answer = context.client.send(request).await?;
    if context.output.format() == Format::Table {
        let word = match (answer.status, is_plain) {
            (StatusCode::CREATED, _) => "created",
            (_, true) => "is there already",
            (_, false) => "is there already, and set",
        };
        context.output.note(&format!("workspace {name} {word}"));
        return Ok(());
    }
    context.output.value(&answer.body, |_| String::new())
}

async fn set(name: &str, settings: &WorkspaceArgs, context: Context<'_>) -> Result<(), Failure> {
    let changes = changes(settings)?;
    if changes.is_empty() {
        return Err(Failure::usage("nothing is to be set").hint(
            "--retain-jobs P30D, --retain-payloads P7D or --concurrency 100; `default` takes one back",
        ));
    }
    // A misspelt name makes no workspace.
    context.client.get(&address(name)).await?;
    let request = Request::new(Method::PUT, address(name)).json(&Value::Object(changes));
    let answer = context.client.send(request).await?;
    context.output.value(&answer.body, |_| in_force(&answer.body))
}

async fn show(name: &str, context: Context<'_>) -> Result<(), Failure> {
    let body = context.client.get(&address(name)).await?;
    context.output.value(&body, |_| in_force(&body))
}

fn address(name: &str) -> String {
    path(&["api", "v1", "workspaces", name])
}

/// The body of the request: what is named, and nothing else.
fn changes(settings: &WorkspaceArgs) -> Result<Map<String, Value>, Failure> {
    let time = |text: &str| if text == DEFAULT { Value::Null } else { Value::from(text) };
    let mut retention = Map::new();
    for (name, given) in [("jobs", &settings.retain_jobs), ("payloads", &settings.retain_payloads)] {
        if let Some(given) = given {
            retention.insert(name.to_owned(), time(given));
        }
    }
    let mut changes = Map::new();
    if !retention.is_empty() {
        changes.insert("retention".to_owned(), Value::Object(retention));
    }
    match settings.concurrency.as_deref() {
        None => {}
        Some(DEFAULT) => {
            changes.insert("concurrency".to_owned(), Value::Null);
        }
        Some(given) => {
            let count: u32 = given.parse().map_err(|_| {
                Failure::usage(format!("--concurrency {given} is no number"))
                    .hint("a whole number from 1, or `default`")
            })?;
            changes.insert("concurrency".to_owned(), json!(count));
        }
    }
    Ok(changes)
}

fn in_force(body: &Value) -> String {
    let held = &body["inForce"];
    let row = |setting: &str, entry: &Value, none: &str| {
        let value = if entry["value"].is_null() { none.to_owned() } else { plain(&entry["value"]) };
        vec![setting.to_owned(), value, plain(&entry["from"])]
    };
    let rows = vec![
        row("retention.jobs", &held["retention"]["jobs"], "-"),
        row("retention.payloads", &held["retention"]["payloads"], "as long as the job"),
        row("concurrency", &held["concurrency"], "no limit"),
    ];
    table(&["SETTING", "VALUE", "FROM"], rows)
}
