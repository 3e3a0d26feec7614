//! What the server counts about itself, as atomics; rendered as Prometheus text on request.

mod render;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use tenon_store::JobState;

use crate::Backlogs;

/// Goes up only.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

/// Goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

/// Durations, in buckets from 100 µs to 10 s.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BOUNDS.len()],
    count: AtomicU64,
    sum_micros: AtomicU64,
}

/// Upper bounds of the buckets, in microseconds and as shown.
const BOUNDS: [(u64, &str); 12] = [
    (100, "0.0001"),
    (250, "0.00025"),
    (500, "0.0005"),
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (100_000, "0.1"),
    (500_000, "0.5"),
    (2_500_000, "2.5"),
    (10_000_000, "10"),
];

/// All of them; shared by capture, gateway and worker.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Events that are durable.
    pub events_captured: Counter,
    /// Events whose mark was there already.
    pub events_duplicate: Counter,
    /// Events that nobody wanted when they were captured.
    pub events_unwanted: Counter,
    /// Jobs that capture started.
    pub jobs_started: Counter,
    /// Jobs that started suspended because a key failed.
    pub jobs_started_suspended: Counter,
    /// Sets of gathered events that were dropped because of a bound.
    pub gather_dropped: Counter,
    /// Jobs that ended with an output.
    pub jobs_completed: Counter,
    /// Jobs that ended with an error.
    pub jobs_faulted: Counter,
    /// Jobs that were cancelled.
    pub jobs_cancelled: Counter,
    /// Jobs being worked on right now.
    pub jobs_running: Gauge,
    /// Jobs that could run and wait for their turn: the backlog.
    pub jobs_ready: Gauge,
    /// Workspaces whose jobs wait because the workspace holds its share of the permits to run.
    pub workspaces_crowded: Gauge,
    /// Effects that gave a result.
    pub effects_completed: Counter,
    /// Effects that failed.
    pub effects_faulted: Counter,
    /// Effects that were stopped because nobody wants their result.
    pub effects_cancelled: Counter,
    /// From the call of capture to durable.
    pub capture_time: Histogram,
    /// From an effect's outcome to durable.
    pub write_time: Histogram,
    /// Answers by the first digit of their status, 1 to 5.
    pub responses: [Counter; 5],
    /// Requests whose handler panicked: bugs.
    pub panics: Counter,
    /// Connections that are open.
    pub connections: Gauge,
    /// Which workspaces take nothing new; here, since the same parts share it.
    pub backlogs: Backlogs,
    /// What other parts count about themselves.
    pub others: Others,
}

/// Writes its counters as Prometheus text.
type Source = Box<dyn Fn(&mut String) + Send + Sync>;

/// Parts that count for themselves.
#[derive(Default)]
pub struct Others(RwLock<Vec<Source>>);

// === impl Others ===

impl Others {
    /// One more part, asked whenever somebody wants to see the counters.
    pub fn add(&self, source: impl Fn(&mut String) + Send + Sync + 'static) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(Box::new(source));
    }

    fn render(&self, text: &mut String) {
        for source in self.0.read().unwrap_or_else(PoisonError::into_inner).iter() {
            source(text);
        }
    }
}

impl std::fmt::Debug for Others {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Others")
    }
}

// === impl Counter ===

impl Counter {
    /// One more.
    pub fn increment(&self) {
        self.add(1);
    }

    /// That many more.
    pub fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    /// How many by now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

// === impl Gauge ===

impl Gauge {
    /// Changes it by a number.
    pub fn add(&self, number: i64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    /// Sets it.
    pub fn set(&self, number: i64) {
        self.0.store(number, Ordering::Relaxed);
    }

    /// How many now.
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

// === impl Histogram ===

impl Histogram {
    /// Counts one duration.
    pub fn observe(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        if let Some(place) = BOUNDS.iter().position(|(bound, _)| micros <= *bound) {
            self.buckets[place].fetch_add(1, Ordering::Relaxed);
        }
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }
}

// === impl Metrics ===

impl Metrics {
    /// Counts a job that has become final; other states count nothing.
    pub fn job_finished(&self, state: JobState) {
        match state {
            JobState::Completed => self.jobs_completed.increment(),
            JobState::Faulted => self.jobs_faulted.increment(),
            JobState::Cancelled => self.jobs_cancelled.increment(),
            JobState::Pending | JobState::Running | JobState::Waiting | JobState::Suspended => {}
        }
    }
}
