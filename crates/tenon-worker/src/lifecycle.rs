//! Lifecycle events of one job: made where somebody in its workspace wants them, captured like any other event.
//! Jobs that lifecycle events start, or make go on, have none: else two workflows that want everything would keep
//! each other busy for ever.
//!
//! Their ids derive from the job and their order in it, so that one which is told again after a crash is
//! recognised. Must not be told before what they tell of is durable; `run/saving.rs` sees to that.

use std::time::Duration;

use serde_json::{Value, json};
use tenon_capture::{
    Data, Deployed, Event, HOPS, Incoming, LIFECYCLE, LifecycleType, LifecycleTypes, MASKED_BY, rfc3339,
};
use tenon_engine::{Notice, NoticeKind};
use tenon_store::{DedupMark, OpenJob, Timestamp, Transition};

use crate::{Context, load};

/// How long to wait before an event is offered again to a store that has no room.
const FULL_DISK_PAUSE: Duration = Duration::from_millis(500);
/// How long a repeat is recognised: as long as a crashed server may stay down.
const MARK: Duration = Duration::from_hours(30 * 24);
/// Events that are kept in memory, about.
const MANY: usize = 10_000;
/// Events that share a commit.
const BATCH: usize = 100;

/// The lifecycle events of one job.
pub(crate) struct Lifecycle {
    /// Those that somebody wants.
    types: LifecycleTypes,
    about: About,
    /// Notices so far, told or not: the same after a replay.
    noticed: u64,
    /// How often the job was resumed: a replay takes back what led to that, and notices after it are other ones.
    resumptions: u32,
    /// The job went on because of a lifecycle event: it has none of its own from there on.
    is_silent: bool,
    /// Not captured yet.
    news: Vec<Incoming>,
}

/// Whose they are.
struct About {
    job: OpenJob,
    namespace: String,
    name: String,
    version: String,
    hops: u32,
    /// It has values that nobody is shown.
    is_masked: bool,
}

// === impl Lifecycle ===

impl Lifecycle {
    pub(crate) fn new(types: LifecycleTypes, job: &OpenJob, deployed: &Deployed, hops: u32) -> Self {
        let name = deployed.program.name.clone();
        let job = OpenJob { payload: None, ..job.clone() };
        let (namespace, name, version) = (name.namespace, name.name, name.version);
        let about = About { job, namespace, name, version, hops, is_masked: false };
        Self { types, about, noticed: 0, resumptions: 0, is_silent: false, news: Vec::new() }
    }

    /// The job has values that nobody is shown.
    pub(crate) fn mask(&mut self) {
        self.about.is_masked = true;
    }

    /// Whether something is to be told.
    pub(crate) fn has_news(&self) -> bool {
        !self.news.is_empty()
    }

    /// Whether it is more than should be kept in memory.
    pub(crate) fn has_many_news(&self) -> bool {
        self.news.len() >= MANY
    }

    /// What a replay found that was told before the job was left.
    pub(crate) fn pass_over(&mut self, notices: &[Notice]) {
        self.noticed += notices.len() as u64;
    }

    /// A lifecycle event makes the job go on; these notices came before it.
    pub(crate) fn fall_silent(&mut self, before: Vec<Notice>) {
        self.note(before);
        self.is_silent = true;
    }

    /// The job begins.
    pub(crate) fn started(&mut self, at: Timestamp) {
        let About { namespace, name, version, .. } = &self.about;
        let definition = json!({ "name": name, "namespace": namespace, "version": version });
        let data = json!({
            "name": self.about.qualified(),
            "definition": definition,
            "startedAt": rfc3339(at),
        });
        self.push(LifecycleType::WorkflowStarted, "started", (at, data));
    }

