//! `tenon workflow run`

use std::time::Duration;

use http::{HeaderName, StatusCode};
use serde_json::Value;

use crate::cli::RunArgs;
use crate::client::{self, Request, path};
use crate::commands::Context;
use crate::failure::{Exit, Failure};
use crate::json_input;
use crate::output::plain;

const PREFER: HeaderName = HeaderName::from_static("prefer");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

pub(super) async fn run(args: RunArgs, context: Context<'_>) -> Result<(), Failure> {
    let input = json_input::read(&args.input)?;
    let workspace = context.client.settings().workspace.value.clone();
    let address = path(&["run", &workspace, &args.workflow.namespace, &args.workflow.name]);
    let mut request = Request::post(address).json(&input);
    if let Some(seconds) = args.wait {
        // The server answers at `seconds`; the rest is for the way.
        let limit = Duration::from_secs(u64::from(seconds) + 10);
        request = request.header(PREFER, format!("wait={seconds}")).timeout(limit);
    }
    if let Some(key) = args.idempotency_key {
        request = request.header(IDEMPOTENCY_KEY, key);
    }
    let answer = context.client.send(request).await.map_err(faulted)?;
    let job = plain(&answer.body["job"]);
    match (args.wait, answer.status) {
        (Some(seconds), StatusCode::ACCEPTED) => {
            let job = if job == "-" { job_of(&answer.headers).unwrap_or(job) } else { job };
            Err(unfinished(&job, seconds, &context).await)
        }
        (Some(_), _) => {
            if let Some(job) = job_of(&answer.headers) {
                context.output.note(&format!("{job} completed"));
            }
            context.output.value(&answer.body, |_| pretty(&answer.body))
        }
        (None, _) => context.output.value(&answer.body, |_| job),
    }
}

/// The server gave no output: time ran out, or the job is parked.
async fn unfinished(job: &str, seconds: u16, context: &Context<'_>) -> Failure {
    let state = match context.client.get(path(&["api", "v1", "jobs", job])).await {
        Ok(job) => plain(&job["state"]),
        Err(error) => return error.into(),
    };
    let message = format!("{job} is {state}, it did not finish within the wait of {seconds} s");
    if state == "suspended" {
        return Failure::new(Exit::Failed, format!("{job} is suspended"))
            .hint(format!("tenon job show {job}"));
    }
    Failure::new(Exit::Failed, message).hint(format!("it goes on: tenon job watch {job}"))
}

fn job_of(headers: &http::HeaderMap) -> Option<String> {
    headers.get("tenon-job")?.to_str().ok().map(str::to_owned)
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}

/// The answer of a job that faulted says what the job said; the trace says the rest.
fn faulted(error: client::Error) -> Failure {
    let job = error.problem().and_then(|problem| problem.job.clone());
    let mut failure = Failure::from(error);
    let Some(job) = job else { return failure };
    // The status is the workflow's own, not this request's.
    failure.exit = Exit::Failed;
    failure.message = format!("{job} faulted: {}", failure.message);
    failure.hint(format!("tenon job trace {job}"))
}
