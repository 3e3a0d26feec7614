//! A real store in a directory of its own, a clock that stands in the test's hand, and as many lives of the process as
//! the test wants.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tenon_capture::trigger::{SCHEDULE_KEY, Trigger};
use tenon_capture::{
    CaptureService, Clock, IdSource, JobWatch, Live, Metrics, Options, Ports, Programs, parse_rfc3339,
};
use tenon_store::{
    Change, ChangeResource, EventFilter, EventRecord, JobFilter, JobId, JobRecord, Kind, NoteKind,
    PutResource, Resource, Store, Timestamp, Transition, TriggerNote, WorkspaceId, Write,
};
use tenon_store_sqlite::SqliteStore;
use tenon_trigger::Schedules;
use tenon_vault_local::LocalVault;

/// What stays when the process dies.
pub(crate) struct World {
    directory: TempDir,
}

/// One life of the process.
pub(crate) struct Life {
    pub(crate) service: CaptureService,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Clock,
    pub(crate) workspace: WorkspaceId,
    pub(crate) schedules: Schedules,
}

pub(crate) fn at(text: &str) -> Timestamp {
    parse_rfc3339(text).expect("a moment")
}

// === impl World ===

impl World {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory") }
    }

    /// Starts the process.
    pub(crate) async fn start(&self, now: Timestamp) -> Life {
        self.start_with(now, |_| {}).await
    }

    /// The same, with other settings of the store.
    pub(crate) async fn start_with(
        &self,
        now: Timestamp,
        set: impl FnOnce(&mut tenon_store_sqlite::Options),
    ) -> Life {
        let vault = LocalVault::from_text(&format!("{}=", "A".repeat(43))).expect("a key of zeros");
        let mut options =
            tenon_store_sqlite::Options::new(self.directory.path().join("data"), Arc::new(vault));
        set(&mut options);
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(options).expect("the store opens"));
        let workspace = store.create_workspace("default").await.expect("a workspace");
        let clock = Clock::manual(now);
        let ports = Ports {
            store: Arc::clone(&store),
            clock: clock.clone(),
            ids: Arc::new(IdSource::new(clock.clone())),
            programs: Programs::new(Arc::clone(&store), 1_000),
            watch: JobWatch::new(100),
            live: Live::new(100),
            metrics: Arc::new(Metrics::default()),
        };
        let service = CaptureService::new(ports, Options::new(1));
        let schedules = Schedules::new(service.clone(), tenon_trigger::Options::default());
        Life { service, store, clock, workspace, schedules }
    }
}

// === impl Life ===

impl Life {
    /// The process dies; what was answered is on disk.
    pub(crate) async fn die(self) -> Timestamp {
        self.store.close().await;
        self.clock.now()
    }

    /// Lets the time come; the schedules do what is due at each moment that they have asked for on the way.
    pub(crate) async fn until(&mut self, moment: Timestamp) {
        loop {
            let wake = self.schedules.turn().await;
            let now = self.clock.now();
            if wake <= now {
                continue;
            }
            if wake > moment {
                break;
            }
            self.clock.advance(wake.since(now));
        }
        self.clock.advance(moment.since(self.clock.now()));
        self.settle().await;
    }

    /// Lets time pass.
    pub(crate) async fn pass(&mut self, time: Duration) {
        self.until(self.clock.now().after(time)).await;
    }

    /// Turns until nothing is due.
    pub(crate) async fn settle(&mut self) {
        while self.schedules.turn().await <= self.clock.now() {}
    }

    /// Deploys a trigger as control would.
    pub(crate) async fn trigger(&mut self, name: &str, document: Value) -> Resource {
        let document = document.to_string();
        let keys = Trigger::parse(&document).unwrap_or_else(|found| panic!("{found:?}")).keys();
        self.put(Kind::Trigger, name, document, keys).await
    }

    /// Deploys a workflow `acme/<name>` with this schedule and these settings.
    pub(crate) async fn workflow(&mut self, name: &str, schedule: Value, settings: Value) -> Resource {
        let mut document = json!({
            "document": {
                "dsl": "1.0.3", "namespace": "acme", "name": name, "version": "1.0.0",
                "metadata": { "tenon": settings },
            },
            "do": [{ "keep": { "set": { "done": true } } }],
        });
        let keys = if schedule.is_null() { Vec::new() } else { vec![SCHEDULE_KEY.to_owned()] };
        if !schedule.is_null() {
            document["schedule"] = schedule;
        }
        self.put(Kind::Workflow, &format!("acme/{name}"), document.to_string(), keys).await
    }

