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
        let events = ids("event", "events");
        let more = fired["captured"].as_u64().unwrap_or(0).saturating_sub(events.len() as u64);
        let more = (more > 0).then(|| format!("… and {more} more events"));
        let lines = [events, ids("job", "jobs"), more.into_iter().collect()].concat();
        if lines.is_empty() { "nothing new".to_owned() } else { lines.join("\n") }
    })
}
