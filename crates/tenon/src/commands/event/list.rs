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
        .with("id", filter.id);
    let rows = |items: &[Value]| {
        let row = |item: &Value| {
            vec![
                plain(&item["id"]),
                plain(&item["type"]),
                plain(&item["source"]),
                plain(&item["subject"]),
                time::shown(&item["capturedAt"]),
                item["jobs"].as_array().map_or(0, Vec::len).to_string(),
                plain(&item["duplicates"]),
            ]
        };
        let headings = ["EVENT", "TYPE", "SOURCE", "SUBJECT", "CAPTURED", "JOBS", "DUPLICATES"];
        table(&headings, items.iter().map(row).collect())
    };
    context.list("/api/v1/events", query, page, rows).await
}
