//! The same deed for all jobs that a filter finds: counted, asked about, then done page by page.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::ManyJobs;
use crate::client::{Error, Request};
use crate::commands::Context;
use crate::failure::{Exit, Failure};
use crate::output::plain;
use crate::terminal;

/// Jobs of one request, and how long it may take.
const PAGE: u32 = 200;
const PAGE_TIMEOUT: Duration = Duration::from_mins(5);
/// Jobs of one request that only counts.
const COUNTED: u32 = 1_000;
/// How often a page is asked for again that got nowhere: after this pause at first, then twice as long each time, in all
/// for as long as a server takes to start.
const TRIES: u32 = 7;
const PAUSE: Duration = Duration::from_millis(200);
/// Refusals that are shown.
const SHOWN: usize = 10;

/// What is done.
pub(super) struct Deed {
    /// As the server knows it: `cancel`.
    pub(super) action: &'static str,
    /// As it is told afterwards: `cancelled`.
    pub(super) done: &'static str,
    /// What the jobs are that are meant where no state is said: `suspended`.
    pub(super) of: &'static str,
    /// What else the request says.
    pub(super) with: Value,
}

/// What came of it.
#[derive(Default)]
struct Total {
    matched: u64,
    done: u64,
    refused: Vec<Value>,
    /// Where the next page begins; null when there is none.
    cursor: Value,
}

