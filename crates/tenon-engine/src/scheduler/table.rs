//! Every job held, in 24 bytes, found by id or by slot. Must not know about queues or limits.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::{Index, IndexMut};

use super::Class;
use super::slab::{KEEP_CAPACITY, Slab};

/// Class and priority in one number, and whether the start takes a token of the workflow's rate: which stream of its
/// workflow a job queues in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rank(u8);

const TAKES_TOKEN: u8 = 0x80;

/// What a held job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// In a queue of its stream, or in its lane.
    Ready,
    /// Has permits.
    Running,
    /// As `Running`, and what it is about to wait for has come: when it parks, it is ready.
    Roused,
    /// Has a timer or waits to be woken.
    Waiting,
    /// Blocks its lane.
    Suspended,
    /// Will not start; waits to be `Finished`.
    Cancelling,
    /// As `Cancelling`, and still in a queue of its stream.
    Withdrawn,
    /// Over; only a queue still knows the slot, and frees it when it comes by.
    Gone,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) job: u64,
    pub(super) workflow: u32,
    /// `NONE`: unordered.
    pub(super) lane: u32,
    /// Running: µs charged in advance. Waiting: which timer is its own, 0 for none. Ready: since when, in ticks.
    pub(super) stamp: u32,
    pub(super) shard: u16,
    pub(super) rank: Rank,
    pub(super) state: State,
}

const _: () = assert!(Slab::<Entry>::SLOT_BYTES <= 24, "100,000s of these are held");

#[derive(Debug, Default)]
pub(super) struct Table {
    slots: Slab<Entry>,
    index: HashMap<u64, u32, BuildHasherDefault<Mix>>,
}

// === impl State, Rank ===

impl State {
    /// Whether it has permits.
    pub(super) fn runs(self) -> bool {
        matches!(self, Self::Running | Self::Roused)
    }
}

impl Rank {
    pub(super) fn new(class: Class, priority: u8) -> Self {
        Self((class as u8) << 4 | priority.min(9))
    }

    pub(super) fn class(self) -> usize {
        usize::from(self.0 >> 4 & 3)
    }

    pub(super) fn priority(self) -> usize {
        usize::from(self.0 & 15)
    }

    pub(super) fn with_class(self, class: Class) -> Self {
        Self::new(class, self.0 & 15)
    }

    /// The same, with or without a token to take.
    pub(super) fn with_token(self, takes: bool) -> Self {
        Self(self.0 & !TAKES_TOKEN | if takes { TAKES_TOKEN } else { 0 })
    }

    pub(super) fn takes_token(self) -> bool {
        self.0 & TAKES_TOKEN != 0
    }
}

// === impl Table ===

impl Table {
    pub(super) fn insert(&mut self, entry: Entry) -> u32 {
        let job = entry.job;
        let slot = self.slots.insert(entry);
        self.index.insert(job, slot);
        slot
    }

    pub(super) fn find(&self, job: u64) -> Option<u32> {
        self.index.get(&job).copied()
    }

    pub(super) fn get(&self, slot: u32) -> Option<&Entry> {
        self.slots.get(slot)
    }

    /// The id is not held any more; the slot stays until `free`.
    pub(super) fn forget(&mut self, slot: u32) {
        self.index.remove(&self.slots[slot].job);
        if self.index.is_empty() {
            self.index.shrink_to(KEEP_CAPACITY);
        }
    }

    pub(super) fn free(&mut self, slot: u32) {
        self.slots.remove(slot);
    }

    /// Jobs held; not those that are gone.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// Slots in use, those of jobs that are gone included.
    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }
}

impl Index<u32> for Table {
    type Output = Entry;

    fn index(&self, slot: u32) -> &Entry {
        &self.slots[slot]
    }
}

impl IndexMut<u32> for Table {
    fn index_mut(&mut self, slot: u32) -> &mut Entry {
        &mut self.slots[slot]
    }
}

/// Spreads ids over the whole word. Without a random seed: ids are made by the server, and the core has no
/// randomness.
#[derive(Debug, Default)]
pub(super) struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0.rotate_left(23) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }

    fn write_i64(&mut self, number: i64) {
        self.write_u64(number as u64);
    }
}
