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

// === impl Deployed ===

impl Deployed {
    /// What may be logged of an error that an expression of this workflow made: it may quote the event, so nothing
    /// where the workflow masks values of it.
    pub fn logged(&self, error: &dyn std::fmt::Display) -> String {
        if self.program.settings.mask.is_empty() { error.to_string() } else { "<masked>".to_owned() }
    }
}

// === impl Programs ===

impl Programs {
    /// Keeps at most `capacity` programs.
    pub fn new(store: Arc<dyn Store>, capacity: usize) -> Self {
        Self { store, cache: Arc::new(Cache::new(capacity)) }
    }

    /// The program of a revision, which must belong to the workspace.
    pub async fn get(&self, workspace: WorkspaceId, revision: RevisionId) -> Result<Arc<Deployed>, Error> {
        let deployed = if let Some(deployed) = self.cache.get(&revision) {
            deployed
        } else {
            let resource = self.store.revision(workspace, revision).await?;
            self.compile(&resource.ok_or(Error::UnknownRevision)?)?
        };
        if deployed.workspace != workspace {
            return Err(Error::UnknownRevision);
        }
        Ok(deployed)
    }

    /// The program of a revision whose document is at hand.
    pub fn get_or_compile(&self, resource: &Resource) -> Result<Arc<Deployed>, Error> {
        match self.cache.get(&resource.revision.id) {
            Some(deployed) => Ok(deployed),
            None => self.compile(resource),
        }
    }

    /// The cache's own "get or insert" would make threads wait for a load that needs one of them to go on;
    /// compiling the same revision twice is harmless.
    fn compile(&self, resource: &Resource) -> Result<Arc<Deployed>, Error> {
        let deployed = deploy(resource)?;
        self.cache.insert(resource.revision.id, Arc::clone(&deployed));
        Ok(deployed)
    }
}

fn deploy(resource: &Resource) -> Result<Arc<Deployed>, Error> {
    let refused = |findings: Vec<tenon_workflow::Diagnostic>| Error::Program {
        name: resource.name.clone(),
        revision: resource.revision.id,
        detail: findings.first().map_or_else(|| "no reason was given".to_owned(), ToString::to_string),
    };
    let document = Document::parse(&resource.document).map_err(refused)?;
    let files = resource.files.iter().map(|file| {
        let content = file.content.as_ref().map(|content| Arc::from(content.as_str()));
        (file.uri.clone(), content.map_err(String::clone))
    });
    let program = tenon_workflow::compile_with(&document, &files.collect()).map_err(refused)?;
    Ok(Arc::new(Deployed {
        program: Arc::new(program),
        workspace: resource.workspace,
        resource: resource.revision.resource,
        revision: resource.revision.id,
        revision_number: resource.revision.number,
        name: resource.name.as_str().into(),
    }))
}
