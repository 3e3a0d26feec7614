//! Extensions: tasks around a task.
//!
//! They run once the task's `if` holds: `before` in order of declaration with the task's raw input, then the
//! task itself, then `after` in reverse order with its transformed output. What they give goes nowhere, except
//! that a `before` which leaves by `then: exit` gives the task's raw output; then neither the task nor any
//! `after` runs. The task's timeout is for the task alone. Their errors are the task's, but no `try` catches
//! those of its own extensions. What an extension runs is not extended, nor are the functions that it calls.

use std::sync::Arc;

use tenon_expr::Value;
use tenon_workflow::{BlockId, Task, Then};

use super::expression::condition;
use super::frame::Frame;
use super::machine::{Closing, Machine, Next, Opening, Signal};

/// Where a task is among its extensions.
#[derive(Debug, Default)]
pub(super) struct Extended {
    /// Those whose `when` held, by index in the program, in order of declaration.
    active: Vec<usize>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Before the task; the extension at this place of the task's list is next.
    Before { next: usize },
    /// The task itself.
    Within,
    /// After it; so many of the active extensions are left.
    After { left: usize, raw_output: Arc<Value>, output: Arc<Value>, then: Then },
}

impl Default for Stage {
    fn default() -> Self {
        Self::Before { next: 0 }
    }
}

// === impl Extended ===

impl Extended {
    /// Whether it is an extension that runs, not the task.
    pub(super) fn is_around(&self) -> bool {
        !matches!(self.stage, Stage::Within)
    }

    /// The task's raw output, once there is one.
    pub(super) fn raw_output(&self) -> Option<&Arc<Value>> {
        match &self.stage {
            Stage::After { raw_output, .. } => Some(raw_output),
            Stage::Before { .. } | Stage::Within => None,
        }
    }
}

// === impl Machine ===

impl Machine {
    /// The task on top has extensions, and its `if` holds.
    pub(super) fn extend(&mut self, task: &Task) -> Next {
        let frame = self.top_task_mut().expect("a task that is extended is on top");
        frame.extended = Some(Box::default());
        self.next_before(task)
    }

    /// Whether the current thread runs for an extension.
    pub(super) fn is_in_extension(&self) -> bool {
        let around = |frame: &Frame| match frame {
            Frame::Task(frame) => frame.extended.as_ref().is_some_and(|extended| extended.is_around()),
            Frame::Block(_) => false,
        };
        self.lineage().into_iter().any(|thread| self.thread_of(thread).frames.iter().any(around))
    }

    /// The block of an extension of the task on top has ended.
    pub(super) fn extension_ended(&mut self, closing: Closing) -> Next {
        let program = Arc::clone(&self.job.program);
        let task = program.task(self.top_task().expect("it is around the task on top").task);
        let extended = self.extended();
        match &extended.stage {
            Stage::Before { .. } if closing.exited => {
                *extended = Extended { active: Vec::new(), stage: Stage::Within };
                Ok(Signal::Produced { output: closing.output, then: None })
            }
            Stage::Before { .. } => self.next_before(task),
            Stage::Within | Stage::After { .. } => Ok(self.next_after()),
        }
    }

    /// The task on top, which has extensions, has its transformed output.
    pub(super) fn produced_within(&mut self, (raw_output, output): Outputs, then: Then) -> Signal {
        let extended = self.extended();
        extended.stage = Stage::After { left: extended.active.len(), raw_output, output, then };
        self.next_after()
    }

    fn next_before(&mut self, task: &Task) -> Next {
        let program = Arc::clone(&self.job.program);
        loop {
            let extended = self.extended();
            let Stage::Before { next } = &mut extended.stage else { unreachable!("the task has not begun") };
            let Some(index) = task.extensions.get(*next) else {
                extended.stage = Stage::Within;
                return self.admit(task);
            };
            *next += 1;
            let extension = &program.extensions[*index];
            let (raw_input, view) = self.before();
            let raw_input = Arc::clone(raw_input);
            if let Some(when) = &extension.when
                && !condition(when, &raw_input, &view.extending(), &task.pointer)?
            {
                continue;
            }
            self.extended().active.push(*index);
            if let Some(before) = extension.before {
                return Ok(self.open_around(before, raw_input));
            }
        }
    }

    fn next_after(&mut self) -> Signal {
        let program = Arc::clone(&self.job.program);
        loop {
            let Extended { active, stage } = self.extended();
            let Stage::After { left, output, then, .. } = stage else { unreachable!("the task has ended") };
            let (output, then) = (Arc::clone(output), *then);
            let Some(last) = left.checked_sub(1) else { return self.complete(output, then) };
            *left = last;
            if let Some(after) = program.extensions[active[last]].after {
                return self.open_around(after, output);
            }
        }
    }

    fn open_around(&self, block: BlockId, input: Arc<Value>) -> Signal {
        let frame = self.top_task().expect("a task that is extended is on top");
        Signal::Open(Opening { block, prefix: Arc::clone(&frame.address), pointer_length: 0, input })
    }

    fn extended(&mut self) -> &mut Extended {
        let frame = self.top_task_mut().expect("a task that is extended is on top");
        frame.extended.as_mut().expect("a task with extensions is extended from its beginning")
    }
}

/// Raw and transformed.
type Outputs = (Arc<Value>, Arc<Value>);
