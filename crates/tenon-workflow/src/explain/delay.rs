//! How the delays between retries grow, in words.

use std::time::Duration;

use crate::program::Backoff;
use crate::words::duration as spoken;

/// No delay between two attempts is longer (rule 15).
const LONGEST_DELAY: Duration = Duration::from_hours(1);
/// How many delays are named where there are more than fit.
const NAMED: u32 = 3;

/// `waiting 2 s, 4 s, 8 s…`: the delays before the first retries, of so many at most; and whether the limit of delays
/// matters.
pub(super) fn delays(base: Duration, backoff: Backoff, count: Option<u32>) -> (String, bool) {
    if base.is_zero() {
        return ("without a pause".to_owned(), false);
    }
    if backoff == Backoff::Constant || count == Some(1) {
        let each = if count == Some(1) { "" } else { " before each" };
        return (format!("waiting {}{each}", spoken(base.min(LONGEST_DELAY))), false);
    }
    let named = count.map_or(NAMED, |count| if count <= NAMED + 1 { count } else { NAMED });
    let shown: Vec<String> = (1..=named).map(|retry| spoken(delay(base, backoff, retry))).collect();
    let more = if count.is_some_and(|count| count <= named) { "" } else { "…" };
    (format!("waiting {}{more}", shown.join(", ")), is_limited(base, backoff, count))
}

/// The delay before this retry, from 1.
fn delay(base: Duration, backoff: Backoff, retry: u32) -> Duration {
    grown(base, backoff, retry).min(LONGEST_DELAY)
}

fn grown(base: Duration, backoff: Backoff, retry: u32) -> Duration {
    match backoff {
        Backoff::Constant => base,
        Backoff::Linear => base.saturating_mul(retry),
        Backoff::Exponential => base.saturating_mul(1_u32.checked_shl(retry - 1).unwrap_or(u32::MAX)),
    }
}

fn is_limited(base: Duration, backoff: Backoff, count: Option<u32>) -> bool {
    grown(base, backoff, count.unwrap_or(u32::MAX).max(1)) > LONGEST_DELAY
}
