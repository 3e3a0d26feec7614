//! A store whose verbs a test can hold up, change or make fail; all that is not hooked goes straight through.

use std::sync::Arc;

use async_trait::async_trait;
use tempfile::TempDir;
use tenon_store::{
    AuditRecord, CandidateQuery, Candidates, Capture, Captured, ChangeResource, DiskUse, Entry, Error,
    EventFilter, EventId, EventRecord, Feed, Fence, JobFilter, JobId, JobRecord, Kind, LaneFilter, Lanes,
    OpenJob, Page, PutResource, Resource, ResourceId, RevisionId, Saved, Shard, Store, Timestamp,
    WorkspaceId, WorkspaceSettings, Write,
};
use tokio::sync::Semaphore;

use crate::stage::open;

/// What a test does to a store. Each verb gets the real one to go on with.
#[async_trait]
pub(crate) trait Hooks: Send + Sync + 'static {
    async fn write(&self, inner: &dyn Store, write: Write) -> Result<(), Error> {
        inner.write(write).await
    }

    async fn open_job(&self, inner: &dyn Store, job: JobId) -> Result<Option<OpenJob>, Error> {
        inner.open_job(job).await
    }

    async fn journal(&self, inner: &dyn Store, job: (WorkspaceId, JobId)) -> Result<Vec<Entry>, Error> {
        inner.journal(job.0, job.1).await
    }

    /// Gets the page as it was when it was asked for.
    async fn page_was_read(&self, _shard: Shard, page: Vec<OpenJob>) -> Vec<OpenJob> {
        page
    }

    /// Before the waiting jobs of a shard are read.
    async fn look_for_waiting(&self, _shard: Shard, _until: Timestamp) {}

    /// Gets the waiting jobs of a shard as they were when they were asked for.
    async fn waiting_were_read(&self, _until: Timestamp, jobs: Vec<OpenJob>) -> Result<Vec<OpenJob>, Error> {
        Ok(jobs)
    }

    /// Before events are looked through.
    async fn look_for_events(&self) {}

    fn has_room(&self, inner: &dyn Store) -> bool {
        inner.has_room()
    }

    fn set_feed(&self, inner: &dyn Store, feed: Feed) {
        inner.set_feed(feed);
    }
}

/// A store with hooks.
struct HookedStore<H> {
    inner: Arc<dyn Store>,
    hooks: Arc<H>,
}

/// A store in a directory, hooked.
pub(crate) fn hooked<H: Hooks>(directory: &TempDir, hooks: &Arc<H>) -> Arc<dyn Store> {
    Arc::new(HookedStore { inner: open(directory), hooks: Arc::clone(hooks) })
}

/// Lets one write through per permit.
pub(crate) struct Gate {
    pub(crate) permits: Semaphore,
    /// One permit per write that has come to the gate.
    pub(crate) arrived: Semaphore,
}

// === impl Gate ===

impl Gate {
    pub(crate) fn closed() -> Self {
        Self { permits: Semaphore::new(0), arrived: Semaphore::new(0) }
    }

    /// Waits until a write has come to the gate.
    pub(crate) async fn has_arrival(&self) {
        self.arrived.acquire().await.expect("never closed").forget();
    }

    /// Lets everything through from now on.
    pub(crate) fn open(&self) {
        self.permits.add_permits(1_000_000);
    }

    pub(crate) async fn pass(&self) {
        self.arrived.add_permits(1);
        self.permits.acquire().await.expect("never closed").forget();
    }
}

#[async_trait]
impl Hooks for Gate {
    async fn write(&self, inner: &dyn Store, write: Write) -> Result<(), Error> {
        self.pass().await;
        inner.write(write).await
    }
}

// === impl HookedStore ===

macro_rules! pass_on {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $result:ty;)*) => {
        #[async_trait]
        impl<H: Hooks> Store for HookedStore<H> {
            $(async fn $name(&self, $($argument: $kind),*) -> $result {
                self.inner.$name($($argument),*).await
            })*

            async fn write(&self, write: Write) -> Result<(), Error> {
                self.hooks.write(self.inner.as_ref(), write).await
            }

            async fn open_job(&self, job: JobId) -> Result<Option<OpenJob>, Error> {
                self.hooks.open_job(self.inner.as_ref(), job).await
            }

            async fn journal(&self, workspace: WorkspaceId, job: JobId) -> Result<Vec<Entry>, Error> {
                self.hooks.journal(self.inner.as_ref(), (workspace, job)).await
            }

            async fn open_jobs(&self, shard: Shard, after: u64, limit: u32) -> Result<Vec<OpenJob>, Error> {
                let page = self.inner.open_jobs(shard, after, limit).await?;
                Ok(self.hooks.page_was_read(shard, page).await)
            }

            async fn waiting_jobs(
                &self,
                shard: Shard,
                after: Option<(Timestamp, JobId)>,
                until: Timestamp,
                limit: u32,
            ) -> Result<Vec<OpenJob>, Error> {
                self.hooks.look_for_waiting(shard, until).await;
                let jobs = self.inner.waiting_jobs(shard, after, until, limit).await?;
                self.hooks.waiting_were_read(until, jobs).await
            }

            async fn candidates(&self, query: &CandidateQuery) -> Result<Candidates, Error> {
                self.hooks.look_for_events().await;
                self.inner.candidates(query).await
            }

            fn workspace_settings(&self, workspace: WorkspaceId) -> Result<WorkspaceSettings, Error> {
                self.inner.workspace_settings(workspace)
            }

            fn has_room(&self) -> bool {
                self.hooks.has_room(self.inner.as_ref())
            }

            fn set_feed(&self, feed: Feed) {
                self.hooks.set_feed(self.inner.as_ref(), feed);
            }
        }
    };
}

