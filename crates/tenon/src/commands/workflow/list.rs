//! `tenon workflow list`

use crate::cli::PageArgs;
use crate::client::Query;
use crate::commands::Context;
use crate::commands::resource::enabled;
use crate::failure::Failure;
use crate::output::{plain, table};
use crate::time;

pub(super) async fn run(page: &PageArgs, context: Context<'_>) -> Result<(), Failure> {
    let headings = ["WORKFLOW", "VERSION", "REVISION", "STATE", "UPDATED", "TITLE"];
    let rows = |items: &[serde_json::Value]| {
        let row = |item: &serde_json::Value| {
            vec![
                format!("{}/{}", plain(&item["namespace"]), plain(&item["name"])),
                plain(&item["version"]),
                plain(&item["revision"]),
                enabled(item),
                time::shown(&item["updatedAt"]),
                plain(&item["title"]),
            ]
        };
        table(&headings, items.iter().map(row).collect())
    };
    context.list("/api/v1/workflows", Query::default(), page, rows).await
}
