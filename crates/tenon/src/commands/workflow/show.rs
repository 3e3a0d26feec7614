//! `tenon workflow show`

use crate::cli::WorkflowName;
use crate::client::{Query, path};
use crate::commands::Context;
use crate::commands::resource::{enabled, next, with_document};
use crate::failure::Failure;
use crate::output::plain;
use crate::time;

pub(super) async fn run(
    name: &WorkflowName,
    revision: Option<u64>,
    context: Context<'_>,
) -> Result<(), Failure> {
    let address = path(&["api", "v1", "workflows", &name.namespace, &name.name]);
    let workflow = context.client.get(Query::default().with("revision", revision).after(&address)).await?;
    context.output.value(&workflow, |_| {
        let mut rows = vec![
            ("workflow", name.to_string()),
            ("version", plain(&workflow["version"])),
            ("revision", plain(&workflow["revision"])),
            ("state", enabled(&workflow)),
            ("updated", time::shown(&workflow["updatedAt"])),
            ("digest", plain(&workflow["digest"])),
        ];
        rows.extend(next(&workflow));
        with_document(&rows, &workflow)
    })
}
