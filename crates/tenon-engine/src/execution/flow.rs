//! The loop's steps: how tasks are entered and left, how blocks open and close, where errors go.

use std::sync::Arc;

use tenon_expr::Value;
use tenon_workflow::{Export, Output, Task, Then};

use super::Finished;
use super::effects::Purpose;
use super::expression::{check_schema, condition, span, transform};
use super::frame::{BlockFrame, Frame, Outputs, TaskFrame, TaskState, TryPhase};
use super::machine::{Closing, Machine, Next, Opening, Signal};
use super::scope::View;
use crate::{EffectAction, Error};

// === impl Machine ===

impl Machine {
    pub(super) fn step(&mut self, signal: Signal) -> Signal {
        let next = match signal {
            Signal::Start => self.start(),
            Signal::Open(opening) => Ok(self.open(opening)),
            Signal::Enter { position, input } => self.enter(position, input),
            Signal::Produced { output, then } => self.produced(output, then),
            Signal::Left { output, then } => Ok(self.left(output, then)),
            Signal::Closed(closing) => self.closed(closing),
            Signal::Fault(error) => Ok(self.fault(error)),
            Signal::End(output) => self.end_early(&output),
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
        Ok(Signal::Open(Opening { block: program.body, prefix: "".into(), pointer_length: 0, input }))
    }

    fn open(&mut self, opening: Opening) -> Signal {
        let Opening { block, prefix, pointer_length, input } = opening;
        let length = self.job.program.block(block).tasks.len();
        if length == 0 {
            return Signal::Closed(Closing { output: input, outputs: Vec::new(), exited: false });
        }
        self.thread.frames.push(Frame::Block(BlockFrame::new(block, prefix, pointer_length, length)));
        Signal::Enter { position: 0, input }
    }

    fn enter(&mut self, position: usize, raw_input: Arc<Value>) -> Next {
        let program = Arc::clone(&self.job.program);
        let Some(Frame::Block(block)) = self.thread.frames.last_mut() else {
            unreachable!("only a block enters tasks")
        };
        let task = program.task(program.block(block.block).tasks[position]);
        let visit = block.visit(position);
        let address = address(block, task, visit);
        let raw_input = self.replaced_input(&address).unwrap_or(raw_input);
        self.saw_entered(&address, task, &raw_input);
        self.thread.frames.push(Frame::Task(Box::new(TaskFrame {
            task: task.id,
            address,
            input: Arc::clone(&raw_input),
            raw_input,
            started_at: self.now,
            state: TaskState::Plain,
            extended: None,
        })));
        if let Some(expr) = &task.condition {
            let (raw_input, view) = self.before();
            if !condition(expr, raw_input, &view, &task.pointer)? {
                return Ok(self.skip());
            }
        }
        self.saw_started();
        if task.extensions.is_empty() || self.is_in_extension() {
            return self.admit(task);
        }
        self.extend(task)
    }

    fn skip(&mut self) -> Signal {
        let Some(Frame::Task(frame)) = self.thread.frames.pop() else {
            unreachable!("a task that is skipped is on top")
        };
        self.saw_skipped(&frame);
        Signal::Left { output: frame.raw_input, then: Then::Continue }
    }

    /// `input.schema`, `input.from`, `timeout`, and what the task on top does.
    pub(super) fn admit(&mut self, task: &Task) -> Next {
        let (raw_input, view) = self.before();
        check_schema(task.input.schema.as_ref(), raw_input, (&task.pointer, "the task's input"))?;
        let input = transform(task.input.from.as_ref(), raw_input, &view, &task.pointer)?;
        self.top_task_mut().expect("a task that is admitted is on top").input = input;
        self.saw_input();
        if let Some(timeout) = &task.timeout {
            let (input, view) = self.here();
            let due = self.now.after(span(timeout, input, &view, &task.pointer)?);
            let frame = self.top_task().expect("a task that is admitted is on top");
            let id = format!("{}/timeout", frame.address).into();
            self.issue(id, EffectAction::Timer { due }, Purpose::Timeout);
        }
        self.act(task)
    }

    fn produced(&mut self, raw_output: Arc<Value>, then: Option<Then>) -> Next {
        let program = Arc::clone(&self.job.program);
        let height = self.thread.frames.len() - 1;
        self.effects.withdraw(self.thread.owner(height));
        let Some(Frame::Task(frame)) = self.thread.frames.last_mut() else {
            unreachable!("only a task produces an output")
        };
        // What the last iteration leaves behind can be seen from here on.
        let outputs = match &mut frame.state {
            TaskState::Loop(state) => std::mem::take(&mut state.outputs),
            TaskState::Listen(state) => std::mem::take(&mut state.outputs),
            TaskState::Try(state) => {
                state.phase = TryPhase::Handler;
                Outputs::new()
            }
            _ => Outputs::new(),
        };
        let is_extended = frame.extended.is_some();
        let task = program.task(frame.task);
        if !outputs.is_empty() {
            self.bequeath(outputs);
        }
        let (output, context) = self.transform_output(task, &raw_output)?;
        if let Some(context) = context {
            self.thread.context = context;
        }
        let then = then.unwrap_or(task.then);
        if is_extended {
            return Ok(self.produced_within((raw_output, output), then));
        }
        Ok(self.complete(output, then))
    }

    /// The task on top is done.
    pub(super) fn complete(&mut self, output: Arc<Value>, then: Then) -> Signal {
        let Some(Frame::Task(frame)) = self.thread.frames.pop() else {
            unreachable!("a task that completes is on top")
        };
        self.saw_completed(&frame, &output);
        let position = self.task(frame.task).position;
        let Some(Frame::Block(block)) = self.thread.frames.last_mut() else {
            unreachable!("a task stands in a block")
        };
        block.finished(position, Arc::clone(&output));
        Signal::Left { output, then }
    }

    fn transform_output(
        &self,
        task: &Task,
        raw_output: &Arc<Value>,
    ) -> Result<(Arc<Value>, Option<Arc<Value>>), Error> {
        let view = self.after(raw_output);
        transform_output((&task.output, task.export.as_ref()), raw_output, &view, task)
    }

    fn left(&mut self, output: Arc<Value>, then: Then) -> Signal {
        let Some(Frame::Block(block)) = self.thread.frames.last() else {
            unreachable!("a task stands in a block")
        };
        let next = match then {
            Then::Continue => block.position + 1,
            Then::Jump(position) => position,
            Then::Exit => usize::MAX,
            Then::End => return Signal::End(output),
        };
        if next < self.job.program.block(block.block).tasks.len() {
            return Signal::Enter { position: next, input: output };
        }
        let Some(Frame::Block(block)) = self.thread.frames.pop() else { unreachable!("looked at above") };
        let outputs = block.into_outputs(&self.job.program);
        Signal::Closed(Closing { output, outputs, exited: then == Then::Exit })
    }

    fn closed(&mut self, closing: Closing) -> Next {
        let Some(Frame::Task(frame)) = self.thread.frames.last_mut() else {
            return match self.thread.origin {
                Some(origin) => Ok(self.branch_ended(origin, closing)),
                None => self.end(&closing.output),
            };
        };
        if frame.extended.as_ref().is_some_and(|extended| extended.is_around()) {
            return self.extension_ended(closing);
        }
        match &mut frame.state {
            TaskState::Loop(state) => state.outputs = closing.outputs,
            TaskState::Listen(state) => state.outputs = closing.outputs,
            TaskState::Function => frame.state = TaskState::Plain,
            _ => self.bequeath(closing.outputs),
        }
        self.block_ended(closing.output)
    }

    /// What blocks of the task on top leave behind goes to the block that the task stands in.
    pub(super) fn bequeath(&mut self, outputs: Outputs) {
        let below = self.thread.frames.len() - 2;
        if let Frame::Block(block) = &mut self.thread.frames[below] {
            block.inherit(outputs);
        }
    }

    fn end(&mut self, raw_output: &Arc<Value>) -> Next {
        self.unwind_all();
        let program = Arc::clone(&self.job.program);
        let view = View::new(self);
        let output = transform(program.output.r#as.as_ref(), raw_output, &view, "/output/as")?;
        check_schema(program.output.schema.as_ref(), &output, ("/output", "the workflow's output"))?;
        self.finish(Finished::Completed(output));
        Ok(Signal::Await)
    }

    fn fault(&mut self, error: Error) -> Signal {
        while let Some(frame) = self.thread.frames.last() {
            let Frame::Task(frame) = frame else {
                self.thread.frames.pop();
                continue;
            };
            let height = self.thread.frames.len() - 1;
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
        if let Some(origin) = self.thread.origin {
            return self.branch_faulted(origin, error);
        }
        self.unwind_all();
        self.finish(Finished::Faulted(error));
        Signal::Await
    }

    /// `then: end`: every task that is open around it ends with the workflow; in a branch, the other branches
    /// are cancelled, and its context is the workflow's.
    fn end_early(&mut self, output: &Arc<Value>) -> Next {
        loop {
            while let Some(frame) = self.thread.frames.pop() {
                if let Frame::Task(frame) = frame {
                    self.saw_completed(&frame, output);
                }
            }
            self.effects.withdraw(self.thread.owner(0));
            let Some(origin) = self.thread.origin else { return self.end(output) };
            self.branch_ends_all(origin);
        }
    }
}

/// `output.as`, `output.schema`, `export.as`, `export.schema`: the transformed output, and the new context.
pub(super) fn transform_output(
    (output, export): (&Output, Option<&Export>),
    raw_output: &Arc<Value>,
    view: &View<'_>,
    task: &Task,
) -> Result<(Arc<Value>, Option<Arc<Value>>), Error> {
    let at = task.pointer.as_str();
    let transformed = transform(output.r#as.as_ref(), raw_output, view, at)?;
    check_schema(output.schema.as_ref(), &transformed, (at, "the task's output"))?;
    let Some(export) = export else { return Ok((transformed, None)) };
    let view = view.with_output(&transformed);
    let context = match &export.r#as {
        Some(_) => transform(export.r#as.as_ref(), &transformed, &view, at)?,
        None => Arc::clone(view.context()),
    };
    check_schema(export.schema.as_ref(), &context, (at, "the exported context"))?;
    Ok((transformed, Some(context)))
}

/// `/do/0/getPet`, below its prefix; with the visit from the second on.
fn address(block: &BlockFrame, task: &Task, visit: u32) -> Arc<str> {
    let local = &task.pointer[block.pointer_length..];
    match visit {
        0 | 1 => format!("{}{local}", block.prefix).into(),
        more => format!("{}{local}#{more}", block.prefix).into(),
    }
}
