//! The same deed for all jobs that a filter finds: counted, asked about, then done page by page.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::ManyJobs;
use crate::client::Request;
use crate::commands::Context;
use crate::failure::{Exit, Failure};
use crate::output::plain;
use crate::terminal;

/// Jobs of one request, and how long it may take.
const PAGE: u32 = 200;
const PAGE_TIMEOUT: Duration = Duration::from_mins(5);
/// Jobs of one request that only counts.
const COUNTED: u32 = 1_000;
/// Refusals that are shown.
const SHOWN: usize = 10;

/// What is done.
pub(super) struct Deed {
    /// As the server knows it: `cancel`.
    pub(super) action: &'static str,
    /// As it is told afterwards: `cancelled`.
    pub(super) done: &'static str,
    /// What else the request says.
    pub(super) with: Value,
}

/// What came of it.
#[derive(Default)]
struct Total {
    matched: u64,
    done: u64,
    refused: Vec<Value>,
}

pub(super) async fn run(deed: &Deed, many: &ManyJobs, mut context: Context<'_>) -> Result<(), Failure> {
    let filter = filter(many);
    if filter.as_object().is_some_and(serde_json::Map::is_empty) {
        return Err(Failure::usage("which jobs?")
            .hint("name one, or say which ones: --workflow, --state, --since, --until, --error"));
    }
    if many.dry_run || !many.yes {
        let counted = work(deed, &filter, true, &mut context).await?.matched;
        if many.dry_run || counted == 0 {
            return context.output.value(&json!({ "matched": counted }), |_| jobs(counted));
        }
        may(deed, counted).await?;
    }
    let total = work(deed, &filter, false, &mut context).await?;
    let shown = json!({ "matched": total.matched, "done": total.done, "refused": total.refused });
    context.output.value(&shown, |_| format!("{} {}", jobs(total.done), deed.done))?;
    if total.refused.is_empty() {
        return Ok(());
    }
    for refused in total.refused.iter().take(SHOWN) {
        context.output.warning(&format!("{}: {}", plain(&refused["job"]), plain(&refused["detail"])));
    }
    let count = total.refused.len() as u64;
    Err(Failure::new(Exit::Failed, format!("{} could not be {}", jobs(count), deed.done)))
}

/// Whether the person at the terminal means it.
async fn may(deed: &Deed, counted: u64) -> Result<(), Failure> {
    let all = format!("{} {}", deed.action, jobs(counted));
    if !terminal::is_input() {
        return Err(Failure::usage(format!("this would {all}")).hint("say --yes if you mean it"));
    }
    if terminal::confirm(&format!("{all}? [y/N] ")).await? {
        return Ok(());
    }
    Err(Failure::usage("nothing was changed"))
}

async fn work(
    deed: &Deed,
    filter: &Value,
    is_dry: bool,
    context: &mut Context<'_>,
) -> Result<Total, Failure> {
    let limit = if is_dry { COUNTED } else { PAGE };
    let (mut total, mut cursor) = (Total::default(), Value::Null);
    loop {
        let mut body = json!({ "filter": filter, "action": deed.action, "limit": limit, "dryRun": is_dry });
        if !cursor.is_null() {
            body["cursor"] = cursor;
        }
        if let (Value::Object(body), Value::Object(more)) = (&mut body, &deed.with) {
            body.extend(more.clone());
        }
        let request = Request::post("/api/v1/jobs/bulk").json(&body).timeout(PAGE_TIMEOUT);
        let mut answer = context.client.send(request).await?.body;
        total.matched += answer["matched"].as_u64().unwrap_or_default();
        total.done += answer["done"].as_u64().unwrap_or_default();
        if let Value::Array(refused) = answer["refused"].take() {
            total.refused.extend(refused);
        }
        cursor = answer["next"].take();
        if cursor.is_null() {
            return Ok(total);
        }
        if !is_dry {
            context.output.note(&format!("{} {} so far", jobs(total.done), deed.done));
        }
    }
}

fn filter(many: &ManyJobs) -> Value {
    let mut filter = serde_json::Map::new();
    let mut say = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            filter.insert(name.to_owned(), value);
        }
    };
    say("workflow", many.workflow.as_ref().map(|name| name.to_string().into()));
    say("state", (!many.state.is_empty()).then(|| many.state.join(",").into()));
    say("since", many.since.clone().map(Value::from));
    say("until", many.until.clone().map(Value::from));
    say("errorType", many.error.clone().map(Value::from));
    say("errorStatus", many.error_status.map(Value::from));
    Value::Object(filter)
}

fn jobs(count: u64) -> String {
    if count == 1 { "1 job".to_owned() } else { format!("{count} jobs") }
}
