//! The fair tree: workspaces share the process, classes a workspace, priorities a class, workflows a
//! priority, lanes a workflow. A node is listed with its siblings exactly while a job below it could start
//! now, so whoever has the turn always finds a job. Nodes exist only while a job below them is held.
//!
//! Of a workflow with a rate, jobs that have not started are in streams of their own (`Rank::takes_token`), which are
//! listed only while there is a token.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasherDefault;

use super::Rate;
use super::lanes::Lane;
use super::limits::{CLASS_COST, COST_WEIGHT, FIRST_COST_US, LEAST_COST_US, SPARED_START};
use super::paces::{Pace, Paces};
use super::permits::Permits;
use super::slab::Slab;
use super::stream::{Entrance, Stream};
use super::table::{Mix, Rank, Table};
use super::turns::{Account, Charge, Listed, Turns};
use crate::Timestamp;

type Map<K, V> = HashMap<K, V, BuildHasherDefault<Mix>>;

#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) id: i64,
    account: Account,
    held: u32,
    pub(super) running: u32,
    /// Jobs that only wait for their turn, those behind others of their lane included.
    pub(super) ready: u32,
    /// Starts so far.
    pub(super) starts: u64,
    pub(super) limit: Option<u32>,
    /// It could start something and is over its share: what it held when it was set aside.
    crowded_at: Option<u32>,
    turns: Turns,
    classes: [ClassNode; 3],
}

#[derive(Debug, Default)]
struct ClassNode {
    account: Account,
    levels: [Turns; 10],
    /// One bit for each priority with a listed stream.
    filled: u16,
    starts: u32,
    /// The priority that was spared a start last.
    spared: u32,
}

#[derive(Debug)]
pub(super) struct Workflow {
    pub(super) id: i64,
    pub(super) workspace: u32,
    held: u32,
    pub(super) running: u32,
    pub(super) limit: Option<u32>,
    pace: Pace,
    /// Expected worker time of one start, µs.
    cost_us: u32,
    pub(super) streams: Vec<(Rank, u32)>,
}

#[derive(Debug, Default)]
pub(super) struct Tree {
    turns: Turns,
    pub(super) permits: Permits,
    pub(super) workspaces: Slab<Workspace>,
    workspace_index: Map<i64, u32>,
    pub(super) workflows: Slab<Workflow>,
    workflow_index: Map<(i64, i64), u32>,
    pub(super) streams: Slab<Stream>,
    pub(super) lanes: Slab<Lane>,
    /// Ordered by key: keys come from users, and this map cannot be flooded with collisions.
    pub(super) lane_index: BTreeMap<(u32, u64), u32>,
    /// Limits as set, for nodes to come; only those that are set.
    workspace_limits: Map<i64, u32>,
    workflow_limits: Map<(i64, i64), u32>,
    pub(super) paces: Paces,
}

// === impl Workspace ===

impl Workspace {
    /// Whether a job of it lacks nothing but permits.
    pub(super) fn has_work(&self) -> bool {
        !self.turns.is_empty()
    }

    /// Whether it runs as many jobs as it may.
    pub(super) fn is_full(&self) -> bool {
        self.limit.is_some_and(|limit| self.running >= limit)
    }

    /// Streams that could start something now.
    pub(super) fn open_streams(&self) -> impl Iterator<Item = u32> + '_ {
        self.classes.iter().flat_map(|class| &class.levels).flat_map(Turns::members)
    }
}

// === impl ClassNode ===

impl ClassNode {
    /// The highest priority, but every [`SPARED_START`]th time one of the others, downwards and round.
    fn pick(&mut self) -> usize {
        let top = self.filled.ilog2();
        let others = self.filled & !(1 << top);
        self.starts = self.starts.wrapping_add(1);
        if others == 0 || !self.starts.is_multiple_of(SPARED_START) {
            return top as usize;
        }
        let below = others & ((1 << self.spared) - 1);
        self.spared = if below == 0 { others.ilog2() } else { below.ilog2() };
        self.spared as usize
    }
}

