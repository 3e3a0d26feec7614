//! `tenon event show`

use crate::client::path;
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::{fields, plain};
use crate::time;

pub(super) async fn run(event: &str, context: Context<'_>) -> Result<(), Failure> {
    let event = context.client.get(path(&["api", "v1", "events", event])).await?;
    context.output.value(&event, |_| {
        let jobs = event["jobs"].as_array().map_or(&[][..], Vec::as_slice);
        let jobs = jobs.iter().map(plain).collect::<Vec<_>>().join("\n");
        let unwanted = event["wanted"] == false;
        let nobody = if unwanted { "none: no workflow wanted it" } else { "-" };
        let rows = [
            ("event", plain(&event["id"])),
            ("type", plain(&event["type"])),
            ("source", plain(&event["source"])),
            ("subject", plain(&event["subject"])),
            ("time", plain(&event["time"])),
            ("captured", time::shown(&event["capturedAt"])),
            ("duplicates", plain(&event["duplicates"])),
            ("jobs", if jobs.is_empty() { nobody.to_owned() } else { jobs }),
        ];
        format!("{}\n\ndata:\n{:#}", fields(&rows), event["data"])
    })
}
