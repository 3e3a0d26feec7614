//! The port itself.

use async_trait::async_trait;

use crate::{
    AuditRecord, CandidateQuery, Candidates, Capture, Captured, ChangeResource, Chunk, Chunked,
    DeleteVariable, DiskDetail, DiskUse, Entry, Error, EventFilter, EventId, EventRecord, Fence, Gathered,
    JobFilter, JobId, JobRecord, Kind, LaneFilter, Lanes, OpenJob, OpenPage, OpenSet, Page, PutResource,
    PutTriggerState, PutVariable, PutWorkspaceSettings, Resource, ResourceId, RevisionId, Saved,
    SavedVariable, SetQuery, Shard, Timestamp, TriggerNote, TriggerState, Variable, VariableValue,
    WorkspaceId, WorkspaceSettings, Write,
};

/// Receives new jobs in the order in which their captures were committed, and parked jobs that were woken (in state
/// `Waiting`, without payload, `wake_at` not in the future). Called by the store after the commit
/// and before the captures are answered; must not block. Losing a call loses no job, only time: the truth is
/// [`Store::open_jobs`].
pub type Feed = Box<dyn Fn(Vec<OpenJob>) + Send + Sync>;

/// Jobs that one [`Store::purge`] takes.
pub const MAX_PURGE: usize = 1_000;

