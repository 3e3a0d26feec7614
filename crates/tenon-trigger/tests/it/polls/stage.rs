//! Pollers on a store in a temporary directory, and a callee that is a function.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tempfile::TempDir;
use tenon_capture::trigger::{POLL_KEY, RateLimit, Trigger};
use tenon_capture::{
    CallError, Calls, CaptureService, Clock, IdSource, JobWatch, Live, Metrics, Ports, Programs,
};
use tenon_store::{
    Change, ChangeResource, Chunk, Chunked, EventFilter, Kind, NewState, NoteKind, PutResource, Resource,
    ResourceId, Saved, Store, TriggerNote, WorkspaceId,
};
use tenon_store_sqlite::SqliteStore;
use tenon_trigger::{FireError, Options, Parts, Triggers};
use tenon_vault_local::LocalVault;
use tenon_workflow::Program;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Longer than anything here takes; reached only when something is broken.
const PATIENCE: Duration = Duration::from_secs(30);
const MASTER_KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

type Answer = Result<Value, Value>;

/// The callee: gives an answer for a cursor, and remembers what it was asked.
pub(crate) struct Answers {
    give: Box<dyn Fn(&Value) -> Answer + Send + Sync>,
    asked: Mutex<Vec<Value>>,
    was_asked: Notify,
}

// === impl Answers ===

impl Answers {
    pub(crate) fn of(give: impl Fn(&Value) -> Answer + Send + Sync + 'static) -> Self {
        Self { give: Box::new(give), asked: Mutex::default(), was_asked: Notify::new() }
    }

    /// These, one after the other; a failure after the last.
    pub(crate) fn list(answers: Vec<Answer>) -> Self {
        let answers = Mutex::new(VecDeque::from(answers));
        Self::of(move |_| {
            let next = answers.lock().expect("no panic").pop_front();
            next.unwrap_or_else(|| Err("asked too often".into()))
        })
    }

    pub(crate) fn forever(answer: Answer) -> Self {
        Self::of(move |_| answer.clone())
    }
}

#[async_trait]
impl Calls for Answers {
    async fn call(&self, _: WorkspaceId, _: Arc<Program>, input: Value) -> Result<Value, CallError> {
        tokio::task::yield_now().await;
        let answer = (self.give)(&input);
        self.asked.lock().expect("no panic").push(input);
        self.was_asked.notify_waiters();
        answer.map_err(CallError)
    }
}

pub(crate) struct Stage {
    parts: Parts,
    triggers: Triggers,
    callee: Arc<Answers>,
    pub(crate) workspace: WorkspaceId,
    _directory: TempDir,
}

/// Triggers that run by themselves.
pub(crate) struct Running {
    triggers: Triggers,
    task: JoinHandle<()>,
}

// === impl Running ===

impl Running {
    /// As whoever fires the poller that runs by itself.
    pub(crate) async fn fire(&self, stage: &Stage) -> Result<u64, FireError> {
        let resource = stage.resource().await;
        let fired =
            tokio::time::timeout(PATIENCE / 3, self.triggers.fire(stage.workspace, &resource, "test"));
        Ok(fired.await.expect("it says at once")?.events)
    }

    /// How many calls are left of what a trigger's `rateLimit` allows.
    pub(crate) fn left(&self, place: (WorkspaceId, ResourceId), limit: RateLimit) -> Option<u32> {
        self.triggers.calls_left(place, limit)
    }

    pub(crate) async fn stop(self) {
        self.triggers.drain();
        tokio::time::timeout(PATIENCE, self.task).await.expect("it stops").expect("no panic");
    }
}

// === impl Stage ===

