//! What the scheduler must know before it starts a job: limits of its workflow and workspace; and what all limits are
//! used for, for people.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tenon_engine::scheduler::{Input, Rate, Usage};
use tenon_store::{Kind, OpenJob, ResourceId, RevisionId, WorkspaceId};

use super::backlog::BacklogUse;
use super::{Dispatcher, KNOWN_WORKFLOWS};
use crate::BacklogBounds;

/// Limited workflows that are looked at in one go: no job starts meanwhile, and a workspace may change thousands.
const LOOKS: usize = 32;

/// All limits of the worker and what they are used for.
#[derive(Debug, Clone)]
pub struct WorkerUse {
    /// Jobs at once and rates.
    pub scheduler: Usage,
    /// Jobs that may run at once.
    pub capacity: u32,
    /// Jobs that may open at once, from their start to their first call, pause or end; and those that do.
    pub openings: (u32, u32),
    /// Names of the workflows that have limits of their own, by id.
    pub names: HashMap<i64, Arc<str>>,
    /// How far work is behind.
    pub backlogs: Vec<BacklogUse>,
    /// How far it may be.
    pub bounds: BacklogBounds,
    /// Bytes of payloads of jobs that wait for their turn which are kept in memory.
    pub payload_bytes: usize,
    /// How many may be.
    pub payload_limit: usize,
}

/// A workflow whose limits the scheduler knows.
pub(super) struct Known {
    workspace: WorkspaceId,
    revision: RevisionId,
    /// Of one that has limits.
    name: Option<Arc<str>>,
}

/// Workflows and workspaces whose limits the scheduler knows.
#[derive(Default)]
pub(super) struct Limits {
    workflows: HashMap<ResourceId, Known>,
    /// With what it knows.
    workspaces: HashMap<WorkspaceId, Option<u32>>,
    /// When the limited workflows of a workspace were last looked at.
    generations: HashMap<WorkspaceId, u64>,
    /// Limited workflows that may have changed since.
    to_look_at: VecDeque<(WorkspaceId, ResourceId)>,
}

// === impl Dispatcher ===

impl Dispatcher {
    /// The scheduler must know the limits before it starts the job.
    pub(super) async fn learn_limit(&mut self, job: &OpenJob) {
        self.learn_workspace(job.workspace);
        let known = self.limits.workflows.get(&job.workflow);
        if known.is_none_or(|known| known.revision < job.revision) {
            self.learn(job.workspace, job.workflow, job.revision).await;
        }
    }

    pub(super) fn learn_workspace(&mut self, workspace: WorkspaceId) {
        // One that is not there says nothing.
        let own = self.context.store.workspace_settings(workspace).unwrap_or_default();
        let concurrency = own.concurrency.or(self.options.workspace_concurrency);
        if self.limits.workspaces.insert(workspace, concurrency).flatten() != concurrency {
            self.tell(Input::WorkspaceLimit { workspace: workspace.0, concurrency });
        }
    }

    async fn learn(&mut self, workspace: WorkspaceId, workflow: ResourceId, revision: RevisionId) {
        if self.limits.workflows.len() >= KNOWN_WORKFLOWS {
            self.limits.workflows.clear();
        }
        let programs = &self.context.capture.ports().programs;
        // A revision that cannot be loaded has no limit; its job will be suspended when it starts.
        let deployed = programs.get(workspace, revision).await;
        if let Err(tenon_capture::Error::Store(error)) = &deployed {
            tracing::warn!(%error, "cannot read a workflow's limit; asking again with its next job");
            return;
        }
        let deployed = deployed.ok();
        let settings = deployed.as_ref().map(|deployed| &deployed.program.settings);
        let concurrency = settings.and_then(|settings| settings.concurrency);
        let rate = settings.and_then(|settings| settings.rate_limit).map(|rate| {
            let per_us = u64::try_from(rate.per.as_micros()).unwrap_or(u64::MAX);
            Rate::new(rate.limit, per_us, rate.burst)
        });
        let is_limited = concurrency.is_some() || rate.is_some();
        let name = deployed.filter(|_| is_limited).map(|deployed| Arc::clone(&deployed.name));
        self.limits.workflows.insert(workflow, Known { workspace, revision, name });
        let (workspace, workflow) = (workspace.0, workflow.0);
        self.tell(Input::WorkflowLimit { workspace, workflow, concurrency });
        self.tell(Input::WorkflowRate { workspace, workflow, rate });
    }

