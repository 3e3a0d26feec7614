//! `tenon variable list`

use serde_json::Value;

use crate::cli::PageArgs;
use crate::client::Query;
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::{cut, plain, table};
use crate::time;

/// Columns for a value; `get` shows all of it.
const WIDTH: usize = 60;

pub(super) async fn run(page: &PageArgs, context: Context<'_>) -> Result<(), Failure> {
    let rows = |items: &[Value]| {
        let row = |item: &Value| {
            let value = item.get("value").map_or_else(|| "(not shown)".to_owned(), Value::to_string);
            vec![
                plain(&item["name"]),
                plain(&item["kind"]),
                plain(&item["version"]),
                time::shown(&item["updatedAt"]),
                cut(&value, WIDTH),
            ]
        };
        table(&["VARIABLE", "KIND", "VERSION", "UPDATED", "VALUE"], items.iter().map(row).collect())
    };
    context.list("/api/v1/variables", Query::default(), page, rows).await
}
