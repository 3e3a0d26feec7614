//! The shard scheduler: which job may start now. A pure state machine, [`Scheduler::handle`], over every
//! shard that one process owns; the process tells it what happened and does what it commands.
//!
//! *Why one machine for all shards:* fairness is promised to workspaces, and a workspace's jobs lie in many
//! shards. What is a shard's own (backlog, gaps) is kept per shard. One thread calls it, so permits need no
//! locks.
//!
//! *What is fair:* workspaces share the process equally by measured worker time; in a workspace live :
//! retry : bulk is 8 : 4 : 1; in a class the highest priority goes first, but every 16th start goes to one of
//! the lower priorities in turn; workflows of one priority, and lanes of one workflow, share equally again.
//! A start is charged what its workflow's starts cost on average, and corrected when it ends or parks.
//!
//! *What holds:* one unfinished job per ordered lane, by place; never more running than workflow, workspace
//! and process may, no workspace at more than its share of the permits (`permits.rs`), and never more started than a
//! workflow's rate says (a token each, `rate.rs`); memory grows with jobs held, which are bounded (`limits.rs`), not
//! with what is deployed; however many one workspace has, others find places (`shards.rs`).
//!
//! *Must not:* read a clock, do IO, or be the truth about anything: the store is, and everything here is
//! rebuilt from it by [`Input::Own`]. Starting a job costs nothing durable.

mod input;
mod lanes;
mod limits;
mod paces;
mod permits;
mod rate;
mod shards;
mod slab;
mod stream;
mod table;
mod timers;
mod tree;
mod turns;
mod usage;

pub use input::{Class, Command, Input, Job, LaneKey, LanePolicy, Page, Parked, Standing};
pub use limits::{Bounds, HORIZON_US, SHARD_LIMIT, SHARE, SPARED_START, WAITING_LIMIT};
pub use rate::{Bucket, Rate};
pub use usage::{Backlog, Obstacle, RateUse, Usage, WorkflowUse, WorkspaceUse};

use crate::Timestamp;
use lanes::BEGUN;
use limits::LEAST_COST_US;
use shards::{Extent, Shards, Turned};
use slab::NONE;
use stream::{Entrance, Next};
use table::{Entry, Rank, State, Table};
use timers::Timers;
use tree::Tree;
use turns::Charge;

/// The ready state of all shards that a process owns.
#[derive(Debug, Default)]
pub struct Scheduler {
    table: Table,
    tree: Tree,
    timers: Timers,
    shards: Shards,
    alarm: Option<Timestamp>,
}

// === impl Scheduler ===

impl Scheduler {
    /// Holds nothing and starts nothing until told its capacity.
    pub fn new() -> Self {
        Self::default()
    }

    /// As `new`, with other bounds.
    pub fn with_bounds(bounds: Bounds) -> Self {
        Self { shards: Shards::new(bounds), ..Self::default() }
    }

    /// Takes in what happened and appends what is to be done. `now` never goes back. Amortised
    /// O(log siblings) a job, where siblings are those with something ready.
    pub fn handle(&mut self, input: Input, now: Timestamp, commands: &mut Vec<Command>) {
        match input {
            Input::Arrived(job) => self.arrive(job, now, commands),
            Input::Woken(job) => self.rouse(job, now, commands),
            Input::Resumed(job) => self.resume(job, now),
            Input::Own { shard } => self.shards.own(shard),
            Input::Page(page) => self.take_page(&page, now),
            Input::Parked(parked) => {
                self.with_held(parked.job, |this, slot| this.park(slot, parked, now, commands));
            }
            Input::Finished { job, used_us } => match self.table.find(job) {
                Some(slot) => self.remove(slot, used_us),
                None => self.shards.note_changed_somewhere(job),
            },
            Input::Suspended { job, lane, used_us } => {
                self.with_held(job, |this, slot| this.suspend(slot, lane, used_us, commands));
            }
            Input::Cancel { job } => {
                self.with_held(job, Self::withdraw);
                commands.push(Command::Cancel { job });
            }
            Input::Tick => self.alarm = None,
            Input::WorkflowLimit { workspace, workflow, concurrency } => {
                self.tree.limit_workflow(workspace, workflow, concurrency);
            }
            Input::WorkflowRate { workspace, workflow, rate } => {
                self.tree.rate_workflow(&mut self.table, (workspace, workflow), rate, now);
            }
            Input::WorkspaceLimit { workspace, concurrency } => {
                self.tree.limit_workspace(workspace, concurrency);
            }
            Input::Capacity(capacity) => self.tree.set_capacity(capacity),
            Input::Room(room) => self.tree.permits.room = room,
        }
        while let Some(slot) = self.timers.next_due(&mut self.table, now) {
            self.wake(slot, now);
        }
        self.tree.reopen(now);
        self.start(now, commands);
        self.shards.ask(|workspace| self.tree.find_workspace(workspace), commands);
        self.set_alarm(now, commands);
    }

