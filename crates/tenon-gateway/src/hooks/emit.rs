//! What a trigger makes of a request: an event, and the mark that a repeat would find.

use std::borrow::Cow;

use serde_json::Value;
use tenon_capture::trigger::EmitData;
use tenon_capture::{Data, Event, key_text};
use tenon_expr::{EvalError, Limits, Scope, Template};
use tenon_store::{DedupMark, Timestamp};

use super::lookup::Hook;
use super::request::Received;
use crate::Problem;
use crate::codes;

/// What a trigger's expressions may use: far less than a job's, because callers wait.
const LIMITS: Limits = Limits { steps: 200_000, bytes: 32 << 20, depth: 256 };

/// A trigger's expressions see the request as `.` and nothing else.
struct RequestScope(Timestamp);

impl Scope for RequestScope {
    fn variable(&self, _: &str) -> Option<Cow<'_, Value>> {
        None
    }
    fn now(&self) -> f64 {
        self.0.0 as f64 / 1e6
    }
}

pub(super) fn event(
    hook: &Hook,
    received: Received,
    now: Timestamp,
) -> Result<(Event, Option<DedupMark>), Problem> {
    let emits = &hook.webhook.emits;
    let view = &received.view;
    let text = |name, template: &Template| match evaluate(name, template, view, now)? {
        Value::String(text) if !text.is_empty() => Ok(text),
        other => Err(unusable(name, &other)),
    };
    let r#type = text("emits.type", &emits.r#type)?;
    let source = emits.source.as_ref().map(|source| text("emits.source", source)).transpose()?;
    let subject = match &emits.subject {
        None => None,
        Some(subject) => match evaluate("emits.subject", subject, view, now)? {
            Value::Null => None,
            Value::String(text) => Some(text),
            number @ (Value::Number(_) | Value::Bool(_)) => Some(number.to_string()),
            other => return Err(unusable("emits.subject", &other)),
        },
    };
    let mark = mark(hook, view, now)?;
    let (data, datacontenttype) = match &emits.data {
        EmitData::Body => (received.data, received.content_type),
        EmitData::Template(template) => {
            let value = evaluate("emits.data", template, view, now)?;
            (Data::Value(value), Some("application/json".to_owned()))
        }
    };
    let source = source.or_else(|| hook.url.clone()).unwrap_or(received.address);
    Ok((Event { source, r#type, subject, datacontenttype, data, ..Event::default() }, mark))
}

/// Without a key, or where it is null, nothing is suppressed.
fn mark(hook: &Hook, view: &Value, now: Timestamp) -> Result<Option<DedupMark>, Problem> {
    let Some(expression) = &hook.webhook.dedup_key else { return Ok(None) };
    let value =
        expression.evaluate(view, &RequestScope(now), &LIMITS).map_err(|error| failed("dedupKey", &error))?;
    Ok(key_text(value).map(|key| DedupMark {
        scope: format!("trigger:{}", hook.resource.0),
        key,
        expires: now.after(hook.webhook.dedup_for),
    }))
}

fn evaluate(name: &str, template: &Template, view: &Value, now: Timestamp) -> Result<Value, Problem> {
    template.evaluate(view, &RequestScope(now), &LIMITS).map_err(|error| failed(name, &error))
}

fn failed(name: &str, error: &EvalError) -> Problem {
    Problem::new(&codes::TRIGGER_EXPRESSION, format!("`{name}` of the trigger failed: {error}"))
}

fn unusable(name: &str, value: &Value) -> Problem {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "empty text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    Problem::new(
        &codes::TRIGGER_EXPRESSION,
        format!("`{name}` of the trigger must give text, but gave {kind}"),
    )
}
