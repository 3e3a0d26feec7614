//! How long to wait after a failure.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// After the first failure, about.
const SHORTEST: Duration = Duration::from_secs(5);
/// The bound doubles up to `every`, but not below this …
const LEAST_BOUND: Duration = Duration::from_mins(5);
/// … and not beyond this: a poller by the day finds out within the hour that its callee is back.
const MOST_BOUND: Duration = Duration::from_hours(1);

/// The longest wait of a poller with this interval, jitter apart.
fn bound(every: Duration) -> Duration {
    every.clamp(LEAST_BOUND, MOST_BOUND)
}

/// The longest wait with jitter.
pub(super) fn longest(every: Duration) -> Duration {
    bound(every) + bound(every) / 4
}

/// After so many failures in a row. Up to a quarter is added at random, so that pollers of one callee do not come back
/// together.
pub(super) fn delay(every: Duration, failures: u32) -> Duration {
    let doubled = SHORTEST.saturating_mul(1 << failures.saturating_sub(1).min(20));
    let delay = doubled.min(bound(every));
    delay + (delay / 4).mul_f64(random())
}

/// From 0 to 1. What the standard library seeds its maps with is random enough for this.
fn random() -> f64 {
    f64::from(RandomState::new().hash_one(0_u8) as u32) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(every: Duration, failures: u32, least: u64) {
        let (delay, least) = (delay(every, failures), Duration::from_secs(least));
        assert!(delay >= least && delay <= least + least / 4, "{delay:?} after {failures}");
        assert!(delay <= longest(every));
    }

    #[test]
    fn waits_double_up_to_a_bound() {
        let minute = Duration::from_mins(1);
        for (failures, least) in [(1, 5), (2, 10), (3, 20), (6, 160), (7, 300), (1_000_000, 300)] {
            check(minute, failures, least);
        }
        check(Duration::from_mins(30), 30, 1_800);
        check(Duration::from_hours(24), 30, 3_600);
    }
}
