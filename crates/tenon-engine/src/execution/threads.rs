//! Threads: one stack for the workflow, and one for each branch of a `fork` that runs.
//!
//! One thread is current and steps; the others are parked here. A job without a `fork` has only its main
//! thread, and pays nothing for what is below. A thread waits for its branches with the `fork` on top of its
//! stack; so only a top can have branches, and what ends a `fork` kills them with it.
//!
//! The order is fixed: branches begin in order of declaration, each runs until it blocks, and a `fork` inside
//! a branch runs its own branches before the next one's turn comes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Map;
use tenon_expr::Value;

use super::effects::Owner;
use super::frame::{Frame, TaskFrame, TaskState};
use super::machine::{Machine, Signal};

/// Which thread of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ThreadId(u32);

/// A stack, and what it does next.
#[derive(Debug)]
pub(super) struct Thread {
    pub(super) id: ThreadId,
    /// The branch that it is; `None`: the main thread.
    pub(super) origin: Option<Origin>,
    pub(super) frames: Vec<Frame>,
    /// `$context`.
    pub(super) context: Arc<Value>,
    /// `None`: blocked.
    pub(super) next: Option<Signal>,
}

/// A branch: of the `fork` on top of which thread, and its place in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    pub(super) parent: ThreadId,
    pub(super) branch: usize,
}

/// All threads but the current one.
#[derive(Debug, Default)]
pub(super) struct Threads {
    parked: BTreeMap<ThreadId, Thread>,
    /// Those parked ones that have something to do; the last is the first to do it.
    ready: Vec<ThreadId>,
    /// How many there have been besides the main one.
    made: u32,
}

/// The frames that are visible from a place, innermost first: those of its thread, then those of the threads
/// that it is a branch of; up to a function's call, which hides what is around it.
pub(super) struct Visible<'a> {
    machine: &'a Machine,
    frames: &'a [Frame],
    origin: Option<Origin>,
}

// === impl Thread ===

impl Thread {
    /// The one that runs the workflow.
    pub(super) fn main() -> Self {
        Self {
            id: ThreadId(0),
            origin: None,
            frames: Vec::new(),
            context: Arc::new(Value::Object(Map::new())),
            next: Some(Signal::Start),
        }
    }

    pub(super) fn top_task(&self) -> Option<&TaskFrame> {
        match self.frames.last() {
            Some(Frame::Task(frame)) => Some(frame),
            _ => None,
        }
    }

    pub(super) fn top_task_mut(&mut self) -> Option<&mut TaskFrame> {
        match self.frames.last_mut() {
            Some(Frame::Task(frame)) => Some(frame),
            _ => None,
        }
    }

    /// A frame of its stack, as the owner of effects.
    pub(super) fn owner(&self, height: usize) -> Owner {
        Owner { thread: self.id, height }
    }

    /// The threads of the branches that its `fork` waits for.
    fn branches(&self) -> Vec<ThreadId> {
        match self.top_task().map(|frame| &frame.state) {
            Some(TaskState::Fork(state)) => state.running().collect(),
            _ => Vec::new(),
        }
    }
}

// === impl Machine: threads ===

impl Machine {
    /// What happens next, in whichever thread; `None`: all are blocked.
    pub(super) fn next_signal(&mut self) -> Option<Signal> {
        if let Some(signal) = self.thread.next.take() {
            return Some(signal);
        }
        let ready = self.threads.ready.pop()?;
        self.switch_to(ready);
        self.thread.next.take()
    }

    /// Whether nothing can be done until an outcome comes.
    pub(super) fn is_blocked(&self) -> bool {
        self.thread.next.is_none() && self.threads.ready.is_empty()
    }

    /// The job is over: nobody has anything to do.
    pub(super) fn forget_ready(&mut self) {
        self.threads.ready.clear();
    }

    /// How many threads there are.
    pub(super) fn thread_count(&self) -> usize {
        self.threads.parked.len() + 1
    }

