//! `tenon variable get`: a secret's value cannot be had, and the exit code says so, so that no script goes on with
//! nothing in its hands.

use serde_json::Value;

use super::address;
use crate::cli::GetArgs;
use crate::commands::Context;
use crate::failure::{Exit, Failure};
use crate::output::{fields, plain};
use crate::time;

pub(super) async fn run(args: &GetArgs, context: Context<'_>) -> Result<(), Failure> {
    let variable = context.client.get(address(&args.variable)).await?;
    let value = variable.get("value");
    if let Some(value) = value.filter(|_| args.value) {
        return context.output.value(value, |_| alone(value));
    }
    if !args.value {
        context.output.value(&variable, |_| shown(&variable))?;
    }
    if value.is_some() {
        return Ok(());
    }
    let name = &args.variable.0;
    let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let read = if is_word && !name.starts_with(|first: char| first.is_ascii_digit()) {
        format!("$secrets.{name}")
    } else {
        format!("$secrets[\"{name}\"]")
    };
    Err(Failure::new(Exit::NotAllowed, format!("the value of a secret is never shown: {name}")).hint(
        format!("workflows read it as `{read}`; `tenon variable set {name} --secret` gives it a new value"),
    ))
}

/// Text as it is, everything else as JSON.
fn alone(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn shown(variable: &Value) -> String {
    let rows = [
        ("variable", plain(&variable["name"])),
        ("kind", plain(&variable["kind"])),
        ("version", plain(&variable["version"])),
        ("updated", time::shown(&variable["updatedAt"])),
        (
            "value",
            variable.get("value").map_or_else(|| "(not shown)".to_owned(), |value| format!("{value:#}")),
        ),
    ];
    fields(&rows)
}