// === impl Tree ===

impl Tree {
    /// The workflow's node, made if it is not there, with one more job held.
    pub(super) fn hold(&mut self, workspace: i64, workflow: i64) -> u32 {
        let id = self.workflow_index.get(&(workspace, workflow)).copied();
        let id = id.unwrap_or_else(|| self.make_workflow(workspace, workflow));
        let node = &mut self.workflows[id];
        node.held += 1;
        self.workspaces[node.workspace].held += 1;
        id
    }

    /// One job less is held; the last one takes the nodes with it.
    pub(super) fn release(&mut self, table: &mut Table, workflow: u32) {
        let node = &mut self.workflows[workflow];
        node.held -= 1;
        let unused = node.held == 0;
        let workspace = node.workspace;
        self.workspaces[workspace].held -= 1;
        if unused {
            self.remove_workflow(table, workflow);
        }
        if self.workspaces[workspace].held == 0 {
            let node = self.workspaces.remove(workspace);
            self.workspace_index.remove(&node.id);
        }
    }

    /// The stream of a workflow for a rank, made if it is not there.
    pub(super) fn stream(&mut self, workflow: u32, rank: Rank) -> u32 {
        let known = self.workflows[workflow].streams.iter().find(|(of, _)| *of == rank);
        if let Some((_, stream)) = known {
            return *stream;
        }
        let stream = self.streams.insert(Stream::new(workflow, rank));
        self.workflows[workflow].streams.push((rank, stream));
        stream
    }

    /// The stream whose turn it is, all the way down; `None`: nothing can start.
    pub(super) fn begin(&mut self) -> Option<u32> {
        while let Some(first) = self.turns.first()
            && !self.permits.admits(self.workspaces[first].running)
        {
            self.refresh_workspace(first);
        }
        let workspace = self.turns.begin()?;
        let node = &mut self.workspaces[workspace];
        let class = node.turns.begin().expect("a listed workspace has a listed class");
        let class = &mut node.classes[class as usize];
        let level = class.pick();
        Some(class.levels[level].begin().expect("a filled level has a listed stream"))
    }

    /// Lists or unlists the stream and all above it, as its jobs and limits are now.
    pub(super) fn refresh(&mut self, stream: u32) {
        let node = &mut self.streams[stream];
        let workflow = &self.workflows[node.workflow];
        let may_start = workflow.limit.is_none_or(|limit| workflow.running < limit)
            && !(node.rank.takes_token() && workflow.pace == Pace::Closed);
        let ready = node.has_ready() && may_start;
        let workspace = &mut self.workspaces[workflow.workspace];
        let (class, priority) = (node.rank.class(), node.rank.priority());
        let class_node = &mut workspace.classes[class];
        let level = &mut class_node.levels[priority];
        level.set_listed(stream, &mut node.account, Listed::when(ready));
        let others = class_node.filled & !(1 << priority);
        class_node.filled = others | u16::from(!level.is_empty()) << priority;
        let listed = Listed::when(class_node.filled != 0);
        workspace.turns.set_listed(class as u32, &mut class_node.account, listed);
        let workspace = workflow.workspace;
        self.refresh_workspace(workspace);
    }

    /// A job of the stream starts or (`-1`) stops running.
    pub(super) fn count_running(&mut self, workflow: u32, by: i32) {
        let node = &mut self.workflows[workflow];
        node.running = node.running.saturating_add_signed(by);
        let workspace = node.workspace;
        let limited = node.limit.is_some();
        let above = &mut self.workspaces[workspace];
        above.running = above.running.saturating_add_signed(by);
        above.starts += u64::from(by > 0);
        self.permits.count(by);
        if limited {
            self.refresh_workflow(workflow);
        }
        self.refresh_workspace(workspace);
        self.relieve();
    }

    pub(super) fn set_capacity(&mut self, capacity: u32) {
        self.permits.capacity = capacity;
        self.relieve();
    }

