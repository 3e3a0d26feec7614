//! What the machine's steps and tasks do with the current thread's stack.

use std::collections::HashMap;
use std::sync::Arc;

use tenon_expr::Value;
use tenon_workflow::{Task, TaskId};

use super::Finished;
use super::effects::Purpose;
use super::frame::{Frame, TaskFrame, TaskState};
use super::machine::Machine;
use super::scope::{TaskView, View};
use super::threads::ThreadId;
use crate::{EffectAction, Error};

// === impl Machine ===

impl Machine {
    /// Makes an effect for the task on top (or, with an empty stack, for the workflow).
    pub(super) fn issue(&mut self, id: Arc<str>, action: EffectAction, purpose: Purpose) {
        let attempt = self.attempt(&id);
        self.saw_effect((&id, attempt), &action);
        let owner = self.thread.frames.len().checked_sub(1).map(|height| self.thread.owner(height));
        let now = self.now;
        self.effects.issue((id, attempt), action, (owner, purpose, now));
    }

    /// The number of the attempt that begins now: the outermost `try` that is in its body counts, since only
    /// its retries can bring the same effect again. People who resume a job can, too.
    fn attempt(&mut self, id: &Arc<str>) -> u32 {
        let least = self.least_attempt(id);
        let counter = if self.thread.origin.is_none() {
            counter(&mut self.thread.frames)
        } else {
            let attempts =
                |thread: &ThreadId| self.thread_of(*thread).frames.iter().any(Frame::is_attempting);
            let thread = self.lineage().into_iter().find(attempts);
            thread.and_then(|thread| counter(&mut self.thread_of_mut(thread).frames))
        };
        let Some(counter) = counter else { return least };
        let count = counter.entry(Arc::clone(id)).or_insert(0);
        *count = (*count + 1).max(least);
        *count
    }

    /// The transformed input of the task on top, and what its definition's expressions see.
    pub(super) fn here(&self) -> (&Arc<Value>, View<'_>) {
        let frame = self.top_task().expect("a task that acts is on top");
        let seen = TaskView { input: Some(&frame.input), ..self.seen(frame) };
        (&frame.input, View::of_task(self, self.thread.frames.len(), seen))
    }

    /// The raw input of the task on top, and what expressions see that come before its transformed input.
    pub(super) fn before(&self) -> (&Arc<Value>, View<'_>) {
        let frame = self.top_task().expect("a task that begins is on top");
        (&frame.raw_input, View::of_task(self, self.thread.frames.len() - 1, self.seen(frame)))
    }

    /// What the expressions see that transform the output of the task on top.
    pub(super) fn after<'a>(&'a self, raw_output: &'a Value) -> View<'a> {
        let frame = self.top_task().expect("a task that ends is on top");
        let raw_output = Some(raw_output);
        let seen = TaskView { input: Some(&frame.input), raw_output, ..self.seen(frame) };
        View::of_task(self, self.thread.frames.len() - 1, seen)
    }

    fn seen<'a>(&'a self, frame: &'a TaskFrame) -> TaskView<'a> {
        TaskView {
            task: self.task(frame.task),
            raw_input: &frame.raw_input,
            input: None,
            raw_output: None,
            started_at: frame.started_at,
        }
    }

    pub(super) fn top_task(&self) -> Option<&TaskFrame> {
        self.thread.top_task()
    }

    pub(super) fn top_task_mut(&mut self) -> Option<&mut TaskFrame> {
        self.thread.top_task_mut()
    }

    /// Cuts the stack down to a height; effects of what goes are withdrawn.
    pub(super) fn unwind(&mut self, height: usize) {
        if self.thread.frames.len() > height {
            self.kill_branches();
        }
        while self.thread.frames.len() > height {
            if let Some(Frame::Task(frame)) = self.thread.frames.pop() {
                self.saw_cancelled(&frame);
            }
        }
        self.effects.withdraw(self.thread.owner(height));
    }

    /// Removes a task, and all above it, that ends with an error.
    pub(super) fn leave_faulted(&mut self, height: usize, error: &Error) {
        self.kill_branches();
        self.unwind(height + 1);
        self.effects.withdraw(self.thread.owner(height));
        if let Some(Frame::Task(frame)) = self.thread.frames.pop() {
            self.saw_faulted(&frame, error);
        }
    }

    /// The job ends.
    pub(super) fn finish(&mut self, finished: Finished) {
        self.thread.next = None;
        self.forget_ready();
        self.saw_end();
        self.finished = Some(finished);
    }

    pub(super) fn task(&self, id: TaskId) -> &Task {
        self.job.program.task(id)
    }
}

/// The counter of the outermost `try` of a stack that is in its body.
fn counter(frames: &mut [Frame]) -> Option<&mut HashMap<Arc<str>, u32>> {
    let frame = frames.iter_mut().find(|frame| frame.is_attempting())?;
    match frame {
        Frame::Task(frame) => match &mut frame.state {
            TaskState::Try(state) => Some(&mut state.attempts),
            _ => None,
        },
        Frame::Block(_) => None,
    }
}
