//! Times and durations as people read them. All times on this side are text of RFC 3339; only here are they parsed.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// `2026-11-21 18:04:05Z`; what is no time is shown as it is, absence as `-`.
pub(crate) fn shown(value: &Value) -> String {
    match value.as_str() {
        None => "-".to_owned(),
        Some(text) => text
            .parse::<Timestamp>()
            .map_or_else(|_| text.to_owned(), |time| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string()),
    }
}

/// The time between two RFC 3339 texts; `-` where one is missing.
pub(crate) fn between(start: &Value, end: &Value) -> String {
    let parse = |value: &Value| value.as_str()?.parse::<Timestamp>().ok();
    match (parse(start), parse(end)) {
        (Some(start), Some(end)) => duration(end.duration_since(start)),
        _ => "-".to_owned(),
    }
}

/// A number of seconds; `-` where there is none.
pub(crate) fn seconds(value: &Value) -> String {
    value.as_i64().map_or_else(|| "-".to_owned(), |seconds| duration(SignedDuration::from_secs(seconds)))
}

/// Three significant digits at most, with a unit: `0.42 ms`, `12.3 s`, `3 min 20 s`.
fn duration(duration: SignedDuration) -> String {
    let micros = duration.as_micros().max(0);
    let seconds = micros / 1_000_000;
    match seconds {
        0 if micros < 10_000 => format!("{}.{:02} ms", micros / 1000, micros % 1000 / 10),
        0 => format!("{} ms", micros / 1000),
        1..60 => format!("{seconds}.{:02} s", micros % 1_000_000 / 10_000),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// A moment for `--since` and `--until`: RFC 3339, a date, or how long ago (`90s`, `15m`, `2h`, `7d`, `PT1H`).
pub(crate) fn moment(text: &str) -> Result<String, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.to_string());
    }
    if let Ok(date) = text.parse::<jiff::civil::Date>() {
        return Ok(format!("{date}T00:00:00Z"));
    }
    let ago = text
        .parse::<jiff::Span>()
        .ok()
        .and_then(|span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok())
        .and_then(|ago| Timestamp::now().checked_sub(ago).ok());
    ago.map(|time| time.to_string()).ok_or_else(|| {
        "write a time like 2026-11-21T18:00:00Z, a date like 2026-11-21, or how long ago like 15m, 2h, 7d"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(micros: i64, expected: &str) {
        assert_eq!(duration(SignedDuration::from_micros(micros)), expected);
    }

    #[test]
    fn durations_have_a_unit_that_fits() {
        check(0, "0.00 ms");
        check(420, "0.42 ms");
        check(12_345, "12 ms");
        check(1_050_000, "1.05 s");
        check(200_000_000, "3 min 20 s");
        check(7_260_000_000, "2 h 1 min");
        check(90_000_000_000, "1 d 1 h");
    }

    #[test]
    fn moments_are_times_dates_or_ages() {
        assert_eq!(moment("2026-11-21T18:00:00+02:00").expect("a time"), "2026-11-21T16:00:00Z");
        assert_eq!(moment("2026-11-21").expect("a date"), "2026-11-21T00:00:00Z");
        let hour_ago = moment("1h").expect("an age").parse::<Timestamp>().expect("rfc 3339");
        assert!((59..=61).contains(&Timestamp::now().duration_since(hour_ago).as_mins()));
        assert!(moment("yesterday").is_err());
    }
}
