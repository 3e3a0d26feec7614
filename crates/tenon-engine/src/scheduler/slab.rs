//! Numbered slots that are used again. Must not shrink numbers in use; gives memory back when empty.

use std::ops::{Index, IndexMut};

/// No slot.
pub(super) const NONE: u32 = u32::MAX;

/// What an empty slab keeps for the next values.
pub(super) const KEEP_CAPACITY: usize = 1_024;

#[derive(Debug)]
enum Slot<T> {
    Full(T),
    Free(u32),
}

#[derive(Debug)]
pub(super) struct Slab<T> {
    slots: Vec<Slot<T>>,
    free: u32,
    length: u32,
}

// === impl Slab ===

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: NONE, length: 0 }
    }
}

impl<T> Slab<T> {
    /// Bytes that one slot takes.
    pub(super) const SLOT_BYTES: usize = size_of::<Slot<T>>();

    pub(super) fn insert(&mut self, value: T) -> u32 {
        self.length += 1;
        if self.free == NONE {
            self.slots.push(Slot::Full(value));
            return (self.slots.len() - 1) as u32;
        }
        let slot = self.free;
        let before = std::mem::replace(&mut self.slots[slot as usize], Slot::Full(value));
        let Slot::Free(next) = before else { unreachable!("the free list leads to free slots only") };
        self.free = next;
        slot
    }

    pub(super) fn remove(&mut self, slot: u32) -> T {
        let before = std::mem::replace(&mut self.slots[slot as usize], Slot::Free(self.free));
        let Slot::Full(value) = before else { unreachable!("a slot is removed once") };
        self.free = slot;
        self.length -= 1;
        if self.length == 0 {
            self.slots.clear();
            self.slots.shrink_to(KEEP_CAPACITY);
            self.free = NONE;
        }
        value
    }

    pub(super) fn get(&self, slot: u32) -> Option<&T> {
        match self.slots.get(slot as usize)? {
            Slot::Full(value) => Some(value),
            Slot::Free(_) => None,
        }
    }

    /// All that are full.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.slots.iter().zip(0..).filter_map(|(slot, number)| match slot {
            Slot::Full(value) => Some((number, value)),
            Slot::Free(_) => None,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.length as usize
    }
}

impl<T> Index<u32> for Slab<T> {
    type Output = T;

    fn index(&self, slot: u32) -> &T {
        self.get(slot).expect("numbers are kept only as long as their slots are full")
    }
}

impl<T> IndexMut<u32> for Slab<T> {
    fn index_mut(&mut self, slot: u32) -> &mut T {
        match &mut self.slots[slot as usize] {
            Slot::Full(value) => value,
            Slot::Free(_) => unreachable!("numbers are kept only as long as their slots are full"),
        }
    }
}
