//! How much of each shard is held, and whose jobs are left in the store for now.
//!
//! *Places* are shared by workspace: one holds at most `SHARE` times what is free, so a lone one nearly all, and
//! whoever comes later finds room, however long the backlog of the others. A workspace that could not take a job is
//! *behind*: it takes nothing more from the feed, so that no later job overtakes one left in the store, and asks for
//! pages of its own until one of them was read after the last job missed and was the last. All of a shard is behind
//! when its owner is new. Of one shard one page is read at a time, by turns. Must not look into jobs.

use std::collections::BTreeMap;

use super::limits::{Bounds, CHANGED_LIMIT, HORIZON_US, NEAR_US, PAGE, SHARE, WAITING_LIMIT};
use super::{Command, Job};
use crate::Timestamp;

/// Jobs held.
#[derive(Debug, Default, Clone, Copy)]
struct Held {
    /// Those that do not wait.
    backlog: usize,
    /// Those that wait.
    waiting: usize,
}

#[derive(Debug, Default)]
struct Shard {
    held: Held,
    /// The same by workspace, by its slot in the tree.
    by_workspace: Vec<Held>,
    /// Whose turn it is to read comes first.
    behind: Vec<Behind>,
    /// The page that was asked for and has not come yet: whose, and after which place.
    asked: Option<(Option<i64>, u64)>,
    /// Places became free, or somebody came to be behind, since it was looked who may read.
    has_stirred: bool,
    /// Jobs that ended or left since a page was asked for: what it says of them may be old.
    /// Beyond `CHANGED_LIMIT` the page is read again.
    changed: Vec<u64>,
}

/// Jobs are left in the store.
#[derive(Debug)]
struct Behind {
    /// Whose; `None`: of the whole shard, but those of workspaces that are behind themselves.
    workspace: Option<i64>,
    /// Every open job up to this place is held, or was when it came up.
    read_to: u64,
    /// The lowest place of a job that was left in the store since a page was last asked for.
    missed: Option<u64>,
    /// How many were left in the store, less those that were read since.
    left: u64,
    /// From this place on they were counted as they came with the feed.
    fed_from: u64,
}

#[derive(Debug, Default)]
pub(super) struct Shards {
    bounds: Bounds,
    shards: Vec<Shard>,
    /// Shards where somebody is behind and no page is on its way.
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

/// What becomes of a job of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turned {
    /// It is taken in.
    In,
    /// It is left in the store, and its workspace reads it later.
    Aside,
    /// It and all that follow are left in the store.
    Away,
}

// === impl Behind ===

impl Behind {
    fn new(workspace: Option<i64>, read_to: u64) -> Self {
        Self { workspace, read_to, missed: None, left: 0, fed_from: u64::MAX }
    }

    /// A job of the feed was left in the store.
    fn miss(&mut self, place: u64) {
        self.read_to = self.read_to.min(place.saturating_sub(1));
        self.missed = Some(self.missed.map_or(place, |lowest| lowest.min(place)));
        self.fed_from = self.fed_from.min(place);
        self.left += 1;
    }

    /// A job that the whole shard came by was left to this workspace.
    fn pass(&mut self, place: u64) {
        self.read_to = self.read_to.min(place.saturating_sub(1));
        self.left += u64::from(place < self.fed_from);
    }
}

// === impl Shard ===

impl Shard {
    fn note_changed(&mut self, job: u64) {
        if self.asked.is_some() && self.changed.len() < CHANGED_LIMIT {
            self.changed.push(job);
        }
    }

    fn behind(&mut self, workspace: Option<i64>) -> Option<&mut Behind> {
        self.behind.iter_mut().find(|behind| behind.workspace == workspace)
    }

    /// How many places a workspace may have, without the one it holds.
    fn most(&self, bounds: &Bounds) -> usize {
        most(bounds.held, self.held.backlog).max(bounds.least)
    }

    fn of_workspace(&self, slot: Option<u32>) -> Held {
        let held = slot.and_then(|slot| self.by_workspace.get(slot as usize));
        held.copied().unwrap_or_default()
    }

    fn has_room(&self, bounds: &Bounds, slot: Option<u32>) -> bool {
        self.held.backlog < bounds.held || self.of_workspace(slot).backlog < self.most(bounds)
    }

