//! How fast a poller may ask: `rateLimit`. Pure; the clock is the caller's.

use std::time::Duration;

use tenon_capture::trigger::RateLimit;
use tenon_store::Timestamp;

/// A bucket of calls. What it has given is forgotten when the poller is deployed anew.
#[derive(Debug)]
pub(super) struct Pace {
    /// Between two calls, on the average.
    interval: Duration,
    /// How much earlier than that a call may come, after a rest.
    slack: Duration,
    /// When the next call would come if all came evenly.
    next: Timestamp,
}

// === impl Pace ===

impl Pace {
    pub(super) fn new(limit: RateLimit) -> Self {
        let interval = limit.per / limit.limit.max(1);
        Self { interval, slack: interval * limit.burst.saturating_sub(1), next: Timestamp(0) }
    }

    /// Takes a call; or says how long to wait before asking again.
    pub(super) fn take(&mut self, now: Timestamp) -> Result<(), Duration> {
        let next = self.next.max(now);
        let early = next.since(now);
        let left = early.saturating_sub(self.slack);
        if !left.is_zero() {
            return Err(left);
        }
        self.next = next.after(self.interval);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_come_at_once_up_to_the_burst_and_then_evenly() {
        let mut pace = Pace::new(RateLimit { limit: 2, per: Duration::from_secs(10), burst: 3 });
        let second = |n: i64| Timestamp(1_000_000_000 + n * 1_000_000);
        for _ in 0..3 {
            assert_eq!(pace.take(second(0)), Ok(()));
        }
        assert_eq!(pace.take(second(0)), Err(Duration::from_secs(5)));
        assert_eq!(pace.take(second(4)), Err(Duration::from_secs(1)));
        assert_eq!(pace.take(second(5)), Ok(()));
        assert_eq!(pace.take(second(5)), Err(Duration::from_secs(5)));
        for _ in 0..3 {
            assert_eq!(pace.take(second(60)), Ok(()), "after a rest");
        }
    }
}