pass_on! {
    open_jobs_of(shard: Shard, workspace: WorkspaceId, after: u64, limit: u32) -> Result<tenon_store::OpenPage, Error>;
    listened(workspace: WorkspaceId) -> Result<Vec<String>, Error>;
    workspaces() -> Result<Vec<(WorkspaceId, String)>, Error>;
    capture_chunk(chunk: tenon_store::Chunk) -> Result<tenon_store::Chunked, Error>;
    put_trigger_state(put: tenon_store::PutTriggerState) -> Result<(), Error>;
    trigger_state(workspace: WorkspaceId, resource: ResourceId) -> Result<Option<tenon_store::TriggerState>, Error>;
    trigger_notes(workspace: WorkspaceId, resource: ResourceId, cursor: Option<u64>, limit: u32) -> Result<Page<tenon_store::TriggerNote>, Error>;
    purge(workspace: WorkspaceId, jobs: &[JobId], at: Timestamp) -> Result<u64, Error>;
    workspace(name: &str) -> Result<Option<WorkspaceId>, Error>;
    create_workspace(name: &str) -> Result<WorkspaceId, Error>;
    put_workspace_settings(put: tenon_store::PutWorkspaceSettings) -> Result<(), Error>;
    generation(workspace: WorkspaceId) -> Result<u64, Error>;
    put_resource(put: PutResource) -> Result<Saved, Error>;
    resource(workspace: WorkspaceId, kind: Kind, name: &str) -> Result<Option<Resource>, Error>;
    revision(workspace: WorkspaceId, id: RevisionId) -> Result<Option<Resource>, Error>;
    revisions(workspace: WorkspaceId, id: ResourceId) -> Result<Vec<Resource>, Error>;
    resources(workspace: WorkspaceId, kind: Kind, after: &str, limit: u32) -> Result<Vec<Resource>, Error>;
    resources_by_key(workspace: WorkspaceId, kind: Kind, keys: &[&str]) -> Result<(Vec<Resource>, u64), Error>;
    change_resource(change: ChangeResource) -> Result<(), Error>;
    put_variable(put: tenon_store::PutVariable) -> Result<tenon_store::SavedVariable, Error>;
    delete_variable(delete: tenon_store::DeleteVariable) -> Result<(), Error>;
    variables(workspace: WorkspaceId, after: &str, limit: u32) -> Result<Vec<tenon_store::Variable>, Error>;
    variables_named(workspace: WorkspaceId, names: &[&str]) -> Result<Vec<tenon_store::Variable>, Error>;
    variable_values(workspace: WorkspaceId, names: &[&str]) -> Result<Vec<tenon_store::VariableValue>, Error>;
    variable_generation(workspace: WorkspaceId) -> Result<u64, Error>;
    capture(capture: Capture) -> Result<Captured, Error>;
    open_set(query: &tenon_store::SetQuery) -> Result<tenon_store::OpenSet, Error>;
    gathered(workspace: WorkspaceId, job: JobId) -> Result<Vec<tenon_store::Gathered>, Error>;
    acquire(shard: Shard) -> Result<Fence, Error>;
    event(workspace: WorkspaceId, id: EventId) -> Result<Option<EventRecord>, Error>;
    events(workspace: WorkspaceId, filter: &EventFilter, cursor: Option<u64>, limit: u32) -> Result<Page<EventRecord>, Error>;
    job(workspace: WorkspaceId, id: JobId) -> Result<Option<JobRecord>, Error>;
    jobs(workspace: WorkspaceId, filter: &JobFilter, cursor: Option<u64>, limit: u32) -> Result<Page<JobRecord>, Error>;
    lanes(workspace: WorkspaceId, filter: &LaneFilter, cursor: Option<u64>, limit: u32) -> Result<Lanes, Error>;
    disk_use() -> Result<DiskUse, Error>;
    disk_detail() -> Result<tenon_store::DiskDetail, Error>;
    prune(now: Timestamp, limit: u32) -> Result<u64, Error>;
    audit(record: AuditRecord) -> Result<(), Error>;
    audit_records(workspace: WorkspaceId, cursor: Option<u64>, limit: u32) -> Result<Page<AuditRecord>, Error>;
    close() -> ();
}
