//! Which tasks can have finished where: what `$steps` can show, and which `export` can come before which.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use super::flow::successors;
use crate::outline::{BlockNo, Outline, Role, TaskNo};

/// Most work that following flow may cost for one document; beyond it everything may have run.
const MAX_WORK: usize = 4_000_000;

/// Where an expression is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// Before the task's own tasks run.
    Before,
    /// While the task is caught: after its `try` has failed.
    Caught,
    /// After its own tasks have run.
    After,
}

/// Why a task cannot have finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hidden {
    Later,
    Itself,
    OtherBranch,
    FailedTry,
    Apart,
}

/// Follows flow, and remembers where it led.
pub(super) struct Order<'o, 'd> {
    outline: &'o Outline<'d>,
    reached: RefCell<HashMap<(BlockNo, usize), HashSet<usize>>>,
    work: RefCell<usize>,
}

// === impl Order ===

impl<'o, 'd> Order<'o, 'd> {
    pub(super) fn new(outline: &'o Outline<'d>) -> Self {
        Self { outline, reached: RefCell::default(), work: RefCell::new(0) }
    }

    /// Whether `other` can have finished, with its output still to be seen, when an expression of `task` runs.
    pub(super) fn can_precede(&self, other: TaskNo, (task, moment): (TaskNo, Moment)) -> Result<(), Hidden> {
        let outline = self.outline;
        let own = self.levels(task);
        let outermost = outline.block_of(own[own.len() - 1].0).role;
        if matches!(outermost, Role::Before | Role::After) {
            // What surrounds the extended task is not known here.
            return Ok(());
        }
        let others: HashMap<BlockNo, usize> = self.levels(other).into_iter().collect();
        let mut reason = Hidden::Apart;
        let mut is_lowest = true;
        for (block, position) in own {
            let Some(from) = others.get(&block).copied() else { continue };
            if is_lowest {
                is_lowest = false;
                match self.at_lowest((other, task), moment, (block, from, position)) {
                    Ok(()) => return Ok(()),
                    Err(hidden) => reason = hidden,
                }
            } else if self.reaches(block, position, position) {
                // The other ran in an earlier round of a task that contains both.
                return Ok(());
            }
        }
        Err(reason)
    }

    /// In the innermost block that contains both.
    fn at_lowest(
        &self,
        (other, task): (TaskNo, TaskNo),
        moment: Moment,
        (block, from, to): (BlockNo, usize, usize),
    ) -> Result<(), Hidden> {
        let outline = self.outline;
        let role = outline.block_of(block).role;
        if from != to {
            if role == Role::Branches {
                return Err(Hidden::OtherBranch);
            }
            return if self.reaches(block, from, to) { Ok(()) } else { Err(Hidden::Later) };
        }
        if role != Role::Branches && self.reaches(block, to, to) {
            return Ok(());
        }
        let is_inside_own = other != task && outline.task(task).block == block;
        if is_inside_own {
            let is_in_try = self.is_below(other, (task, Role::Try));
            return match moment {
                Moment::After => Ok(()),
                Moment::Caught if is_in_try => Err(Hidden::FailedTry),
                Moment::Before | Moment::Caught => Err(Hidden::Later),
            };
        }
        if other == task || outline.task(other).block == block {
            return Err(Hidden::Itself);
        }
        // Both are inside the same task, in different lists of it: `try` and `catch.do`.
        let common = outline.block_of(block).tasks[to];
        if self.is_below(other, (common, Role::Try)) { Err(Hidden::FailedTry) } else { Err(Hidden::Later) }
    }

    /// Whether a task is in the list with this role of another one.
    fn is_below(&self, task: TaskNo, (owner, role): (TaskNo, Role)) -> bool {
        let levels = self.levels(task);
        levels.iter().any(|(block, _)| {
            let block = self.outline.block_of(*block);
            block.owner == Some(owner) && block.role == role
        })
    }

    /// The blocks around a task with its place in each, innermost first; never empty.
    fn levels(&self, task: TaskNo) -> Vec<(BlockNo, usize)> {
        let outline = self.outline;
        let own = std::iter::once(outline.task(task)).chain(outline.around(task));
        own.map(|task| (task.block, task.position)).collect()
    }

    /// The block in which a task becomes visible to another one: the innermost that contains both.
    pub(super) fn common_block(&self, one: TaskNo, other: TaskNo) -> Option<BlockNo> {
        let others: HashSet<BlockNo> = self.levels(other).into_iter().map(|(block, _)| block).collect();
        self.levels(one).into_iter().map(|(block, _)| block).find(|block| others.contains(block))
    }

    /// Whether flow can get from one task of a block to another, in one step at least.
    fn reaches(&self, no: BlockNo, from: usize, to: usize) -> bool {
        let block = self.outline.block_of(no);
        let mut cache = self.reached.borrow_mut();
        if let Some(reached) = cache.get(&(no, from)) {
            return reached.contains(&to);
        }
        if *self.work.borrow() > MAX_WORK {
            return true;
        }
        let mut reached = HashSet::new();
        let mut open = successors(self.outline, block, from);
        while let Some(position) = open.pop() {
            if reached.insert(position) {
                open.extend(successors(self.outline, block, position));
            }
        }
        *self.work.borrow_mut() += reached.len() + 1;
        let found = reached.contains(&to);
        cache.insert((no, from), reached);
        found
    }
}
