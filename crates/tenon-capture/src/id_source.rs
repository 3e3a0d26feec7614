//! Ids for events and jobs: 63 bits, unique, in order of time.
//!
//! 42 bits are milliseconds since 2020, 21 bits count. The count starts at random in each millisecond, so that
//! two nodes rarely meet and neighbours cannot be guessed; when it overflows it runs into the next millisecond.

use std::sync::atomic::{AtomicU64, Ordering};

use ring::rand::{SecureRandom, SystemRandom};
use tenon_store::{EventId, JobId, Timestamp};

use crate::Clock;

const COUNT_BITS: u32 = 21;
/// The count starts in the lower half, so that at least a million ids fit into each millisecond.
const START_MASK: u64 = (1 << (COUNT_BITS - 1)) - 1;
const MILLIS_MASK: u64 = (1 << 42) - 1;
/// 2020-01-01T00:00:00Z in milliseconds since 1970.
const EPOCH_MILLIS: i64 = 1_577_836_800_000;

/// Gives ids; share one per process.
#[derive(Debug)]
pub struct IdSource {
    clock: Clock,
    newest: AtomicU64,
    random: SystemRandom,
}

// === impl IdSource ===

impl IdSource {
    /// Ids by this clock.
    pub fn new(clock: Clock) -> Self {
        Self { clock, newest: AtomicU64::new(0), random: SystemRandom::new() }
    }

    /// A new event id.
    pub fn event(&self) -> EventId {
        EventId(self.next())
    }

    /// A new job id.
    pub fn job(&self) -> JobId {
        JobId(self.next())
    }

    /// The smallest id that can be given at or after a moment; for lists by time.
    pub fn first_at(at: Timestamp) -> u64 {
        millis_since_epoch(at) << COUNT_BITS
    }

    fn next(&self) -> u64 {
        let millis = millis_since_epoch(self.clock.now());
        let mut newest = self.newest.load(Ordering::Relaxed);
        loop {
            let candidate = if newest >> COUNT_BITS >= millis {
                newest + 1
            } else {
                (millis << COUNT_BITS) | (self.start() & START_MASK)
            };
            match self.newest.compare_exchange_weak(newest, candidate, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return candidate,
                Err(seen) => newest = seen,
            }
        }
    }

    /// At most once per millisecond and contender, so a system call is cheap enough.
    fn start(&self) -> u64 {
        let mut bytes = [0; 8];
        self.random.fill(&mut bytes).expect("the system's random source works, or TLS would not either");
        u64::from_le_bytes(bytes)
    }
}

fn millis_since_epoch(at: Timestamp) -> u64 {
    u64::try_from(at.0.div_euclid(1000) - EPOCH_MILLIS).unwrap_or(0) & MILLIS_MASK
}