    /// Charges a stream and everything above it.
    pub(super) fn charge(&mut self, stream: u32, charge: Charge) {
        let node = &mut self.streams[stream];
        let workspace_id = self.workflows[node.workflow].workspace;
        let workspace = &mut self.workspaces[workspace_id];
        let class = node.rank.class();
        let class_node = &mut workspace.classes[class];
        class_node.levels[node.rank.priority()].charge(stream, &mut node.account, charge);
        let weighted = charge.times(CLASS_COST[class]);
        workspace.turns.charge(class as u32, &mut class_node.account, weighted);
        self.turns.charge(workspace_id, &mut workspace.account, charge);
    }

    /// What a start of the workflow is expected to cost, µs.
    pub(super) fn cost_us(&self, workflow: u32) -> u32 {
        self.workflows[workflow].cost_us
    }

    /// Learns what a start did cost.
    pub(super) fn learn(&mut self, workflow: u32, used_us: u32) {
        let cost = &mut self.workflows[workflow].cost_us;
        let step = (i64::from(used_us) - i64::from(*cost)) / COST_WEIGHT;
        *cost = cost.saturating_add_signed(step as i32).max(LEAST_COST_US);
    }

    pub(super) fn limit_workspace(&mut self, workspace: i64, limit: Option<u32>) {
        set(&mut self.workspace_limits, workspace, limit);
        if let Some(&id) = self.workspace_index.get(&workspace) {
            self.workspaces[id].limit = limit;
            self.refresh_workspace(id);
        }
    }

    pub(super) fn limit_workflow(&mut self, workspace: i64, workflow: i64, limit: Option<u32>) {
        set(&mut self.workflow_limits, (workspace, workflow), limit);
        if let Some(&id) = self.workflow_index.get(&(workspace, workflow)) {
            self.workflows[id].limit = limit;
            self.refresh_workflow(id);
        }
    }

    pub(super) fn rate_workflow(
        &mut self,
        table: &mut Table,
        (workspace, workflow): (i64, i64),
        rate: Option<Rate>,
        now: Timestamp,
    ) {
        self.paces.set((workspace, workflow), rate, now);
        let pace = self.paces.pace((workspace, workflow));
        let Some(&id) = self.workflow_index.get(&(workspace, workflow)) else { return };
        let before = std::mem::replace(&mut self.workflows[id].pace, pace);
        if before.is_paced() != pace.is_paced() {
            self.move_fresh(table, id, pace.is_paced());
        }
        self.refresh_workflow(id);
    }

    /// Whether a workflow's jobs take a token when they start for the first time.
    pub(super) fn is_paced(&self, workflow: u32) -> bool {
        self.workflows[workflow].pace.is_paced()
    }

    /// A job of the workflow starts for the first time.
    pub(super) fn take_token(&mut self, workflow: u32, now: Timestamp) {
        let node = &mut self.workflows[workflow];
        let key = (self.workspaces[node.workspace].id, node.id);
        node.pace = self.paces.take(key, now);
        if node.pace == Pace::Closed {
            self.refresh_workflow(workflow);
        }
    }

    /// Workflows that have a token again may start jobs.
    pub(super) fn reopen(&mut self, now: Timestamp) {
        while let Some(key) = self.paces.next_open(now) {
            if let Some(&id) = self.workflow_index.get(&key) {
                self.workflows[id].pace = Pace::Open;
                self.refresh_workflow(id);
            }
        }
    }

    /// One more or less of the workspace's jobs only waits for its turn.
    pub(super) fn count_ready(&mut self, workflow: u32, by: i32) {
        let workspace = self.workflows[workflow].workspace;
        let ready = &mut self.workspaces[workspace].ready;
        *ready = ready.saturating_add_signed(by);
    }