    /// How many jobs may be read for one that is behind; `None`: let it, or the others, work off some first.
    fn may_read(&self, bounds: &Bounds, slot: Option<u32>) -> Option<u32> {
        let (backlog, most) = (self.of_workspace(slot).backlog, self.most(bounds));
        let room = u32::try_from(most.saturating_sub(backlog)).unwrap_or(u32::MAX);
        // Without room the page would be turned away, and be asked for again at once.
        (room > 0 && backlog <= (bounds.held / 2).min(most / 2)).then_some(room.min(PAGE))
    }

    /// Asks for a page for the first that may read, and puts it last.
    fn ask(
        &mut self,
        bounds: &Bounds,
        slot_of: &impl Fn(i64) -> Option<u32>,
    ) -> Option<(Option<i64>, u64, u32)> {
        if !std::mem::take(&mut self.has_stirred) {
            return None;
        }
        let (index, limit) = self.behind.iter().enumerate().find_map(|(index, behind)| {
            let Some(workspace) = behind.workspace else { return Some((index, PAGE)) };
            Some((index, self.may_read(bounds, slot_of(workspace))?))
        })?;
        let mut behind = self.behind.remove(index);
        let (workspace, after) = (behind.workspace, behind.read_to);
        behind.missed = None;
        self.behind.push(behind);
        self.asked = Some((workspace, after));
        Some((workspace, after, limit))
    }
}

// === impl Shards ===