    /// Jobs that run.
    pub fn running(&self) -> u32 {
        self.tree.permits.held()
    }

    /// Jobs held that do not wait: ready, running and suspended ones.
    pub fn backlog(&self) -> usize {
        self.shards.total_backlog()
    }

    /// Jobs held: ready, running, waiting and suspended ones.
    pub fn held(&self) -> usize {
        self.table.len()
    }

    /// Whether captured jobs of a workspace are left in the store for now. The scheduler asks for them itself
    /// ([`Command::Refill`]); until then feeding them is useless, though harmless.
    pub fn is_behind(&self, shard: u16, workspace: i64) -> bool {
        self.shards.is_behind(shard, workspace)
    }

    /// The job that keeps an ordered lane: it runs, waits, is suspended, or is next. For telling a job that
    /// would wait for its own ancestor.
    pub fn holder(&self, workspace: i64, workflow: i64, lane: LaneKey) -> Option<u64> {
        let workflow = self.tree.find_workflow(workspace, workflow)?;
        let lane = *self.tree.lane_index.get(&(workflow, lane.0))?;
        Some(self.table[self.tree.front(lane)?].job)
    }

    /// Whether a job has permits.
    pub fn runs(&self, job: u64) -> bool {
        self.table.find(job).is_some_and(|slot| self.table[slot].state.runs())
    }

    /// What memory grows with: jobs, nodes of the tree, timers; leftovers included.
    pub fn footprint(&self) -> usize {
        self.table.slots() + self.tree.nodes() + self.timers.len()
    }

    // --- coming in

    fn arrive(&mut self, job: Job, now: Timestamp, commands: &mut Vec<Command>) {
        if let Some(slot) = self.table.find(job.id) {
            return self.arrive_again(slot, job, now);
        }
        if !self.is_worth_holding(&job, now) {
            return commands.push(Command::Forget { job: job.id });
        }
        let keeps_lane = job.lane.is_some() && job.standing != Standing::Ready;
        let waits = matches!(job.standing, Standing::Waiting(_));
        if keeps_lane || waits || self.admit(&job) {
            self.take_in(job, now);
        }
    }

    fn arrive_again(&mut self, slot: u32, job: Job, now: Timestamp) {
        let entry = &self.table[slot];
        match (job.standing, entry.state) {
            (Standing::Ready | Standing::Begun, State::Waiting) => self.wake_as(slot, &job, now),
            (Standing::Waiting(Some(until)), State::Waiting) if entry.stamp == 0 => {
                self.set_timer(slot, Some(until), now);
            }
            _ => {}
        }
    }

    fn rouse(&mut self, job: Job, now: Timestamp, commands: &mut Vec<Command>) {
        let Some(slot) = self.table.find(job.id) else {
            return self.arrive(Job { standing: Standing::Waiting(Some(now)), ..job }, now, commands);
        };
        match self.table[slot].state {
            State::Waiting => self.wake_as(slot, &job, now),
            State::Running => self.set_state(slot, State::Roused),
            _ => {}
        }
    }

