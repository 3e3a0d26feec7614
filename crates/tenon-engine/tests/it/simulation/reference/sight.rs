//! What expressions see, by the letter of the profile: rules 4 and 5.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tenon_engine::Timestamp;
use tenon_expr::Scope;
use tenon_workflow::{Program, Task, TaskId};

/// Outputs of finished tasks, oldest first.
pub(crate) type Outputs = Vec<(TaskId, Arc<Value>)>;

/// One scope inside another.
pub(crate) struct Env {
    link: Link,
    parent: Option<Rc<Env>>,
}

enum Link {
    /// A list of tasks: its own that have finished, and what blocks inside left behind.
    Block { own: RefCell<Outputs>, inner: RefCell<Outputs> },
    /// Loop and catch variables.
    Variables(Vec<(String, Arc<Value>)>),
}

/// What one expression sees.
pub(crate) struct Sight<'a> {
    pub(crate) program: &'a Program,
    pub(crate) job_input: &'a Value,
    pub(crate) event: &'a Value,
    pub(crate) context: &'a Value,
    pub(crate) env: Option<&'a Rc<Env>>,
    pub(crate) task: Option<&'a Task>,
    pub(crate) input: Option<&'a Value>,
    pub(crate) output: Option<&'a Value>,
    pub(crate) now: i64,
}

// === impl Env ===

impl Env {
    pub(crate) fn block(parent: Option<&Rc<Self>>) -> Rc<Self> {
        let link = Link::Block { own: RefCell::default(), inner: RefCell::default() };
        Rc::new(Self { link, parent: parent.cloned() })
    }

    pub(crate) fn variables(parent: &Rc<Self>, variables: Vec<(String, Arc<Value>)>) -> Rc<Self> {
        Rc::new(Self { link: Link::Variables(variables), parent: Some(Rc::clone(parent)) })
    }

    /// A task of this block has finished.
    pub(crate) fn finished(&self, task: TaskId, output: &Arc<Value>) {
        if let Link::Block { own, .. } = &self.link {
            put(&mut own.borrow_mut(), task, output);
        }
    }

    /// A block inside has ended.
    pub(crate) fn inherit(&self, outputs: &Outputs) {
        if let Link::Block { inner, .. } = &self.link {
            for (task, output) in outputs {
                put(&mut inner.borrow_mut(), *task, output);
            }
        }
    }

    /// What stays visible when this block has ended.
    pub(crate) fn left_behind(&self, program: &Program) -> Outputs {
        let Link::Block { own, inner } = &self.link else { return Vec::new() };
        let mut all = inner.borrow().clone();
        let mut own = own.borrow().clone();
        own.sort_by_key(|(task, _)| program.task(*task).position);
        all.extend(own);
        all
    }

    fn step(&self, program: &Program, name: &str) -> Option<Arc<Value>> {
        if let Link::Block { own, inner } = &self.link {
            let named = |(task, _): &&(TaskId, Arc<Value>)| program.task(*task).name == name;
            if let Some((_, output)) = own.borrow().iter().find(named) {
                return Some(Arc::clone(output));
            }
            if let Some((_, output)) = inner.borrow().iter().rev().find(named) {
                return Some(Arc::clone(output));
            }
        }
        self.parent.as_ref()?.step(program, name)
    }

    fn variable(&self, name: &str) -> Option<Arc<Value>> {
        if let Link::Variables(variables) = &self.link
            && let Some((_, value)) = variables.iter().find(|(known, _)| known == name)
        {
            return Some(Arc::clone(value));
        }
        self.parent.as_ref()?.variable(name)
    }

    fn steps(&self, program: &Program, steps: &mut Map<String, Value>) {
        if let Some(parent) = &self.parent {
            parent.steps(program, steps);
        }
        if let Link::Block { own, inner } = &self.link {
            for (task, output) in inner.borrow().iter().chain(own.borrow().iter()) {
                steps.insert(program.task(*task).name.clone(), output.as_ref().clone());
            }
        }
    }
}

fn put(outputs: &mut Outputs, task: TaskId, output: &Arc<Value>) {
    match outputs.iter_mut().find(|(known, _)| *known == task) {
        Some(known) => known.1 = Arc::clone(output),
        None => outputs.push((task, Arc::clone(output))),
    }
}

impl Scope for Sight<'_> {
    fn variable(&self, name: &str) -> Option<Cow<'_, Value>> {
        if let Some(local) = self.env.and_then(|env| env.variable(name)) {
            return Some(Cow::Owned(local.as_ref().clone()));
        }
        match name {
            "context" => Some(Cow::Borrowed(self.context)),
            "input" => self.input.map(Cow::Borrowed),
            "output" => self.output.map(Cow::Borrowed),
            "event" => Some(Cow::Borrowed(self.event)),
            "workflow" => Some(Cow::Owned(json!({ "input": self.job_input }))),
            "task" => {
                self.task.map(|task| Cow::Owned(json!({ "name": task.name, "reference": task.pointer })))
            }
            "steps" => {
                let mut steps = Map::new();
                if let Some(env) = self.env {
                    env.steps(self.program, &mut steps);
                }
                Some(Cow::Owned(Value::Object(steps)))
            }
            _ => None,
        }
    }

    fn member(&self, name: &str, key: &str) -> Option<Cow<'_, Value>> {
        if name == "steps" {
            let found = self.env.and_then(|env| env.step(self.program, key));
            return Some(Cow::Owned(found.map_or(Value::Null, |found| found.as_ref().clone())));
        }
        let value = self.variable(name)?;
        Some(Cow::Owned(value.get(key).cloned().unwrap_or(Value::Null)))
    }

    fn now(&self) -> f64 {
        Timestamp(self.now).seconds()
    }
}
