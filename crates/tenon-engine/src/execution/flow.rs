//! The loop's steps: how tasks are entered and left, how blocks open and close, where errors go.

use std::sync::Arc;

use tenon_expr::Value;
use tenon_workflow::{BlockId, Task, Then};

use super::Finished;
use super::effects::Purpose;
use super::expression::{check_schema, condition, span, transform};
use super::frame::{BlockFrame, Frame, Outputs, TaskFrame, TaskState, TryPhase};
use super::machine::{Machine, Next, Signal};
use super::scope::{TaskView, View};
use crate::{EffectAction, Error};

// === impl Machine ===

impl Machine {
    pub(super) fn step(&mut self, signal: Signal) -> Signal {
        let next = match signal {
            Signal::Start => self.start(),
            Signal::Open { block, prefix, input } => Ok(self.open(block, prefix, input)),
            Signal::Enter { position, input } => self.enter(position, input),
            Signal::Produced { output, then } => self.produced(output, then),
            Signal::Left { output, then } => Ok(self.left(output, then)),
            Signal::Closed { output, outputs } => self.closed(output, outputs),
            Signal::Fault(error) => Ok(self.fault(error)),
            Signal::End(output) => {
                self.complete_all(&output);
                self.end(&output)
            }
            Signal::Await => Ok(Signal::Await),
        };
        next.unwrap_or_else(Signal::Fault)
    }

    fn start(&mut self) -> Next {
        let program = Arc::clone(&self.job.program);
        let raw = Arc::clone(&self.job.input);
        check_schema(program.input.schema.as_ref(), &raw, ("/input", "the workflow's input"))?;
        let view = View::new(self);
        let input = transform(program.input.from.as_ref(), &raw, &view, "/input/from")?;
        if let Some(timeout) = &program.timeout {
            let after = span(timeout, &input, &view, "/timeout")?;
            let due = self.now.after(after);
            self.issue("/timeout".into(), EffectAction::Timer { due }, Purpose::Timeout);
        }
        Ok(Signal::Open { block: program.body, prefix: "".into(), input })
    }

    fn open(&mut self, block: BlockId, prefix: Arc<str>, input: Arc<Value>) -> Signal {
        let length = self.job.program.block(block).tasks.len();
        if length == 0 {
            return Signal::Closed { output: input, outputs: Vec::new() };
        }
        let pointer_length = self.top_task().map_or(0, |frame| self.task(frame.task).pointer.len());
        self.frames.push(Frame::Block(BlockFrame::new(block, prefix, pointer_length, length)));
        Signal::Enter { position: 0, input }
    }

    fn enter(&mut self, position: usize, raw_input: Arc<Value>) -> Next {
        let program = Arc::clone(&self.job.program);
        let height = self.frames.len();
        let Some(Frame::Block(block)) = self.frames.last_mut() else {
            unreachable!("only a block enters tasks")
        };
        let task = program.task(program.block(block.block).tasks[position]);
        let visit = block.visit(position);
        let address = address(block, task, visit);
        self.record(|recorder, now| recorder.entered(&address, task, &raw_input, now));
        let before =
            TaskView { task, raw_input: &raw_input, input: None, raw_output: None, started_at: self.now };
        let entered = self.admit(task, &raw_input, before, height);
        let input = match entered {
            Ok(Some(input)) => input,
            Ok(None) => {
                self.record(|recorder, now| recorder.skipped(&address, now));
                return Ok(Signal::Left { output: raw_input, then: Then::Continue });
            }
            Err(error) => {
                self.record(|recorder, now| recorder.faulted(&address, &error, now));
                return Err(error);
            }
        };
        self.record(|recorder, _| recorder.input(&address, &input));
        self.frames.push(Frame::Task(Box::new(TaskFrame {
            task: task.id,
            address: Arc::clone(&address),
            raw_input,
            input,
            started_at: self.now,
            state: TaskState::Plain,
        })));
        if let Some(timeout) = &task.timeout {
            let (input, view) = self.here();
            let due = self.now.after(span(timeout, input, &view, &task.pointer)?);
            self.issue(format!("{address}/timeout").into(), EffectAction::Timer { due }, Purpose::Timeout);
        }
        self.act(task)
    }

    /// `if`, `input.schema`, `input.from`; `None` when the task is skipped.
    fn admit(
        &self,
        task: &Task,
        raw_input: &Arc<Value>,
        before: TaskView<'_>,
        height: usize,
    ) -> Result<Option<Arc<Value>>, Error> {
        let view = View::of_task(self, height, before);
        if let Some(expr) = &task.condition
            && !condition(expr, raw_input, &view, &task.pointer)?
        {
            return Ok(None);
        }
        check_schema(task.input.schema.as_ref(), raw_input, (&task.pointer, "the task's input"))?;
        transform(task.input.from.as_ref(), raw_input, &view, &task.pointer).map(Some)
    }

