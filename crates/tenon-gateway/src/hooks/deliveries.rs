//! Signed deliveries that were taken under a dedup key of the author's, so that a replay which changes what is not signed
//! (and so the key) starts nothing. Without such a key the store remembers, also beyond a restart; this does not.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use tenon_capture::Accepted;
use tenon_store::Timestamp;

/// Of one webhook.
const MOST: usize = 4_096;

#[derive(Default)]
pub(super) struct Deliveries(Mutex<Known>);

#[derive(Default)]
struct Known {
    accepted: HashMap<String, (Timestamp, Accepted)>,
    /// Oldest first.
    order: VecDeque<String>,
}

// === impl Deliveries ===

impl Deliveries {
    /// What the delivery with this key was answered the first time.
    pub(super) fn again(&self, key: &str, now: Timestamp) -> Option<Accepted> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (expires, accepted) = known.accepted.get(key)?;
        (now < *expires).then(|| Accepted { duplicate: true, ..accepted.clone() })
    }

    pub(super) fn remember(&self, key: String, expires: Timestamp, accepted: &Accepted) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.accepted.insert(key.clone(), (expires, accepted.clone())).is_none() {
            known.order.push_back(key);
        }
        if known.order.len() > MOST
            && let Some(oldest) = known.order.pop_front()
        {
            known.accepted.remove(&oldest);
        }
    }
}
