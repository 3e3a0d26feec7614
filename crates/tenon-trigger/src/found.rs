//! Which triggers there are: looked up by their key, again only where something has changed.

use std::collections::HashMap;

use tenon_capture::CaptureService;
use tenon_store::{Error, Kind, Resource, WorkspaceId};

/// Finds enabled resources that have a key, in all workspaces.
pub(crate) struct Finder {
    key: &'static str,
    kinds: &'static [Kind],
    seen: HashMap<WorkspaceId, u64>,
}

/// All that a workspace has of them, now.
pub(crate) struct Found {
    /// Where.
    pub(crate) workspace: WorkspaceId,
    /// Its name.
    pub(crate) workspace_name: String,
    /// Newest revisions with documents.
    pub(crate) resources: Vec<Resource>,
}

// === impl Finder ===

impl Finder {
    pub(crate) fn new(key: &'static str, kinds: &'static [Kind]) -> Self {
        Self { key, kinds, seen: HashMap::new() }
    }

    /// The workspaces that have changed since they were last looked at, each with all it has.
    pub(crate) async fn look(&mut self, capture: &CaptureService) -> Result<Vec<Found>, Error> {
        let store = &capture.ports().store;
        let (mut found, mut seen) = (Vec::new(), Vec::new());
        for (workspace, workspace_name) in store.workspaces().await? {
            let generation = store.generation(workspace).await?;
            if self.seen.get(&workspace) == Some(&generation) {
                continue;
            }
            let mut resources = Vec::new();
            let mut oldest = u64::MAX;
            for kind in self.kinds {
                let (some, generation) = store.resources_by_key(workspace, *kind, &[self.key]).await?;
                resources.extend(some);
                oldest = oldest.min(generation);
            }
            seen.push((workspace, oldest));
            found.push(Found { workspace, workspace_name, resources });
        }
        // Only now: after an error nobody would look at what was found before it.
        self.seen.extend(seen);
        Ok(found)
    }
}
