//! A workspace with a workflow, and short ways to say what a check needs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;

use super::Harness;
use crate::{
    Capture, Captured, DedupMark, Entry, Error, EventId, EventWait, Fence, JobId, Kind, Lane, NewEvent,
    NewJob, OpenJob, Origin, PutResource, ResourceId, Revision, RevisionId, Saved, Shard, Store, Timestamp,
    Transition, Waits, WorkspaceId, Write,
};

/// The shard that jobs are in unless a check says otherwise.
pub(super) const SHARD: Shard = Shard(3);

/// When check number `n` of things happens: later numbers are a second apart.
pub(super) fn moment(n: u64) -> Timestamp {
    Timestamp(1_700_000_000_000_000).after(Duration::from_secs(n))
}

/// A dedup mark that holds for 100 seconds from moment 0.
pub(super) fn mark(scope: &str, key: &str) -> DedupMark {
    DedupMark { scope: scope.to_owned(), key: key.to_owned(), expires: moment(100) }
}

/// Bytes as JSON text.
pub(super) fn json(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// An open store with one workspace and one workflow.
pub struct Fixture {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Its workflow.
    pub workflow: ResourceId,
    /// The workflow's revision.
    pub revision: RevisionId,
    /// The workspace's generation.
    pub generation: u64,
}

// === impl Fixture ===

impl Fixture {
    /// In an empty store.
    pub async fn new(harness: &dyn Harness) -> Self {
        Self::in_workspace(harness.open().await, "default").await
    }

    /// In a store that may hold other workspaces.
    pub(super) async fn in_workspace(store: Arc<dyn Store>, name: &str) -> Self {
        let workspace = store.create_workspace(name).await.expect("a workspace is created");
        let put = put(workspace, "acme/sync", "one");
        let revision = written(store.put_resource(put).await);
        let generation = store.generation(workspace).await.expect("the workspace has a generation");
        Self { store, workspace, workflow: revision.resource, revision: revision.id, generation }
    }

    /// Event `n`, captured at moment `n`, without jobs; it expires at moment `n + 1000`.
    pub(super) fn event(&self, n: u64) -> Capture {
        let event = NewEvent {
            id: EventId(n),
            workspace: self.workspace,
            origin: Origin::Event,
            source: "/shop".to_owned(),
            r#type: "com.acme.order".to_owned(),
            subject: None,
            captured_at: moment(n),
            expires: moment(n + 1000),
            envelope: json(&format!("{{\"n\":{n}}}")),
        };
        Capture {
            generation: self.generation,
            mark: None,
            delivery: None,
            event,
            jobs: Vec::new(),
            gathers: Vec::new(),
        }
    }

    /// Event `n` that starts job `n`.
    pub(super) fn event_with_job(&self, n: u64) -> Capture {
        Capture { jobs: vec![self.job(n)], ..self.event(n) }
    }

    /// Job `n` in a lane of its own.
    pub(super) fn job(&self, n: u64) -> NewJob {
        NewJob {
            id: JobId(n),
            workflow: self.workflow,
            revision: self.revision,
            semantics: 1,
            lane: Some(Lane { shard: SHARD, key: None }),
            priority: 5,
            is_bulk: false,
            mark: None,
            input: None,
            rerun_of: None,
            parent: None,
            events_of: None,
            journal: Vec::new(),
        }
    }

    /// Captures something new and gives the jobs that were started.
    pub(super) async fn capture(&self, capture: Capture) -> Vec<JobId> {
        match self.store.capture(capture).await.expect("the capture is accepted") {
            Captured::New { jobs, .. } => jobs,
            other => panic!("expected something new, got {other:?}"),
        }
    }

    /// Captures event `n` with job `n`.
    pub(super) async fn start(&self, n: u64) -> JobId {
        self.capture(self.event_with_job(n)).await;
        JobId(n)
    }

    /// Takes the usual shard.
    pub(super) async fn own(&self) -> Fence {
        self.store.acquire(SHARD).await.expect("a shard can be acquired")
    }

    /// A write for job `n` at moment `n`.
    pub(super) fn write(&self, fence: Fence, n: u64, transition: Transition) -> Write {
        Write {
            fence,
            workspace: self.workspace,
            job: JobId(n),
            entries: Vec::new(),
            transition,
            started_at: moment(n),
            at: moment(n + 1),
        }
    }

    /// Completes job `n`; it expires at moment `n + 500`.
    pub(super) async fn complete(&self, fence: Fence, n: u64) {
        let done = completed("{}", moment(n + 500));
        self.store.write(self.write(fence, n, done)).await.expect("the job completes");
    }

    /// From now on the workspace's inbox keeps events of these types.
    pub(super) async fn declare(&mut self, types: &[&str]) {
        let mut put = put(self.workspace, "acme/listener", &types.join(","));
        put.keys = Vec::new();
        put.listens = types.iter().map(|r#type| (*r#type).to_owned()).collect();
        written(self.store.put_resource(put).await);
        self.generation = self.store.generation(self.workspace).await.expect("there is one");
    }

    /// Captures event `n` of a type, without jobs.
    pub(super) async fn emit(&self, n: u64, r#type: &str, subject: Option<&str>) {
        self.capture(self.event_of(n, r#type, subject)).await;
    }

    /// Event `n` of a type, without jobs.
    pub(super) fn event_of(&self, n: u64, r#type: &str, subject: Option<&str>) -> Capture {
        let mut capture = self.event(n);
        r#type.clone_into(&mut capture.event.r#type);
        capture.event.subject = subject.map(str::to_owned);
        capture
    }

    /// Parks job `n` at moment `n + 1` until something comes.
    pub(super) async fn park(&self, fence: Fence, n: u64, waits: Waits) {
        let wait = Transition::Waiting { wake_at: Timestamp::NEVER, waits };
        self.store.write(self.write(fence, n, wait)).await.expect("the job parks");
    }

    /// Collects what the feed gets from now on.
    pub(super) fn listen(&self) -> Arc<Mutex<Vec<OpenJob>>> {
        let fed: Arc<Mutex<Vec<OpenJob>>> = Arc::default();
        let sink = Arc::clone(&fed);
        self.store.set_feed(Box::new(move |jobs| sink.lock().expect("no check panics here").extend(jobs)));
        fed
    }
}

/// A workflow's content; its digest is the content.
pub(super) fn put(workspace: WorkspaceId, name: &str, content: &str) -> PutResource {
    PutResource {
        workspace,
        kind: Kind::Workflow,
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        digest: content.to_owned(),
        document: format!("document: {content}"),
        keys: vec!["com.acme.order".to_owned()],
        listens: Vec::new(),
        gathers: None,
        files: Vec::new(),
        expected: None,
        at: moment(0),
        actor: "owner".to_owned(),
    }
}

/// What was written.
pub(super) fn written(saved: Result<Saved, Error>) -> Revision {
    match saved.expect("the content is accepted") {
        Saved::Written(revision) => revision,
        Saved::Unchanged(revision) => panic!("expected a new revision, found {revision:?} unchanged"),
    }
}

/// Completed with an output.
pub(super) fn completed(output: &str, expires: Timestamp) -> Transition {
    Transition::Completed { output: json(output), expires: expires.into() }
}

/// An entry with a recognisable outcome.
pub(super) fn entry(sequence: u32) -> Entry {
    Entry {
        sequence,
        effect: format!("/do/{sequence}/call"),
        attempt: 1,
        arguments: u64::MAX - u64::from(sequence),
        started_at: moment(1),
        at: moment(2),
        outcome: json(&format!("{{\"outcome\":{sequence}}}")),
    }
}

/// Waits for events.
pub(super) fn for_events(types: &[&str], subject: Option<&str>, after: u64) -> Waits {
    let types = types.iter().map(|r#type| (*r#type).to_owned()).collect();
    let events = EventWait { types, subject: subject.map(str::to_owned), after };
    Waits { events: Some(events), children: Vec::new() }
}

/// Waits for ends.
pub(super) fn for_ends(children: &[u64]) -> Waits {
    Waits { events: None, children: children.iter().map(|n| JobId(*n)).collect() }
}

/// Takes what the feed has got since the last time.
pub(super) fn take(fed: &Mutex<Vec<OpenJob>>) -> Vec<OpenJob> {
    std::mem::take(&mut *fed.lock().expect("no check panics here"))
}

/// Ids of open jobs.
pub(super) fn ids(jobs: &[OpenJob]) -> Vec<JobId> {
    jobs.iter().map(|job| job.id).collect()
}
