//! `call: http`.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tenon_expr::{Limits, Template};
use tenon_workflow::{ErrorType, HttpCall, HttpOutput, Task};

use crate::Error;
use crate::effect::{Answer, EffectAction, HttpRequest};
use crate::execution::effects::Purpose;
use crate::execution::expression::{expression_error, kind, template, text};
use crate::execution::frame::TaskState;
use crate::execution::machine::{Machine, Next, Signal};
use crate::execution::scope::View;

impl Machine {
    pub(super) fn call_http(&mut self, task: &Task, call: &HttpCall) -> Next {
        let request = self.request(task, call)?;
        let frame = self.top_task_mut().expect("the call is on top");
        let id = Arc::clone(&frame.address);
        if call.output == HttpOutput::Response {
            frame.state = TaskState::Call(Box::new(request.clone()));
        }
        self.issue(id, EffectAction::Http(Box::new(request)), Purpose::Work);
        Ok(Signal::Await)
    }

    /// The task's raw output.
    pub(super) fn answered(&self, answer: Answer) -> Arc<Value> {
        let state = self.top_task().map(|frame| &frame.state);
        let Some(TaskState::Call(request)) = state else { return Arc::new(answer.content) };
        Arc::new(json!({
            "request": {
                "method": request.method,
                "uri": request.url,
                "headers": object(request.shown_headers().into_iter()),
            },
            "statusCode": answer.status,
            "headers": object(answer.headers.unwrap_or_default().into_iter()),
            "content": answer.content,
        }))
    }

    fn request(&self, task: &Task, call: &HttpCall) -> Result<HttpRequest, Error> {
        let (input, view) = self.here();
        let at = &task.pointer;
        let url = call
            .endpoint
            .evaluate(input, &view, &Limits::default())
            .map_err(|error| expression_error(at, &error))?;
        let body = match &call.body {
            Some(body) => Some(template(body, input, &view, at)?),
            None => None,
        };
        Ok(HttpRequest {
            method: text(&call.method, input, &view, (at, "method"))?.to_ascii_uppercase(),
            url,
            headers: pairs(call.headers.as_ref(), input, &view, (at, "headers"))?,
            query: pairs(call.query.as_ref(), input, &view, (at, "query"))?,
            body,
            redirect: call.redirect,
            output: call.output,
        })
    }
}

/// An object of texts as names and values; lists repeat the name, `null` leaves it out.
fn pairs(
    source: Option<&Template>,
    input: &Value,
    view: &View<'_>,
    (at, what): (&str, &str),
) -> Result<Vec<(String, String)>, Error> {
    let Some(source) = source else { return Ok(Vec::new()) };
    let members = match template(source, input, view, at)? {
        Value::Object(members) => members,
        Value::Null => Map::new(),
        other => {
            let detail = format!("`{what}` must be an object, but is {}", kind(&other));
            return Err(Error::standard(ErrorType::Expression, at, detail));
        }
    };
    let mut pairs = Vec::with_capacity(members.len());
    for (name, value) in members {
        let values = match value {
            Value::Array(values) => values,
            one => vec![one],
        };
        for value in values {
            match value {
                Value::Null => {}
                Value::String(value) => pairs.push((name.clone(), value)),
                Value::Bool(_) | Value::Number(_) => pairs.push((name.clone(), value.to_string())),
                other => {
                    let detail = format!("`{name}` in `{what}` must be text, but is {}", kind(&other));
                    return Err(Error::standard(ErrorType::Expression, at, detail));
                }
            }
        }
    }
    Ok(pairs)
}

/// Names and values as an object; repeated names are joined by commas.
fn object(pairs: impl Iterator<Item = (String, String)>) -> Value {
    let mut members = Map::new();
    for (name, value) in pairs {
        match members.get_mut(&name) {
            Some(Value::String(before)) => {
                before.push_str(", ");
                before.push_str(&value);
            }
            _ => {
                members.insert(name, Value::String(value));
            }
        }
    }
    Value::Object(members)
}
