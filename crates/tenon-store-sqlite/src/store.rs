//! The port, implemented: each verb is a command for the writer or a read.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use tenon_store::{
    AuditRecord, CandidateQuery, Candidates, Capture, Captured, ChangeResource, Chunk, Chunked,
    DeleteVariable, DiskDetail, DiskUse, Entry, Error, EventFilter, EventId, EventRecord, Feed, Fence,
    GatherLimits, Gathered, JobFilter, JobId, JobRecord, Kind, LaneFilter, Lanes, MAX_PURGE, OpenJob,
    OpenPage, OpenSet, Page, PutResource, PutTriggerState, PutVariable, PutWorkspaceSettings, Resource,
    ResourceId, RevisionId, Saved, SavedVariable, SetQuery, Shard, Store, Timestamp, TriggerNote,
    TriggerState, Variable, VariableValue, WorkspaceId, WorkspaceSettings, Write,
};
use tenon_vault::Sealer;

use crate::command::acquire::Acquire;
use crate::command::audit::Audit;
use crate::command::capture::SealedCapture;
use crate::command::capture_chunk::SealedChunk;
use crate::command::change_resource::ChangeIt;
use crate::command::create_workspace::CreateWorkspace;
use crate::command::delete_variable::UnsetVariable;
use crate::command::prune::Prune;
use crate::command::purge::{self, Purge};
use crate::command::put_resource::Put;
use crate::command::put_trigger_state::SetTriggerState;
use crate::command::put_variable::SetVariable;
use crate::command::put_workspace_settings::SetWorkspace;
use crate::command::write::SealedWrite;
use crate::disk::Room;
use crate::open::{self, OpenError, Opened};
use crate::options::{Hooks, Options};
use crate::read;
use crate::readers::Readers;
use crate::writer::{Queue, Shared, Thread};

/// How often a new workspace's key is wrapped anew because the master key was changed.
const CREATE_ATTEMPTS: u32 = 8;

/// The store of one data directory. Dropping it without [`Store::close`] is safe, like a crash.
pub struct SqliteStore {
    // In this order: dropping the queue ends the thread, dropping the thread waits for it.
    pub(crate) queue: Queue,
    thread: Thread,
    pub(crate) readers: Readers,
    pub(crate) shared: Shared,
    /// Whoever adds or changes keys goes after the other, so that nobody has to try again for long. Nothing is wrong
    /// without it: the writer refuses what is out of date.
    pub(crate) keys: tokio::sync::Mutex<()>,
    directory: PathBuf,
    hooks: Hooks,
    room: Room,
    gather: GatherLimits,
}

// === impl SqliteStore ===

impl SqliteStore {
    /// Opens a data directory, or makes it. Reads the disk: call it before serving.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        let Opened { queue, thread, readers, shared } = open::open(&options)?;
        let room = Room::new(&options);
        let Options { directory, hooks, gather, .. } = options;
        Ok(Self {
            queue,
            thread,
            readers,
            shared,
            keys: tokio::sync::Mutex::default(),
            directory,
            hooks,
            room,
            gather,
        })
    }
}

/// Defects; see the manifest.
#[cfg(any(feature = "mutant-marks-apart", feature = "mutant-cursor-apart"))]
impl SqliteStore {
    #[cfg(feature = "mutant-marks-apart")]
    async fn mark_apart(&self, sealer: &Sealer, mut capture: Capture) -> Result<Capture, Error> {
        let sealed = SealedCapture::new(sealer, capture.clone(), self.gather);
        if self.queue.submit(crate::command::mark_apart::MarkApart(sealed)).await? {
            capture.mark = None;
        }
        Ok(capture)
    }

    #[cfg(feature = "mutant-cursor-apart")]
    async fn cursor_apart(&self, sealer: &Sealer, mut chunk: Chunk) -> Result<Result<Chunk, Chunked>, Error> {
        let cursor = Chunk {
            captures: Vec::new(),
            state: chunk.state.take(),
            notes: std::mem::take(&mut chunk.notes),
            ..chunk.clone()
        };
        match self.queue.submit(SealedChunk::new(sealer, cursor, self.gather)?).await? {
            Chunked::Done(_) => Ok(Ok(chunk)),
            other => Ok(Err(other)),
        }
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").field("directory", &self.directory).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn workspaces(&self) -> Result<Vec<(WorkspaceId, String)>, Error> {
        Ok(self.shared.workspaces.all())
    }

