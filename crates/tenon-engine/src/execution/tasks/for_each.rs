//! `for`: one iteration after the other, each with the output of the one before (rule 12).

use std::sync::Arc;

use tenon_expr::Value;
use tenon_workflow::{ErrorType, For, Task};

use crate::Error;
use crate::execution::expression::{condition, kind, template};
use crate::execution::frame::{LoopState, TaskState};
use crate::execution::machine::{Machine, Next, Opening, Signal};
use crate::execution::scope::Item;

impl Machine {
    pub(super) fn begin_loop(&mut self, task: &Task, definition: &For) -> Next {
        let (input, view) = self.here();
        let items = match template(&definition.r#in, input, &view, &task.pointer)? {
            Value::Array(items) => items,
            other => {
                let detail = format!("`for.in` must give an array, but gave {}", kind(&other));
                return Err(Error::standard(ErrorType::Expression, &task.pointer, detail));
            }
        };
        let input = Arc::clone(input);
        let state = LoopState { items, index: 0, outputs: Vec::new() };
        self.iterate(task, definition, (state, input))
    }

    pub(super) fn next_iteration(&mut self, task: &Task, definition: &For, output: Arc<Value>) -> Next {
        let frame = self.top_task_mut().expect("the loop is on top between iterations");
        let TaskState::Loop(state) = std::mem::replace(&mut frame.state, TaskState::Plain) else {
            unreachable!("a `for` that iterates is a loop")
        };
        self.iterate(task, definition, (LoopState { index: state.index + 1, ..state }, output))
    }

    /// Begins the iteration at `state.index`, or ends the loop.
    fn iterate(&mut self, task: &Task, definition: &For, (state, input): (LoopState, Arc<Value>)) -> Next {
        let goes_on = match state.items.get(state.index) {
            None => false,
            Some(item) => match &definition.r#while {
                None => true,
                Some(expr) => {
                    let (each, at) = ((&*definition.each, item), (&*definition.at, state.index));
                    let view = self.here().1.with_item(Item { each, at });
                    condition(expr, &input, &view, &task.pointer)?
                }
            },
        };
        let index = state.index;
        let frame = self.top_task_mut().expect("the loop is on top");
        frame.state = TaskState::Loop(state);
        if !goes_on {
            return Ok(Signal::Produced { output: input, then: None });
        }
        let prefix = format!("{}[{index}]", frame.address).into();
        let (block, pointer_length) = (definition.body, task.pointer.len());
        Ok(Signal::Open(Opening { block, prefix, pointer_length, input }))
    }
}
