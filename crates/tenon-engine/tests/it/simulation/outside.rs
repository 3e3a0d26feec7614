//! The world outside a job, drawn from a seed: what callees answer and when, which events come and when.
//!
//! Everything is a function of the seed and of an effect's address and attempt, so that the engine and the reference
//! meet the same world although they ask in different orders.

use std::sync::Arc;

use serde_json::{Value, json};
use tenon_engine::{Answer, ChildEnd, Error, Failure, FailureKind, Outcome, Timestamp};
use tenon_workflow::ErrorType;

use super::random::{Random, mix};

/// When every simulated job is captured.
pub(crate) const START: Timestamp = Timestamp(1_767_225_600_000_000);
/// Types of events that come.
pub(crate) const EVENT_TYPES: [&str; 3] = ["seen.a", "seen.b", "seen.c"];
/// Nothing takes longer than this, in microseconds.
const LONGEST: u64 = 3_000_000;
/// Events come within so many microseconds, before and after the start.
const EVENTS_WITHIN: u64 = 20_000_000;

/// A seeded world.
#[derive(Debug)]
pub(crate) struct Outside {
    seed: u64,
    /// In order of arrival; some of them are there before the job begins.
    pub(crate) events: Vec<Incoming>,
}

/// An event that comes.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) at: i64,
    pub(crate) id: String,
    pub(crate) envelope: Value,
}

// === impl Outside ===

impl Outside {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(mix(&[seed, 0xe7e7]));
        let mut moments: Vec<i64> =
            (0..random.below(14)).map(|_| START.0 + 1 + random.below(EVENTS_WITHIN) as i64).collect();
        if random.chance(30) {
            moments.iter_mut().take(3).enumerate().for_each(|(place, at)| *at = START.0 - 10 + place as i64);
        }
        moments.sort_unstable();
        moments.dedup();
        let events = moments.into_iter().enumerate().map(|(place, at)| {
            let envelope = json!({
                "specversion": "1.0",
                "id": format!("e{place}"),
                "source": "/sim",
                "type": EVENT_TYPES[random.below(3) as usize],
                "subject": format!("s{}", random.below(2)),
                "data": { "n": random.below(6), "room": random.below(2) },
            });
            Incoming { at, id: format!("evt_{place}"), envelope }
        });
        Self { seed, events: events.collect() }
    }

    fn random(&self, what: u64, address: &str, attempt: u32) -> Random {
        let mut parts = vec![self.seed, what, u64::from(attempt)];
        parts.extend(address.bytes().map(u64::from));
        Random::new(mix(&parts))
    }

    /// How long a call, an emit or the start of a child takes, in microseconds.
    pub(crate) fn latency(&self, address: &str, attempt: u32) -> i64 {
        1 + self.random(1, address, attempt).below(LONGEST) as i64
    }

    /// How long it takes until an event that is there already is found, in microseconds.
    pub(crate) fn look(&self, address: &str) -> i64 {
        1 + self.random(4, address, 1).below(1_000) as i64
    }

    /// What a call brings.
    pub(crate) fn answer(&self, address: &str, attempt: u32) -> Outcome {
        let mut random = self.random(2, address, attempt);
        if random.chance(65) {
            let content = json!({ "n": random.below(8), "list": ([1, 2, 3][..random.below(4) as usize]) });
            return Outcome::Answered(Answer { status: 200, headers: None, content, used: Vec::new() });
        }
        let (error, status) = match random.below(5) {
            0 => (FailureKind::Communication, 404),
            1 => (FailureKind::Communication, 503),
            2 => (FailureKind::Timeout, 408),
            3 => (FailureKind::Authentication, 401),
            _ => (FailureKind::Configuration, 400),
        };
        Outcome::Failed(Failure { error, status, detail: "simulated".to_owned(), used: Vec::new() })
    }

    /// How long a child runs, and how it ends.
    pub(crate) fn child(&self, address: &str) -> (i64, ChildEnd) {
        let mut random = self.random(3, address, 1);
        let takes = 1 + random.below(2 * LONGEST) as i64;
        let end = match random.below(10) {
            0..=6 => ChildEnd::Completed { output: json!({ "n": random.below(8) }) },
            7 | 8 => ChildEnd::Faulted {
                error: Error::standard(ErrorType::Validation, "/do/0/inChild", "simulated"),
            },
            _ => ChildEnd::Cancelled,
        };
        (takes, end)
    }

    /// The job's own event.
    pub(crate) fn own_event() -> Arc<Value> {
        Arc::new(
            json!({ "specversion": "1.0", "id": "own", "source": "/sim", "type": "sim.start", "data": {} }),
        )
    }
}