    fn resume(&mut self, job: Job, now: Timestamp) {
        if let Some(slot) = self.table.find(job.id) {
            // One that waits was brought by a page from before it was suspended.
            if matches!(self.table[slot].state, State::Suspended | State::Waiting) {
                self.wake_as(slot, &job, now);
            }
        } else if self.admit(&job) {
            self.take_in(Job { standing: Standing::Begun, ..job }, now);
        }
    }

    /// Whether a job that is not held may be taken from the feed.
    fn admit(&mut self, job: &Job) -> bool {
        self.shards.is_open(job.shard) || self.shards.admit(job, self.tree.find_workspace(job.workspace))
    }

    fn take_page(&mut self, page: &Page, now: Timestamp) {
        if !self.shards.awaits(page.shard, page.workspace, page.after) {
            return;
        }
        let Some(changed) = self.shards.take_changed(page.shard) else {
            return self.shards.paged(page.shard, None, Extent::Part);
        };
        let mut last = None;
        for job in &page.jobs {
            if self.shards.is_old(page.shard, page.workspace, job.place) {
                return self.shards.paged(page.shard, last, Extent::Part);
            }
            let known = self.table.find(job.id).is_some() || changed.binary_search(&job.id).is_ok();
            if !known && self.is_worth_holding(job, now) {
                let slot = self.tree.find_workspace(job.workspace);
                match self.shards.admit_read(job, slot, page.workspace) {
                    Turned::In => self.take_in(*job, now),
                    Turned::Aside => {}
                    Turned::Away => return self.shards.paged(page.shard, last, Extent::Part),
                }
            }
            last = Some(job.place);
        }
        let Some(read_to) = page.read_to else {
            return self.shards.paged(page.shard, last, Extent::Last);
        };
        // Also past those that are nobody's business: a page of nothing else would be read for ever.
        if !self.shards.is_old(page.shard, page.workspace, read_to) {
            last = last.max(Some(read_to));
        }
        self.shards.paged(page.shard, last, Extent::Part);
    }

    /// Whether a job that cannot start keeps a lane, or a timer that is near.
    fn is_worth_holding(&mut self, job: &Job, now: Timestamp) -> bool {
        match job.standing {
            Standing::Ready | Standing::Begun => true,
            Standing::Waiting(until) => {
                let slot = self.tree.find_workspace(job.workspace);
                job.lane.is_some() || self.shards.admit_waiting(job.shard, slot, until, now)
            }
            Standing::Suspended => job.lane.is_some(),
        }
    }

    fn take_in(&mut self, job: Job, now: Timestamp) {
        let workflow = self.tree.hold(job.workspace, job.workflow);
        let lane = job.lane.map_or(NONE, |key| self.tree.lane(workflow, key.0));
        let state = match job.standing {
            Standing::Ready | Standing::Begun => State::Ready,
            Standing::Waiting(_) => State::Waiting,
            Standing::Suspended => State::Suspended,
        };
        let is_fresh = job.standing == Standing::Ready;
        let takes_token = is_fresh && self.tree.is_paced(workflow);
        let rank = Rank::new(job.class, job.priority).with_token(takes_token);
        let stamp = if state == State::Ready { tick(now) } else { 0 };
        let entry = Entry { job: job.id, workflow, lane, stamp, shard: job.shard, rank, state };
        let slot = self.table.insert(entry);
        self.count(slot, 1);
        if let Standing::Waiting(until) = job.standing {
            self.set_timer(slot, until, now);
        }
        if lane != NONE {
            let place = if is_fresh { job.place } else { BEGUN };
            self.tree.line_up(&mut self.table, slot, place);
        } else if state == State::Ready {
            self.queue(slot, if is_fresh { Entrance::Fresh } else { Entrance::Woken });
        }
    }

    // --- going on

