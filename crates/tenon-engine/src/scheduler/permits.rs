//! Who may hold how many of the permits to run. A workspace takes one more only while it holds less than `SHARE` times
//! what is free, so a lone one gets 8 of 9, and whoever comes later finds some, however long the others' jobs run; with
//! `n` that want all, each comes to `8 / (8n + 1)`. As with places (`shards.rs`) nothing is taken away from anybody, and
//! no share has to be known beforehand. Of up to eight permits one workspace may hold all. Must not know turns: who is
//! over its share is only left out of them.

use std::collections::BTreeSet;

use super::limits::SHARE;

const SHARE_OF_PERMITS: u32 = SHARE as u32;

/// The permits of the process.
#[derive(Debug)]
pub(super) struct Permits {
    /// All there are.
    pub(super) capacity: u32,
    /// How many may be held for now.
    pub(super) room: u32,
    held: u32,
    /// Workspaces that could start something and are at their share: by what they hold, and their slot.
    crowded: BTreeSet<(u32, u32)>,
}

// === impl Permits ===

impl Default for Permits {
    fn default() -> Self {
        Self { capacity: 0, room: u32::MAX, held: 0, crowded: BTreeSet::new() }
    }
}

impl Permits {
    pub(super) fn held(&self) -> u32 {
        self.held
    }

    /// Whether anybody may take one more.
    pub(super) fn has_room(&self) -> bool {
        self.held < self.capacity.min(self.room)
    }

    /// Whether a workspace that holds so many may take one more.
    pub(super) fn admits(&self, held: u32) -> bool {
        held < SHARE_OF_PERMITS.saturating_mul(self.free())
    }

    /// How many a workspace that holds so many could hold if nobody else took any; never less than it holds.
    pub(super) fn most(&self, held: u32) -> u32 {
        // The one that still gets one more holds `most - 1` and finds `others' free - (most - 1)`.
        let free_to_it = u64::from(self.free()) + u64::from(held.min(self.held));
        let share = u64::from(SHARE_OF_PERMITS);
        let most = (share * (free_to_it + 1) / (share + 1)).min(free_to_it);
        u32::try_from(most).unwrap_or(u32::MAX).max(held)
    }

    /// One is taken or (`-1`) comes back.
    pub(super) fn count(&mut self, by: i32) {
        self.held = self.held.saturating_add_signed(by);
    }

    /// A workspace could start something, and holds its share.
    pub(super) fn set_aside(&mut self, held: u32, workspace: u32) {
        self.crowded.insert((held, workspace));
    }

    /// It takes part again, or has nothing to start.
    pub(super) fn take_back(&mut self, held: u32, workspace: u32) {
        self.crowded.remove(&(held, workspace));
    }

    /// One that was set aside and may go on; the one that holds least.
    pub(super) fn next_relieved(&self) -> Option<u32> {
        let (held, workspace) = *self.crowded.first()?;
        self.admits(held).then_some(workspace)
    }

    /// How many are set aside.
    pub(super) fn crowded(&self) -> usize {
        self.crowded.len()
    }

    fn free(&self) -> u32 {
        self.capacity.saturating_sub(self.held)
    }
}
