//! The wall clock: the one place that reads the time of day.
//!
//! Moments never go back within a process, also when the system's clock does. Tests hold the clock in hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tenon_store::Timestamp;

/// Tells the time in microseconds. Cheap to clone; clones share their newest moment.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    newest: AtomicI64,
    manual: bool,
}

// === impl Clock ===

impl Clock {
    /// The system's clock, kept from going back.
    pub fn system() -> Self {
        Self(Arc::new(Inner { newest: AtomicI64::new(0), manual: false }))
    }

    /// A clock that stands still until [`Clock::advance`] moves it.
    pub fn manual(start: Timestamp) -> Self {
        Self(Arc::new(Inner { newest: AtomicI64::new(start.0), manual: true }))
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        if self.0.manual {
            return Timestamp(self.0.newest.load(Ordering::Relaxed));
        }
        let read = system_micros();
        Timestamp(self.0.newest.fetch_max(read, Ordering::Relaxed).max(read))
    }

    /// How long this one stands still because the system's clock was set back.
    pub fn behind(&self) -> Duration {
        if self.0.manual {
            return Duration::ZERO;
        }
        Timestamp(self.0.newest.load(Ordering::Relaxed)).since(Timestamp(system_micros()))
    }

    /// Moves a manual clock on; the system's clock cannot be moved.
    pub fn advance(&self, by: Duration) {
        assert!(self.0.manual, "only a manual clock can be moved");
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.0.newest.fetch_add(micros, Ordering::Relaxed);
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
fn system_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// RFC 3339 in UTC with microseconds: `2027-01-01T00:00:00.000000Z`.
pub fn rfc3339(at: Timestamp) -> String {
    let clamped = at.0.clamp(FIRST, LAST);
    let moment =
        jiff::Timestamp::from_microsecond(clamped).expect("the range is clamped to what jiff can show");
    format!("{moment:.6}")
}

/// 0001-01-01 and 9999-12-30 in microseconds: what RFC 3339 can write.
const FIRST: i64 = -62_135_596_800_000_000;
const LAST: i64 = 253_402_128_000_000_000;

/// Why a text is not a moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an RFC 3339 moment such as 2027-01-01T00:00:00Z")]
pub struct ParseMomentError(String);

/// Reads an RFC 3339 moment; parts below a microsecond are cut off.
pub fn parse_rfc3339(text: &str) -> Result<Timestamp, ParseMomentError> {
    let broken = || ParseMomentError(text.chars().take(64).collect());
    if text.len() > 64 {
        return Err(broken());
    }
    let moment: jiff::Timestamp = text.parse().map_err(|_| broken())?;
    Ok(Timestamp(moment.as_microsecond()))
}