    /// Streams of live work of a workspace that could start something now.
    pub(super) fn live_streams(&self, workspace: u32) -> impl Iterator<Item = u32> + '_ {
        self.workspaces[workspace].classes[0].levels.iter().flat_map(Turns::members)
    }

    pub(super) fn find_workspace(&self, workspace: i64) -> Option<u32> {
        self.workspace_index.get(&workspace).copied()
    }

    /// The slot of a workflow's workspace.
    pub(super) fn workspace_of(&self, workflow: u32) -> u32 {
        self.workflows[workflow].workspace
    }

    pub(super) fn find_workflow(&self, workspace: i64, workflow: i64) -> Option<u32> {
        self.workflow_index.get(&(workspace, workflow)).copied()
    }

    /// Nodes of all kinds.
    pub(super) fn nodes(&self) -> usize {
        let nodes = self.workspaces.len() + self.workflows.len() + self.streams.len() + self.lanes.len();
        nodes + self.permits.crowded()
    }

    /// A workflow got a rate or lost it: its jobs that have not started change streams.
    fn move_fresh(&mut self, table: &mut Table, workflow: u32, takes_token: bool) {
        for (rank, stream) in self.workflows[workflow].streams.clone() {
            if rank.takes_token() == takes_token {
                continue;
            }
            let fresh = self.streams[stream].take_fresh(table);
            self.refresh(stream);
            let rank = rank.with_token(takes_token);
            let target = self.stream(workflow, rank);
            for slot in fresh {
                table[slot].rank = rank;
                self.streams[target].push(slot, Entrance::Fresh);
            }
        }
        self.pace_lanes(table, workflow, takes_token);
    }

    fn refresh_workflow(&mut self, workflow: u32) {
        for index in 0..self.workflows[workflow].streams.len() {
            let (_, stream) = self.workflows[workflow].streams[index];
            self.refresh(stream);
        }
    }

    fn refresh_workspace(&mut self, id: u32) {
        let node = &mut self.workspaces[id];
        let ready = node.has_work() && !node.is_full();
        let is_admitted = self.permits.admits(node.running);
        if let Some(held) = node.crowded_at.take() {
            self.permits.take_back(held, id);
        }
        if ready && !is_admitted {
            self.permits.set_aside(node.running, id);
            node.crowded_at = Some(node.running);
        }
        self.turns.set_listed(id, &mut node.account, Listed::when(ready && is_admitted));
    }

    /// Workspaces that are below their share again take part.
    fn relieve(&mut self) {
        while let Some(id) = self.permits.next_relieved() {
            self.refresh_workspace(id);
        }
    }

    fn make_workflow(&mut self, workspace: i64, workflow: i64) -> u32 {
        let above = match self.workspace_index.get(&workspace) {
            Some(&id) => id,
            None => self.make_workspace(workspace),
        };
        let id = self.workflows.insert(Workflow {
            id: workflow,
            workspace: above,
            held: 0,
            running: 0,
            limit: self.workflow_limits.get(&(workspace, workflow)).copied(),
            pace: self.paces.pace((workspace, workflow)),
            cost_us: FIRST_COST_US,
            streams: Vec::new(),
        });
        self.workflow_index.insert((workspace, workflow), id);
        id
    }

    fn make_workspace(&mut self, workspace: i64) -> u32 {
        let id = self.workspaces.insert(Workspace {
            id: workspace,
            account: Account::default(),
            held: 0,
            running: 0,
            ready: 0,
            starts: 0,
            limit: self.workspace_limits.get(&workspace).copied(),
            crowded_at: None,
            turns: Turns::default(),
            classes: Default::default(),
        });
        self.workspace_index.insert(workspace, id);
        id
    }

    /// Nothing of the workflow is held any more: what its queues still know is gone.
    fn remove_workflow(&mut self, table: &mut Table, id: u32) {
        for index in 0..self.workflows[id].streams.len() {
            let (_, stream) = self.workflows[id].streams[index];
            self.streams[stream].clear(table);
            self.refresh(stream);
            self.streams.remove(stream);
        }
        let node = self.workflows.remove(id);
        let workspace = self.workspaces[node.workspace].id;
        self.workflow_index.remove(&(workspace, node.id));
    }
}

fn set<K: std::hash::Hash + Eq>(map: &mut Map<K, u32>, key: K, limit: Option<u32>) {
    match limit {
        Some(limit) => map.insert(key, limit),
        None => map.remove(&key),
    };
}
