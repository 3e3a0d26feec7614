//! Which workflows have a rate, and which of them have no token left and open again when. A job takes its token with
//! its first start, never again. Kept beside the tree, since a workflow's node goes with its last job and its rate
//! must not. Must not know about jobs.

use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasherDefault;

use super::rate::{Bucket, Rate};
use super::table::Mix;
use crate::Timestamp;

/// Workspace and workflow.
pub(super) type Key = (i64, i64);

/// Whether first starts of a workflow are held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// It has no rate.
    Free,
    /// There is a token.
    Open,
    /// There is none.
    Closed,
}

#[derive(Debug, Default)]
pub(super) struct Paces {
    buckets: HashMap<Key, Paced, BuildHasherDefault<Mix>>,
    /// Those without a token, by the moment of the next.
    closed: BTreeSet<(Timestamp, Key)>,
}

#[derive(Debug)]
struct Paced {
    bucket: Bucket,
    /// Its moment in `closed`.
    opens: Option<Timestamp>,
}

// === impl Pace ===

impl Pace {
    pub(super) fn is_paced(self) -> bool {
        self != Self::Free
    }
}

// === impl Paces ===

impl Paces {
    /// Sets, changes or drops a rate.
    pub(super) fn set(&mut self, key: Key, rate: Option<Rate>, now: Timestamp) {
        let Some(rate) = rate else {
            if let Some(Paced { opens: Some(opens), .. }) = self.buckets.remove(&key) {
                self.closed.remove(&(opens, key));
            }
            return;
        };
        let paced =
            self.buckets.entry(key).or_insert_with(|| Paced { bucket: Bucket::full(rate, now), opens: None });
        if paced.bucket.rate() != rate {
            paced.bucket.change(rate, now);
        }
        self.settle(key, now);
    }

    pub(super) fn pace(&self, key: Key) -> Pace {
        match self.buckets.get(&key) {
            None => Pace::Free,
            Some(Paced { opens: None, .. }) => Pace::Open,
            Some(_) => Pace::Closed,
        }
    }

    /// The rate and what is left of it.
    pub(super) fn bucket(&self, key: Key) -> Option<&Bucket> {
        self.buckets.get(&key).map(|paced| &paced.bucket)
    }

    /// A job starts; how the workflow stands afterwards.
    pub(super) fn take(&mut self, key: Key, now: Timestamp) -> Pace {
        if let Some(paced) = self.buckets.get_mut(&key) {
            let took = paced.bucket.take(now);
            debug_assert!(took, "nothing starts without a token");
            self.settle(key, now);
        }
        self.pace(key)
    }

    /// A workflow that has a token again.
    pub(super) fn next_open(&mut self, now: Timestamp) -> Option<Key> {
        let &(opens, key) = self.closed.first()?;
        if opens > now {
            return None;
        }
        self.closed.pop_first();
        self.buckets.get_mut(&key).expect("what is closed has a bucket").opens = None;
        Some(key)
    }

    /// When the next one opens.
    pub(super) fn earliest(&self) -> Option<Timestamp> {
        self.closed.first().map(|(opens, _)| *opens)
    }

    fn settle(&mut self, key: Key, now: Timestamp) {
        let Some(paced) = self.buckets.get_mut(&key) else { return };
        let next = paced.bucket.next(now);
        let opens = (next > now).then_some(next);
        if paced.opens == opens {
            return;
        }
        if let Some(before) = std::mem::replace(&mut paced.opens, opens) {
            self.closed.remove(&(before, key));
        }
        if let Some(opens) = opens {
            self.closed.insert((opens, key));
        }
    }
}
