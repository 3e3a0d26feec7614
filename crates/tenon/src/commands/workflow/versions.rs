//! `tenon workflow versions`

use serde_json::Value;

use crate::cli::{PageArgs, WorkflowName};
use crate::client::{Query, path};
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::{plain, table};
use crate::time;

pub(super) async fn run(name: &WorkflowName, page: &PageArgs, context: Context<'_>) -> Result<(), Failure> {
    let address = path(&["api", "v1", "workflows", &name.namespace, &name.name, "versions"]);
    let rows = |items: &[Value]| {
        let row = |item: &Value| {
            let created = if item["createdAt"].is_null() { &item["updatedAt"] } else { &item["createdAt"] };
            vec![
                plain(&item["revision"]),
                plain(&item["version"]),
                time::shown(created),
                plain(&item["digest"]),
            ]
        };
        table(&["REVISION", "VERSION", "CREATED", "DIGEST"], items.iter().map(row).collect())
    };
    context.list(&address, Query::default(), page, rows).await
}
