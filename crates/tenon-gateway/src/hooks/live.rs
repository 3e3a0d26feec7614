//! What a node knows of a webhook besides its document: how fast it is called, and the last requests. In memory, and
//! lost when the server stops; changes of the document do not touch it.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;
use serde_json::Value;
use tenon_capture::trigger::{RateLimit, Webhook};
use tenon_store::{ResourceId, Timestamp};

use super::captures::Captures;
use super::deliveries::Deliveries;

/// All webhooks of this node that were called. Those that were not called for long are forgotten first.
pub(crate) struct LiveHooks {
    hooks: Cache<ResourceId, Arc<LiveHook>>,
    captured_bytes: Arc<AtomicUsize>,
}

/// One of them.
pub(super) struct LiveHook {
    bucket: Mutex<Bucket>,
    pub(super) captures: Captures,
    pub(super) deliveries: Deliveries,
}

/// A token bucket: full at first, and after any change of its limit.
#[derive(Default)]
struct Bucket {
    limit: Option<RateLimit>,
    tokens: f64,
    at: Timestamp,
}

// === impl LiveHooks ===

impl LiveHooks {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { hooks: Cache::new(capacity), captured_bytes: Arc::default() }
    }

    pub(super) fn of(&self, resource: ResourceId) -> Arc<LiveHook> {
        let make = || {
            let captures = Captures::new(Arc::clone(&self.captured_bytes));
            let live = LiveHook { bucket: Mutex::default(), captures, deliveries: Deliveries::default() };
            Ok::<_, std::convert::Infallible>(Arc::new(live))
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
}

// === impl Bucket ===

impl Bucket {
    fn take(&mut self, limit: RateLimit, now: Timestamp) -> Result<(), Duration> {
        let burst = f64::from(limit.burst);
        let per_second = f64::from(limit.limit) / limit.per.as_secs_f64();
        if self.limit == Some(limit) {
            let earned = now.since(self.at).as_secs_f64() * per_second;
            self.tokens = (self.tokens + earned).min(burst);
        } else {
            (self.limit, self.tokens) = (Some(limit), burst);
        }
        self.at = now;
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - self.tokens) / per_second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let limit = RateLimit { limit: 2, per: Duration::from_secs(1), burst: 3 };
        let mut bucket = Bucket::default();
        let at = |millis: i64| Timestamp(1_000_000_000 + millis * 1_000);
        for _ in 0..3 {
            assert_eq!(bucket.take(limit, at(0)), Ok(()));
        }
        assert_eq!(bucket.take(limit, at(0)), Err(Duration::from_millis(500)));
        assert_eq!(bucket.take(limit, at(250)), Err(Duration::from_millis(250)));
        assert_eq!(bucket.take(limit, at(500)), Ok(()));
        assert!(bucket.take(limit, at(500)).is_err());
        for _ in 0..3 {
            assert_eq!(bucket.take(limit, at(60_000)), Ok(()));
        }
        assert!(bucket.take(limit, at(60_000)).is_err(), "a rest earns no more than the burst");
        let wider = RateLimit { burst: 5, ..limit };
        assert_eq!(bucket.take(wider, at(60_000)), Ok(()), "a new limit starts full");
    }
}
