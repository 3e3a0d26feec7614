//! `/events/{workspace}`: CloudEvents 1.0 over HTTP in binary, structured and batch mode.

mod binary;

use axum::body::Body;
use axum::extract::{Path, State as Extract};
use axum::response::Response;
use hyper::header::CONTENT_TYPE;
use hyper::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use tenon_capture::{Event, Incoming, InvalidEvent, MASKED_BY};

use crate::answer;
use crate::body::{parse_json, read_body};
use crate::codes;
use crate::{App, Caller, Problem, Violation, Workspace};

/// How an event is written into a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Binary,
    Structured,
    Batch,
}

pub(crate) async fn handle(
    _: Caller,
    Extract(app): Extract<App>,
    Path(workspace): Path<String>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let workspace = Workspace::find(&app, &workspace).await?;
    app.admit(workspace.id)?;
    let mode = mode(&parts.headers)?;
    let limits = app.limits();
    let limit = if mode == Mode::Batch { limits.body_bytes } else { limits.event_bytes };
    let body = read_body(&parts.headers, body, limit, limits).await?;
    let event = match mode {
        Mode::Binary => binary::event(&parts.headers, body)?,
        Mode::Structured => structured(parse_json(body)?.value(), "")?,
        Mode::Batch => {
            let events = batch(parse_json(body)?.value(), limits.batch_events)?;
            let incoming = events.into_iter().map(|event| Incoming::new(workspace.id, event)).collect();
            return batch_answer(&app, incoming).await;
        }
    };
    let accepted = app.capture().event(Incoming::new(workspace.id, event)).await?;
    Ok(answer::accepted(StatusCode::ACCEPTED, &accepted))
}

fn mode(headers: &HeaderMap) -> Result<Mode, Problem> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/cloudevents+json" => Ok(Mode::Structured),
        "application/cloudevents-batch+json" => Ok(Mode::Batch),
        other if other.starts_with("application/cloudevents") => {
            let detail = format!("CloudEvents as `{other}` are not taken, only as JSON");
            Err(Problem::new(&codes::CONTENT_TYPE, detail).with_hint("send `application/cloudevents+json`"))
        }
        _ if headers.contains_key("ce-specversion") => Ok(Mode::Binary),
        _ => Err(Problem::new(&codes::CONTENT_TYPE, "the request is not a CloudEvent in any mode").with_hint(
            "send `Content-Type: application/cloudevents+json`, `application/cloudevents-batch+json`, or `ce-…` headers",
        )),
    }
}

fn structured(value: Value, pointer: &str) -> Result<Event, Problem> {
    let Value::Object(object) = value else {
        let invalid = InvalidEvent { pointer: String::new(), message: "an event is an object".to_owned() };
        return Err(refused(pointer, invalid));
    };
    let mut event = Event::from_object(object).map_err(|invalid| refused(pointer, invalid))?;
    // Another server's job, or nobody's: here it would hide the event from whoever looks.
    event.extensions.shift_remove(MASKED_BY);
    Ok(event)
}

fn batch(value: Value, limit: usize) -> Result<Vec<Event>, Problem> {
    let Value::Array(items) = value else {
        return Err(Problem::new(&codes::CLOUD_EVENT, "a batch is a list of events"));
    };
    if items.len() > limit {
        return Err(Problem::new(&codes::TOO_LARGE, format!("the batch has more than {limit} events")));
    }
    items.into_iter().enumerate().map(|(place, item)| structured(item, &format!("/{place}"))).collect()
}

fn refused(pointer: &str, invalid: InvalidEvent) -> Problem {
    let pointer = format!("{pointer}{}", invalid.pointer);
    let problem = Problem::new(&codes::CLOUD_EVENT, invalid.message.clone());
    problem.with_violations(&[Violation { pointer, message: invalid.message }])
}

async fn batch_answer(app: &App, incoming: Vec<Incoming>) -> Result<Response, Problem> {
    let accepted = app.capture().events(incoming).await?;
    let mut body = String::from("{\"events\":[");
    for (place, accepted) in accepted.iter().enumerate() {
        if place > 0 {
            body.push(',');
        }
        answer::write_accepted(&mut body, accepted);
    }
    body.push_str("]}");
    Ok(answer::json(StatusCode::ACCEPTED, body.into()))
}