    /// Gives permits to whoever's turn it is, as long as there are some.
    fn start(&mut self, now: Timestamp, commands: &mut Vec<Command>) {
        while self.tree.permits.has_room() {
            let Some(stream) = self.tree.begin() else { return };
            let next = self.tree.streams[stream].begin(&mut self.table);
            let slot = match next.expect("a listed stream has something ready") {
                Next::Job(slot) => slot,
                Next::Lane(lane) => self.tree.front(lane).expect("a lane has a front job"),
            };
            let entry = &mut self.table[slot];
            let (workflow, lane, rank) = (entry.workflow, entry.lane, entry.rank);
            let cost = self.tree.cost_us(workflow);
            entry.state = State::Running;
            entry.stamp = cost;
            commands.push(Command::Start { shard: entry.shard, job: entry.job });
            let start = Charge::Start { expected: u64::from(cost) };
            if lane != NONE {
                self.tree.begin_lane(lane, start);
                self.tree.settle(&mut self.table, lane);
            }
            self.tree.charge(stream, start);
            self.tree.refresh(stream);
            self.tree.count_ready(workflow, -1);
            self.tree.count_running(workflow, 1);
            if rank.takes_token() {
                self.tree.take_token(workflow, now);
            }
        }
    }

    fn park(&mut self, slot: u32, parked: Parked, now: Timestamp, commands: &mut Vec<Command>) {
        let Entry { job, lane, shard, state, workflow, .. } = self.table[slot];
        if !state.runs() {
            return;
        }
        if state == State::Roused {
            self.give_back(slot, parked.used_us);
            self.table[slot].rank = self.table[slot].rank.with_class(parked.class);
            return self.wake(slot, now);
        }
        let workspace = self.tree.workspace_of(workflow);
        if lane == NONE && !self.shards.admit_waiting(shard, Some(workspace), parked.until, now) {
            commands.push(Command::Forget { job });
            return self.remove(slot, parked.used_us);
        }
        self.give_back(slot, parked.used_us);
        self.table[slot].rank = self.table[slot].rank.with_class(parked.class);
        self.set_state(slot, State::Waiting);
        self.set_timer(slot, parked.until, now);
    }

    fn wake(&mut self, slot: u32, now: Timestamp) {
        self.set_state(slot, State::Ready);
        self.table[slot].stamp = tick(now);
        match self.table[slot].lane {
            NONE => self.queue(slot, Entrance::Woken),
            lane => self.tree.settle(&mut self.table, lane),
        }
    }

    /// Wakes a job with the class and priority it came with.
    fn wake_as(&mut self, slot: u32, job: &Job, now: Timestamp) {
        self.timers.drop_of(&mut self.table, slot);
        self.table[slot].rank = Rank::new(job.class, job.priority);
        self.wake(slot, now);
    }

    fn suspend(&mut self, slot: u32, policy: LanePolicy, used_us: u64, commands: &mut Vec<Command>) {
        let Entry { job, lane, .. } = self.table[slot];
        if lane == NONE || policy == LanePolicy::Continue {
            commands.push(Command::Forget { job });
            return self.remove(slot, used_us);
        }
        self.give_back(slot, used_us);
        self.timers.drop_of(&mut self.table, slot);
        self.set_state(slot, State::Suspended);
        self.tree.settle(&mut self.table, lane);
    }

    /// Keeps a job that does not run from starting.
    fn withdraw(&mut self, slot: u32) {
        let Entry { lane, workflow, rank, state, .. } = self.table[slot];
        match (state, lane) {
            (State::Ready, NONE) => {
                let stream = self.tree.stream(workflow, rank);
                self.set_state(slot, State::Withdrawn);
                self.tree.streams[stream].bury(&mut self.table);
                self.tree.refresh(stream);
            }
            (State::Ready | State::Waiting | State::Suspended, _) => {
                self.timers.drop_of(&mut self.table, slot);
                self.set_state(slot, State::Cancelling);
                if lane != NONE {
                    self.tree.settle(&mut self.table, lane);
                }
            }
            _ => {}
        }
    }

