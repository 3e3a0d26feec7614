//! The one place of xtask that reads clocks.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Now, for measuring how long something took.
#[expect(clippy::disallowed_methods, reason = "xtask measures time from outside; here and nowhere else")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Seconds since 1970, for naming a report.
#[expect(clippy::disallowed_methods, reason = "xtask stamps its reports; here and nowhere else")]
pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

/// Microseconds since 1970, to compare with what Tenon recorded.
#[expect(
    clippy::disallowed_methods,
    reason = "the crash run anchors its monotonic clock; here and nowhere else"
)]
pub(crate) fn unix_micros() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_micros() as i64
}

/// A point in time by which something must have happened.
#[derive(Clone, Copy)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    pub(crate) fn after(limit: Duration) -> Self {
        Self(now() + limit)
    }

    pub(crate) fn passed(self) -> bool {
        now() >= self.0
    }
}