    /// Limits that were changed hold at once, also where no new job comes to tell of it: a workflow that is held back
    /// may be the reason why none is taken.
    async fn learn_changes(&mut self) {
        let workspaces: Vec<WorkspaceId> = self.limits.workspaces.keys().copied().collect();
        for workspace in workspaces {
            self.learn_workspace(workspace);
        }
        let limited = self.limits.workflows.iter().filter(|(_, known)| known.name.is_some());
        let mut workspaces: Vec<WorkspaceId> = limited.map(|(_, known)| known.workspace).collect();
        workspaces.sort_unstable_by_key(|workspace| workspace.0);
        workspaces.dedup();
        for workspace in workspaces {
            let Ok(generation) = self.context.store.generation(workspace).await else { continue };
            if self.limits.generations.insert(workspace, generation) != Some(generation) {
                self.look_soon(workspace);
            }
        }
        let count = self.limits.to_look_at.len().min(LOOKS);
        for (workspace, workflow) in self.limits.to_look_at.drain(..count).collect::<Vec<_>>() {
            self.learn_change(workspace, workflow).await;
        }
    }

    fn look_soon(&mut self, workspace: WorkspaceId) {
        let Limits { workflows, to_look_at, .. } = &mut self.limits;
        to_look_at.retain(|(of, _)| *of != workspace);
        let limited =
            workflows.iter().filter(|(_, known)| known.workspace == workspace && known.name.is_some());
        to_look_at.extend(limited.map(|(workflow, _)| (workspace, *workflow)));
    }

    async fn learn_change(&mut self, workspace: WorkspaceId, workflow: ResourceId) {
        let Some(known) = self.limits.workflows.get(&workflow) else { return };
        let (revision, Some(name)) = (known.revision, known.name.clone()) else { return };
        match self.context.store.resource(workspace, Kind::Workflow, &name).await {
            Ok(Some(newest)) if newest.revision.resource == workflow && newest.revision.id > revision => {
                self.learn(workspace, workflow, newest.revision.id).await;
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot read a workflow's limit; asking again soon");
                self.limits.to_look_at.push_back((workspace, workflow));
            }
        }
    }

    /// What all limits are used for.
    pub(super) fn usage(&self) -> WorkerUse {
        let now = self.now();
        let workflows = self.limits.workflows.iter();
        let named = workflows.filter_map(|(id, known)| Some((id.0, known.name.clone()?)));
        let (openings, opened) = self.context.openings.counts();
        WorkerUse {
            scheduler: self.scheduler.usage(now),
            capacity: self.options.capacity,
            openings: (openings, self.scheduler.running().saturating_sub(opened)),
            names: named.collect(),
            backlogs: self.backlog.uses(&self.scheduler, now),
            bounds: self.options.backlog,
            payload_bytes: self.fresh.bytes(),
            payload_limit: self.options.payload_bytes,
        }
    }

    /// Which workspaces take nothing new, a few times a second while something is to be done.
    pub(super) async fn look_at_backlogs(&mut self) {
        let now = self.now();
        if self.backlog.is_due(now) {
            self.learn_changes().await;
            // Who may run now does so now, not with the next turn.
            self.carry_out();
            let refused = self.backlog.look(&self.scheduler, now);
            self.context.capture.ports().metrics.backlogs.refuse(refused);
        }
    }
}
