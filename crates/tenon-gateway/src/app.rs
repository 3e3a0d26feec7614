//! What every handler is given.

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use serde_json::Value;
use tenon_capture::trigger::{RateLimit, Webhook};
use tenon_capture::{CaptureService, Metrics, Variables};
use tenon_store::{ResourceId, Store, WorkspaceId};

use crate::body::BodyBudget;
use crate::hooks::{HookRate, Hooks, LiveHooks};
use crate::{Keys, Problem, Readiness};

/// Bounds of the interface.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest body of a webhook or a single CloudEvent, in bytes.
    pub event_bytes: usize,
    /// Largest other body, in bytes.
    pub body_bytes: usize,
    /// How long a body may take to arrive.
    pub body_time: Duration,
    /// Most events in one batch.
    pub batch_events: usize,
    /// How long a webhook with `respond: wait` waits.
    pub hook_wait: Duration,
    /// Longest `Prefer: wait`.
    pub run_wait: Duration,
    /// How many webhook paths are remembered with their triggers.
    pub cached_hooks: usize,
    /// What all large bodies together may hold in memory.
    pub body_budget: BodyBudget,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            event_bytes: 1 << 20,
            body_bytes: 32 << 20,
            body_time: Duration::from_secs(30),
            batch_events: 1000,
            hook_wait: Duration::from_secs(30),
            run_wait: Duration::from_mins(5),
            cached_hooks: 10_000,
            body_budget: BodyBudget::new(256 << 20),
        }
    }
}

/// What an [`App`] is made of.
pub struct Setup {
    /// The way in.
    pub capture: CaptureService,
    /// Who may call.
    pub keys: Keys,
    /// What the secrets of webhooks are worth.
    pub variables: Arc<dyn Variables>,
    /// Bounds.
    pub limits: Limits,
}

/// The state of all handlers. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    capture: CaptureService,
    keys: Keys,
    variables: Arc<dyn Variables>,
    limits: Limits,
    readiness: Readiness,
    workspaces: Cache<Box<str>, WorkspaceId>,
    hooks: Hooks,
    live_hooks: LiveHooks,
}

/// Workspaces are few; beyond this many, names are looked up in the store.
const CACHED_WORKSPACES: usize = 1000;

// === impl App ===

impl App {
    /// An app that is [`crate::State::Starting`].
    pub fn new(setup: Setup) -> Self {
        let Setup { capture, keys, variables, limits } = setup;
        Self(Arc::new(Inner {
            hooks: Hooks::new(limits.cached_hooks),
            live_hooks: LiveHooks::new(limits.cached_hooks),
            workspaces: Cache::new(CACHED_WORKSPACES),
            readiness: Readiness::default(),
            capture,
            keys,
            variables,
            limits,
        }))
    }

    /// The way in.
    pub fn capture(&self) -> &CaptureService {
        &self.0.capture
    }

    /// What is durable.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.0.capture.ports().store
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.0.capture.ports().metrics
    }

    /// Who may call.
    pub fn keys(&self) -> &Keys {
        &self.0.keys
    }

    /// Bounds.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Whether work is taken.
    pub fn readiness(&self) -> &Readiness {
        &self.0.readiness
    }

    /// What secrets are worth now.
    pub(crate) fn variables(&self) -> &dyn Variables {
        &*self.0.variables
    }

    pub(crate) fn hooks(&self) -> &Hooks {
        &self.0.hooks
    }

    pub(crate) fn live_hooks(&self) -> &LiveHooks {
        &self.0.live_hooks
    }

    /// What is left of a webhook's rate on this node.
    pub fn webhook_rate(&self, resource: ResourceId, limit: RateLimit) -> HookRate {
        self.0.live_hooks.rate(resource, limit, self.0.capture.ports().clock.now())
    }

    /// The last requests of a webhook that this node has seen, newest first, as JSON, without what the trigger masks.
    pub fn captured_requests(&self, resource: ResourceId, webhook: &Webhook) -> Vec<Value> {
        self.0.live_hooks.captured(resource, webhook)
    }

    /// The workspace of this name, if there is one. Workspaces are never renamed or removed.
    pub async fn workspace(&self, name: &str) -> Result<Option<WorkspaceId>, Problem> {
        if let Some(id) = self.0.workspaces.get(name) {
            return Ok(Some(id));
        }
        let found = self.store().workspace(name).await?;
        if let Some(id) = found {
            self.0.workspaces.insert(name.into(), id);
        }
        Ok(found)
    }
}