/// What must be durable. `Ok` of a writing verb means: on disk.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    // --- workspaces and resources

    /// The id of a workspace, by name.
    async fn workspace(&self, name: &str) -> Result<Option<WorkspaceId>, Error>;

    /// All workspaces, by id.
    async fn workspaces(&self) -> Result<Vec<(WorkspaceId, String)>, Error>;

    /// Creates a workspace, or finds it.
    async fn create_workspace(&self, name: &str) -> Result<WorkspaceId, Error>;
    /// What a workspace says for itself, as of the last commit. Cheap.
    fn workspace_settings(&self, workspace: WorkspaceId) -> Result<WorkspaceSettings, Error>;
    /// Replaces what a workspace says for itself (and writes an audit record). Not as expected: `Conflict`.
    async fn put_workspace_settings(&self, put: PutWorkspaceSettings) -> Result<(), Error>;
    /// Goes up with every change of a resource in the workspace.
    async fn generation(&self, workspace: WorkspaceId) -> Result<u64, Error>;
    /// Stores new content (and an audit record), or finds that nothing changed.
    async fn put_resource(&self, put: PutResource) -> Result<Saved, Error>;
    /// The newest revision.
    async fn resource(
        &self,
        workspace: WorkspaceId,
        kind: Kind,
        name: &str,
    ) -> Result<Option<Resource>, Error>;
    /// One revision.
    async fn revision(&self, workspace: WorkspaceId, id: RevisionId) -> Result<Option<Resource>, Error>;
    /// All revisions of one resource, newest first, without documents.
    async fn revisions(&self, workspace: WorkspaceId, id: ResourceId) -> Result<Vec<Resource>, Error>;
    /// By name, after `after`, without documents.
    async fn resources(
        &self,
        workspace: WorkspaceId,
        kind: Kind,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Resource>, Error>;
    /// Newest revisions of the enabled resources that have this key, with documents and with the generation
    /// that this is true at. Keys that begin with [`MASK_KEY`](crate::MASK_KEY) find those that are disabled, too.
    async fn resources_by_key(
        &self,
        workspace: WorkspaceId,
        kind: Kind,
        keys: &[&str],
    ) -> Result<(Vec<Resource>, u64), Error>;
    /// Turns a resource on or off, or removes it (and writes an audit record). Revisions stay as long as jobs
    /// need them.
    async fn change_resource(&self, change: ChangeResource) -> Result<(), Error>;

    // --- variables

    /// Gives a variable a value (and writes an audit record without it), or finds that nothing changed.
    async fn put_variable(&self, put: PutVariable) -> Result<SavedVariable, Error>;
    /// Removes a variable (and writes an audit record). Its value is gone, its version is remembered.
    async fn delete_variable(&self, delete: DeleteVariable) -> Result<(), Error>;
    /// By name, after `after`, without values.
    async fn variables(
        &self,
        workspace: WorkspaceId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Variable>, Error>;
    /// Those of these names that there are, without values.
    async fn variables_named(&self, workspace: WorkspaceId, names: &[&str]) -> Result<Vec<Variable>, Error>;
    /// Those of these names that there are, with values: for the moment of use.
    async fn variable_values(
        &self,
        workspace: WorkspaceId,
        names: &[&str],
    ) -> Result<Vec<VariableValue>, Error>;
    /// Goes up with every change of a variable in the workspace, before the change is answered. Cheap.
    async fn variable_generation(&self, workspace: WorkspaceId) -> Result<u64, Error>;

    // --- the hot path

    /// Dedup marks, the event, its jobs and the sets that it comes into, in one transaction.
    async fn capture(&self, capture: Capture) -> Result<Captured, Error>;
    // --- triggers
    /// Events of a trigger, what it remembers and what is noted, in one transaction.
    async fn capture_chunk(&self, chunk: Chunk) -> Result<Chunked, Error>;

    /// Replaces what a trigger remembers (and writes an audit record). Another version there: `Conflict`.
    async fn put_trigger_state(&self, put: PutTriggerState) -> Result<(), Error>;

    /// What a trigger remembers.
    async fn trigger_state(
        &self,
        workspace: WorkspaceId,
        resource: ResourceId,
    ) -> Result<Option<TriggerState>, Error>;

    /// What happened to a trigger, newest first, after the cursor.
    async fn trigger_notes(
        &self,
        workspace: WorkspaceId,
        resource: ResourceId,
        cursor: Option<u64>,
        limit: u32,
    ) -> Result<Page<TriggerNote>, Error>;

    /// The set that the next event of a key comes into, to decide on it.
    async fn open_set(&self, query: &SetQuery) -> Result<OpenSet, Error>;
    /// Outcomes and a job's new state, in one transaction. A job that is final accepts no write: `Conflict`.
    /// A job that parks for something that is there already is due at once and comes through the feed, before this
    /// verb answers.
    async fn write(&self, write: Write) -> Result<(), Error>;
    /// Who gets told of new jobs. One at a time; a later call replaces the former.
    fn set_feed(&self, feed: Feed);

    // --- shards

    /// Becomes the owner of a shard: every older epoch is refused from now on.
    async fn acquire(&self, shard: Shard) -> Result<Fence, Error>;
    /// Pending, running and suspended jobs of a shard with `place > after`, by place; without payloads.
    async fn open_jobs(&self, shard: Shard, after: u64, limit: u32) -> Result<Vec<OpenJob>, Error>;
    /// As [`Store::open_jobs`], those of one workspace only. An adapter that has to look through those of others bounds
    /// how many it looks through, and says how far it came.
    async fn open_jobs_of(
        &self,
        shard: Shard,
        workspace: WorkspaceId,
        after: u64,
        limit: u32,
    ) -> Result<OpenPage, Error>;
    /// Waiting jobs of a shard that are due at or before `until`, by moment and id; without payloads. Those that no
    /// moment wakes come last, if `until` is [`Timestamp::NEVER`]; that is their moment. `after`: the last one of the
    /// page before.
    async fn waiting_jobs(
        &self,
        shard: Shard,
        after: Option<(Timestamp, JobId)>,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<OpenJob>, Error>;
    /// One job that is not final, with its payload.
    async fn open_job(&self, job: JobId) -> Result<Option<OpenJob>, Error>;
    /// Events of the inbox, oldest first: what a `listen` looks through.
    async fn candidates(&self, query: &CandidateQuery) -> Result<Candidates, Error>;
    /// The types of events that the workspace's inbox keeps: every [`PutResource::listens`] so far, sorted.
    async fn listened(&self, workspace: WorkspaceId) -> Result<Vec<String>, Error>;
    /// A job's journal, by sequence.
    async fn journal(&self, workspace: WorkspaceId, job: JobId) -> Result<Vec<Entry>, Error>;

    // --- readers

    /// One event.
    async fn event(&self, workspace: WorkspaceId, id: EventId) -> Result<Option<EventRecord>, Error>;
    /// Events, newest first, after the cursor.
    async fn events(
        &self,
        workspace: WorkspaceId,
        filter: &EventFilter,
        cursor: Option<u64>,
        limit: u32,
    ) -> Result<Page<EventRecord>, Error>;
    /// The events that a job was gathered from, in order of capture; none for a job of a single event.
    async fn gathered(&self, workspace: WorkspaceId, job: JobId) -> Result<Vec<Gathered>, Error>;
    /// One job.
    async fn job(&self, workspace: WorkspaceId, id: JobId) -> Result<Option<JobRecord>, Error>;
    /// Jobs, newest first, after the cursor.
    async fn jobs(
        &self,
        workspace: WorkspaceId,
        filter: &JobFilter,
        cursor: Option<u64>,
        limit: u32,
    ) -> Result<Page<JobRecord>, Error>;
    /// Ordered lanes with jobs that have not ended, oldest head first, after the cursor.
    async fn lanes(
        &self,
        workspace: WorkspaceId,
        filter: &LaneFilter,
        cursor: Option<u64>,
        limit: u32,
    ) -> Result<Lanes, Error>;
    /// Removes these jobs with their journals and results, as retention would; those that have not ended, or that a
    /// job that has not ended still needs, stay. An event goes with the last of its jobs, unless a `listen` may look
    /// for it: then it stays until its time comes. Gives how many jobs are gone. At most [`MAX_PURGE`] at once.
    async fn purge(&self, workspace: WorkspaceId, jobs: &[JobId], at: Timestamp) -> Result<u64, Error>;

    /// Whether outcomes of effects that start now can be expected to find room. Cheap.
    fn has_room(&self) -> bool;
    /// What the disk holds.
    async fn disk_use(&self) -> Result<DiskUse, Error>;
    /// What takes the room, and what goes next.
    async fn disk_detail(&self) -> Result<DiskDetail, Error>;

    // --- upkeep

    /// Removes up to `limit` expired things (finished jobs with their journals, events nobody needs, dedup
    /// marks); gives how many were removed. A job stays while its parent is open, and up to an hour longer; an event
    /// while it is in a set, or a job that was gathered from it is there.
    async fn prune(&self, now: Timestamp, limit: u32) -> Result<u64, Error>;
    /// Appends an audit record for something that is not a resource.
    async fn audit(&self, record: AuditRecord) -> Result<(), Error>;
    /// Audit records, newest first, after the cursor.
    async fn audit_records(
        &self,
        workspace: WorkspaceId,
        cursor: Option<u64>,
        limit: u32,
    ) -> Result<Page<AuditRecord>, Error>;
    /// Answers what was accepted, checkpoints and closes. Every later verb gives `Closed`.
    async fn close(&self);
}
