//! `tenon job list`

use serde_json::Value;

use crate::cli::{JobFilter, PageArgs};
use crate::client::Query;
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::{cut, error_line, plain, state, table, workflow};
use crate::time;

/// Columns for what went wrong; `job show` has all of it.
const ERROR_WIDTH: usize = 60;

pub(super) async fn run(filter: JobFilter, page: &PageArgs, context: Context<'_>) -> Result<(), Failure> {
    let query = Query::default()
        .with("workflow", filter.workflow)
        .with("state", Some(filter.state.join(",")).filter(|states| !states.is_empty()))
        .with("event", filter.event)
        .with("parent", filter.parent)
        .with("since", filter.since)
        .with("until", filter.until)
        .with("id", filter.id);
    context.list("/api/v1/jobs", query, page, rows).await
}

fn rows(items: &[Value]) -> String {
    let row = |item: &Value| {
        let word = plain(&item["state"]);
        let error = if item["error"].is_null() { String::new() } else { error_line(&item["error"]) };
        vec![
            plain(&item["id"]),
            workflow(&item["workflow"]),
            format!("{} {word}", state(&word).0),
            time::shown(&item["createdAt"]),
            time::between(&item["startedAt"], &item["endedAt"]),
            cut(&error, ERROR_WIDTH),
        ]
    };
    table(&["JOB", "WORKFLOW", "STATE", "CREATED", "TOOK", "ERROR"], items.iter().map(row).collect())
}
