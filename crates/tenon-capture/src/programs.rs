//! Compiled workflow revisions, kept while they are in use.

use std::sync::Arc;

use quick_cache::sync::Cache;
use tenon_store::{Resource, ResourceId, RevisionId, Store, WorkspaceId};
use tenon_workflow::{Document, Program};

use crate::Error;

/// A workflow revision, ready to run.
#[derive(Debug)]
pub struct Deployed {
    /// What it does.
    pub program: Arc<Program>,
    /// Where it lives.
    pub workspace: WorkspaceId,
    /// The workflow.
    pub resource: ResourceId,
    /// The revision.
    pub revision: RevisionId,
    /// The revision's number.
    pub revision_number: u32,
    /// `namespace/name`.
    pub name: Arc<str>,
}

/// Loads and compiles revisions when they are first needed; the least useful ones are dropped beyond a limit.
/// Cheap to clone.
#[derive(Clone)]
pub struct Programs {
    store: Arc<dyn Store>,
    cache: Arc<Cache<RevisionId, Arc<Deployed>>>,
}

// === impl Programs ===

impl Programs {
    /// Keeps at most `capacity` programs.
    pub fn new(store: Arc<dyn Store>, capacity: usize) -> Self {
        Self { store, cache: Arc::new(Cache::new(capacity)) }
    }

    /// The program of a revision, which must belong to the workspace.
    pub async fn get(&self, workspace: WorkspaceId, revision: RevisionId) -> Result<Arc<Deployed>, Error> {
        let load = async {
            let resource = self.store.revision(workspace, revision).await?.ok_or(Error::UnknownRevision)?;
            deploy(&resource)
        };
        let deployed = self.cache.get_or_insert_async(&revision, load).await?;
        if deployed.workspace != workspace {
            return Err(Error::UnknownRevision);
        }
        Ok(deployed)
    }

    /// The program of a revision whose document is at hand.
    pub fn get_or_compile(&self, resource: &Resource) -> Result<Arc<Deployed>, Error> {
        self.cache.get_or_insert_with(&resource.revision.id, || deploy(resource))
    }
}

fn deploy(resource: &Resource) -> Result<Arc<Deployed>, Error> {
    let refused = |findings: Vec<tenon_workflow::Diagnostic>| Error::Program {
        name: resource.name.clone(),
        revision: resource.revision.id,
        detail: findings.first().map_or_else(|| "no reason was given".to_owned(), ToString::to_string),
    };
    let document = Document::parse(&resource.document).map_err(refused)?;
    let program = tenon_workflow::compile(&document).map_err(refused)?;
    Ok(Arc::new(Deployed {
        program: Arc::new(program),
        workspace: resource.workspace,
        resource: resource.revision.resource,
        revision: resource.revision.id,
        revision_number: resource.revision.number,
        name: resource.name.as_str().into(),
    }))
}