    async fn workspace(&self, name: &str) -> Result<Option<WorkspaceId>, Error> {
        Ok(self.shared.workspaces.named(name))
    }

    async fn create_workspace(&self, name: &str) -> Result<WorkspaceId, Error> {
        if let Some(id) = self.shared.workspaces.named(name) {
            return Ok(id);
        }
        let _changing = self.keys.lock().await;
        // Again if the master key was changed just now.
        let mut attempts = 0;
        loop {
            attempts += 1;
            let (key, wrapped, master_key) = self.new_data_key()?;
            let sealer = Sealer::new(key).map_err(|error| Error::Internal(error.to_string()))?;
            let create = CreateWorkspace::new(name.to_owned(), wrapped, master_key, sealer);
            match self.queue.submit(create).await {
                Err(Error::Conflict(_)) if attempts < CREATE_ATTEMPTS => {}
                outcome => return outcome,
            }
        }
    }

    fn workspace_settings(&self, workspace: WorkspaceId) -> Result<WorkspaceSettings, Error> {
        Ok(self.shared.workspaces.get(workspace)?.settings)
    }

    async fn put_workspace_settings(&self, put: PutWorkspaceSettings) -> Result<(), Error> {
        self.queue.submit(SetWorkspace(put)).await
    }

    async fn generation(&self, workspace: WorkspaceId) -> Result<u64, Error> {
        Ok(self.shared.workspaces.get(workspace)?.generation())
    }

    async fn put_resource(&self, put: PutResource) -> Result<Saved, Error> {
        self.queue.submit(Put(put)).await
    }

    async fn resource(
        &self,
        workspace: WorkspaceId,
        kind: Kind,
        name: &str,
    ) -> Result<Option<Resource>, Error> {
        let name = name.to_owned();
        self.readers.read(move |c| read::resource::resource(c, workspace, kind, &name)).await
    }

    async fn revision(&self, workspace: WorkspaceId, id: RevisionId) -> Result<Option<Resource>, Error> {
        self.readers.read(move |c| read::resource::revision(c, workspace, id)).await
    }

    async fn revisions(&self, workspace: WorkspaceId, id: ResourceId) -> Result<Vec<Resource>, Error> {
        self.readers.read(move |c| read::resource::revisions(c, workspace, id)).await
    }

