//! `call` of a function under `use.functions`: its task runs here, seeing nothing of what is around the call
//! but `$context`.

use std::sync::Arc;

use serde_json::Map;
use tenon_expr::Value;
use tenon_workflow::{ErrorType, FunctionCall, Task};

use crate::Error;
use crate::execution::expression::template;
use crate::execution::frame::TaskState;
use crate::execution::machine::{Machine, Next, Opening, Signal};

/// How many calls of functions may be inside one another.
const MAX_DEPTH: usize = 32;

impl Machine {
    pub(super) fn call_function(&mut self, task: &Task, call: &FunctionCall) -> Next {
        if self.function_depth() >= MAX_DEPTH {
            let name = &call.name;
            let detail =
                format!("`{name}` is called within {MAX_DEPTH} calls of functions, which is the most");
            return Err(Error::standard(ErrorType::Runtime, &task.pointer, detail));
        }
        let (input, view) = self.here();
        let input = match &call.with {
            Some(with) => template(with, input, &view, &task.pointer)?,
            None => Value::Object(Map::new()),
        };
        let frame = self.top_task_mut().expect("the call is on top");
        frame.state = TaskState::Function;
        let prefix = Arc::clone(&frame.address);
        Ok(Signal::Open(Opening { block: call.body, prefix, pointer_length: 0, input: Arc::new(input) }))
    }

    fn function_depth(&self) -> usize {
        let functions = |thread| self.thread_of(thread).frames.iter().filter(|frame| frame.is_function());
        self.lineage().into_iter().map(|thread| functions(thread).count()).sum()
    }
}
