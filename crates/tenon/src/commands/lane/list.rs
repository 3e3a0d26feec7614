//! `tenon lane list`

use serde_json::Value;

use crate::cli::{LaneFilter, PageArgs};
use crate::client::Query;
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::{plain, state, table, workflow};
use crate::time;

pub(super) async fn run(filter: LaneFilter, page: &PageArgs, context: Context<'_>) -> Result<(), Failure> {
    let states = if filter.parked { "suspended".to_owned() } else { filter.state.join(",") };
    let query = Query::default()
        .with("workflow", filter.workflow)
        .with("state", Some(states).filter(|states| !states.is_empty()));
    context.list("/api/v1/lanes", query, page, rows).await
}

fn rows(items: &[Value]) -> String {
    let row = |lane: &Value| {
        let word = plain(&lane["state"]);
        vec![
            workflow(&lane["workflow"]),
            plain(&lane["key"]),
            plain(&lane["length"]),
            time::seconds(&lane["ageSeconds"]),
            plain(&lane["head"]),
            format!("{} {word}", state(&word).0),
        ]
    };
    table(&["WORKFLOW", "KEY", "JOBS", "AGE", "HEAD", "STATE"], items.iter().map(row).collect())
}
