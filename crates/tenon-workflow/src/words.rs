//! Durations as a person would say them.

use std::time::Duration;

const UNITS: [(u128, &str); 4] = [(86_400_000, "day"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")];

/// `2 s`, `1 h 30 min`, `7 days`, `250 ms`; what is below a millisecond is left out.
pub(crate) fn duration(duration: Duration) -> String {
    let mut rest = duration.as_millis();
    let mut parts = Vec::new();
    for (unit, name) in UNITS {
        let amount = rest / unit;
        rest %= unit;
        match (amount, name) {
            (0, _) => {}
            (1, _) | (_, "h" | "min" | "s") => parts.push(format!("{amount} {name}")),
            _ => parts.push(format!("{amount} {name}s")),
        }
    }
    if rest > 0 {
        parts.push(format!("{rest} ms"));
    }
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}
