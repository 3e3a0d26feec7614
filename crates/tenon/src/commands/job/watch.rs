//! `tenon job watch`: says what happens to a job, or to all, as it happens. The stream only wakes; what is said is
//! read from the trace, so a lost event costs a moment, not a step.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;

use crate::cli::WatchArgs;
use crate::client::{Query, Stream, StreamEvent, path};
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::{Format, Shade, error_line, plain, state, workflow};
use crate::time;

/// Without any news the trace is read again after so long.
const REFRESH: Duration = Duration::from_secs(2);
/// News that come together are answered by one reading.
const SETTLE: Duration = Duration::from_millis(50);

pub(super) async fn run(args: WatchArgs, mut context: Context<'_>) -> Result<(), Failure> {
    match &args.job {
        Some(job) => one(job, &mut context).await,
        None => all(&mut context).await,
    }
}

async fn one(job: &str, context: &mut Context<'_>) -> Result<(), Failure> {
    // The stream first, so that nothing can happen between reading and listening.
    let id = plain(&context.client.get(path(&["api", "v1", "jobs", job])).await?["id"]);
    let address = Query::default().with("job", Some(&id)).after("/api/v1/stream");
    let mut stream = Some(context.client.stream(address.clone()).await?);
    let mut told = HashMap::new();
    loop {
        let trace = context.client.get(path(&["api", "v1", "jobs", &id, "trace"])).await?;
        tell_steps(&trace["steps"], "", &mut told, context)?;
        if is_final(&trace["job"]) {
            return tell_end(&trace, context);
        }
        let Some(listening) = &mut stream else {
            tokio::time::sleep(REFRESH).await;
            stream = context.client.stream(address.clone()).await.ok();
            continue;
        };
        if !news(listening).await {
            stream = None;
        }
    }
}

/// Waits for news or until it is time to look anyway; false when the stream has ended.
async fn news(stream: &mut Stream) -> bool {
    match tokio::time::timeout(REFRESH, stream.next()).await {
        Err(_) => true,
        Ok(Ok(Some(_))) => {
            while let Ok(Ok(Some(_))) = tokio::time::timeout(SETTLE, stream.next()).await {}
            true
        }
        Ok(_) => false,
    }
}

fn is_final(job: &Value) -> bool {
    matches!(job["state"].as_str(), Some("completed" | "faulted" | "cancelled"))
}

/// Says each step whose state or number of attempts is new.
fn tell_steps(
    steps: &Value,
    parent: &str,
    told: &mut HashMap<String, String>,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    for step in steps.as_array().map_or(&[][..], Vec::as_slice) {
        let name = if parent.is_empty() {
            plain(&step["task"])
        } else {
            format!("{parent}/{}", plain(&step["task"]))
        };
        let attempts = step["attempts"].as_array().map_or(0, Vec::len);
        let news = format!("{} {attempts}", plain(&step["state"]));
        if step["state"] != "pending" && told.insert(plain(&step["id"]), news.clone()) != Some(news) {
            tell_step(step, &name, attempts, context)?;
        }
        tell_steps(&step["children"], &name, told, context)?;
    }
    Ok(())
}

fn tell_step(step: &Value, name: &str, attempts: usize, context: &mut Context<'_>) -> Result<(), Failure> {
    if context.output.format() != Format::Table {
        return Ok(());
    }
    let word = plain(&step["state"]);
    let (sign, shade) = state(&word);
    let paint = context.output.paint;
    let took = time::between(&step["startedAt"], &step["endedAt"]);
    let took = if took == "-" { String::new() } else { format!("  {took}") };
    let tried = if attempts > 1 { format!("  attempt {attempts}") } else { String::new() };
    let error = last_error(step).map(|error| format!("  {error}")).unwrap_or_default();
    let line = format!(
        "{} {}  {word}{took}{tried}{}",
        paint.apply(shade, sign),
        paint.apply(Shade::Bold, name),
        paint.apply(Shade::Red, &error)
    );
    context.output.text(&line)
}

fn last_error(step: &Value) -> Option<String> {
    let attempt = step["attempts"].as_array()?.last().map(|attempt| &attempt["error"]);
    let error = if step["error"].is_null() { attempt? } else { &step["error"] };
    (!error.is_null()).then(|| error_line(error))
}

fn tell_end(trace: &Value, context: &mut Context<'_>) -> Result<(), Failure> {
    let job = &trace["job"];
    context.output.value(trace, |output| {
        let word = plain(&job["state"]);
        let (sign, shade) = state(&word);
        let took = time::between(&job["startedAt"], &job["endedAt"]);
        let error =
            if job["error"].is_null() { String::new() } else { format!(": {}", error_line(&job["error"])) };
        format!(
            "{} {} {} {word} in {took}{error}",
            output.paint.apply(shade, sign),
            plain(&job["id"]),
            workflow(&job["workflow"]),
        )
    })
}

/// Each job's changes of state, until the stream or the person ends it.
async fn all(context: &mut Context<'_>) -> Result<(), Failure> {
    let mut stream = context.client.stream("/api/v1/stream").await?;
    if context.output.format() == Format::Table {
        context.output.note("watching all jobs; Ctrl-C ends it");
    }
    loop {
        match stream.next().await? {
            Some(event) if event.name == "job" => tell_job(&event, context)?,
            Some(_) => {}
            None => {
                tokio::time::sleep(REFRESH).await;
                stream = context.client.stream("/api/v1/stream").await?;
            }
        }
    }
}

/// A line a job; in JSON one document a line, so that the output can be read as it comes.
fn tell_job(event: &StreamEvent, context: &mut Context<'_>) -> Result<(), Failure> {
    let data = &event.data;
    if context.output.format() == Format::Json {
        return context.output.text(&data.to_string());
    }
    context.output.value(data, |output| {
        let word = plain(&data["state"]);
        let (sign, shade) = state(&word);
        let name =
            if data["workflow"].is_object() { workflow(&data["workflow"]) } else { plain(&data["workflow"]) };
        format!(
            "{}  {} {word:<9}  {}  {name}",
            time::shown(&data["at"]),
            output.paint.apply(shade, sign),
            plain(&data["job"]),
        )
    })
}
