//! What an evaluation has left: steps, bytes and depth.
//!
//! Everything the evaluator does is paid for *before* it is done. Bytes are never given back, so the total
//! also bounds the time spent on copying. Costs are estimates from above of what the allocator will hold,
//! growth of vectors included. Nothing here looks at a clock: replay must stop where the first run did.

use crate::{EvalError, Limits};
use std::cell::Cell;

/// Cost in bytes of one element pushed onto a growing list (24 bytes, times three while it is moved).
pub(crate) const LIST_ITEM: usize = 72;
/// Cost in bytes of one member put into a growing object.
pub(crate) const OBJECT_MEMBER: usize = 176;
/// Cost in bytes of a new string, list or object beside its contents.
pub(crate) const HEADER: usize = 64;
/// Bytes scanned for one step.
const BYTES_PER_STEP: usize = 64;
/// Bytes allocated and filled for one step, beside the one for each allocation.
const COPIED_PER_STEP: usize = 256;

#[derive(Debug)]
pub(crate) struct Budget {
    limits: Limits,
    steps: Cell<u64>,
    bytes: Cell<usize>,
    depth: Cell<usize>,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            limits: *limits,
            steps: Cell::new(limits.steps),
            bytes: Cell::new(limits.bytes),
            depth: Cell::new(0),
        }
    }

    pub(crate) fn step(&self) -> Result<(), EvalError> {
        self.steps(1)
    }

    pub(crate) fn steps(&self, count: usize) -> Result<(), EvalError> {
        let limit = self.limits.steps;
        let rest = self.steps.get().checked_sub(count as u64);
        self.steps.set(rest.unwrap_or(0));
        rest.map(drop).ok_or(EvalError::Steps { limit })
    }

    /// Pays for looking at `bytes` bytes.
    pub(crate) fn scan(&self, bytes: usize) -> Result<(), EvalError> {
        self.steps(bytes / BYTES_PER_STEP)
    }

    /// Pays for allocating and filling `bytes` bytes.
    pub(crate) fn allocate(&self, bytes: usize) -> Result<(), EvalError> {
        self.steps(1 + bytes / COPIED_PER_STEP)?;
        let limit = self.limits.bytes;
        let rest = self.bytes.get().checked_sub(bytes);
        self.bytes.set(rest.unwrap_or(0));
        rest.map(drop).ok_or(EvalError::Bytes { limit })
    }

    /// Pays for a list of `items` elements that is made in one piece.
    pub(crate) fn allocate_list(&self, items: usize) -> Result<(), EvalError> {
        self.steps(items)?;
        self.allocate(HEADER.saturating_add(items.saturating_mul(24)))
    }

    /// Pays for an object of `members` members that is made in one piece.
    pub(crate) fn allocate_object(&self, members: usize) -> Result<(), EvalError> {
        self.steps(members)?;
        self.allocate(HEADER.saturating_add(members.saturating_mul(80)))
    }

    pub(crate) fn enter(&self) -> Result<(), EvalError> {
        self.step()?;
        let depth = self.depth.get();
        if depth >= self.limits.depth {
            let limit = self.limits.depth;
            return Err(EvalError::Depth { limit });
        }
        self.depth.set(depth + 1);
        Ok(())
    }

    pub(crate) fn leave(&self) {
        self.depth.set(self.depth.get() - 1);
    }

    /// Bytes paid for so far.
    pub(crate) fn used_bytes(&self) -> usize {
        self.limits.bytes - self.bytes.get()
    }
}
