//! `call: http` and `call: openapi`.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tenon_workflow::{HttpCall, HttpOutput, OpenApiCall, Task};

use crate::effect::{Answer, EffectAction, HttpRequest, request};
use crate::execution::effects::Purpose;
use crate::execution::frame::TaskState;
use crate::execution::machine::{Machine, Next, Signal};

impl Machine {
    pub(super) fn call_http(&mut self, task: &Task, call: &HttpCall) -> Next {
        let request = self.evaluated(task, |arguments| request::http(call, arguments))?;
        self.send(task, request)
    }

    pub(super) fn call_openapi(&mut self, task: &Task, call: &OpenApiCall) -> Next {
        let request = self.evaluated(task, |arguments| request::openapi(call, arguments))?;
        self.send(task, request)
    }

    fn send(&mut self, task: &Task, mut request: HttpRequest) -> Next {
        request.deferred = self.deferral(task);
        let frame = self.top_task_mut().expect("the call is on top");
        let id = Arc::clone(&frame.address);
        if request.output == HttpOutput::Response {
            frame.state = TaskState::Call(Box::new(request.clone()));
        }
        self.issue(id, EffectAction::Http(Box::new(request)), Purpose::Work);
        Ok(Signal::Await)
    }

    /// The task's raw output. The request that it may show is the one of the core, with secrets by name.
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