    /// What happened to tasks.
    pub(crate) fn note(&mut self, notices: Vec<Notice>) {
        for notice in notices {
            self.noticed += 1;
            let (r#type, moment, error) = match notice.kind {
                NoticeKind::Created => (LifecycleType::TaskCreated, "createdAt", None),
                NoticeKind::Started => (LifecycleType::TaskStarted, "startedAt", None),
                NoticeKind::Retried => (LifecycleType::TaskRetried, "retriedAt", None),
                NoticeKind::Cancelled => (LifecycleType::TaskCancelled, "cancelledAt", None),
                NoticeKind::Faulted(error) => (LifecycleType::TaskFaulted, "faultedAt", Some(json!(error))),
                NoticeKind::Completed(_) => (LifecycleType::TaskCompleted, "completedAt", None),
            };
            if !self.tells(r#type) {
                continue;
            }
            let at = load::stored(notice.at);
            let mut data = json!({ "workflow": self.about.qualified(), "task": notice.reference });
            data[moment] = rfc3339(at).into();
            if let Some(error) = error {
                data["error"] = error;
            }
            let key = match self.resumptions {
                0 => self.noticed.to_string(),
                resumptions => format!("{}.{resumptions}", self.noticed),
            };
            self.push(r#type, &key, (at, data));
        }
    }

    /// A replay has come to where the job was resumed.
    pub(crate) fn passed_resumption(&mut self) {
        self.resumptions += 1;
    }

    /// The job, with a journal so long, goes on after it was suspended.
    pub(crate) fn resumed(&mut self, (journal_length, at): (u32, Timestamp)) {
        let data = json!({ "name": self.about.qualified(), "resumedAt": rfc3339(at) });
        let key = format!("resumed.{journal_length}.{}", at.0);
        self.push(LifecycleType::WorkflowResumed, &key, (at, data));
    }

    /// The job is about to be left like this, with a journal so long.
    pub(crate) fn left(&mut self, transition: &Transition, (journal_length, at): (u32, Timestamp)) {
        let name = self.about.qualified();
        let now = rfc3339(at);
        let (r#type, key, data) = match transition {
            Transition::Running | Transition::Pending | Transition::Waiting { .. } => return,
            Transition::Completed { .. } => {
                let output = format!("/api/v1/jobs/{}", self.about.job.id);
                let data = json!({ "name": name, "completedAt": now, "outputUri": output });
                (LifecycleType::WorkflowCompleted, "completed".to_owned(), data)
            }
            Transition::Faulted { error, .. } => {
                let error: Value = serde_json::from_slice(error).unwrap_or(Value::Null);
                let data = json!({ "name": name, "faultedAt": now, "error": error });
                (LifecycleType::WorkflowFaulted, "faulted".to_owned(), data)
            }
            Transition::Cancelled { .. } => {
                let data = json!({ "name": name, "cancelledAt": now });
                (LifecycleType::WorkflowCancelled, "cancelled".to_owned(), data)
            }
            Transition::Suspended { .. } => {
                let data = json!({ "name": name, "suspendedAt": now });
                (LifecycleType::WorkflowSuspended, format!("suspended.{journal_length}"), data)
            }
        };
        self.push(r#type, &key, (at, data));
    }

    /// Captures what is new. A full disk is waited for.
    pub(crate) async fn tell(&mut self, context: &Context) -> Result<(), tenon_store::Error> {
        for batch in self.news.chunks(BATCH) {
            capture(context, batch).await?;
        }
        self.news.clear();
        Ok(())
    }

    fn tells(&self, r#type: LifecycleType) -> bool {
        !self.is_silent && self.types.contains(r#type)
    }

    fn push(&mut self, r#type: LifecycleType, key: &str, (at, data): (Timestamp, Value)) {
        if self.tells(r#type) {
            self.news.push(self.about.event(r#type, key, (at, data)));
        }
    }
}

// === impl About ===

impl About {
    /// As the specification shows it: the workflow's name, what tells its runs apart, its namespace.
    fn qualified(&self) -> String {
        format!("{}-{}.{}", self.name, self.job.id, self.namespace)
    }

    fn event(&self, r#type: LifecycleType, key: &str, (at, data): (Timestamp, Value)) -> Incoming {
        let key = format!("{}.{key}", self.job.id);
        let mut event = Event {
            id: Some(key.clone()),
            source: format!("/jobs/{}", self.job.id),
            r#type: r#type.name().to_owned(),
            subject: Some(self.job.id.to_string()),
            time: Some(rfc3339(at)),
            datacontenttype: Some("application/json".to_owned()),
            data: Data::Value(data),
            ..Event::default()
        };
        event.extensions.insert(LIFECYCLE.to_owned(), true.into());
        if self.hops > 0 {
            event.extensions.insert(HOPS.to_owned(), self.hops.into());
        }
        if self.is_masked {
            event.extensions.insert(MASKED_BY.to_owned(), self.job.id.to_string().into());
        }
        let mark = DedupMark { scope: "lifecycle".to_owned(), key, expires: at.after(MARK) };
        Incoming { mark: Some(mark), ..Incoming::new(self.job.workspace, event) }
    }
}

/// One after the other, sharing commits where none is refused.
async fn capture(context: &Context, batch: &[Incoming]) -> Result<(), tenon_store::Error> {
    if let Ok(true) = offer(context, batch.to_vec()).await {
        return Ok(());
    }
    for one in batch {
        while !offer(context, vec![one.clone()]).await? {
            tokio::time::sleep(FULL_DISK_PAUSE).await;
        }
    }
    Ok(())
}

/// Says whether it was taken or can never be. `Err`: the store takes nothing any more.
async fn offer(context: &Context, batch: Vec<Incoming>) -> Result<bool, tenon_store::Error> {
    let is_one = batch.len() == 1;
    match context.capture.events(batch).await {
        Ok(_) => Ok(true),
        Err(tenon_capture::Error::Store(tenon_store::Error::Full) | tenon_capture::Error::Busy) => Ok(false),
        Err(tenon_capture::Error::Store(error)) => Err(error),
        Err(error) if is_one => {
            tracing::warn!(%error, "a lifecycle event was refused");
            Ok(true)
        }
        Err(_) => Ok(false),
    }
}
