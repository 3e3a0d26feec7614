//! What a load came to, as the generator prints it and the bench reads it.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Longest latency that is told apart, in nanoseconds.
const MAX_LATENCY_NS: u64 = 600_000_000_000;

/// One run of the generator.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Summary {
    /// Successes (2xx) that ended within the measured time.
    pub(crate) requests: u64,
    /// The measured time.
    pub(crate) seconds: f64,
    pub(crate) per_second: f64,
    /// Successes in each second of the measured time: a stall shows here.
    pub(crate) series: Vec<u64>,
    /// How many requests the latencies are of (open loop: all that were due in the measured time).
    pub(crate) counted: u64,
    pub(crate) latency_us: Latency,
    /// Answers by status, the whole run.
    pub(crate) statuses: BTreeMap<String, u64>,
    /// Connections that broke.
    pub(crate) broken: u64,
    /// Requests without an answer when the run ended.
    pub(crate) unfinished: u64,
    /// Processor time of the generator itself over the whole run, seconds.
    pub(crate) processor_seconds: f64,
}

/// Latencies in microseconds.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

impl Summary {
    /// Answers that were not 2xx, and requests that never had one.
    pub(crate) fn failures(&self) -> u64 {
        let refused: u64 =
            self.statuses.iter().filter(|(status, _)| !status.starts_with('2')).map(|(_, count)| count).sum();
        refused + self.broken + self.unfinished
    }
}

/// Latencies while they are collected.
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(crate) fn new() -> Self {
        Self(Histogram::new_with_max(MAX_LATENCY_NS, 3).expect("the bounds are constant and right"))
    }

    pub(crate) fn record(&mut self, nanoseconds: u64) {
        self.0.saturating_record(nanoseconds);
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    pub(crate) fn read(&self) -> Latency {
        let at = |quantile| self.0.value_at_quantile(quantile) as f64 / 1_000.0;
        Latency {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: self.0.max() as f64 / 1_000.0,
        }
    }
}
