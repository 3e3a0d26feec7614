//! `tenon event list`

use serde_json::Value;

use crate::cli::{EventFilter, PageArgs};
use crate::client::Query;
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::{plain, table};
use crate::time;

pub(super) async fn run(filter: EventFilter, page: &PageArgs, context: Context<'_>) -> Result<(), Failure> {
    let query = Query::default()
        .with("type", filter.kind)
        .with("source", filter.source)
        .with("since", filter.since)
        .with("until", filter.until)
        .with("wanted", filter.unwanted.then_some(false))
        .with("id", filter.id);
    let rows = |items: &[Value]| {
        let row = |item: &Value| {
            vec![
                plain(&item["id"]),
                plain(&item["type"]),
                plain(&item["source"]),
                plain(&item["subject"]),
                time::shown(&item["capturedAt"]),
                jobs(item),
                plain(&item["duplicates"]),
            ]
        };
        let headings = ["EVENT", "TYPE", "SOURCE", "SUBJECT", "CAPTURED", "JOBS", "DUPLICATES"];
        table(&headings, items.iter().map(row).collect())
    };
    context.list("/api/v1/events", query, page, rows).await
}

/// How many jobs an event has; one without any is either kept for later or for nobody.
fn jobs(event: &Value) -> String {
    let count = event["jobs"].as_array().map_or(0, Vec::len);
    if event["wanted"] == false { format!("{count}, unwanted") } else { count.to_string() }
}
