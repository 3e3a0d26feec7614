//! `tenon vault …`: which keys there are, and changing them. The keys themselves never come here.

use serde_json::{Value, json};

use super::Context;
use crate::cli::{RotateMasterArgs, VaultCommand};
use crate::client::Request;
use crate::failure::Failure;
use crate::output::{fields, plain, table};
use crate::time;

const ROTATE: &str = "/api/v1/vault/rotate";

pub(super) async fn run(command: VaultCommand, context: Context<'_>) -> Result<(), Failure> {
    match command {
        VaultCommand::Show => show(context).await,
        VaultCommand::RotateMaster(args) => rotate_master(&args, context).await,
        VaultCommand::RotateData => rotate_data(context).await,
    }
}

async fn show(context: Context<'_>) -> Result<(), Failure> {
    let vault = context.client.get("/api/v1/vault").await?;
    context.output.value(&vault, |_| {
        let master = &vault["masterKey"];
        let mut rows = vec![("master key", plain(&master["id"]))];
        if !master["since"].is_null() {
            rows.push(("changed", time::shown(&master["since"])));
            rows.push(("put into", plain(&master["file"])));
        }
        rows.push(("workspace", plain(&vault["workspace"])));
        let keys = vault["dataKeys"].as_array().map_or(&[][..], Vec::as_slice);
        let row = |key: &Value| {
            vec![plain(&key["number"]), made(key), role(key).to_owned(), plain(&key["variables"])]
        };
        let keys = table(&["DATA KEY", "MADE", "NEEDED FOR", "VARIABLES"], keys.iter().map(row).collect());
        format!("{}\n\n{keys}", fields(&rows))
    })?;
    if let Some(warning) = vault["warning"].as_str() {
        context.output.warning(warning);
    }
    Ok(())
}

fn made(key: &Value) -> String {
    if key["madeAt"].is_null() { "with the workspace".to_owned() } else { time::shown(&key["madeAt"]) }
}

fn role(key: &Value) -> &'static str {
    match key["role"].as_str() {
        Some("newest") => "what is written now",
        Some("payloads") => "older payloads",
        _ if key["number"] == 1 => "recognising repeats",
        _ => "nothing any more",
    }
}

async fn rotate_master(args: &RotateMasterArgs, context: Context<'_>) -> Result<(), Failure> {
    let file = std::path::absolute(&args.new_key_file)
        .map_err(|error| Failure::usage(format!("{}: {error}", args.new_key_file.display())))?;
    let Some(file) = file.to_str() else {
        return Err(Failure::usage(format!("{} is not UTF-8", file.display())).hint("choose another name"));
    };
    let request = Request::post(ROTATE).json(&json!({ "key": "master", "newKeyFile": file }));
    let answer = context.client.send(request).await?.body;
    context.output.value(&answer, |_| {
        let made = if answer["made"] == Value::Bool(true) { "made there" } else { "found there" };
        fields(&[
            (
                "master key",
                format!("{} (was {})", plain(&answer["masterKey"]["id"]), plain(&answer["previous"])),
            ),
            ("file", format!("{file}, {made}")),
            ("data keys", format!("{} wrapped anew", plain(&answer["dataKeys"]))),
        ])
    })?;
    context.output.warning(&format!("only the key in {file} opens the data from now on"));
    context.output.hint(&plain(&answer["nextStart"]));
    Ok(())
}

async fn rotate_data(context: Context<'_>) -> Result<(), Failure> {
    let request = Request::post(ROTATE).json(&json!({ "key": "data" }));
    let answer = context.client.send(request).await?.body;
    context.output.value(&answer, |_| {
        format!(
            "data key {} of workspace {} encrypts what is written from now on",
            plain(&answer["dataKey"]),
            plain(&answer["workspace"])
        )
    })
}
