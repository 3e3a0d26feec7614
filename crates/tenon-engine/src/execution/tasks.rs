//! The task kinds, one file each. This is the one list that knows them all.

mod call_grpc;
mod call_http;
mod emit;
mod for_each;
mod fork;
mod function;
mod listen;
mod raise;
mod run_workflow;
mod switch;
mod try_catch;
mod wait;

pub(super) use fork::ForkState;
pub(super) use listen::{ListenState, Progress};

use std::sync::Arc;

use tenon_expr::Value;
use tenon_workflow::{Action, BlockId, Task};

use super::expression::template;
use super::frame::TaskState;
use super::machine::{Machine, Next, Opening, Signal};
use crate::Outcome;

impl Machine {
    /// Begins what the task on top does.
    pub(super) fn act(&mut self, task: &Task) -> Next {
        match &task.action {
            Action::CallFunction(call) => self.call_function(task, call),
            Action::CallGrpc(call) => self.call_grpc(task, call),
            Action::CallHttp(call) => self.call_http(task, call),
            Action::CallOpenApi(call) => self.call_openapi(task, call),
            Action::Do(block) => Ok(self.open_body(*block)),
            Action::Emit(emit) => self.emit(task, emit),
            Action::For(definition) => self.begin_loop(task, definition),
            Action::Fork(definition) => self.fork(task, definition),
            Action::Listen(definition) => self.listen(definition),
            Action::Raise(raise) => self.raise(task, raise),
            Action::RunWorkflow(run) => self.run_workflow(task, run),
            Action::Set(value) => {
                let (input, view) = self.here();
                let output = template(value, input, &view, &task.pointer)?;
                Ok(Signal::Produced { output: Arc::new(output), then: None })
            }
            Action::Switch(cases) => self.switch(task, cases),
            Action::Try(definition) => self.begin_try(task, definition),
            Action::Wait(wait) => self.wait(task, wait),
        }
    }

    /// The effect of the task on top has an outcome.
    pub(super) fn worked(&mut self, outcome: Outcome) -> Next {
        let program = Arc::clone(&self.job.program);
        let frame = self.top_task().expect("only a task on top has effects that work");
        let task = program.task(frame.task);
        let output = match (outcome, &task.action) {
            (Outcome::Failed(failure), _) => return Err(failure.to_error(&task.pointer)),
            (Outcome::Answered(answer), _) => self.answered(answer),
            (Outcome::Emitted, Action::Emit(_)) => self.emitted(),
            (Outcome::Started { job }, Action::RunWorkflow(run)) => return Ok(self.child_started(run, job)),
            (Outcome::Ended(end), Action::RunWorkflow(_)) => return run_workflow::child_ended(task, end),
            (Outcome::Received { event, envelope }, Action::Listen(definition)) => {
                return self.received(task, definition, (event, envelope));
            }
            (_, _) => Arc::clone(&frame.input),
        };
        Ok(Signal::Produced { output, then: None })
    }

    /// The block of the task on top has ended.
    pub(super) fn block_ended(&mut self, output: Arc<Value>) -> Next {
        let program = Arc::clone(&self.job.program);
        let frame = self.top_task().expect("a block is owned by the task below it");
        let task = program.task(frame.task);
        match (&task.action, &frame.state) {
            (Action::For(definition), _) => self.next_iteration(task, definition, output),
            (Action::Listen(definition), _) => self.item_done(task, definition, output),
            (Action::Try(definition), TaskState::Try(state)) => {
                let then = state.error.is_some().then_some(definition.then).flatten();
                Ok(Signal::Produced { output, then })
            }
            _ => Ok(Signal::Produced { output, then: None }),
        }
    }

    /// Opens a block of the task on top with the task's input.
    fn open_body(&self, block: BlockId) -> Signal {
        let frame = self.top_task().expect("a task opens its own block");
        let pointer_length = self.task(frame.task).pointer.len();
        let prefix = Arc::clone(&frame.address);
        Signal::Open(Opening { block, prefix, pointer_length, input: Arc::clone(&frame.input) })
    }
}
