//! `emit`: an event goes back to capture; its id derives from the effect, so that a repeat is recognised.

use std::sync::Arc;

use serde_json::{Map, Value};
use tenon_workflow::{Emit, ErrorType, Task};

use crate::effect::EffectAction;
use crate::execution::effects::Purpose;
use crate::execution::expression::{kind, template};
use crate::execution::frame::TaskState;
use crate::execution::machine::{Machine, Next, Signal};
use crate::{Error, digest};

/// How many emits may follow one another before it must be a loop.
pub(super) const MAX_HOPS: u32 = 32;
/// The extension attribute that counts them.
const HOPS: &str = "tenonhops";

impl Machine {
    pub(super) fn emit(&mut self, task: &Task, emit: &Emit) -> Next {
        if self.job.hops >= MAX_HOPS {
            let detail =
                format!("{MAX_HOPS} events have caused one another; this looks like a loop of emits");
            return Err(Error::standard(ErrorType::Runtime, &task.pointer, detail));
        }
        let event = Arc::new(Value::Object(self.event(task, emit)?));
        let frame = self.top_task_mut().expect("the emit is on top");
        frame.state = TaskState::Emit(Arc::clone(&event));
        let id = Arc::clone(&frame.address);
        self.issue(id, EffectAction::Emit(event), Purpose::Work);
        Ok(Signal::Await)
    }

    /// The task's raw output: the event as it was sent, without our own attribute.
    pub(super) fn emitted(&self) -> Arc<Value> {
        let state = self.top_task().map(|frame| &frame.state);
        let Some(TaskState::Emit(event)) = state else { unreachable!("only an emit is emitted") };
        let mut event = event.as_ref().clone();
        if let Some(members) = event.as_object_mut() {
            members.shift_remove(HOPS);
        }
        Arc::new(event)
    }

    fn event(&self, task: &Task, emit: &Emit) -> Result<Map<String, Value>, Error> {
        let (input, view) = self.here();
        let mut given = match template(&emit.event, input, &view, &task.pointer)? {
            Value::Object(given) => given,
            other => {
                let detail = format!("the event must be an object, but is {}", kind(&other));
                return Err(Error::standard(ErrorType::Expression, &task.pointer, detail));
            }
        };
        let name = &self.job.program.name;
        let frame = self.top_task().expect("the emit is on top");
        let identity = format!("{}.{}", self.job.id, frame.address);
        let mut event = Map::new();
        event.insert("specversion".into(), "1.0".into());
        event.insert(
            "id".into(),
            given
                .shift_remove("id")
                .unwrap_or_else(|| Value::String(digest::hex(identity.as_bytes())[..32].to_owned())),
        );
        event.insert(
            "source".into(),
            given
                .shift_remove("source")
                .unwrap_or_else(|| Value::String(format!("/workflows/{}/{}", name.namespace, name.name))),
        );
        let Some(Value::String(kind)) = given.shift_remove("type") else {
            let detail = "the event needs a `type` that is a string";
            return Err(Error::standard(ErrorType::Expression, &task.pointer, detail));
        };
        event.insert("type".into(), Value::String(kind));
        let time = given.shift_remove("time");
        event.insert("time".into(), time.unwrap_or_else(|| Value::String(frame.started_at.rfc3339())));
        event.append(&mut given);
        event.insert(HOPS.into(), (self.job.hops + 1).into());
        Ok(event)
    }
}
