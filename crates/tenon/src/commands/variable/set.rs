//! `tenon variable set`: the value comes from the command line (never a secret's), a file, standard input, or the
//! terminal.

use std::io::Read as _;
use std::path::Path;

use http::Method;
use serde_json::{Value, json};

use super::address;
use crate::cli::SetArgs;
use crate::client::Request;
use crate::commands::Context;
use crate::failure::{Exit, Failure};
use crate::output::{Format, plain};
use crate::terminal;

/// More is no value; the server takes 64 KiB.
const MAX_BYTES: u64 = 1 << 20;

pub(super) async fn run(args: SetArgs, context: Context<'_>) -> Result<(), Failure> {
    let kind = if args.secret { "secret" } else { "config" };
    let text = text(&args).await?;
    let value = if args.json { json(&text, args.secret)? } else { Value::String(text) };
    let request = Request::new(Method::PUT, address(&args.variable));
    let answer = context.client.send(request.json(&json!({ "kind": kind, "value": value }))).await?.body;
    if context.output.format() == Format::Table {
        let word = if answer["unchanged"] == Value::Bool(true) { "unchanged" } else { "set" };
        let version = plain(&answer["version"]);
        context.output.note(&format!("variable {} {word}, version {version}", args.variable.0));
        return Ok(());
    }
    context.output.value(&answer, |_| String::new())
}

/// The value as it was written.
async fn text(args: &SetArgs) -> Result<String, Failure> {
    let name = &args.variable.0;
    match (&args.value, &args.file) {
        (Some(_), _) if args.secret => Err(Failure::usage("a secret is not taken from the command line")
            .hint(format!(
                "let it be asked for (`tenon variable set {name} --secret`), pipe it in, or name its --file"
            ))
            .hint("other users may have seen this one, and your shell's history has it: choose a new one")),
        (Some(value), _) => Ok(value.clone()),
        (None, Some(file)) if file == Path::new("-") => standard_input(),
        (None, Some(file)) => read_file(file),
        (None, None) if !args.secret => Err(Failure::usage("the value is missing")
            .hint(format!("tenon variable set {name} VALUE, or --file FILE; --secret for a secret"))),
        (None, None) if terminal::is_input() => {
            terminal::ask(&format!("value of {name} (not shown): ")).await
        }
        (None, None) => standard_input(),
    }
}

fn standard_input() -> Result<String, Failure> {
    read(std::io::stdin().lock(), "standard input")
}

fn read_file(path: &Path) -> Result<String, Failure> {
    let name = path.display().to_string();
    let file = std::fs::File::open(path)
        .map_err(|error| Failure::new(Exit::Usage, format!("cannot read {name}: {error}")))?;
    read(file, &name)
}

fn read(source: impl std::io::Read, name: &str) -> Result<String, Failure> {
    let mut text = String::new();
    let failed =
        |reason: &dyn std::fmt::Display| Failure::new(Exit::Usage, format!("cannot read {name}: {reason}"));
    source.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(|error| failed(&error))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(failed(&format!("it has more than {MAX_BYTES} bytes")));
    }
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err(failed(&"there is nothing in it"));
    }
    Ok(line.to_owned())
}

/// The parser's words quote nothing of a secret: they are left out.
fn json(text: &str, is_secret: bool) -> Result<Value, Failure> {
    serde_json::from_str(text).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        let reason = if is_secret { place } else { error.to_string() };
        Failure::usage(format!("the value is not JSON: {reason}")).hint("without --json it is taken as text")
    })
}