impl Shards {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, ..Self::default() }
    }

    pub(super) fn own(&mut self, shard: u16) {
        let state = self.of(shard);
        state.changed.clear();
        state.asked = None;
        state.behind = vec![Behind::new(None, 0)];
        self.ask_soon(shard);
    }

    /// Whether whatever comes to a shard is taken: nobody is behind, and no workspace can be over its places.
    pub(super) fn is_open(&mut self, shard: u16) -> bool {
        let held = self.bounds.held;
        let state = self.of(shard);
        state.behind.is_empty() && state.held.backlog < held
    }

    /// Whether a job that is not held may be taken from the feed; if not, a page will bring it.
    pub(super) fn admit(&mut self, job: &Job, slot: Option<u32>) -> bool {
        let bounds = self.bounds;
        let state = self.of(job.shard);
        let has_room = state.has_room(&bounds, slot);
        if let Some(behind) = state.behind(Some(job.workspace)) {
            if has_room && job.place <= behind.read_to {
                return true;
            }
            behind.miss(job.place);
        } else if let Some(all) = state.behind(None).filter(|all| job.place > all.read_to) {
            all.miss(job.place);
        } else if has_room {
            return true;
        } else {
            let mut behind = Behind::new(Some(job.workspace), job.place.saturating_sub(1));
            behind.miss(job.place);
            state.behind.push(behind);
        }
        if state.asked.is_none() {
            self.ask_soon(job.shard);
        }
        false
    }

    /// Whether a waiting job without an ordered lane is worth holding.
    pub(super) fn admit_waiting(
        &mut self,
        shard: u16,
        slot: Option<u32>,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> bool {
        let Some(until) = until else { return false };
        let delay = until.0.saturating_sub(now.0);
        let least = self.bounds.least;
        let state = self.of(shard);
        let (all, own) = (state.held.waiting, state.of_workspace(slot).waiting);
        let has_room = |limit| all < limit || own < most(limit, all).max(least);
        delay <= HORIZON_US && (has_room(WAITING_LIMIT) || delay <= NEAR_US && has_room(2 * WAITING_LIMIT))
    }

    /// Whether this page is the one that was asked for.
    pub(super) fn awaits(&mut self, shard: u16, workspace: Option<i64>, after: u64) -> bool {
        self.of(shard).asked == Some((workspace, after))
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

    /// Whether a page that was asked for shows from this place on what may be old: a job before it was missed since.
    pub(super) fn is_old(&mut self, shard: u16, workspace: Option<i64>, place: u64) -> bool {
        let missed = self.of(shard).behind(workspace).and_then(|behind| behind.missed);
        missed.is_some_and(|missed| place >= missed)
    }

    /// Whether a job of a page, read for its workspace or for the whole shard, may be taken in.
    pub(super) fn admit_read(&mut self, job: &Job, slot: Option<u32>, read_for: Option<i64>) -> Turned {
        let bounds = self.bounds;
        let state = self.of(job.shard);
        let has_room = state.has_room(&bounds, slot);
        match (state.behind(Some(job.workspace)), read_for) {
            (Some(behind), None) => {
                behind.pass(job.place);
                Turned::Aside
            }
            (behind, _) if has_room => {
                if let Some(behind) = behind {
                    behind.left = behind.left.saturating_sub(1);
                }
                Turned::In
            }
            (_, Some(_)) => Turned::Away,
            (None, None) => {
                let mut behind = Behind::new(Some(job.workspace), job.place.saturating_sub(1));
                behind.pass(job.place);
                state.behind.push(behind);
                Turned::Aside
            }
        }
    }

    /// The page asked for was taken in up to `last` (`None`: nothing of it).
    pub(super) fn paged(&mut self, shard: u16, last: Option<u64>, extent: Extent) {
        let state = self.of(shard);
        let Some((workspace, after)) = state.asked.take() else { return };
        if let Some(behind) = state.behind(workspace) {
            let in_step = behind.read_to == after;
            if in_step {
                behind.read_to = last.unwrap_or(after);
            }
            if in_step && extent == Extent::Last && behind.missed.is_none() {
                state.behind.retain(|behind| behind.workspace != workspace);
            }
        }
        if !state.behind.is_empty() {
            self.ask_soon(shard);
        }
    }

    /// Asks for pages where there is room for them. Costs those that are behind in shards where something changed.
    pub(super) fn ask(&mut self, slot_of: impl Fn(i64) -> Option<u32>, commands: &mut Vec<Command>) {
        if self.to_ask.is_empty() {
            return;
        }
        let (bounds, shards) = (&self.bounds, &mut self.shards);
        self.to_ask.retain(|&shard| {
            let asked = shards[usize::from(shard)].ask(bounds, &slot_of);
            if let Some((workspace, after, limit)) = asked {
                commands.push(Command::Refill { shard, workspace, after, limit });
            }
            asked.is_none()
        });
    }

    pub(super) fn total_backlog(&self) -> usize {
        self.shards.iter().map(|shard| shard.held.backlog).sum()
    }

    /// One more or less is held that does not wait, of the workspace in a slot.
    pub(super) fn count_backlog(&mut self, shard: u16, slot: u32, by: i32) {
        let state = self.of(shard);
        state.has_stirred |= by < 0;
        for held in [&mut state.held, at(&mut state.by_workspace, slot)] {
            held.backlog = held.backlog.saturating_add_signed(by as isize);
        }
    }

    /// One more or less is held that waits, of the workspace in a slot.
    pub(super) fn count_waiting(&mut self, shard: u16, slot: u32, by: i32) {
        let state = self.of(shard);
        for held in [&mut state.held, at(&mut state.by_workspace, slot)] {
            held.waiting = held.waiting.saturating_add_signed(by as isize);
        }
    }

    /// Whether captured jobs of a workspace are left in the store.
    pub(super) fn is_behind(&self, shard: u16, workspace: i64) -> bool {
        let Some(state) = self.shards.get(usize::from(shard)) else { return false };
        state.behind.iter().any(|behind| behind.workspace.is_none_or(|of| of == workspace))
    }

    /// About how many jobs of each workspace that is behind are left in the store.
    pub(super) fn left(&self) -> BTreeMap<i64, u64> {
        let mut left = BTreeMap::new();
        for behind in self.shards.iter().flat_map(|shard| &shard.behind) {
            if let Some(workspace) = behind.workspace {
                *left.entry(workspace).or_default() += behind.left;
            }
        }
        left
    }

    fn ask_soon(&mut self, shard: u16) {
        self.of(shard).has_stirred = true;
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

/// How many a workspace may have of what a lone one has `limit` of, when so many are held of all.
fn most(limit: usize, held: usize) -> usize {
    SHARE * (limit + limit / SHARE).saturating_sub(held)
}

fn at(held: &mut Vec<Held>, slot: u32) -> &mut Held {
    let index = slot as usize;
    if held.len() <= index {
        held.resize(index + 1, Held::default());
    }
    &mut held[index]
}
