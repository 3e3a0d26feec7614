//! What a node knows of a webhook besides its document: how fast it is called, and the last requests. In memory, and
//! lost when the server stops; changes of the document do not touch it.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    buckets: Mutex<Buckets>,
    pub(super) captures: Captures,
}

#[derive(Default)]
struct Buckets {
    /// Requests.
    taken: TokenBucket,
    /// Repeats that do not count. Of the same limit: else whoever sends nothing but repeats would have none.
    given_back: TokenBucket,
    /// Requests that were refused.
    refused: u64,
}

/// What is left of a webhook's rate on this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HookRate {
    /// Requests that are taken now.
    pub left: u32,
    /// Requests that were refused since the server started, or since the webhook was forgotten.
    pub refused: u64,
}

// === impl LiveHooks ===

impl LiveHooks {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { hooks: Cache::new(capacity), captured_bytes: Arc::default() }
    }

    pub(super) fn of(&self, resource: ResourceId) -> Arc<LiveHook> {
        let make = || {
            let captures = Captures::new(Arc::clone(&self.captured_bytes));
            Ok::<_, std::convert::Infallible>(Arc::new(LiveHook { buckets: Mutex::default(), captures }))
        };
        match self.hooks.get_or_insert_with(&resource, make) {
            Ok(live) => live,
        }
    }

    pub(crate) fn rate(&self, resource: ResourceId, limit: RateLimit, now: Timestamp) -> HookRate {
        let Some(live) = self.hooks.get(&resource) else { return HookRate { left: limit.burst, refused: 0 } };
        let buckets = live.buckets();
        HookRate { left: buckets.taken.left(limit, now), refused: buckets.refused }
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
        let mut buckets = self.buckets();
        let taken = buckets.taken.take(limit, now);
        buckets.refused += u64::from(taken.is_err());
        taken
    }

    /// What was taken for a request that turned out to be a repeat; it counts if there were too many of these.
    pub(super) fn give_back(&self, limit: RateLimit, now: Timestamp) {
        let mut buckets = self.buckets();
        if buckets.given_back.take(limit, now).is_ok() {
            buckets.taken.give_back(limit);
        }
    }

    fn buckets(&self) -> MutexGuard<'_, Buckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
