//! What expressions see: the specification's arguments, `$steps`, `$event`, loop and catch variables.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, json};
use tenon_expr::{Scope, Value};
use tenon_workflow::Action;

use super::Machine;
use super::frame::{Frame, TaskFrame, TaskState};

/// The view from one place of the machine.
pub(super) struct View<'a> {
    machine: &'a Machine,
    /// Frames below this height are visible.
    height: usize,
    task: Option<TaskView<'a>>,
    output: Option<&'a Value>,
    error: Option<(&'a str, &'a Value)>,
    item: Option<(&'a TaskFrame, &'a Value, usize)>,
}

/// The task that an expression belongs to.
#[derive(Clone, Copy)]
pub(super) struct TaskView<'a> {
    pub(super) task: &'a tenon_workflow::Task,
    pub(super) raw_input: &'a Value,
    /// The transformed input, once there is one.
    pub(super) input: Option<&'a Value>,
    pub(super) raw_output: Option<&'a Value>,
    pub(super) started_at: crate::Timestamp,
}

// === impl View ===

impl<'a> View<'a> {
    /// Outside any task.
    pub(super) fn new(machine: &'a Machine) -> Self {
        Self { machine, height: machine.frames.len(), task: None, output: None, error: None, item: None }
    }

    /// Belonging to a task, seeing the frames below `height`.
    pub(super) fn of_task(machine: &'a Machine, height: usize, task: TaskView<'a>) -> Self {
        Self { machine, height, task: Some(task), output: None, error: None, item: None }
    }

    /// With `$output`.
    pub(super) fn with_output(mut self, output: &'a Value) -> Self {
        self.output = Some(output);
        self
    }

    /// With a catch variable that is not on the stack yet.
    pub(super) fn with_error(mut self, name: &'a str, error: &'a Value) -> Self {
        self.error = Some((name, error));
        self
    }

    /// With the loop variables of an iteration that has not begun.
    pub(super) fn with_item(mut self, frame: &'a TaskFrame, item: &'a Value, index: usize) -> Self {
        self.item = Some((frame, item, index));
        self
    }

    fn visible(&self) -> impl Iterator<Item = &'a Frame> {
        self.machine.frames[..self.height].iter().rev()
    }

    fn steps(&self) -> Value {
        let mut steps = Map::new();
        let blocks: Vec<_> = self.visible().collect();
        for frame in blocks.into_iter().rev() {
            if let Frame::Block(block) = frame {
                block.each_output(&self.machine.job.program, |name, output| {
                    steps.insert(name.to_owned(), output.clone());
                });
            }
        }
        Value::Object(steps)
    }

    fn step(&self, name: &str) -> Option<&'a Value> {
        self.visible().find_map(|frame| match frame {
            Frame::Block(block) => block.output(&self.machine.job.program, name).map(Arc::as_ref),
            Frame::Task(_) => None,
        })
    }

    fn local(&self, name: &str) -> Option<Cow<'a, Value>> {
        if let Some((variable, error)) = self.error
            && variable == name
        {
            return Some(Cow::Borrowed(error));
        }
        if let Some((frame, item, index)) = self.item
            && let Some(found) = loop_variable(self.machine, frame, name, (item, index))
        {
            return Some(found);
        }
        self.visible().find_map(|frame| {
            let Frame::Task(frame) = frame else { return None };
            match &frame.state {
                TaskState::Loop(state) => {
                    let item = state.items.get(state.index)?;
                    loop_variable(self.machine, frame, name, (item, state.index))
                }
                TaskState::Try(state) => {
                    let Action::Try(definition) = &self.machine.job.program.task(frame.task).action else {
                        return None;
                    };
                    let (_, error) = state.error.as_ref()?;
                    (definition.r#as == name).then(|| Cow::Borrowed(error.as_ref()))
                }
                TaskState::Plain | TaskState::Call(_) | TaskState::Emit(_) => None,
            }
        })
    }

    fn task_descriptor(&self) -> Option<Value> {
        let view = self.task?;
        let mut task = json!({
            "name": view.task.name,
            "reference": view.task.pointer,
            "definition": view.task.definition.as_ref(),
            "input": view.raw_input,
            "startedAt": view.started_at.descriptor(),
        });
        if let Some(output) = view.raw_output {
            task["output"] = output.clone();
        }
        Some(task)
    }

    fn workflow_member(&self, key: &str) -> Value {
        let job = &self.machine.job;
        match key {
            "id" => Value::String(job.id.clone()),
            "definition" => job.program.definition.as_ref().clone(),
            "input" => job.input.as_ref().clone(),
            "startedAt" => job.captured_at.descriptor(),
            _ => Value::Null,
        }
    }
}

fn loop_variable<'a>(
    machine: &'a Machine,
    frame: &TaskFrame,
    name: &str,
    (item, index): (&'a Value, usize),
) -> Option<Cow<'a, Value>> {
    let Action::For(definition) = &machine.job.program.task(frame.task).action else { return None };
    if definition.each == name {
        return Some(Cow::Borrowed(item));
    }
    (definition.at == name).then(|| Cow::Owned(Value::from(index)))
}

impl Scope for View<'_> {
    fn variable(&self, name: &str) -> Option<Cow<'_, Value>> {
        if let Some(local) = self.local(name) {
            return Some(local);
        }
        let job = &self.machine.job;
        match name {
            "context" => Some(Cow::Borrowed(self.machine.context.as_ref())),
            "input" => self.task.and_then(|task| task.input).map(Cow::Borrowed),
            "output" => self.output.map(Cow::Borrowed),
            "steps" => Some(Cow::Owned(self.steps())),
            "event" => Some(job.event.as_deref().map_or(Cow::Owned(Value::Null), Cow::Borrowed)),
            "runtime" => Some(Cow::Borrowed(job.runtime.as_ref())),
            "task" => self.task_descriptor().map(Cow::Owned),
            "workflow" => {
                let members = ["id", "definition", "input", "startedAt"];
                let workflow = members.map(|key| (key.to_owned(), self.workflow_member(key)));
                Some(Cow::Owned(Value::Object(workflow.into_iter().collect())))
            }
            _ => None,
        }
    }

    fn member(&self, name: &str, key: &str) -> Option<Cow<'_, Value>> {
        if self.local(name).is_none() {
            match name {
                "steps" => return Some(self.step(key).map_or(Cow::Owned(Value::Null), Cow::Borrowed)),
                "workflow" => return Some(Cow::Owned(self.workflow_member(key))),
                _ => {}
            }
        }
        Some(match self.variable(name)? {
            Cow::Borrowed(value) => value.get(key).map_or(Cow::Owned(Value::Null), Cow::Borrowed),
            Cow::Owned(value) => Cow::Owned(value.get(key).cloned().unwrap_or(Value::Null)),
        })
    }

    fn now(&self) -> f64 {
        self.machine.now.seconds()
    }
}