    /// Makes another thread the current one.
    pub(super) fn switch_to(&mut self, id: ThreadId) {
        if self.thread.id == id {
            return;
        }
        let next = self.threads.parked.remove(&id).expect("a thread lives as long as who refers to it");
        let current = std::mem::replace(&mut self.thread, next);
        if current.next.is_some() {
            self.threads.ready.push(current.id);
        }
        self.threads.parked.insert(current.id, current);
    }

    /// Makes a thread for each branch of the `fork` on top; they run once the current thread blocks.
    pub(super) fn spawn(&mut self, openings: Vec<Signal>) -> Vec<ThreadId> {
        let parent = self.thread.id;
        let threads = openings.into_iter().enumerate().map(|(branch, opening)| {
            self.threads.made += 1;
            let id = ThreadId(self.threads.made);
            let thread = Thread {
                id,
                origin: Some(Origin { parent, branch }),
                frames: Vec::new(),
                context: Arc::clone(&self.thread.context),
                next: Some(opening),
            };
            self.threads.parked.insert(id, thread);
            id
        });
        let ids: Vec<_> = threads.collect();
        self.threads.ready.extend(ids.iter().rev());
        ids
    }

    /// The current thread, a branch whose stack is empty, is over; its parent is the current one from now on.
    pub(super) fn leave_thread(&mut self, origin: Origin) -> Thread {
        let parent = self.threads.parked.remove(&origin.parent).expect("a parent outlives its branches");
        std::mem::replace(&mut self.thread, parent)
    }

    /// Kills the branches of the `fork` on top, if there is one: all that they have begun is cancelled.
    pub(super) fn kill_branches(&mut self) {
        let branches = self.thread.branches();
        if branches.is_empty() {
            return;
        }
        let parent = self.thread.id;
        self.threads.ready.retain(|ready| !branches.contains(ready));
        for branch in branches {
            self.switch_to(branch);
            // What it would do next is not going to be done; and it must not come back as ready.
            self.thread.next = None;
            self.unwind(0);
            self.switch_to(parent);
            self.threads.parked.remove(&branch);
        }
        self.top_task_mut().expect("a fork with branches is on top").state = TaskState::Plain;
    }

    /// Ends everything that the job has begun; what is left is the main thread with an empty stack.
    pub(super) fn unwind_all(&mut self) {
        while let Some(origin) = self.thread.origin {
            self.switch_to(origin.parent);
        }
        self.unwind(0);
        self.effects.withdraw_all();
    }

    pub(super) fn thread_of(&self, id: ThreadId) -> &Thread {
        if self.thread.id == id { &self.thread } else { &self.threads.parked[&id] }
    }

    pub(super) fn thread_of_mut(&mut self, id: ThreadId) -> &mut Thread {
        if self.thread.id == id {
            return &mut self.thread;
        }
        self.threads.parked.get_mut(&id).expect("a thread lives as long as who refers to it")
    }

    /// The current thread and those that it is a branch of, outermost first.
    pub(super) fn lineage(&self) -> Vec<ThreadId> {
        let mut lineage = vec![self.thread.id];
        let mut origin = self.thread.origin;
        while let Some(above) = origin {
            lineage.push(above.parent);
            origin = self.thread_of(above.parent).origin;
        }
        lineage.reverse();
        lineage
    }

    /// What is visible from a thread below a height of its stack.
    pub(super) fn visible<'a>(&'a self, thread: &'a Thread, height: usize) -> Visible<'a> {
        Visible { machine: self, frames: &thread.frames[..height], origin: thread.origin }
    }
}

// === impl Visible ===

impl<'a> Iterator for Visible<'a> {
    type Item = &'a Frame;

    fn next(&mut self) -> Option<&'a Frame> {
        loop {
            if let Some((last, below)) = self.frames.split_last() {
                if last.is_function() {
                    (self.frames, self.origin) = (&[], None);
                    return None;
                }
                self.frames = below;
                return Some(last);
            }
            let parent = self.machine.thread_of(self.origin?.parent);
            (self.frames, self.origin) = (&parent.frames, parent.origin);
        }
    }
}
