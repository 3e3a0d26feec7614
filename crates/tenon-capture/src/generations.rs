//! How old a cached view of a workspace's resources may be: not at all.
//!
//! Every change of a resource raises its workspace's generation. Caches remember the generation that they were
//! filled at; the newest one that anybody has seen is kept here, and older entries count as missing.

use std::collections::HashMap;
use std::sync::RwLock;

use tenon_store::WorkspaceId;
use tokio::sync::watch;

/// The newest generation seen of each workspace; as many entries as there are workspaces.
#[derive(Debug, Default)]
pub struct Generations {
    newest: RwLock<HashMap<WorkspaceId, u64>>,
    /// Counts what was new.
    changes: watch::Sender<u64>,
}

// === impl Generations ===

impl Generations {
    /// Remembers a generation; older ones than the newest seen change nothing.
    pub fn observe(&self, workspace: WorkspaceId, generation: u64) {
        if self.is_current(workspace, generation) {
            return;
        }
        let mut newest = self.newest.write().expect("no holder of this lock panics");
        let entry = newest.entry(workspace).or_insert(generation);
        *entry = generation.max(*entry);
        drop(newest);
        self.changes.send_modify(|count| *count += 1);
    }

    /// Tells when a newer generation of any workspace is seen.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Whether no newer generation has been seen, and this one has.
    pub fn is_current(&self, workspace: WorkspaceId, generation: u64) -> bool {
        let newest = self.newest.read().expect("no holder of this lock panics");
        newest.get(&workspace) == Some(&generation)
    }
}
