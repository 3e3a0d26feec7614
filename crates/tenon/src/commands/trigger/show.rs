//! `tenon trigger show`

use crate::cli::TriggerName;
use crate::client::path;
use crate::commands::Context;
use crate::commands::resource::{enabled, with_document};
use crate::failure::Failure;
use crate::output::plain;
use crate::time;

pub(super) async fn run(name: &TriggerName, context: Context<'_>) -> Result<(), Failure> {
    let trigger = context.client.get(path(&["api", "v1", "triggers", &name.0])).await?;
    let server = context.client.settings().server.to_string();
    context.output.value(&trigger, |_| {
        let url = trigger["url"].as_str().map_or_else(|| "-".to_owned(), |url| format!("{server}{url}"));
        let rows = [
            ("trigger", name.0.clone()),
            ("kind", plain(&trigger["kind"])),
            ("state", enabled(&trigger)),
            ("revision", plain(&trigger["revision"])),
            ("updated", time::shown(&trigger["updatedAt"])),
            ("url", url),
        ];
        with_document(&rows, &trigger)
    })
}