    /// Makes a workflow start with events of a type.
    pub(crate) async fn subscribe(&mut self, name: &str, event_type: &str) {
        let document = self.resource(Kind::Workflow, name).await.document;
        // Other bytes, the same document.
        self.put(Kind::Workflow, name, format!("{document}\n"), vec![event_type.to_owned()]).await;
    }

    /// A schedule that is deployed, and that this version cannot read: as after going back to an older one.
    pub(crate) async fn unreadable(&mut self, name: &str) {
        let document = "kind: schedule\nnew: thing\n".to_owned();
        self.put(Kind::Trigger, name, document, vec![SCHEDULE_KEY.to_owned()]).await;
    }

    async fn put(&mut self, kind: Kind, name: &str, document: String, keys: Vec<String>) -> Resource {
        let put = PutResource {
            workspace: self.workspace,
            kind,
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            digest: document.clone(),
            document,
            keys,
            listens: Vec::new(),
            gathers: None,
            files: Vec::new(),
            expected: None,
            at: self.clock.now(),
            actor: "test".to_owned(),
        };
        self.store.put_resource(put).await.expect("room");
        self.schedules.look_again();
        self.resource(kind, name).await
    }

    pub(crate) async fn resource(&self, kind: Kind, name: &str) -> Resource {
        self.store.resource(self.workspace, kind, name).await.expect("readable").expect("it is there")
    }

    /// Disables, enables or deletes a trigger as control would.
    pub(crate) async fn change(&mut self, name: &str, change: Change) {
        let resource = self.resource(Kind::Trigger, name).await;
        let state = match change {
            Change::Enable => tenon_trigger::resumed(&self.service, &resource).await.expect("readable"),
            _ => tenon_trigger::paused(&self.service, &resource).await.expect("readable"),
        };
        let change = ChangeResource {
            workspace: self.workspace,
            kind: Kind::Trigger,
            name: name.to_owned(),
            change,
            state,
            actor: "test".to_owned(),
            at: self.clock.now(),
        };
        self.store.change_resource(change).await.expect("it is there");
        self.schedules.look_again();
    }

    /// All events of a source, oldest first.
    pub(crate) async fn events(&self, source: &str) -> Vec<EventRecord> {
        let filter = EventFilter { source: Some(source.to_owned()), ..EventFilter::default() };
        let (mut all, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.store.events(self.workspace, &filter, cursor, 500).await.expect("readable");
            all.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                all.reverse();
                return all;
            }
        }
    }

    /// All jobs, oldest first.
    pub(crate) async fn jobs(&self) -> Vec<JobRecord> {
        let page = self.store.jobs(self.workspace, &JobFilter::default(), None, 500).await;
        let mut jobs = page.expect("readable").items;
        jobs.reverse();
        jobs
    }

    /// Ends a job as the worker would.
    pub(crate) async fn end(&self, job: JobId, is_completed: bool) {
        let record = self.store.job(self.workspace, job).await.expect("readable").expect("it is there");
        let shard = record.shard.expect("it has a lane");
        let (now, expires) = (self.clock.now(), Timestamp::NEVER);
        let transition = if is_completed {
            Transition::Completed { output: "{}".into(), expires: expires.into() }
        } else {
            Transition::Faulted { error: "{}".into(), expires: expires.into() }
        };
        let write = Write {
            fence: self.store.acquire(shard).await.expect("the shard is free"),
            workspace: self.workspace,
            job,
            entries: Vec::new(),
            transition,
            started_at: now,
            at: now,
        };
        self.store.write(write).await.expect("room");
    }

    /// Notes of a kind, oldest first.
    pub(crate) async fn notes(&self, resource: &Resource, kind: NoteKind) -> Vec<TriggerNote> {
        let id = resource.revision.resource;
        let page = self.store.trigger_notes(self.workspace, id, None, 1_000).await.expect("readable");
        let mut notes: Vec<_> = page.items.into_iter().filter(|note| note.kind == kind).collect();
        notes.reverse();
        notes
    }

    /// The moments of notes of a kind, as `HH:MM:SS`.
    pub(crate) async fn noted(&self, resource: &Resource, kind: NoteKind) -> Vec<String> {
        self.notes(resource, kind).await.iter().map(|note| time_of_day(note.at)).collect()
    }
}

pub(crate) fn time_of_day(moment: Timestamp) -> String {
    tenon_capture::rfc3339(moment)[11..19].to_owned()
}