    fn produced(&mut self, raw_output: Arc<Value>, then: Option<Then>) -> Next {
        let program = Arc::clone(&self.job.program);
        let height = self.frames.len() - 1;
        self.effects.withdraw(height);
        let Some(Frame::Task(frame)) = self.frames.last_mut() else {
            unreachable!("only a task produces an output")
        };
        if let TaskState::Try(state) = &mut frame.state {
            state.phase = TryPhase::Handler;
        }
        let task = program.task(frame.task);
        let (output, context) = self.transform_output(task, &raw_output, height)?;
        if let Some(context) = context {
            self.context = context;
        }
        let Some(Frame::Task(frame)) = self.frames.pop() else { unreachable!("looked at above") };
        self.record(|recorder, now| recorder.completed(&frame.address, &output, now));
        let Some(Frame::Block(block)) = self.frames.last_mut() else {
            unreachable!("a task stands in a block")
        };
        if let TaskState::Loop(state) = frame.state {
            block.inherit(state.outputs);
        }
        block.finished(task.position, Arc::clone(&output));
        Ok(Signal::Left { output, then: then.unwrap_or(task.then) })
    }

    /// `output.as`, `output.schema`, `export.as`, `export.schema`.
    fn transform_output(
        &self,
        task: &Task,
        raw_output: &Arc<Value>,
        height: usize,
    ) -> Result<(Arc<Value>, Option<Arc<Value>>), Error> {
        let Frame::Task(frame) = &self.frames[height] else { unreachable!("the caller looked") };
        let seen = TaskView {
            task,
            raw_input: &frame.raw_input,
            input: Some(&frame.input),
            raw_output: Some(raw_output),
            started_at: frame.started_at,
        };
        let view = View::of_task(self, height, seen);
        let output = transform(task.output.r#as.as_ref(), raw_output, &view, &task.pointer)?;
        check_schema(task.output.schema.as_ref(), &output, (&task.pointer, "the task's output"))?;
        let Some(export) = &task.export else { return Ok((output, None)) };
        let view = View::of_task(self, height, seen).with_output(&output);
        let context = match &export.r#as {
            Some(_) => transform(export.r#as.as_ref(), &output, &view, &task.pointer)?,
            None => Arc::clone(&self.context),
        };
        check_schema(export.schema.as_ref(), &context, (&task.pointer, "the exported context"))?;
        Ok((output, Some(context)))
    }

    fn left(&mut self, output: Arc<Value>, then: Then) -> Signal {
        let Some(Frame::Block(block)) = self.frames.last() else { unreachable!("a task stands in a block") };
        let next = match then {
            Then::Continue => block.position + 1,
            Then::Jump(position) => position,
            Then::Exit => usize::MAX,
            Then::End => return Signal::End(output),
        };
        if next < self.job.program.block(block.block).tasks.len() {
            return Signal::Enter { position: next, input: output };
        }
        let Some(Frame::Block(block)) = self.frames.pop() else { unreachable!("looked at above") };
        Signal::Closed { output, outputs: block.into_outputs(&self.job.program) }
    }

    fn closed(&mut self, output: Arc<Value>, outputs: Outputs) -> Next {
        let Some(Frame::Task(frame)) = self.frames.last_mut() else {
            return self.end(&output);
        };
        if let TaskState::Loop(state) = &mut frame.state {
            state.outputs = outputs;
        } else {
            let below = self.frames.len() - 2;
            if let Frame::Block(block) = &mut self.frames[below] {
                block.inherit(outputs);
            }
        }
        self.block_ended(output)
    }

    fn end(&mut self, raw_output: &Arc<Value>) -> Next {
        self.unwind(0);
        let program = Arc::clone(&self.job.program);
        let view = View::new(self);
        let output = transform(program.output.r#as.as_ref(), raw_output, &view, "/output/as")?;
        check_schema(program.output.schema.as_ref(), &output, ("/output", "the workflow's output"))?;
        self.finish(Finished::Completed(output));
        Ok(Signal::Await)
    }

    fn fault(&mut self, error: Error) -> Signal {
        while let Some(frame) = self.frames.last() {
            let Frame::Task(frame) = frame else {
                self.frames.pop();
                continue;
            };
            let height = self.frames.len() - 1;
            let caught = match &frame.state {
                TaskState::Try(state) if state.phase == TryPhase::Body => self.catch(&error),
                _ => Ok(None),
            };
            match caught {
                Ok(Some(signal)) => return signal,
                Ok(None) => self.leave_faulted(height, &error),
                Err(other) => {
                    self.leave_faulted(height, &other);
                    return Signal::Fault(other);
                }
            }
        }
        self.unwind(0);
        self.finish(Finished::Faulted(error));
        Signal::Await
    }

    /// `then: end`: every task that is open ends with the workflow.
    fn complete_all(&mut self, output: &Value) {
        while let Some(frame) = self.frames.pop() {
            if let Frame::Task(frame) = frame {
                self.record(|recorder, now| recorder.completed(&frame.address, output, now));
            }
        }
    }
}

/// `/do/0/getPet`, below its prefix; with the visit from the second on.
fn address(block: &BlockFrame, task: &Task, visit: u32) -> Arc<str> {
    let local = &task.pointer[block.pointer_length..];
    match visit {
        0 | 1 => format!("{}{local}", block.prefix).into(),
        more => format!("{}{local}#{more}", block.prefix).into(),
    }
}