impl Stage {
    pub(crate) async fn new(callee: Answers) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let vault = Arc::new(LocalVault::from_text(MASTER_KEY).expect("32 bytes in base64"));
        let options = tenon_store_sqlite::Options::new(directory.path().join("data"), vault);
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(options).expect("a new store"));
        let workspace = store.create_workspace("default").await.expect("a workspace");
        let clock = Clock::system();
        let ports = Ports {
            programs: Programs::new(Arc::clone(&store), 100),
            store,
            ids: Arc::new(IdSource::new(clock.clone())),
            clock,
            watch: JobWatch::new(100),
            live: Live::new(16),
            metrics: Arc::new(Metrics::default()),
        };
        let capture = CaptureService::new(ports, tenon_capture::Options::new(1));
        let callee = Arc::new(callee);
        let parts = Parts { capture, calls: Arc::clone(&callee) as Arc<dyn Calls> };
        // Only told to fire: what it would run by itself is stopped before it begins.
        let (triggers, _) = Triggers::start(parts.clone(), Options::default());
        triggers.drain();
        Self { parts, triggers, callee, workspace, _directory: directory }
    }

    fn store(&self) -> &dyn Store {
        self.parts.capture.ports().store.as_ref()
    }

    /// Deploys the trigger `contacts` as the management API would.
    pub(crate) async fn put(&self, source: &str) {
        let trigger = Trigger::parse(source).unwrap_or_else(|findings| panic!("{findings:?}"));
        self.write(source, trigger.keys()).await;
    }

    /// A poller that is deployed, and that this version cannot read: as after going back to an older one.
    pub(crate) async fn put_unreadable(&self) {
        self.write("kind: poll\nnew: thing\n", vec![POLL_KEY.to_owned()]).await;
    }

    async fn write(&self, source: &str, keys: Vec<String>) {
        let put = PutResource {
            workspace: self.workspace,
            kind: Kind::Trigger,
            name: "contacts".to_owned(),
            version: String::new(),
            digest: source.to_owned(),
            document: source.to_owned(),
            keys,
            listens: Vec::new(),
            gathers: None,
            files: Vec::new(),
            expected: None,
            at: self.parts.capture.ports().clock.now(),
            actor: "test".to_owned(),
        };
        let saved = self.store().put_resource(put).await;
        assert!(matches!(saved, Ok(Saved::Written(_))), "{saved:?}");
        self.parts.capture.refresh(self.workspace).await.expect("refreshed");
    }

    pub(crate) async fn change(&self, change: Change) {
        let change = ChangeResource {
            workspace: self.workspace,
            kind: Kind::Trigger,
            name: "contacts".to_owned(),
            change,
            state: None,
            actor: "test".to_owned(),
            at: self.parts.capture.ports().clock.now(),
        };
        self.store().change_resource(change).await.expect("it exists");
        self.parts.capture.refresh(self.workspace).await.expect("refreshed");
    }

    pub(crate) async fn resource(&self) -> Resource {
        let found = self.store().resource(self.workspace, Kind::Trigger, "contacts").await.expect("read");
        found.expect("it was put")
    }

    /// One round; gives how many new events it brought.
    pub(crate) async fn fire(&self) -> Result<usize, FireError> {
        let resource = self.resource().await;
        let fired = self.triggers.fire(self.workspace, &resource, "test").await?;
        assert!(fired.first.len() <= tenon_trigger::MAX_SHOWN);
        Ok(fired.events as usize)
    }

    /// Waits until the metrics have a line.
    pub(crate) async fn shows(&self, line: &str) {
        self.metrics_are(line, |text| text.lines().any(|shown| shown == line)).await;
    }

    /// Waits until they do not have a text any more.
    pub(crate) async fn shows_nothing_of(&self, part: &str) {
        self.metrics_are(part, |text| !text.contains(part)).await;
    }

    async fn metrics_are(&self, what: &str, is_so: impl Fn(&str) -> bool) {
        let render = || self.parts.capture.ports().metrics.render();
        let wait = async {
            while !is_so(&render()) {
                // polls: nobody is told when something was counted.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let shown = tokio::time::timeout(PATIENCE, wait).await;
        assert!(shown.is_ok(), "not so: {what}\n{}", render());
    }

    /// Lets the triggers run by themselves.
    pub(crate) fn run(&self) -> Running {
        let (triggers, task) = Triggers::start(self.parts.clone(), Options::default());
        Running { triggers, task }
    }

    /// As a webhook would that wakes the poller, whichever task it has just now.
    pub(crate) fn wake(&self) {
        // The first resource of a new store.
        let trigger = tenon_store::ResourceId(1);
        self.parts.capture.wakes().tell(self.workspace, trigger);
    }

    /// What the callee was asked so far.
    pub(crate) fn asked(&self) -> Vec<Value> {
        self.callee.asked.lock().expect("no panic").clone()
    }

    pub(crate) async fn has_asked(&self, calls: usize) {
        let wait = async {
            loop {
                let was_asked = self.callee.was_asked.notified();
                if self.asked().len() >= calls {
                    return;
                }
                was_asked.await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("it asks");
    }

    /// The data of all events, in order of capture.
    pub(crate) async fn event_data(&self) -> Vec<Value> {
        let (mut data, mut cursor) = (Vec::new(), None);
        loop {
            let all = EventFilter::default();
            let page = self.store().events(self.workspace, &all, cursor, 500).await.expect("read");
            for event in &page.items {
                let whole = self.store().event(self.workspace, event.id).await.expect("read").expect("kept");
                let envelope: Value = serde_json::from_slice(&whole.envelope.expect("kept")).expect("JSON");
                data.push(envelope["data"].clone());
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        data.reverse();
        data
    }

    /// What the poller remembers, with the version.
    pub(crate) async fn state(&self) -> Value {
        let resource = self.resource().await.revision.resource;
        let state = self.store().trigger_state(self.workspace, resource).await.expect("read");
        let state = state.expect("it has polled");
        let mut value: Value = serde_json::from_slice(&state.value).expect("JSON");
        value["version"] = state.version.into();
        value
    }

    pub(crate) async fn write_state(&self, value: Value) {
        let resource = self.resource().await.revision.resource;
        let chunk = Chunk {
            workspace: self.workspace,
            resource,
            captures: Vec::new(),
            state: Some(NewState { resource, expected: 0, value: value.to_string().into() }),
            notes: Vec::new(),
            at: self.parts.capture.ports().clock.now(),
        };
        assert_eq!(self.store().capture_chunk(chunk).await.expect("room"), Chunked::Done(Vec::new()));
    }

    async fn all_notes(&self) -> Vec<TriggerNote> {
        let resource = self.resource().await.revision.resource;
        let mut notes =
            self.store().trigger_notes(self.workspace, resource, None, 500).await.expect("read").items;
        notes.reverse();
        notes
    }

    /// Kinds and events of notes, oldest first.
    pub(crate) async fn notes(&self) -> Vec<(NoteKind, u64)> {
        let notes = self.all_notes().await;
        let notes = notes.iter().map(|note| {
            let detail: Value = serde_json::from_slice(&note.detail).expect("JSON");
            (note.kind, detail["events"].as_u64().unwrap_or(0))
        });
        notes.collect()
    }

    /// The particulars of the notes of a kind, oldest first.
    pub(crate) async fn details(&self, kind: NoteKind) -> Vec<Value> {
        let notes = self.all_notes().await;
        let notes = notes.iter().filter(|note| note.kind == kind);
        notes.map(|note| serde_json::from_slice(&note.detail).expect("JSON")).collect()
    }
}
