//! Ordered lanes: the jobs of one ordering key of one workflow, by place. A job that begins moves to the
//! place before all places and so keeps the lane until it is gone, whatever it does meanwhile; a lane is
//! listed in its front job's stream while that job is ready. So no two jobs of a lane run at once and none
//! overtakes.

use std::collections::VecDeque;

use super::slab::NONE;
use super::table::{State, Table};
use super::tree::Tree;
use super::turns::{Account, Charge, Listed};

/// Dead entries that are not worth sweeping.
const SWEEP_ABOVE: usize = 64;

/// The place of a job that has begun: before all others.
pub(super) const BEGUN: u64 = 0;

#[derive(Debug)]
pub(super) struct Lane {
    workflow: u32,
    key: u64,
    account: Account,
    /// The stream it is listed in, or `NONE`.
    listed_in: u32,
    /// Place and slot, ascending by place.
    queue: VecDeque<(u64, u32)>,
    /// How many in the queue are gone.
    gone: usize,
}

// === impl Tree ===

impl Tree {
    /// The lane of a key, made if it is not there.
    pub(super) fn lane(&mut self, workflow: u32, key: u64) -> u32 {
        let lanes = &mut self.lanes;
        *self.lane_index.entry((workflow, key)).or_insert_with(|| {
            lanes.insert(Lane {
                workflow,
                key,
                account: Account::default(),
                listed_in: NONE,
                queue: VecDeque::new(),
                gone: 0,
            })
        })
    }

    /// Puts a job in line by its place.
    pub(super) fn line_up(&mut self, table: &mut Table, slot: u32, place: u64) {
        let id = table[slot].lane;
        let queue = &mut self.lanes[id].queue;
        let mut at = queue.len();
        if queue.back().is_some_and(|(last, _)| *last > place) {
            at = queue.partition_point(|(other, _)| *other <= place);
        }
        if cfg!(feature = "mutant-lane-order") && queue.len() > 1 {
            at = queue.len() - 1;
        }
        queue.insert(at, (place, slot));
        self.settle(table, id);
    }

    /// The front job begins; charges the lane.
    pub(super) fn begin_lane(&mut self, id: u32, start: Charge) {
        let front = self.lanes[id].queue.front_mut();
        front.expect("a lane that begins has a front job").0 = BEGUN;
        self.charge_lane(id, start);
    }

    /// The front job of a lane.
    pub(super) fn front(&self, lane: u32) -> Option<u32> {
        self.lanes[lane].queue.front().map(|(_, slot)| *slot)
    }

    /// A job of the lane is gone.
    pub(super) fn leave_lane(&mut self, table: &mut Table, id: u32) {
        let lane = &mut self.lanes[id];
        lane.gone += 1;
        if 2 * lane.gone > lane.queue.len() + SWEEP_ABOVE {
            lane.queue.retain(|(_, slot)| !free_if_gone(table, *slot));
            lane.queue.shrink_to(2 * lane.queue.len());
            lane.gone = 0;
        }
        self.settle(table, id);
    }

    /// Drops what is gone from the front, and lists the lane where its front job now belongs; removes it
    /// when nothing is left.
    pub(super) fn settle(&mut self, table: &mut Table, id: u32) {
        let lane = &mut self.lanes[id];
        while let Some(&(_, slot)) = lane.queue.front() {
            if !free_if_gone(table, slot) {
                break;
            }
            lane.queue.pop_front();
            lane.gone -= 1;
        }
        let workflow = lane.workflow;
        let front = lane.queue.front().map(|(_, slot)| &table[*slot]);
        let ready = front.filter(|entry| entry.state == State::Ready).map(|entry| entry.rank);
        let target = ready.map_or(NONE, |rank| self.stream(workflow, rank));
        self.list(id, target);
        let lane = &self.lanes[id];
        if lane.queue.is_empty() {
            self.lane_index.remove(&(lane.workflow, lane.key));
            self.lanes.remove(id);
        }
    }

    /// Whether those in a workflow's lanes that have not begun take a token.
    pub(super) fn pace_lanes(&mut self, table: &mut Table, workflow: u32, takes_token: bool) {
        let range = (workflow, 0)..=(workflow, u64::MAX);
        let lanes: Vec<u32> = self.lane_index.range(range).map(|(_, lane)| *lane).collect();
        for id in lanes {
            for (_, slot) in self.lanes[id].queue.iter().filter(|(place, _)| *place != BEGUN) {
                table[*slot].rank = table[*slot].rank.with_token(takes_token);
            }
            self.settle(table, id);
        }
    }

    /// Charges a lane.
    pub(super) fn charge_lane(&mut self, id: u32, charge: Charge) {
        let lane = &mut self.lanes[id];
        if lane.listed_in == NONE {
            lane.account.charge_unlisted(charge);
        } else {
            self.streams[lane.listed_in].lanes.charge(id, &mut lane.account, charge);
        }
    }

    fn list(&mut self, id: u32, target: u32) {
        let lane = &mut self.lanes[id];
        let before = std::mem::replace(&mut lane.listed_in, target);
        if before == target {
            return;
        }
        if before != NONE {
            self.streams[before].lanes.set_listed(id, &mut lane.account, Listed::No);
            self.refresh(before);
        }
        if target != NONE {
            let lane = &mut self.lanes[id];
            self.streams[target].lanes.set_listed(id, &mut lane.account, Listed::Yes);
            self.refresh(target);
        }
    }
}

fn free_if_gone(table: &mut Table, slot: u32) -> bool {
    let gone = table[slot].state == State::Gone;
    if gone {
        table.free(slot);
    }
    gone
}
