//! `tenon trigger show`

use serde_json::Value;

use crate::cli::TriggerName;
use crate::client::path;
use crate::commands::Context;
use crate::commands::resource::{enabled, next, with_document};
use crate::failure::Failure;
use crate::output::{cut, plain, table};
use crate::time;

/// Notes that are shown; the API has the newest thousand.
const NOTES: u32 = 10;
/// Letters of a note's particulars.
const DETAIL_WIDTH: usize = 100;

pub(super) async fn run(name: &TriggerName, context: Context<'_>) -> Result<(), Failure> {
    let mut trigger = context.client.get(path(&["api", "v1", "triggers", &name.0])).await?;
    let notes = path(&["api", "v1", "triggers", &name.0, "notes"]);
    let notes = context.client.get(format!("{notes}?limit={NOTES}")).await?;
    trigger["notes"] = notes["items"].clone();
    let server = context.client.settings().server.to_string();
    context.output.value(&trigger, |_| {
        let url = trigger["url"].as_str().map_or_else(|| "-".to_owned(), |url| format!("{server}{url}"));
        let mut rows = vec![
            ("trigger", name.0.clone()),
            ("kind", plain(&trigger["kind"])),
            ("state", enabled(&trigger)),
            ("revision", plain(&trigger["revision"])),
            ("updated", time::shown(&trigger["updatedAt"])),
            ("url", url),
        ];
        rows.extend(next(&trigger));
        rows.extend(remembered(&trigger["state"]));
        let notes = noted(&trigger["notes"]);
        let shown = with_document(&rows, &trigger);
        if notes.is_empty() { shown } else { format!("{shown}\n\n{notes}") }
    })
}

/// What a trigger remembers, a line each.
fn remembered(state: &Value) -> Vec<(&'static str, String)> {
    let at = |name: &'static str, label| state.get(name).map(|value| (label, time::shown(value)));
    let count = |name: &'static str, label| {
        let items = state.get(name).and_then(Value::as_array).filter(|items| !items.is_empty());
        items.map(|items| (label, items.len().to_string()))
    };
    let cursor = state.get("cursor").map(|cursor| ("cursor", plain(cursor)));
    let failures = state.get("failures").filter(|count| **count != 0).map(|count| ("failures", plain(count)));
    let error = state.get("error").map(|error| {
        let text = [&error["title"], &error["detail"]].map(plain).join(": ");
        ("error", cut(&text, DETAIL_WIDTH))
    });
    let lines = [
        at("last", "last"),
        count("running", "at work"),
        count("waiting", "waiting"),
        cursor,
        failures,
        error,
    ];
    lines.into_iter().flatten().collect()
}

fn noted(notes: &Value) -> String {
    let row = |note: &Value| {
        vec![time::shown(&note["at"]), plain(&note["kind"]), cut(&plain(&note["detail"]), DETAIL_WIDTH)]
    };
    let rows = notes.as_array().map(|notes| notes.iter().map(row).collect());
    table(&["AT", "WHAT", "DETAIL"], rows.unwrap_or_default())
}
