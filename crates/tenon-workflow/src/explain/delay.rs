//! Times in words: `1 h 30 min`, and how the delays between retries grow.

use std::time::Duration;

use crate::program::Backoff;

/// No delay between two attempts is longer (rule 15).
const LONGEST_DELAY: Duration = Duration::from_hours(1);
/// How many delays are named where there are more than fit.
const NAMED: u32 = 3;

const UNITS: [(u64, &str); 4] = [(86_400, "day"), (3_600, "h"), (60, "min"), (1, "s")];

/// `7 days`, `1 h 30 min`, `1.5 s`, `200 ms`.
pub(super) fn spoken(duration: Duration) -> String {
    let nanos = duration.subsec_nanos();
    let mut seconds = duration.as_secs();
    if seconds == 0 && nanos > 0 && nanos.is_multiple_of(1_000_000) {
        return format!("{} ms", nanos / 1_000_000);
    }
    let mut parts = Vec::new();
    for (length, unit) in UNITS {
        let count = seconds / length;
        seconds %= length;
        let fraction = if unit == "s" { fraction(nanos) } else { String::new() };
        if count > 0 || !fraction.is_empty() {
            let plural = if unit == "day" && count > 1 { "s" } else { "" };
            parts.push(format!("{count}{fraction} {unit}{plural}"));
        }
    }
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}

fn fraction(nanos: u32) -> String {
    if nanos == 0 {
        return String::new();
    }
    format!(".{nanos:09}").trim_end_matches('0').to_owned()
}

/// `waiting 2 s, 4 s, 8 s…`: the delays before the first retries, of so many at most.
pub(super) fn delays(base: Duration, backoff: Backoff, count: Option<u32>) -> String {
    if base.is_zero() {
        return "without a pause".to_owned();
    }
    if backoff == Backoff::Constant || count == Some(1) {
        let each = if count == Some(1) { "" } else { " before each" };
        return format!("waiting {}{each}", spoken(base.min(LONGEST_DELAY)));
    }
    let named = count.map_or(NAMED, |count| if count <= NAMED + 1 { count } else { NAMED });
    let shown: Vec<String> = (1..=named).map(|retry| spoken(delay(base, backoff, retry))).collect();
    let more = if count.is_some_and(|count| count <= named) { "" } else { "…" };
    let limit = if is_limited(base, backoff, count) { ", at most 1 h each" } else { "" };
    format!("waiting {}{more}{limit}", shown.join(", "))
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
