//! Timers of waiting jobs, earliest first. A timer that lost its job stays in the heap until it comes up or
//! the heap is more than half such leftovers; so the heap is at most twice the live timers and a little.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Timestamp;
use super::table::{State, Table};

/// Leftovers that are not worth sweeping.
const SWEEP_ABOVE: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Timestamp, u32, u32)>>,
    live: usize,
    last_stamp: u32,
}

// === impl Timers ===

impl Timers {
    /// Sets the timer of the waiting job in a slot.
    pub(super) fn set(&mut self, table: &mut Table, slot: u32, due: Timestamp) {
        self.last_stamp = self.last_stamp.checked_add(1).unwrap_or(1);
        table[slot].stamp = self.last_stamp;
        self.heap.push(Reverse((due, slot, self.last_stamp)));
        self.live += 1;
    }

    /// Drops the timer of a job that still waits, if it has one.
    pub(super) fn drop_of(&mut self, table: &mut Table, slot: u32) {
        let entry = &mut table[slot];
        if entry.state != State::Waiting || std::mem::take(&mut entry.stamp) == 0 {
            return;
        }
        self.live -= 1;
        if self.heap.len() > SWEEP_ABOVE + 2 * self.live {
            self.heap.retain(|Reverse((_, slot, stamp))| owns(table, *slot, *stamp));
            self.heap.shrink_to(SWEEP_ABOVE + 2 * self.live);
        }
    }

    /// The next job whose timer is due; its timer is gone afterwards.
    pub(super) fn next_due(&mut self, table: &mut Table, now: Timestamp) -> Option<u32> {
        while let Some(&Reverse((due, slot, stamp))) = self.heap.peek() {
            if due > now {
                return None;
            }
            self.heap.pop();
            if owns(table, slot, stamp) {
                table[slot].stamp = 0;
                self.live -= 1;
                return Some(slot);
            }
        }
        None
    }

    /// When the earliest timer is due.
    pub(super) fn earliest(&mut self, table: &Table) -> Option<Timestamp> {
        while let Some(&Reverse((due, slot, stamp))) = self.heap.peek() {
            if owns(table, slot, stamp) {
                return Some(due);
            }
            self.heap.pop();
        }
        None
    }

    /// Entries in the heap, leftovers included.
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }
}

fn owns(table: &Table, slot: u32, stamp: u32) -> bool {
    table.get(slot).is_some_and(|entry| entry.state == State::Waiting && entry.stamp == stamp)
}
