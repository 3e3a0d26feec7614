//! `tenon trigger captures`

use serde_json::Value;

use crate::cli::TriggerName;
use crate::client::path;
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::{plain, table};
use crate::time;

/// Of a body in a table.
const SHOWN_LETTERS: usize = 60;

pub(super) async fn run(name: &TriggerName, context: Context<'_>) -> Result<(), Failure> {
    let captures = context.client.get(path(&["api", "v1", "triggers", &name.0, "captures"])).await?;
    context.output.value(&captures, |_| {
        let row = |item: &Value| {
            vec![
                time::shown(&item["at"]),
                plain(&item["method"]),
                plain(&item["path"]),
                outcome(item),
                short(if item["body"].is_null() { &item["raw"] } else { &item["body"] }),
            ]
        };
        let rows = captures["items"].as_array().map(|items| items.iter().map(row).collect());
        table(&["AT", "METHOD", "PATH", "OUTCOME", "BODY"], rows.unwrap_or_default())
    })
}

/// `accepted ev_…`, or why it was refused.
fn outcome(item: &Value) -> String {
    match item["outcome"].as_str() {
        Some("refused") => format!("{} {}", plain(&item["code"]), plain(&item["detail"])),
        Some(outcome) => format!("{outcome} {}", plain(&item["event"])),
        None => "-".to_owned(),
    }
}

fn short(body: &Value) -> String {
    let text = plain(body);
    match text.char_indices().nth(SHOWN_LETTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
