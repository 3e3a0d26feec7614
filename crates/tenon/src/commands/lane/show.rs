//! `tenon lane show`

use serde_json::{Value, json};

use crate::cli::WorkflowName;
use crate::client::{Query, path};
use crate::commands::Context;
use crate::failure::{Exit, Failure};
use crate::output::{error_line, fields, plain, workflow};
use crate::time;

pub(super) async fn run(name: &WorkflowName, key: &str, context: Context<'_>) -> Result<(), Failure> {
    let query = Query::default().with("workflow", Some(name)).with("key", Some(key)).with("limit", Some(1));
    let found = context.client.get(query.after("/api/v1/lanes")).await?;
    let Some(lane) = found["items"].get(0) else {
        let message = format!("lane `{key}` of {name} has no jobs that have not ended");
        return Err(
            Failure::new(Exit::NotFound, message).hint("`tenon lane list` shows those that have some")
        );
    };
    let head = plain(&lane["head"]);
    // It may have ended meanwhile; then it is shown as it ended.
    let job = context.client.get(path(&["api", "v1", "jobs", &head])).await?;
    let shown = json!({ "lane": lane, "job": job });
    context.output.value(&shown, |_| text(lane, &job))?;
    if lane["parked"] == true {
        context.output.note(&format!(
            "parked: `tenon job resume {head}` goes on with it, `tenon job skip {head}` with the next"
        ));
    }
    Ok(())
}

fn text(lane: &Value, job: &Value) -> String {
    let mut rows = vec![
        ("workflow", workflow(&lane["workflow"])),
        ("key", plain(&lane["key"])),
        ("jobs", plain(&lane["length"])),
        ("age", time::seconds(&lane["ageSeconds"])),
        ("head", plain(&lane["head"])),
        ("state", plain(&job["state"])),
        ("event", plain(&job["event"])),
    ];
    if !lane["wakeAt"].is_null() {
        rows.push(("wakes", time::shown(&lane["wakeAt"])));
    }
    if !job["error"].is_null() {
        rows.push(("error", error_line(&job["error"])));
        rows.push(("error at", plain(&job["error"]["instance"])));
    }
    fields(&rows)
}