    async fn resources(
        &self,
        workspace: WorkspaceId,
        kind: Kind,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Resource>, Error> {
        let after = after.to_owned();
        self.readers.read(move |c| read::resource::resources(c, (workspace, kind), &after, limit)).await
    }

    async fn resources_by_key(
        &self,
        workspace: WorkspaceId,
        kind: Kind,
        keys: &[&str],
    ) -> Result<(Vec<Resource>, u64), Error> {
        let keys = owned(keys);
        self.readers.read(move |c| read::resource::resources_by_key(c, workspace, kind, &keys)).await
    }

    async fn change_resource(&self, change: ChangeResource) -> Result<(), Error> {
        let workspace = self.shared.workspaces.get(change.workspace)?;
        self.queue.submit(ChangeIt::new(&workspace.sealer, change)?).await
    }

    async fn put_variable(&self, put: PutVariable) -> Result<SavedVariable, Error> {
        self.shared.workspaces.get(put.workspace)?;
        let workspaces = Arc::clone(&self.shared.workspaces);
        self.queue.submit(SetVariable { put, workspaces }).await
    }

    async fn delete_variable(&self, delete: DeleteVariable) -> Result<(), Error> {
        self.queue.submit(UnsetVariable(delete)).await
    }

    async fn variables(
        &self,
        workspace: WorkspaceId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Variable>, Error> {
        let after = after.to_owned();
        self.readers.read(move |c| read::variable::list(c, workspace, &after, limit)).await
    }

    async fn variables_named(&self, workspace: WorkspaceId, names: &[&str]) -> Result<Vec<Variable>, Error> {
        let names = owned(names);
        self.readers.read(move |c| read::variable::named(c, workspace, &names)).await
    }

    async fn variable_values(
        &self,
        workspace: WorkspaceId,
        names: &[&str],
    ) -> Result<Vec<VariableValue>, Error> {
        let known = self.shared.workspaces.get(workspace)?;
        let names = owned(names);
        self.readers.read(move |c| read::variable::values(c, &known.sealer, workspace, &names)).await
    }

    async fn variable_generation(&self, workspace: WorkspaceId) -> Result<u64, Error> {
        Ok(self.shared.workspaces.get(workspace)?.variable_generation())
    }

    async fn capture(&self, capture: Capture) -> Result<Captured, Error> {
        let workspace = self.shared.workspaces.get(capture.event.workspace)?;
        #[cfg(feature = "mutant-marks-apart")]
        let capture = self.mark_apart(&workspace.sealer, capture).await?;
        self.queue.submit(SealedCapture::new(&workspace.sealer, capture, self.gather)).await
    }

    async fn capture_chunk(&self, chunk: Chunk) -> Result<Chunked, Error> {
        let workspace = self.shared.workspaces.get(chunk.workspace)?;
        #[cfg(feature = "mutant-cursor-apart")]
        let chunk = match self.cursor_apart(&workspace.sealer, chunk).await? {
            Ok(chunk) => chunk,
            Err(answer) => return Ok(answer),
        };
        self.queue.submit(SealedChunk::new(&workspace.sealer, chunk, self.gather)?).await
    }

    async fn put_trigger_state(&self, put: PutTriggerState) -> Result<(), Error> {
        let workspace = self.shared.workspaces.get(put.workspace)?;
        self.queue.submit(SetTriggerState::new(&workspace.sealer, put)?).await
    }

    async fn trigger_state(
        &self,
        workspace: WorkspaceId,
        resource: ResourceId,
    ) -> Result<Option<TriggerState>, Error> {
        let known = self.shared.workspaces.get(workspace)?;
        self.readers.read(move |c| read::trigger::state(c, &known.sealer, workspace, resource)).await
    }

    async fn trigger_notes(
        &self,
        workspace: WorkspaceId,
        resource: ResourceId,
        cursor: Option<u64>,
        limit: u32,
    ) -> Result<Page<TriggerNote>, Error> {
        let known = self.shared.workspaces.get(workspace)?;
        let request = read::trigger::Request { workspace, resource, cursor, limit };
        self.readers.read(move |c| read::trigger::notes(c, &known.sealer, &request)).await
    }

    async fn open_set(&self, query: &SetQuery) -> Result<OpenSet, Error> {
        let known = self.shared.workspaces.get(query.workspace)?;
        let (query, limits) = (query.clone(), self.gather);
        self.readers.read(move |c| read::gathered::open_set(c, &known.sealer, &query, &limits)).await
    }

    async fn write(&self, write: Write) -> Result<(), Error> {
        let workspace = self.shared.workspaces.get(write.workspace)?;
        self.queue.submit(SealedWrite::new(&workspace.sealer, write)?).await
    }

    fn set_feed(&self, feed: Feed) {
        *self.shared.feed.write().unwrap_or_else(PoisonError::into_inner) = Some(feed);
    }

    async fn acquire(&self, shard: Shard) -> Result<Fence, Error> {
        self.queue.submit(Acquire { shard }).await
    }

    async fn open_jobs(&self, shard: Shard, after: u64, limit: u32) -> Result<Vec<OpenJob>, Error> {
        self.readers.read(move |c| read::open_job::open_jobs(c, shard, after, limit)).await
    }

    async fn open_jobs_of(
        &self,
        shard: Shard,
        workspace: WorkspaceId,
        after: u64,
        limit: u32,
    ) -> Result<OpenPage, Error> {
        self.readers.read(move |c| read::open_job::open_jobs_of(c, (shard, workspace), after, limit)).await
    }

    async fn waiting_jobs(
        &self,
        shard: Shard,
        after: Option<(Timestamp, JobId)>,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<OpenJob>, Error> {
        self.readers.read(move |c| read::open_job::waiting_jobs(c, (shard, after), until, limit)).await
    }

    async fn open_job(&self, job: JobId) -> Result<Option<OpenJob>, Error> {
        let workspaces = Arc::clone(&self.shared.workspaces);
        self.readers.read(move |c| read::open_job::open_job(c, &workspaces, job)).await
    }

    async fn candidates(&self, query: &CandidateQuery) -> Result<Candidates, Error> {
        let known = self.shared.workspaces.get(query.workspace)?;
        let query = query.clone();
        self.readers.read(move |c| read::candidates::candidates(c, &known.sealer, &query)).await
    }

    async fn listened(&self, workspace: WorkspaceId) -> Result<Vec<String>, Error> {
        self.readers.read(move |c| read::candidates::listened(c, workspace)).await
    }

    async fn journal(&self, workspace: WorkspaceId, job: JobId) -> Result<Vec<Entry>, Error> {
        let known = self.shared.workspaces.get(workspace)?;
        self.readers.read(move |c| read::journal::journal(c, &known.sealer, workspace, job)).await
    }

    async fn event(&self, workspace: WorkspaceId, id: EventId) -> Result<Option<EventRecord>, Error> {
        let known = self.shared.workspaces.get(workspace)?;
        self.readers.read(move |c| read::event::event(c, &known.sealer, workspace, id)).await
    }

    async fn events(
        &self,
        workspace: WorkspaceId,
        filter: &EventFilter,
        cursor: Option<u64>,
        limit: u32,
    ) -> Result<Page<EventRecord>, Error> {
        let filter = filter.clone();
        self.readers.read(move |c| read::event::events(c, workspace, &filter, cursor, limit)).await
    }

    async fn gathered(&self, workspace: WorkspaceId, job: JobId) -> Result<Vec<Gathered>, Error> {
        let known = self.shared.workspaces.get(workspace)?;
        self.readers.read(move |c| read::gathered::of_job(c, &known.sealer, workspace, job)).await
    }

    async fn job(&self, workspace: WorkspaceId, id: JobId) -> Result<Option<JobRecord>, Error> {
        let known = self.shared.workspaces.get(workspace)?;
        self.readers.read(move |c| read::job::job(c, &known.sealer, workspace, id)).await
    }

    async fn jobs(
        &self,
        workspace: WorkspaceId,
        filter: &JobFilter,
        cursor: Option<u64>,
        limit: u32,
    ) -> Result<Page<JobRecord>, Error> {
        let known = self.shared.workspaces.get(workspace)?;
        let filter = filter.clone();
        let read = move |c: &rusqlite::Connection| {
            let request = read::job::Request { workspace, filter: &filter, cursor, limit };
            read::job::jobs(c, &known.sealer, &request)
        };
        self.readers.read(read).await
    }

    async fn lanes(
        &self,
        workspace: WorkspaceId,
        filter: &LaneFilter,
        cursor: Option<u64>,
        limit: u32,
    ) -> Result<Lanes, Error> {
        let filter = filter.clone();
        let read = move |c: &rusqlite::Connection| {
            read::lane::lanes(c, &read::lane::Request { workspace, filter: &filter, cursor, limit })
        };
        self.readers.read(read).await
    }

    fn has_room(&self) -> bool {
        self.room.is_left()
    }

    async fn disk_use(&self) -> Result<DiskUse, Error> {
        let (hooks, directory) = (self.hooks.clone(), self.directory.clone());
        self.readers.read(move |c| read::disk_use::disk_use(c, &hooks, &directory)).await
    }

    async fn disk_detail(&self) -> Result<DiskDetail, Error> {
        let directory = self.directory.clone();
        let workspaces: Vec<_> = self.shared.workspaces.all().into_iter().map(|(id, _)| id).collect();
        self.readers.read(move |c| read::disk_detail::disk_detail(c, &directory, &workspaces)).await
    }

    async fn prune(&self, now: Timestamp, limit: u32) -> Result<u64, Error> {
        let limit = u64::from(limit);
        let mut removed = 0;
        // In pieces, so that captures and outcomes go between them.
        while removed < limit {
            let piece = self.queue.submit(Prune { now, limit: limit - removed }).await?;
            removed += piece.removed;
            if !piece.more {
                break;
            }
        }
        Ok(removed)
    }

    async fn purge(&self, workspace: WorkspaceId, jobs: &[JobId], at: Timestamp) -> Result<u64, Error> {
        if jobs.len() > MAX_PURGE {
            return Err(Error::Conflict(format!("at most {MAX_PURGE} jobs are purged at once")));
        }
        let mut removed = 0;
        // In pieces, so that captures and outcomes go between them.
        for piece in jobs.chunks(purge::JOBS) {
            removed += self.queue.submit(Purge { workspace, jobs: piece.to_vec(), at }).await?;
        }
        Ok(removed)
    }

    async fn audit(&self, record: AuditRecord) -> Result<(), Error> {
        self.queue.submit(Audit(record)).await
    }

    async fn audit_records(
        &self,
        workspace: WorkspaceId,
        cursor: Option<u64>,
        limit: u32,
    ) -> Result<Page<AuditRecord>, Error> {
        self.readers.read(move |c| read::audit::records(c, workspace, cursor, limit)).await
    }

    async fn close(&self) {
        self.readers.close().await;
        self.queue.close();
        // An error means that the thread is gone, which is what is waited for.
        let _ = self.thread.ended.clone().wait_for(|ended| *ended).await;
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
