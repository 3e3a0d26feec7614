//! What expressions see: the specification's arguments, `$steps`, `$event`, loop and catch variables.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Map;
use tenon_expr::{Scope, Value};
use tenon_workflow::Action;

use super::Machine;
use super::frame::{Frame, TaskState};
use super::threads::{Thread, Visible};
use crate::Timestamp;

/// The view from one place of the machine.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    machine: &'a Machine,
    thread: &'a Thread,
    /// Frames of the thread below this height are visible.
    height: usize,
    context: &'a Arc<Value>,
    now: Timestamp,
    task: Option<TaskView<'a>>,
    /// Whether it is an extension that looks at the task.
    is_extending: bool,
    output: Option<&'a Value>,
    error: Option<(&'a str, &'a Value)>,
    item: Option<Item<'a>>,
}

/// A loop's variables, by name, where they are not on the stack yet.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    pub(super) each: (&'a str, &'a Value),
    pub(super) at: (&'a str, usize),
}

/// The task that an expression belongs to.
#[derive(Clone, Copy)]
pub(super) struct TaskView<'a> {
    pub(super) task: &'a tenon_workflow::Task,
    pub(super) raw_input: &'a Value,
    /// The transformed input, once there is one.
    pub(super) input: Option<&'a Value>,
    pub(super) raw_output: Option<&'a Value>,
    pub(super) started_at: Timestamp,
}

// === impl View ===

impl<'a> View<'a> {
    /// Outside any task.
    pub(super) fn new(machine: &'a Machine) -> Self {
        Self::of_thread(machine, &machine.thread, machine.thread.frames.len())
    }

    /// Outside any task of a thread, seeing the frames below `height`.
    pub(super) fn of_thread(machine: &'a Machine, thread: &'a Thread, height: usize) -> Self {
        Self {
            machine,
            thread,
            height,
            context: &thread.context,
            now: machine.now,
            task: None,
            is_extending: false,
            output: None,
            error: None,
            item: None,
        }
    }

    /// Belonging to a task of the current thread, seeing the frames below `height`.
    pub(super) fn of_task(machine: &'a Machine, height: usize, task: TaskView<'a>) -> Self {
        Self { task: Some(task), ..Self::of_thread(machine, &machine.thread, height) }
    }

    /// Belonging to a task.
    pub(super) fn with_task(mut self, task: TaskView<'a>) -> Self {
        self.task = Some(task);
        self
    }

    /// As seen by an extension of the task.
    pub(super) fn extending(mut self) -> Self {
        self.is_extending = true;
        self
    }

    /// As it was at another moment.
    pub(super) fn at(mut self, context: &'a Arc<Value>, now: Timestamp) -> Self {
        (self.context, self.now) = (context, now);
        self
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

    /// With the variables of an iteration that is not on the stack.
    pub(super) fn with_item(mut self, item: Item<'a>) -> Self {
        self.item = Some(item);
        self
    }

    /// `$context`.
    pub(super) fn context(&self) -> &'a Arc<Value> {
        self.context
    }

    fn visible(&self) -> Visible<'a> {
        self.machine.visible(self.thread, self.height)
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
        if let Some(item) = &self.item
            && let Some(found) = item.variable(name)
        {
            return Some(found);
        }
        self.visible().find_map(|frame| {
            let Frame::Task(frame) = frame else { return None };
            let action = || &self.machine.job.program.task(frame.task).action;
            match &frame.state {
                TaskState::Loop(state) => {
                    let Action::For(definition) = action() else { return None };
                    let item = state.items.get(state.index)?;
                    let (each, at) = ((&*definition.each, item), (&*definition.at, state.index));
                    Item { each, at }.variable(name)
                }
                TaskState::Listen(state) => {
                    let Action::Listen(definition) = action() else { return None };
                    state.item(definition)?.variable(name)
                }
                TaskState::Try(state) => {
                    let Action::Try(definition) = action() else { return None };
                    let (_, error) = state.error.as_ref()?;
                    (definition.r#as == name).then(|| Cow::Borrowed(error.as_ref()))
                }
                TaskState::Plain
                | TaskState::Call(_)
                | TaskState::Emit(_)
                | TaskState::Fork(_)
                | TaskState::Function => None,
            }
        })
    }

    fn task_descriptor(&self) -> Option<Value> {
        let around = self.visible().find_map(|frame| self.extended(frame));
        let (view, is_extending) = match around {
            Some(extended) if !self.is_extending => (extended, true),
            _ => (self.task?, self.is_extending),
        };
        let definition = self.machine.job.program.definition_of(view.task);
        let mut task = Map::new();
        if is_extending && let Some(members) = definition.as_object() {
            task.clone_from(members);
        }
        let members = [
            ("name", Value::String(view.task.name.clone())),
            ("reference", Value::String(view.task.pointer.clone())),
            ("definition", definition.clone()),
            ("input", view.raw_input.clone()),
            ("startedAt", view.started_at.descriptor()),
        ];
        task.extend(members.map(|(name, value)| (name.to_owned(), value)));
        match view.raw_output {
            Some(output) => task.insert("output".to_owned(), output.clone()),
            None if is_extending => task.shift_remove("output"),
            None => None,
        };
        Some(Value::Object(task))
    }

    /// The task that a frame stands for, if one of its extensions runs.
    fn extended(&self, frame: &'a Frame) -> Option<TaskView<'a>> {
        let Frame::Task(frame) = frame else { return None };
        let extended = frame.extended.as_ref().filter(|extended| extended.is_around())?;
        Some(TaskView {
            task: self.machine.task(frame.task),
            raw_input: &frame.raw_input,
            input: None,
            raw_output: extended.raw_output().map(Arc::as_ref),
            started_at: frame.started_at,
        })
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

// === impl Item ===

impl<'a> Item<'a> {
    fn variable(&self, name: &str) -> Option<Cow<'a, Value>> {
        if self.each.0 == name {
            return Some(Cow::Borrowed(self.each.1));
        }
        (self.at.0 == name).then(|| Cow::Owned(Value::from(self.at.1)))
    }
}

impl Scope for View<'_> {
    fn variable(&self, name: &str) -> Option<Cow<'_, Value>> {
        if let Some(local) = self.local(name) {
            return Some(local);
        }
        let job = &self.machine.job;
        match name {
            "context" => Some(Cow::Borrowed(self.context.as_ref())),
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
        self.now.seconds()
    }
}
