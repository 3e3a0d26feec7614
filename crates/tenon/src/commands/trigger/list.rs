//! `tenon trigger list`

use serde_json::Value;

use crate::cli::PageArgs;
use crate::client::Query;
use crate::commands::Context;
use crate::commands::resource::enabled;
use crate::failure::Failure;
use crate::output::{plain, table};
use crate::time;

pub(super) async fn run(page: &PageArgs, context: Context<'_>) -> Result<(), Failure> {
    let rows = |items: &[Value]| {
        let row = |item: &Value| {
            vec![
                plain(&item["name"]),
                plain(&item["kind"]),
                enabled(item),
                plain(&item["revision"]),
                time::shown(&item["updatedAt"]),
                plain(&item["url"]),
            ]
        };
        table(&["TRIGGER", "KIND", "STATE", "REVISION", "UPDATED", "URL"], items.iter().map(row).collect())
    };
    context.list("/api/v1/triggers", Query::default(), page, rows).await
}
