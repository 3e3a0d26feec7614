//! `rateLimit` of a trigger at work. In memory; the clock is the caller's.

use std::time::Duration;

use tenon_store::Timestamp;
use tenon_workflow::RateLimit;

/// A token bucket: full at first, and after any change of its limit.
#[derive(Debug, Default)]
pub struct TokenBucket {
    limit: Option<RateLimit>,
    tokens: f64,
    at: Timestamp,
}

// === impl TokenBucket ===

impl TokenBucket {
    /// Room for one more at `now`, or how long it takes until there is some.
    pub fn take(&mut self, limit: RateLimit, now: Timestamp) -> Result<(), Duration> {
        (self.tokens, self.limit) = (self.level(limit, now), Some(limit));
        // Of two callers at once the later may have read the clock earlier: no time is earned twice.
        self.at = self.at.max(now);
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - self.tokens) / per_second(limit)))
    }

    /// How many there is room for at `now`.
    pub fn left(&self, limit: RateLimit, now: Timestamp) -> u32 {
        self.level(limit, now) as u32
    }

    fn level(&self, limit: RateLimit, now: Timestamp) -> f64 {
        let burst = f64::from(limit.burst);
        if self.limit != Some(limit) {
            return burst;
        }
        let earned = now.since(self.at).as_secs_f64() * per_second(limit);
        (self.tokens + earned).min(burst)
    }

    /// What was taken is not used: there was nothing new. Nothing happens if the limit has changed meanwhile.
    pub fn give_back(&mut self, limit: RateLimit) {
        if self.limit == Some(limit) {
            self.tokens = (self.tokens + 1.0).min(f64::from(limit.burst));
        }
    }
}

fn per_second(limit: RateLimit) -> f64 {
    f64::from(limit.limit) / limit.per.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let limit = RateLimit { limit: 2, per: Duration::from_secs(1), burst: 3 };
        let mut bucket = TokenBucket::default();
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

    #[test]
    fn a_clock_that_jumps_earns_no_more_than_the_burst() {
        let limit = RateLimit { limit: 1, per: Duration::from_secs(1), burst: 2 };
        let (noon, hour) = (Timestamp(1_000_000_000_000), Duration::from_hours(1));
        let mut bucket = TokenBucket::default();
        let taken = |bucket: &mut TokenBucket, at| (0..5).filter(|_| bucket.take(limit, at).is_ok()).count();
        assert_eq!(taken(&mut bucket, noon.after(hour)), 2);
        assert_eq!(taken(&mut bucket, noon), 0);
        assert_eq!(taken(&mut bucket, noon.after(hour)), 0, "the hour has been earned");
        assert_eq!(taken(&mut bucket, noon.after(hour * 2)), 2);
    }

    #[test]
    fn what_is_left_can_be_seen_and_looking_takes_nothing() {
        let limit = RateLimit { limit: 2, per: Duration::from_secs(1), burst: 3 };
        let mut bucket = TokenBucket::default();
        let at = |millis: i64| Timestamp(1_000_000_000 + millis * 1_000);
        let left = |bucket: &TokenBucket| [0, 499, 500, 60_000].map(|millis| bucket.left(limit, at(millis)));
        assert_eq!(left(&bucket), [3, 3, 3, 3]);
        bucket.take(limit, at(0)).expect("it is full");
        bucket.take(limit, at(0)).expect("one is left");
        assert_eq!(left(&bucket), [1, 1, 2, 3]);
        assert_eq!(bucket.left(RateLimit { burst: 9, ..limit }, at(0)), 9, "a new limit starts full");
        assert_eq!(left(&bucket), [1, 1, 2, 3]);
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let limit = RateLimit { limit: 1, per: Duration::from_hours(1), burst: 2 };
        let mut bucket = TokenBucket::default();
        bucket.give_back(limit);
        for _ in 0..3 {
            assert_eq!(bucket.take(limit, Timestamp(1)), Ok(()));
            bucket.give_back(limit);
        }
        bucket.give_back(limit);
        assert_eq!(bucket.take(limit, Timestamp(1)), Ok(()));
        bucket.give_back(RateLimit { burst: 5, ..limit });
        assert_eq!(bucket.take(limit, Timestamp(1)), Ok(()));
        assert!(bucket.take(limit, Timestamp(1)).is_err(), "never more than the burst");
    }

    #[test]
    fn calls_come_at_once_up_to_the_burst_and_then_evenly() {
        let limit = RateLimit { limit: 2, per: Duration::from_secs(10), burst: 3 };
        let mut bucket = TokenBucket::default();
        let second = |n: i64| Timestamp(1_000_000_000 + n * 1_000_000);
        for _ in 0..3 {
            assert_eq!(bucket.take(limit, second(0)), Ok(()));
        }
        assert_eq!(bucket.take(limit, second(0)), Err(Duration::from_secs(5)));
        assert_eq!(bucket.take(limit, second(4)), Err(Duration::from_secs(1)));
        assert_eq!(bucket.take(limit, second(5)), Ok(()));
        assert_eq!(bucket.take(limit, second(5)), Err(Duration::from_secs(5)));
        for _ in 0..3 {
            assert_eq!(bucket.take(limit, second(60)), Ok(()), "after a rest");
        }
    }
}