pub(super) async fn run(deed: &Deed, many: &ManyJobs, mut context: Context<'_>) -> Result<(), Failure> {
    let filter = filter(many);
    if filter.as_object().is_some_and(serde_json::Map::is_empty) {
        return Err(Failure::usage("which jobs?")
            .hint("name one, or say which ones: --workflow, --state, --since, --until, --error"));
    }
    let mut start = many.cursor.clone().map_or(Value::Null, Value::from);
    if many.dry_run || !many.yes {
        let counted = count(deed, &filter, (&mut start, COUNTED), &mut context).await?;
        if many.dry_run || counted == 0 {
            let text = |_: &_| if counted == 0 { none(deed, many) } else { jobs(counted) };
            return context.output.value(&json!({ "matched": counted }), text);
        }
        may(deed, counted).await?;
    } else if start.is_null() {
        // Even the first page has to be one that can be asked for again.
        page(deed, &filter, (&mut start, 1, true), &context).await?;
    }
    let mut total = Total { cursor: start, ..Total::default() };
    let worked = tokio::select! {
        // The signal is listened to before the first job is touched.
        biased;
        Ok(()) = tokio::signal::ctrl_c() => Err(interrupted(deed)),
        worked = work(deed, &filter, &mut total, &mut context) => worked,
    };
    let worked = worked.map_err(|failure| where_to_go_on(failure, &total, many));
    let Total { matched, done, refused, cursor } = &total;
    let shown = json!({ "matched": matched, "done": done, "refused": refused, "next": cursor });
    let is_nothing = worked.is_ok() && *matched == 0;
    let text = |_: &_| if is_nothing { none(deed, many) } else { format!("{} {}", jobs(*done), deed.done) };
    context.output.value(&shown, text)?;
    for refused in refused.iter().take(SHOWN) {
        context.output.warning(&format!("{}: {}", plain(&refused["job"]), plain(&refused["detail"])));
    }
    if let more @ 1.. = refused.len().saturating_sub(SHOWN) {
        context.output.warning(&format!("and {more} more; `--output json` has them all"));
    }
    worked?;
    if refused.is_empty() {
        return Ok(());
    }
    let count = refused.len() as u64;
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

/// How many jobs there are; `start` is where a deed for just those begins.
async fn count(
    deed: &Deed,
    filter: &Value,
    (start, limit): (&mut Value, u32),
    context: &mut Context<'_>,
) -> Result<u64, Failure> {
    let mut answer = page(deed, filter, (start, limit, true), context).await?;
    let mut counted = answer["matched"].as_u64().unwrap_or_default();
    loop {
        let mut cursor = answer["next"].take();
        if cursor.is_null() {
            return Ok(counted);
        }
        answer = page(deed, filter, (&mut cursor, limit, true), context).await?;
        counted += answer["matched"].as_u64().unwrap_or_default();
    }
}

/// Page by page, from the total's cursor on. What fails for a while is asked for again from where it stopped: the server
/// recognises what it has done already.
async fn work(
    deed: &Deed,
    filter: &Value,
    total: &mut Total,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let mut tries = 0;
    loop {
        let failure = match page(deed, filter, (&mut total.cursor.clone(), PAGE, false), context).await {
            Ok(answer) => {
                tries = if total.add(&answer) { 0 } else { tries };
                match &answer["stopped"] {
                    Value::Null if total.cursor.is_null() => return Ok(()),
                    Value::Null => {
                        context.output.note(&format!("{} {} so far", jobs(total.done), deed.done));
                        continue;
                    }
                    stopped if tries == TRIES && stopped["status"] == 500 => {
                        // It is this job that the server cannot read.
                        total.pass(stopped);
                        tries = 0;
                        continue;
                    }
                    stopped => Failure::new(Exit::Failed, plain(&stopped["detail"])),
                }
            }
            Err(error) if may_pass(&error) => error.into(),
            Err(error) => return Err(error.into()),
        };
        if tries == TRIES {
            return Err(failure);
        }
        context.output.note(&format!("{}; going on soon", failure.message));
        tokio::time::sleep(PAUSE * 2_u32.pow(tries)).await;
        tries += 1;
    }
}

/// Ctrl-C. How far the server has come with the page, nobody hears any more.
fn interrupted(deed: &Deed) -> Failure {
    let some = format!("some of the next {PAGE} jobs may have been {}, too", deed.done);
    Failure::new(Exit::Failed, format!("interrupted: {some}"))
}

/// How long ago something was means another moment by then, so moments are told as well.
fn where_to_go_on(failure: Failure, total: &Total, many: &ManyJobs) -> Failure {
    let Value::String(cursor) = &total.cursor else { return failure };
    let moments = [("--since", &many.since), ("--until", &many.until)];
    let moments =
        moments.into_iter().filter_map(|(flag, moment)| Some(format!("{flag} {} ", moment.as_ref()?)));
    let moments: String = moments.collect();
    failure.hint(format!("the same command with {moments}--cursor {cursor} goes on where this one stopped"))
}

/// Whether the same request may succeed later.
fn may_pass(error: &Error) -> bool {
    match error {
        Error::Unreachable { .. } | Error::Timeout { .. } | Error::Broken { .. } => true,
        Error::Refused(problem) => problem.status.is_server_error() || problem.status.as_u16() == 429,
        Error::Certificates(_) | Error::Request(_) => false,
    }
}

/// One page. `cursor` is where it begins; if it was null, the server says where that was.
async fn page(
    deed: &Deed,
    filter: &Value,
    (cursor, limit, is_dry): (&mut Value, u32, bool),
    context: &Context<'_>,
) -> Result<Value, Error> {
    let mut body = json!({ "filter": filter, "action": deed.action, "limit": limit, "dryRun": is_dry });
    if !cursor.is_null() {
        body["cursor"] = cursor.clone();
    }
    if let (Value::Object(body), Value::Object(more)) = (&mut body, &deed.with) {
        body.extend(more.clone());
    }
    let request = Request::post("/api/v1/jobs/bulk").json(&body).timeout(PAGE_TIMEOUT);
    let mut answer = context.client.send(request).await?.body;
    if cursor.is_null() {
        *cursor = answer["cursor"].take();
    }
    Ok(answer)
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

fn none(deed: &Deed, many: &ManyJobs) -> String {
    let of = if many.state.is_empty() { format!("{} job", deed.of) } else { "job".to_owned() };
    format!("no {of} matches: nothing to {}", deed.action)
}

fn jobs(count: u64) -> String {
    if count == 1 { "1 job".to_owned() } else { format!("{count} jobs") }
}

// === impl Total ===

impl Total {
    /// Counts a page in. Says whether it got anywhere.
    fn add(&mut self, answer: &Value) -> bool {
        let is_progress = self.cursor != answer["next"];
        self.matched += answer["matched"].as_u64().unwrap_or_default();
        self.done += answer["done"].as_u64().unwrap_or_default();
        self.refused.extend(answer["refused"].as_array().into_iter().flatten().cloned());
        self.cursor = answer["next"].clone();
        is_progress
    }

    /// Leaves out the job that a page stopped at.
    fn pass(&mut self, stopped: &Value) {
        self.matched += 1;
        self.refused.push(json!({ "job": stopped["job"], "detail": stopped["detail"] }));
        self.cursor = stopped["past"].clone();
    }
}
