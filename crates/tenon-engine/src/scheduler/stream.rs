//! The jobs of one workflow with one class and priority that are ready: unordered ones in two plain queues
//! (each is a lane of its own, so first come, first served is their round robin), ordered ones through their
//! lanes. The three take turns, so that work going on after a wait does not queue behind the whole backlog,
//! and none of them starves.

use std::collections::VecDeque;

use super::slab::{KEEP_CAPACITY, NONE};
use super::table::{Rank, State, Table};
use super::turns::{Account, Turns};

/// Dead entries that are not worth sweeping.
const SWEEP_ABOVE: usize = 64;

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) workflow: u32,
    pub(super) rank: Rank,
    pub(super) account: Account,
    /// Lanes whose front job is ready.
    pub(super) lanes: Turns,
    /// Slots of unordered jobs that have not started.
    fresh: VecDeque<u32>,
    /// Slots of unordered jobs that go on.
    woken: VecDeque<u32>,
    /// How many in both queues will not start.
    dead: usize,
    turn: u8,
}

/// How an unordered job comes to be ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entrance {
    /// It arrived.
    Fresh,
    /// It was held and waited.
    Woken,
}

/// What a stream gives when it has the turn.
#[derive(Debug, Clone, Copy)]
pub(super) enum Next {
    /// An unordered job, by slot; out of its queue.
    Job(u32),
    /// A lane; its front job is ready.
    Lane(u32),
}

// === impl Stream ===

impl Stream {
    pub(super) fn new(workflow: u32, rank: Rank) -> Self {
        Self {
            workflow,
            rank,
            account: Account::default(),
            lanes: Turns::default(),
            fresh: VecDeque::new(),
            woken: VecDeque::new(),
            dead: 0,
            turn: 0,
        }
    }

    pub(super) fn has_ready(&self) -> bool {
        !self.lanes.is_empty() || self.fresh.len() + self.woken.len() > self.dead
    }

    pub(super) fn push(&mut self, slot: u32, entrance: Entrance) {
        match entrance {
            Entrance::Fresh => self.fresh.push_back(slot),
            Entrance::Woken => self.woken.push_back(slot),
        }
    }

    /// The next job or lane.
    pub(super) fn begin(&mut self, table: &mut Table) -> Option<Next> {
        for _ in 0..3 {
            self.turn = (self.turn + 1) % 3;
            let next = match self.turn {
                0 => pop(&mut self.woken, &mut self.dead, table).map(Next::Job),
                1 => self.lanes.begin().map(Next::Lane),
                _ => pop(&mut self.fresh, &mut self.dead, table).map(Next::Job),
            };
            if next.is_some() {
                return next;
            }
        }
        None
    }

    /// A job in one of the queues will not start; sweeps when that is so for most.
    pub(super) fn bury(&mut self, table: &mut Table) {
        self.dead += 1;
        if 2 * self.dead <= self.fresh.len() + self.woken.len() + SWEEP_ABOVE {
            return;
        }
        for queue in [&mut self.fresh, &mut self.woken] {
            queue.retain(|slot| !settle_dead(table, *slot));
            shrink(queue);
        }
        self.dead = 0;
    }

    /// How many are ready: unordered jobs, and lanes by their front job.
    pub(super) fn ready(&self) -> usize {
        self.lanes.len() + self.fresh.len() + self.woken.len() - self.dead
    }

    /// The unordered job that is next to start for the first time.
    pub(super) fn oldest_fresh(&self, table: &Table) -> Option<u32> {
        self.fresh.iter().copied().find(|slot| table[*slot].state == State::Ready)
    }

    /// Gives away the unordered jobs that have not started, in order.
    pub(super) fn take_fresh(&mut self, table: &mut Table) -> VecDeque<u32> {
        let mut fresh = std::mem::take(&mut self.fresh);
        let before = fresh.len();
        fresh.retain(|slot| !settle_dead(table, *slot));
        self.dead -= before - fresh.len();
        fresh
    }

    /// Empties the queues; nothing in them is ready.
    pub(super) fn clear(&mut self, table: &mut Table) {
        for slot in self.fresh.drain(..).chain(self.woken.drain(..)) {
            settle_dead(table, slot);
        }
        self.dead = 0;
    }
}

fn pop(queue: &mut VecDeque<u32>, dead: &mut usize, table: &mut Table) -> Option<u32> {
    while let Some(slot) = queue.pop_front() {
        if !settle_dead(table, slot) {
            shrink_if_empty(queue);
            return Some(slot);
        }
        *dead -= 1;
    }
    shrink_if_empty(queue);
    None
}

fn shrink_if_empty(queue: &mut VecDeque<u32>) {
    if queue.is_empty() {
        shrink(queue);
    }
}

fn shrink(queue: &mut VecDeque<u32>) {
    if queue.capacity() > KEEP_CAPACITY {
        queue.shrink_to(2 * queue.len());
    }
}

/// Whether the job behind a queue's entry will not start; the queue lets go of it then.
fn settle_dead(table: &mut Table, slot: u32) -> bool {
    debug_assert_eq!(table[slot].lane, NONE, "ordered jobs queue in their lane");
    match table[slot].state {
        State::Gone => table.free(slot),
        State::Withdrawn => table[slot].state = State::Cancelling,
        _ => return false,
    }
    true
}
