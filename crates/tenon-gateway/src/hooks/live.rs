//! What a node knows of a webhook besides its document: how fast it is called, and the last requests. In memory, and
//! lost when the server stops; changes of the document do not touch it.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;
use serde_json::Value;
use tenon_capture::trigger::{RateLimit, TokenBucket, Webhook};
use tenon_store::{ResourceId, Timestamp};

use super::captures::Captures;

/// All webhooks of this node that were called. Those that were not called for long are forgotten first.
pub(crate) struct LiveHooks {
    hooks: Cache<ResourceId, Arc<LiveHook>>,
    captured_bytes: Arc<AtomicUsize>,
}

/// One of them.
pub(super) struct LiveHook {
    bucket: Mutex<TokenBucket>,
    pub(super) captures: Captures,
}

// === impl LiveHooks ===

impl LiveHooks {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { hooks: Cache::new(capacity), captured_bytes: Arc::default() }
    }

    pub(super) fn of(&self, resource: ResourceId) -> Arc<LiveHook> {
        let make = || {
            let captures = Captures::new(Arc::clone(&self.captured_bytes));
            Ok::<_, std::convert::Infallible>(Arc::new(LiveHook { bucket: Mutex::default(), captures }))
        };
        match self.hooks.get_or_insert_with(&resource, make) {
            Ok(live) => live,
        }
    }

    /// The last requests of a webhook, newest first.
    pub(crate) fn captured(&self, resource: ResourceId, webhook: &Webhook) -> Vec<Value> {
        self.hooks.get(&resource).map_or_else(Vec::new, |live| live.captures.shown(webhook))
    }
}

// === impl LiveHook ===

impl LiveHook {
    /// Room for one more request, or how long it takes until there is some.
    pub(super) fn take(&self, limit: RateLimit, now: Timestamp) -> Result<(), Duration> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner).take(limit, now)
    }

    /// What was taken for a request that turned out to be a repeat.
    pub(super) fn give_back(&self, limit: RateLimit) {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner).give_back(limit);
    }
}
