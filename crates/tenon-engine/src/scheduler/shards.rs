//! How much of each shard is held, and whether the live feed of captures can be trusted to be complete.
//! A shard that could not take a job is *behind*: it takes nothing more from the feed, so that no later job
//! overtakes one left in the store, and asks for pages until one of them was read after the last job missed
//! and was the last. Must not look into jobs.

use super::Command;
use super::limits::{CHANGED_LIMIT, HORIZON_US, NEAR_US, PAGE, REFILL_AT, SHARD_LIMIT, WAITING_LIMIT};
use crate::Timestamp;

#[derive(Debug, Default)]
struct Shard {
    /// Jobs held that do not wait.
    backlog: usize,
    /// Jobs held that wait.
    waiting: usize,
    /// Every open job up to this place is held, or was when it came up.
    read_to: u64,
    behind: Option<Behind>,
    /// Jobs that ended or left since a page was asked for: what it says of them may be old.
    /// Beyond `CHANGED_LIMIT` the page is read again.
    changed: Vec<u64>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Behind {
    /// The place after which a page was asked for and has not come yet.
    asked: Option<u64>,
    /// The lowest place of a job that was left in the store since a page was last asked for.
    missed: Option<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Shards {
    shards: Vec<Shard>,
    /// Shards that are behind and have not asked.
    to_ask: Vec<u16>,
}

/// Whether there was more after a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// More may follow.
    Part,
    /// Nothing followed when it was read.
    Last,
}

// === impl Shard ===

impl Shard {
    fn note_changed(&mut self, job: u64) {
        let asked = self.behind.is_some_and(|behind| behind.asked.is_some());
        if asked && self.changed.len() < CHANGED_LIMIT {
            self.changed.push(job);
        }
    }
}

// === impl Shards ===

impl Shards {
    pub(super) fn own(&mut self, shard: u16) {
        let state = self.of(shard);
        state.read_to = 0;
        state.changed.clear();
        state.behind = Some(Behind::default());
        self.ask_soon(shard);
    }

    /// Whether a job that is not held may be taken from the feed; if not, a page will bring it.
    pub(super) fn admit(&mut self, shard: u16, place: u64) -> bool {
        let state = self.of(shard);
        let full = state.backlog >= SHARD_LIMIT;
        if !full && (state.behind.is_none() || place <= state.read_to) {
            state.read_to = state.read_to.max(place);
            return true;
        }
        state.read_to = state.read_to.min(place.saturating_sub(1));
        let behind = state.behind.get_or_insert_default();
        behind.missed = Some(behind.missed.map_or(place, |lowest| lowest.min(place)));
        if behind.asked.is_none() {
            self.ask_soon(shard);
        }
        false
    }

    /// Whether a waiting job without an ordered lane is worth holding.
    pub(super) fn admit_waiting(&mut self, shard: u16, until: Option<Timestamp>, now: Timestamp) -> bool {
        let Some(until) = until else { return false };
        let delay = until.0.saturating_sub(now.0);
        let waiting = self.of(shard).waiting;
        delay <= HORIZON_US && (waiting < WAITING_LIMIT || delay <= NEAR_US && waiting < 2 * WAITING_LIMIT)
    }

    /// Whether a page after this place is the one that was asked for.
    pub(super) fn awaits(&mut self, shard: u16, after: u64) -> bool {
        self.of(shard).behind.is_some_and(|behind| behind.asked == Some(after))
    }

    /// What a page on its way says of this job is old; if it is still open, it comes with `Arrived` or `Resumed`.
    pub(super) fn note_changed(&mut self, shard: u16, job: u64) {
        self.of(shard).note_changed(job);
    }

    /// As `note_changed`, where the shard is not known.
    pub(super) fn note_changed_somewhere(&mut self, job: u64) {
        for shard in &mut self.shards {
            shard.note_changed(job);
        }
    }

    /// What changed since the page was asked for, sorted; `None`: too much.
    pub(super) fn take_changed(&mut self, shard: u16) -> Option<Vec<u64>> {
        let mut changed = std::mem::take(&mut self.of(shard).changed);
        changed.sort_unstable();
        (changed.len() < CHANGED_LIMIT).then_some(changed)
    }

    /// Whether a job of a page may be taken in: there is room, and no job before it was missed since.
    pub(super) fn has_room(&mut self, shard: u16, place: u64) -> bool {
        let state = self.of(shard);
        let missed = state.behind.and_then(|behind| behind.missed);
        state.backlog < SHARD_LIMIT && missed.is_none_or(|missed| place < missed)
    }

    /// The page asked for was taken in up to `last` (`None`: nothing of it).
    pub(super) fn paged(&mut self, shard: u16, last: Option<u64>, extent: Extent) {
        let state = self.of(shard);
        let Some(behind) = state.behind else { return };
        let in_step = behind.asked == Some(state.read_to);
        if in_step {
            state.read_to = last.unwrap_or(state.read_to);
        }
        if in_step && extent == Extent::Last && behind.missed.is_none() {
            state.behind = None;
            return;
        }
        state.behind = Some(Behind { asked: None, missed: behind.missed });
        self.ask_soon(shard);
    }

    /// Asks for pages where there is room for them.
    pub(super) fn ask(&mut self, commands: &mut Vec<Command>) {
        if self.to_ask.is_empty() {
            return;
        }
        let shards = &mut self.shards;
        self.to_ask.retain(|&shard| {
            let state = &mut shards[usize::from(shard)];
            if state.backlog > REFILL_AT {
                return true;
            }
            state.behind = Some(Behind { asked: Some(state.read_to), missed: None });
            commands.push(Command::Refill { shard, after: state.read_to, limit: PAGE });
            false
        });
    }

    pub(super) fn total_backlog(&self) -> usize {
        self.shards.iter().map(|shard| shard.backlog).sum()
    }

    pub(super) fn backlog(&mut self, shard: u16) -> &mut usize {
        &mut self.of(shard).backlog
    }

    pub(super) fn waiting(&mut self, shard: u16) -> &mut usize {
        &mut self.of(shard).waiting
    }

    pub(super) fn is_full(&self, shard: u16) -> bool {
        self.shards
            .get(usize::from(shard))
            .is_some_and(|shard| shard.behind.is_some() || shard.backlog >= SHARD_LIMIT)
    }

    pub(super) fn read_to(&self, shard: u16) -> u64 {
        self.shards.get(usize::from(shard)).map_or(0, |shard| shard.read_to)
    }

    fn ask_soon(&mut self, shard: u16) {
        if !self.to_ask.contains(&shard) {
            self.to_ask.push(shard);
        }
    }

    fn of(&mut self, shard: u16) -> &mut Shard {
        let index = usize::from(shard);
        if self.shards.len() <= index {
            self.shards.resize_with(index + 1, Shard::default);
        }
        &mut self.shards[index]
    }
}
