//! The stack: task frames and the block frames that they own, one above the other.

use std::collections::HashMap;
use std::sync::Arc;

use tenon_expr::Value;
use tenon_workflow::{BlockId, Program, TaskId};

use super::extensions::Extended;
use super::tasks::{ForkState, ListenState};
use crate::{Error, HttpRequest, Timestamp};

/// One level of the stack.
#[derive(Debug)]
pub(super) enum Frame {
    /// A task that has begun.
    Task(Box<TaskFrame>),
    /// A block that has begun; below it is the task that owns it, or nothing.
    Block(BlockFrame),
}

/// A task that has begun.
#[derive(Debug)]
pub(super) struct TaskFrame {
    pub(super) task: TaskId,
    /// Stable address: pointers, loop indexes, visit counts.
    pub(super) address: Arc<str>,
    pub(super) raw_input: Arc<Value>,
    pub(super) input: Arc<Value>,
    pub(super) started_at: Timestamp,
    pub(super) state: TaskState,
    /// Where it is among its extensions, if it has any.
    pub(super) extended: Option<Box<Extended>>,
}

/// What a task is at.
#[derive(Debug)]
pub(super) enum TaskState {
    /// Nothing of its own: its one block or its one effect says it all.
    Plain,
    /// A `for` between iterations or in one.
    Loop(LoopState),
    /// A `try`.
    Try(Box<TryState>),
    /// A call whose output shows its request, as it was sent.
    Call(Box<HttpRequest>),
    /// An `emit`, with the event as it was sent.
    Emit(Arc<Value>),
    /// A `fork` whose branches run.
    Fork(Box<ForkState>),
    /// A call of a function that runs.
    Function,
    /// A `listen`.
    Listen(Box<ListenState>),
}

/// A `for`.
#[derive(Debug)]
pub(super) struct LoopState {
    pub(super) items: Vec<Value>,
    pub(super) index: usize,
    /// What `$steps` shows of the newest iteration once the loop is over.
    pub(super) outputs: Outputs,
}

/// A `try`.
#[derive(Debug, Default)]
pub(super) struct TryState {
    pub(super) phase: TryPhase,
    pub(super) retries: u32,
    pub(super) first_failure_at: Option<Timestamp>,
    /// The caught error, for the catch variable.
    pub(super) error: Option<(Error, Arc<Value>)>,
    /// How often each effect below was attempted, so that a retry goes on counting.
    pub(super) attempts: HashMap<Arc<str>, u32>,
}

/// Where a `try` is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum TryPhase {
    /// In its body: errors are caught.
    #[default]
    Body,
    /// Waiting before a retry.
    Delay,
    /// In `catch.do`, or past it: errors go on up.
    Handler,
}

/// Outputs of finished tasks, for `$steps`.
pub(super) type Outputs = Vec<(TaskId, Arc<Value>)>;

/// A block that has begun.
#[derive(Debug)]
pub(super) struct BlockFrame {
    pub(super) block: BlockId,
    /// What addresses of its tasks start with.
    pub(super) prefix: Arc<str>,
    /// How much of a task's pointer the prefix stands for.
    pub(super) pointer_length: usize,
    /// The task that runs.
    pub(super) position: usize,
    /// How often each task was entered.
    visits: Vec<u32>,
    /// Each task's newest output.
    outputs: Vec<Option<Arc<Value>>>,
    /// Outputs from blocks inside that have ended.
    inner: Outputs,
}

// === impl Frame ===

impl Frame {
    /// Whether it is a `try` whose retries can bring effects below it again.
    pub(super) fn is_attempting(&self) -> bool {
        match self {
            Self::Task(frame) => {
                matches!(&frame.state, TaskState::Try(state) if state.phase != TryPhase::Handler)
            }
            Self::Block(_) => false,
        }
    }

    /// Whether it is the call of a function that runs, from which nothing around it is seen.
    pub(super) fn is_function(&self) -> bool {
        matches!(self, Self::Task(frame) if matches!(frame.state, TaskState::Function))
    }
}

// === impl BlockFrame ===

impl BlockFrame {
    pub(super) fn new(block: BlockId, prefix: Arc<str>, pointer_length: usize, length: usize) -> Self {
        Self {
            block,
            prefix,
            pointer_length,
            position: 0,
            visits: vec![0; length],
            outputs: vec![None; length],
            inner: Vec::new(),
        }
    }

    /// Counts an entry into a task; gives how many there were, this one included.
    pub(super) fn visit(&mut self, position: usize) -> u32 {
        self.position = position;
        self.visits[position] += 1;
        self.visits[position]
    }

    pub(super) fn finished(&mut self, position: usize, output: Arc<Value>) {
        self.outputs[position] = Some(output);
    }

    /// Takes over what a block inside leaves behind.
    pub(super) fn inherit(&mut self, outputs: Outputs) {
        for (task, output) in outputs {
            match self.inner.iter_mut().find(|(known, _)| *known == task) {
                Some(known) => known.1 = output,
                None => self.inner.push((task, output)),
            }
        }
    }

    /// What stays visible when the block has ended.
    pub(super) fn into_outputs(self, program: &Program) -> Outputs {
        let tasks = &program.block(self.block).tasks;
        let own = tasks.iter().zip(self.outputs).filter_map(|(task, output)| Some((*task, output?)));
        let mut all = self.inner;
        all.extend(own);
        all
    }

    /// The newest output of a task with this name, its own tasks before those of blocks inside.
    pub(super) fn output(&self, program: &Program, name: &str) -> Option<&Arc<Value>> {
        let tasks = &program.block(self.block).tasks;
        let own = tasks.iter().zip(&self.outputs).find(|(task, _)| program.task(**task).name == name);
        if let Some((_, Some(output))) = own {
            return Some(output);
        }
        self.inner.iter().rev().find(|(task, _)| program.task(*task).name == name).map(|(_, output)| output)
    }

    /// All names and outputs that are visible here.
    pub(super) fn each_output<'a>(&'a self, program: &'a Program, mut see: impl FnMut(&'a str, &'a Value)) {
        for (task, output) in &self.inner {
            see(&program.task(*task).name, output);
        }
        for (task, output) in program.block(self.block).tasks.iter().zip(&self.outputs) {
            if let Some(output) = output {
                see(&program.task(*task).name, output);
            }
        }
    }
}
