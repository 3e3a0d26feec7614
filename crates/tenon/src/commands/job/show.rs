//! `tenon job show`

use serde_json::Value;

use crate::client::path;
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::{error_line, fields, plain, workflow};
use crate::time;

pub(super) async fn run(job: &str, context: Context<'_>) -> Result<(), Failure> {
    let job = context.client.get(path(&["api", "v1", "jobs", job])).await?;
    context.output.value(&job, |_| text(&job))
}

fn text(job: &Value) -> String {
    let mut rows = vec![
        ("job", plain(&job["id"])),
        ("workflow", workflow(&job["workflow"])),
        ("state", plain(&job["state"])),
        ("event", plain(&job["event"])),
        ("created", time::shown(&job["createdAt"])),
        ("started", time::shown(&job["startedAt"])),
        ("ended", time::shown(&job["endedAt"])),
        ("took", time::between(&job["startedAt"], &job["endedAt"])),
    ];
    if let Some(events) = job["events"].as_array() {
        rows.push(("gathered", listed(events)));
    }
    for member in ["lane", "parent", "root", "rerunOf"] {
        if !job[member].is_null() {
            rows.push((member, plain(&job[member])));
        }
    }
    if !job["error"].is_null() {
        rows.push(("error", error_line(&job["error"])));
        rows.push(("error at", plain(&job["error"]["instance"])));
    }
    format!("{}\n\ninput:\n{:#}\n\noutput:\n{:#}", fields(&rows), job["input"], job["output"])
}

/// The first few of what may be thousands.
fn listed(events: &[Value]) -> String {
    const FEW: usize = 5;
    let few = events.iter().take(FEW).map(plain).collect::<Vec<_>>().join(", ");
    match events.len().saturating_sub(FEW) {
        0 => few,
        more => format!("{few} and {more} more"),
    }
}
