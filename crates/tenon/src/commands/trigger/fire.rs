//! `tenon trigger fire`

use serde_json::Value;

use crate::cli::TriggerName;
use crate::client::{Request, path};
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::plain;

pub(super) async fn run(name: &TriggerName, context: Context<'_>) -> Result<(), Failure> {
    let request = Request::post(path(&["api", "v1", "triggers", &name.0, "fire"]));
    let fired = context.client.send(request).await?.body;
    context.output.value(&fired, |_| {
        let ids = |word: &str, member: &str| -> Vec<String> {
            let items = fired[member].as_array().map(Vec::as_slice).unwrap_or_default();
            items.iter().map(|id: &Value| format!("{word} {}", plain(id))).collect()
        };
        let lines = [ids("event", "events"), ids("job", "jobs")].concat();
        if lines.is_empty() { "nothing new".to_owned() } else { lines.join("\n") }
    })
}
