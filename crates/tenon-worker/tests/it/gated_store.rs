//! A store that can be told to hold up writes: what must not happen before an outcome is durable shows.

use std::sync::Arc;

use async_trait::async_trait;
use tenon_store::{
    AuditRecord, Capture, Captured, ChangeResource, DiskUse, Entry, Error, EventFilter, EventId, EventRecord,
    Feed, Fence, JobFilter, JobId, JobRecord, Kind, OpenJob, Page, PutResource, Resource, ResourceId,
    RevisionId, Saved, Shard, Store, Timestamp, WorkspaceId, Write,
};
use tokio::sync::Semaphore;

/// Lets one write through per permit.
pub(crate) struct GatedStore {
    pub(crate) inner: Arc<dyn Store>,
    pub(crate) gate: Arc<Semaphore>,
    /// One permit per write that has come to the gate.
    pub(crate) arrived: Arc<Semaphore>,
}

macro_rules! pass_on {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $result:ty;)*) => {
        #[async_trait]
        impl Store for GatedStore {
            $(async fn $name(&self, $($argument: $kind),*) -> $result {
                self.inner.$name($($argument),*).await
            })*

            async fn write(&self, write: Write) -> Result<(), Error> {
                self.arrived.add_permits(1);
                self.gate.acquire().await.expect("the gate is never closed").forget();
                self.inner.write(write).await
            }

            fn has_room(&self) -> bool {
                self.inner.has_room()
            }

            fn set_feed(&self, feed: Feed) {
                self.inner.set_feed(feed);
            }
        }
    };
}

pass_on! {
    workspace(name: &str) -> Result<Option<WorkspaceId>, Error>;
    create_workspace(name: &str) -> Result<WorkspaceId, Error>;
    generation(workspace: WorkspaceId) -> Result<u64, Error>;
    put_resource(put: PutResource) -> Result<Saved, Error>;
    resource(workspace: WorkspaceId, kind: Kind, name: &str) -> Result<Option<Resource>, Error>;
    revision(workspace: WorkspaceId, id: RevisionId) -> Result<Option<Resource>, Error>;
    revisions(workspace: WorkspaceId, id: ResourceId) -> Result<Vec<Resource>, Error>;
    resources(workspace: WorkspaceId, kind: Kind, after: &str, limit: u32) -> Result<Vec<Resource>, Error>;
    resources_by_key(workspace: WorkspaceId, kind: Kind, keys: &[&str]) -> Result<(Vec<Resource>, u64), Error>;
    change_resource(change: ChangeResource) -> Result<(), Error>;
    capture(capture: Capture) -> Result<Captured, Error>;
    acquire(shard: Shard) -> Result<Fence, Error>;
    open_jobs(shard: Shard, after: u64, limit: u32) -> Result<Vec<OpenJob>, Error>;
    waiting_jobs(shard: Shard, until: Timestamp, limit: u32) -> Result<Vec<OpenJob>, Error>;
    open_job(job: JobId) -> Result<Option<OpenJob>, Error>;
    journal(workspace: WorkspaceId, job: JobId) -> Result<Vec<Entry>, Error>;
    event(workspace: WorkspaceId, id: EventId) -> Result<Option<EventRecord>, Error>;
    events(workspace: WorkspaceId, filter: &EventFilter, cursor: Option<u64>, limit: u32) -> Result<Page<EventRecord>, Error>;
    job(workspace: WorkspaceId, id: JobId) -> Result<Option<JobRecord>, Error>;
    jobs(workspace: WorkspaceId, filter: &JobFilter, cursor: Option<u64>, limit: u32) -> Result<Page<JobRecord>, Error>;
    disk_use() -> Result<DiskUse, Error>;
    prune(now: Timestamp, limit: u32) -> Result<u64, Error>;
    audit(record: AuditRecord) -> Result<(), Error>;
    audit_records(workspace: WorkspaceId, cursor: Option<u64>, limit: u32) -> Result<Page<AuditRecord>, Error>;
    close() -> ();
}
