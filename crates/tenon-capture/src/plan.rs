//! Which jobs an event starts: filters, lanes, priorities, each workflow's own dedup mark. Pure.

use std::borrow::Cow;
use std::sync::OnceLock;

use bytes::Bytes;
use serde_json::Value;
use tenon_expr::{Expr, Limits, Scope};
use tenon_store::{DedupMark, JobId, Lane, NewJob, Timestamp};

use crate::key::{Place, key_text, shard};
use crate::programs::Deployed;
use crate::subscribers::Subscriber;

/// What expressions may use while an event is captured; a hundredth of what a job may, because others wait.
pub(crate) const LIMITS: Limits = Limits { steps: 100_000, bytes: 16 << 20, depth: 256 };

/// An envelope that is read into a tree only if somebody needs to look inside.
pub(crate) struct Envelope {
    pub(crate) text: Bytes,
    tree: OnceLock<Value>,
}

/// What a plan is made for.
pub(crate) struct Planner<'a> {
    pub(crate) envelope: &'a Envelope,
    pub(crate) now: Timestamp,
    pub(crate) shards: u16,
    pub(crate) semantics: u16,
}

/// Expressions over an event see nothing but the event.
pub(crate) struct CaptureScope(pub(crate) Timestamp);

impl Scope for CaptureScope {
    fn variable(&self, _: &str) -> Option<Cow<'_, Value>> {
        None
    }
    fn now(&self) -> f64 {
        self.0.0 as f64 / 1e6
    }
}

// === impl Envelope ===

impl Envelope {
    pub(crate) fn new(text: Bytes) -> Self {
        Self { text, tree: OnceLock::new() }
    }

    pub(crate) fn tree(&self) -> &Value {
        self.tree.get_or_init(|| serde_json::from_slice(&self.text).expect("we wrote it, of checked parts"))
    }
}

// === impl Planner ===

impl Planner<'_> {
    /// Whether the workflow wants the event for a job of its own. A filter that fails does not match.
    pub(crate) fn is_wanted(&self, subscriber: &Subscriber) -> bool {
        if subscriber.wants_all {
            return true;
        }
        let deployed = &subscriber.deployed;
        let Some(subscription) = &deployed.program.subscription else { return false };
        subscription.filters().any(|filter| self.passes(deployed, filter).is_some())
    }

    /// The job of a workflow for an event. A failing key leaves it without a lane: suspended, visible.
    pub(crate) fn job_for_event(&self, deployed: &Deployed, id: JobId) -> NewJob {
        let job = self.job(deployed, id);
        let settings = &deployed.program.settings;
        let Some(expression) = &settings.dedup_key else { return job };
        match self.key(deployed, expression) {
            Ok(None) => job,
            Ok(Some(key)) => {
                let scope = format!("workflow:{}", deployed.resource.0);
                let expires = self.now.after(settings.dedup_for);
                NewJob { mark: Some(DedupMark { scope, key, expires }), ..job }
            }
            Err(Failed) => NewJob { lane: None, ..job },
        }
    }

    /// The job of a workflow that was asked for by name: its `dedupKey` does not apply.
    pub(crate) fn job(&self, deployed: &Deployed, id: JobId) -> NewJob {
        let settings = &deployed.program.settings;
        NewJob {
            id,
            workflow: deployed.resource,
            revision: deployed.revision,
            semantics: self.semantics,
            lane: self.lane(deployed, id),
            priority: settings.priority,
            is_bulk: false,
            mark: None,
            input: None,
            rerun_of: None,
            parent: None,
            events_of: None,
            journal: Vec::new(),
        }
    }

    fn lane(&self, deployed: &Deployed, id: JobId) -> Option<Lane> {
        let settings = &deployed.program.settings;
        let key = match &settings.ordering_key {
            None => None,
            Some(ordering) => Some(self.key(deployed, ordering).ok().flatten()?),
        };
        let is_limited = settings.concurrency.is_some() || settings.rate_limit.is_some();
        let place = match (&key, is_limited) {
            // A key keeps its shard whatever the limit: else changing the limit would split its lane.
            (Some(key), _) => Place::Key(key),
            (None, true) => Place::Workflow,
            (None, false) => Place::Job(id),
        };
        Some(Lane { shard: shard(deployed.resource, place, self.shards), key })
    }

    fn key(&self, deployed: &Deployed, expression: &Expr) -> Result<Option<String>, Failed> {
        match expression.evaluate(self.envelope.tree(), &CaptureScope(self.now), &LIMITS) {
            Ok(value) => Ok(key_text(value)),
            Err(error) => {
                let error = deployed.logged(&error);
                tracing::warn!(workflow = %deployed.name, error, "a key failed; the job starts suspended");
                Err(Failed)
            }
        }
    }
}

/// An expression gave no key at all.
struct Failed;
