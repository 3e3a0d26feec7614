//! What the scheduler's limits are used for right now, and how far work is behind: for people, and for refusing new
//! work. Looked up on request; costs what there is to tell. Must not change anything.

use super::paces::Paces;
use super::rate::Rate;
use super::table::Rank;
use super::tree::Workspace;
use super::{Scheduler, Timestamp, tick};

/// All limits and what they are used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// How many do.
    pub running: u32,
    /// How many a workspace that runs none could, as long as nobody else takes more permits.
    pub newcomer_share: u32,
    /// Workspaces with jobs that are held.
    pub workspaces: Vec<WorkspaceUse>,
    /// Workflows with a limit and jobs that are held.
    pub workflows: Vec<WorkflowUse>,
}

/// What a workspace uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceUse {
    /// Which.
    pub workspace: i64,
    /// How many of its jobs may run at once.
    pub concurrency: Option<u32>,
    /// How many do.
    pub running: u32,
    /// How many could, and wait.
    pub ready: u32,
    /// How many lack nothing but a permit: unordered jobs, and lanes.
    pub startable: usize,
    /// Why they do not start.
    pub obstacle: Option<Obstacle>,
    /// How many may run at once as long as nobody else takes more permits.
    pub share: u32,
}

/// What keeps jobs from starting that lack nothing but a permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// The workspace runs as many as it may.
    Concurrency,
    /// The process does.
    Capacity,
    /// The workspace holds its share of the permits, and those that are left are for others.
    Share,
    /// No more may be used for now.
    Room,
}

/// What a workflow with a limit uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowUse {
    /// Its workspace.
    pub workspace: i64,
    /// Which.
    pub workflow: i64,
    /// How many of its jobs may run at once.
    pub concurrency: Option<u32>,
    /// How many do.
    pub running: u32,
    /// How many could: unordered jobs, and lanes.
    pub ready: usize,
    /// How many of them take a token when they start.
    pub paced: usize,
    /// How many may start in a time.
    pub rate: Option<RateUse>,
}

/// What is left of a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateUse {
    /// The rate.
    pub rate: Rate,
    /// Jobs that may start now.
    pub tokens: u32,
    /// When one may; not later than now if there are tokens.
    pub next: Timestamp,
}

/// How far the work of a workspace is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// Which.
    pub workspace: i64,
    /// Jobs that only wait for their turn, those behind others of their lane included.
    pub ready: u32,
    /// About how many more are left in the store, because the workspace is over its share of a shard's places.
    pub left: u64,
    /// How long the oldest waits that could start now and lacks nothing but its turn, µs. Lanes, limits of a workflow,
    /// retries and bulk work do not count: they wait by their author's will.
    pub oldest_us: u64,
    /// Starts since the workspace came to have jobs; begins anew when it had none.
    pub starts: u64,
}

// === impl Scheduler ===

impl Scheduler {
    /// All limits, what they are used for and what waits for them.
    pub fn usage(&self, now: Timestamp) -> Usage {
        let workspaces = self.tree.workspaces.iter().map(|(_, node)| WorkspaceUse {
            workspace: node.id,
            concurrency: node.limit,
            running: node.running,
            ready: node.ready,
            startable: node.open_streams().map(|stream| self.tree.streams[stream].ready()).sum(),
            obstacle: self.obstacle(node),
            share: self.tree.permits.most(node.running),
        });
        let workflows = self.tree.workflows.iter().filter_map(|(_, node)| {
            let workspace = self.tree.workspaces[node.workspace].id;
            let rate = rate_use(&self.tree.paces, (workspace, node.id), now);
            (node.limit.is_some() || rate.is_some()).then(|| WorkflowUse {
                workspace,
                workflow: node.id,
                concurrency: node.limit,
                running: node.running,
                ready: self.ready(&node.streams, |_| true),
                paced: self.ready(&node.streams, Rank::takes_token),
                rate,
            })
        });
        Usage {
            running: self.running(),
            newcomer_share: self.tree.permits.most(0),
            workspaces: workspaces.collect(),
            workflows: workflows.collect(),
        }
    }

    /// How far each workspace is behind that has jobs. Costs the workspaces and the workflows with something ready.
    pub fn backlogs(&self, now: Timestamp) -> impl Iterator<Item = Backlog> + '_ {
        let left = self.shards.left();
        self.tree.workspaces.iter().map(move |(id, node)| {
            let heads = self.tree.live_streams(id).filter_map(|stream| {
                let slot = self.tree.streams[stream].oldest_fresh(&self.table)?;
                Some(u64::from(tick(now).wrapping_sub(self.table[slot].stamp)) << super::TICK_BITS)
            });
            Backlog {
                workspace: node.id,
                ready: node.ready,
                left: left.get(&node.id).copied().unwrap_or(0),
                oldest_us: heads.max().unwrap_or(0),
                starts: node.starts,
            }
        })
    }

    /// Workspaces that could start something and are kept from it by their share of the permits.
    pub fn crowded(&self) -> usize {
        self.tree.permits.crowded()
    }

    fn ready(&self, streams: &[(Rank, u32)], of: impl Fn(Rank) -> bool) -> usize {
        let streams = streams.iter().filter(|(rank, _)| of(*rank));
        streams.map(|(_, stream)| self.tree.streams[*stream].ready()).sum()
    }

    fn obstacle(&self, node: &Workspace) -> Option<Obstacle> {
        let permits = &self.tree.permits;
        if !node.has_work() {
            None
        } else if node.is_full() {
            Some(Obstacle::Concurrency)
        } else if permits.held() >= permits.capacity {
            Some(Obstacle::Capacity)
        } else if !permits.admits(node.running) {
            Some(Obstacle::Share)
        } else {
            (!permits.has_room()).then_some(Obstacle::Room)
        }
    }
}

fn rate_use(paces: &Paces, key: (i64, i64), now: Timestamp) -> Option<RateUse> {
    let mut bucket = paces.bucket(key)?.clone();
    Some(RateUse { rate: bucket.rate(), tokens: bucket.tokens(now), next: bucket.next(now) })
}
