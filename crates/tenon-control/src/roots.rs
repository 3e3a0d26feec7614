//! Which job a family of jobs began with: parents are followed upwards.

use std::collections::HashMap;

use tenon_gateway::Problem;
use tenon_store::{JobId, JobRecord, Store, WorkspaceId};

/// Generations at most: as many as calls of jobs by jobs may follow one another.
const MAX_GENERATIONS: usize = 33;

/// Finds roots; remembers what it has read, since siblings stand beside each other in lists.
pub(crate) struct Roots<'a> {
    store: &'a dyn Store,
    workspace: WorkspaceId,
    parents: HashMap<JobId, Option<JobId>>,
}

// === impl Roots ===

impl<'a> Roots<'a> {
    pub(crate) fn new(store: &'a dyn Store, workspace: WorkspaceId) -> Self {
        Self { store, workspace, parents: HashMap::new() }
    }

    /// `None`: nobody started it. Where retention has removed somebody above, the last one known.
    pub(crate) async fn of(&mut self, job: &JobRecord) -> Result<Option<JobId>, Problem> {
        let Some(mut root) = job.parent else { return Ok(None) };
        for _ in 0..MAX_GENERATIONS {
            let known = self.parents.get(&root).copied();
            let above = if let Some(above) = known {
                above
            } else {
                let record = self.store.job(self.workspace, root).await?;
                let above = record.and_then(|record| record.parent);
                self.parents.insert(root, above);
                above
            };
            let Some(above) = above else { break };
            root = above;
        }
        Ok(Some(root))
    }
}
