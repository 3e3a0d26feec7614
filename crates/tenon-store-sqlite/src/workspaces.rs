//! What every task needs to know of a workspace at once: how to seal for it, its committed generation, its settings.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tenon_store::{Error, WorkspaceId, WorkspaceSettings};
use tenon_vault::Sealer;

/// One workspace.
pub(crate) struct Workspace {
    /// Its sealer.
    pub(crate) sealer: Arc<Sealer>,
    /// What it says for itself, as of the last commit.
    pub(crate) settings: WorkspaceSettings,
    generation: AtomicU64,
    variables: AtomicU64,
}

// === impl Workspace ===

impl Workspace {
    /// As it is in the database.
    pub(crate) fn new(
        sealer: Arc<Sealer>,
        settings: WorkspaceSettings,
        (generation, variables): (u64, u64),
    ) -> Self {
        Self {
            sealer,
            settings,
            generation: AtomicU64::new(generation),
            variables: AtomicU64::new(variables),
        }
    }

    /// The generation, as of the last commit.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The generation of its variables, as of the last commit.
    pub(crate) fn variable_generation(&self) -> u64 {
        self.variables.load(Ordering::Acquire)
    }
}

/// All of them. Written by the writer after commits only.
#[derive(Default)]
pub(crate) struct Workspaces {
    by_id: RwLock<HashMap<WorkspaceId, Arc<Workspace>>>,
    by_name: RwLock<HashMap<String, WorkspaceId>>,
}

// === impl Workspaces ===

impl Workspaces {
    /// One of them.
    pub(crate) fn get(&self, id: WorkspaceId) -> Result<Arc<Workspace>, Error> {
        let by_id = self.by_id.read().unwrap_or_else(PoisonError::into_inner);
        by_id.get(&id).cloned().ok_or(Error::NotFound("workspace"))
    }

    /// The id of a name.
    pub(crate) fn named(&self, name: &str) -> Option<WorkspaceId> {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }

    /// All, by id.
    pub(crate) fn all(&self) -> Vec<(WorkspaceId, String)> {
        let by_name = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = by_name.iter().map(|(name, id)| (*id, name.clone())).collect();
        all.sort_unstable();
        all
    }

    /// A workspace that is durable now.
    pub(crate) fn publish(&self, id: WorkspaceId, name: String, workspace: Arc<Workspace>) {
        self.by_id.write().unwrap_or_else(PoisonError::into_inner).insert(id, workspace);
        self.by_name.write().unwrap_or_else(PoisonError::into_inner).insert(name, id);
    }

    /// A generation that is durable now.
    pub(crate) fn advance(&self, id: WorkspaceId, generation: u64) {
        let by_id = self.by_id.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(workspace) = by_id.get(&id) {
            workspace.generation.store(generation, Ordering::Release);
        }
    }

    /// A generation of variables that is durable now.
    pub(crate) fn advance_variables(&self, id: WorkspaceId, generation: u64) {
        let by_id = self.by_id.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(workspace) = by_id.get(&id) {
            workspace.variables.store(generation, Ordering::Release);
        }
    }

    /// A sealer whose key is durable now. Whoever has the one before may go on with it.
    pub(crate) fn renew(&self, id: WorkspaceId, sealer: Arc<Sealer>) {
        sealer.share();
        self.replace(id, |known| (sealer, known.settings));
    }

    /// Settings that are durable now.
    pub(crate) fn set(&self, id: WorkspaceId, settings: WorkspaceSettings) {
        self.replace(id, |known| (Arc::clone(&known.sealer), settings));
    }

    fn replace(&self, id: WorkspaceId, new: impl FnOnce(&Workspace) -> (Arc<Sealer>, WorkspaceSettings)) {
        let mut by_id = self.by_id.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(workspace) = by_id.get_mut(&id) {
            let (sealer, settings) = new(workspace);
            let generations = (workspace.generation(), workspace.variable_generation());
            *workspace = Arc::new(Workspace::new(sealer, settings, generations));
        }
    }
}