    /// Lets go of a job, whatever it does.
    fn remove(&mut self, slot: u32, used_us: u64) {
        self.give_back(slot, used_us);
        if self.table[slot].state == State::Ready {
            self.withdraw(slot);
        }
        self.timers.drop_of(&mut self.table, slot);
        self.count(slot, -1);
        self.table.forget(slot);
        let Entry { job, shard, lane, workflow, state, .. } = self.table[slot];
        self.shards.note_changed(shard, job);
        self.table[slot].state = State::Gone;
        if lane != NONE {
            self.tree.leave_lane(&mut self.table, lane);
        } else if state != State::Withdrawn {
            self.table.free(slot);
        }
        self.tree.release(&mut self.table, workflow);
    }

    /// Takes a running job's permits and settles its account; leaves the state to the caller.
    fn give_back(&mut self, slot: u32, used_us: u64) {
        let entry = &mut self.table[slot];
        if !entry.state.runs() {
            return;
        }
        let used = u32::try_from(used_us).unwrap_or(u32::MAX).max(LEAST_COST_US);
        let expected = u64::from(std::mem::take(&mut entry.stamp));
        let end = Charge::End { expected, used: u64::from(used) };
        let Entry { workflow, lane, rank, .. } = *entry;
        let stream = self.tree.stream(workflow, rank);
        self.tree.learn(workflow, used);
        self.tree.charge(stream, end);
        if lane != NONE {
            self.tree.charge_lane(lane, end);
        }
        self.tree.count_running(workflow, -1);
    }

    // --- small steps

    fn with_held(&mut self, job: u64, act: impl FnOnce(&mut Self, u32)) {
        if let Some(slot) = self.table.find(job) {
            act(self, slot);
        }
    }

    fn queue(&mut self, slot: u32, entrance: Entrance) {
        let Entry { workflow, rank, .. } = self.table[slot];
        let stream = self.tree.stream(workflow, rank);
        self.tree.streams[stream].push(slot, entrance);
        self.tree.refresh(stream);
    }

    /// Sets the timer of a waiting job that is held; one beyond the horizon is left to the store.
    fn set_timer(&mut self, slot: u32, until: Option<Timestamp>, now: Timestamp) {
        let near = until.filter(|until| until.0.saturating_sub(now.0) <= HORIZON_US);
        if let Some(due) = near {
            self.timers.set(&mut self.table, slot, due);
        }
    }

    fn set_state(&mut self, slot: u32, state: State) {
        self.count(slot, -1);
        self.table[slot].state = state;
        self.count(slot, 1);
    }

    /// Counts the job where it is counted in its state, or (`-1`) no longer.
    fn count(&mut self, slot: u32, by: i32) {
        let Entry { shard, state, workflow, .. } = self.table[slot];
        let workspace = self.tree.workspace_of(workflow);
        match state {
            State::Waiting => self.shards.count_waiting(shard, workspace, by),
            _ => self.shards.count_backlog(shard, workspace, by),
        }
        if state == State::Ready {
            self.tree.count_ready(workflow, by);
        }
    }

    fn set_alarm(&mut self, now: Timestamp, commands: &mut Vec<Command>) {
        let timer = self.timers.earliest(&self.table);
        let Some(due) = timer.into_iter().chain(self.tree.paces.earliest()).min() else { return };
        let set = self.alarm.filter(|alarm| *alarm > now);
        if set.is_none_or(|alarm| due < alarm) {
            self.alarm = Some(due);
            commands.push(Command::SetAlarm(due));
        }
    }
}

/// A tick of ready jobs' clocks is so many bits of a µs: 16 ms, so that 32 bits are two years.
const TICK_BITS: u32 = 14;

fn tick(now: Timestamp) -> u32 {
    (now.0 >> TICK_BITS) as u32
}
