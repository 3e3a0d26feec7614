//! `fork`: branches that run at the same time (rule 13).
//!
//! Each branch is a thread. Without `compete` the outputs come together in order of declaration, and of every
//! context the members that its branch added, changed or removed (the whole context where it is no object)
//! are carried over, in that order too. With it, the first branch to end takes all. `then: end` in a branch
//! ends the workflow with that branch's context.

use std::sync::Arc;

use tenon_expr::Value;
use tenon_workflow::{ErrorType, Fork, Task};

use crate::Error;
use crate::execution::frame::{Outputs, TaskState};
use crate::execution::machine::{Closing, Machine, Next, Opening, Signal};
use crate::execution::threads::{Origin, ThreadId};

/// How many branches, and the workflow itself, may run at once: what stops a function that forks into itself.
const MAX_THREADS: usize = 1_000;

/// A `fork` whose branches run.
#[derive(Debug)]
pub(in crate::execution) struct ForkState {
    compete: bool,
    /// In order of declaration.
    branches: Vec<Branch>,
}

#[derive(Debug)]
enum Branch {
    Running(ThreadId),
    Ended(Ended),
    Faulted,
}

/// What a branch leaves behind.
#[derive(Debug)]
struct Ended {
    output: Arc<Value>,
    outputs: Outputs,
    context: Arc<Value>,
}

// === impl ForkState ===

impl ForkState {
    /// The threads of the branches that have not ended.
    pub(in crate::execution) fn running(&self) -> impl Iterator<Item = ThreadId> {
        self.branches.iter().filter_map(|branch| match branch {
            Branch::Running(thread) => Some(*thread),
            Branch::Ended(_) | Branch::Faulted => None,
        })
    }
}

// === impl Machine ===

impl Machine {
    pub(super) fn fork(&mut self, task: &Task, fork: &Fork) -> Next {
        if self.thread_count() + fork.branches.len() > MAX_THREADS {
            let detail = format!("more than {MAX_THREADS} branches would run at once");
            return Err(Error::standard(ErrorType::Runtime, &task.pointer, detail));
        }
        if fork.branches.is_empty() {
            return Ok(Signal::Produced { output: Arc::new(Value::Array(Vec::new())), then: None });
        }
        let frame = self.top_task().expect("the fork is on top");
        let openings = fork.branches.iter().map(|block| {
            Signal::Open(Opening {
                block: *block,
                prefix: Arc::clone(&frame.address),
                pointer_length: task.pointer.len(),
                input: Arc::clone(&frame.input),
            })
        });
        let branches = self.spawn(openings.collect()).into_iter().map(Branch::Running).collect();
        let frame = self.top_task_mut().expect("the fork is on top");
        frame.state = TaskState::Fork(Box::new(ForkState { compete: fork.compete, branches }));
        Ok(Signal::Await)
    }

    /// The current thread is a branch whose block has ended.
    pub(in crate::execution) fn branch_ended(&mut self, origin: Origin, closing: Closing) -> Signal {
        let context = self.leave_thread(origin).context;
        let Closing { output, outputs, .. } = closing;
        let state = self.fork_state();
        if state.compete {
            state.branches[origin.branch] = Branch::Faulted;
            self.kill_branches();
            return self.joined(output, (vec![outputs], context));
        }
        state.branches[origin.branch] = Branch::Ended(Ended { output, outputs, context });
        if !state.branches.iter().all(|branch| matches!(branch, Branch::Ended(_))) {
            return Signal::Await;
        }
        let branches = std::mem::take(&mut state.branches);
        let (mut output, mut outputs) = (Vec::new(), Vec::new());
        let mut context = Arc::clone(&self.thread.context);
        for branch in branches {
            let Branch::Ended(ended) = branch else { unreachable!("all have ended") };
            output.push(Arc::unwrap_or_clone(ended.output));
            outputs.push(ended.outputs);
            merge(&self.thread.context, &mut context, &ended.context);
        }
        self.joined(Arc::new(Value::Array(output)), (outputs, context))
    }

    /// The current thread is a branch that nothing in it has saved from an error.
    pub(in crate::execution) fn branch_faulted(&mut self, origin: Origin, error: Error) -> Signal {
        self.leave_thread(origin);
        let state = self.fork_state();
        state.branches[origin.branch] = Branch::Faulted;
        if state.compete && state.running().next().is_some() {
            return Signal::Await;
        }
        self.kill_branches();
        Signal::Fault(error)
    }

    /// The current thread is a branch that ends the workflow.
    pub(in crate::execution) fn branch_ends_all(&mut self, origin: Origin) {
        let context = self.leave_thread(origin).context;
        self.fork_state().branches[origin.branch] = Branch::Faulted;
        self.kill_branches();
        self.thread.context = context;
    }

    /// No branch of the `fork` on top runs any more.
    fn joined(&mut self, output: Arc<Value>, (outputs, context): (Vec<Outputs>, Arc<Value>)) -> Signal {
        self.top_task_mut().expect("the fork is on top").state = TaskState::Plain;
        self.thread.context = context;
        for outputs in outputs {
            self.bequeath(outputs);
        }
        Signal::Produced { output, then: None }
    }

    fn fork_state(&mut self) -> &mut ForkState {
        match self.top_task_mut().map(|frame| &mut frame.state) {
            Some(TaskState::Fork(state)) => state,
            _ => unreachable!("a thread waits for its branches with the fork on top"),
        }
    }
}

/// Carries over what a branch has changed since the fork.
fn merge(before: &Arc<Value>, merged: &mut Arc<Value>, after: &Arc<Value>) {
    if Arc::ptr_eq(before, after) || before == after {
        return;
    }
    let (Some(old), Some(new), true) = (before.as_object(), after.as_object(), merged.is_object()) else {
        *merged = Arc::clone(after);
        return;
    };
    let Value::Object(members) = Arc::make_mut(merged) else { unreachable!("looked at above") };
    members.retain(|name, _| new.contains_key(name) || !old.contains_key(name));
    for (name, value) in new.iter().filter(|(name, value)| old.get(*name) != Some(value)) {
        members.insert(name.clone(), value.clone());
    }
}
