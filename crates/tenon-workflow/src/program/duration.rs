//! Durations: literal ones parsed at deploy, computed ones at run time.
//!
//! Years and months are refused on purpose: they have no fixed length, and a durable timer must not depend on
//! the calendar of the day it was set.

use std::time::Duration;

use tenon_expr::{Template, Value};

/// The longest duration that is accepted: 36,500 days. It keeps every later sum far from overflow.
pub const LONGEST_DURATION: Duration = Duration::from_hours(36_500 * 24);

/// A span of time as a document gives it.
#[derive(Debug, Clone)]
pub enum Span {
    /// Known at deploy.
    Fixed(Duration),
    /// Gives what [`parse_duration`] reads.
    Computed(Template),
}

/// Why a value is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseDurationError(pub String);

/// Reads an ISO 8601 duration (`PT15M`) or `{days, hours, minutes, seconds, milliseconds}`.
pub fn parse_duration(value: &Value) -> Result<Duration, ParseDurationError> {
    let nanos = match value {
        Value::String(text) => parse_iso(text)?,
        Value::Object(members) => parse_members(members)?,
        other => {
            return Err(refuse(format!(
                "a duration is ISO 8601 text such as `PT15M` or an object of days, hours, minutes, seconds, \
                 milliseconds, not {}",
                kind_of(other)
            )));
        }
    };
    if nanos > LONGEST_DURATION.as_nanos() {
        return Err(refuse("the duration is longer than 36,500 days".to_owned()));
    }
    Ok(Duration::new((nanos / NANOS_PER_SECOND) as u64, (nanos % NANOS_PER_SECOND) as u32))
}

const NANOS_PER_SECOND: u128 = 1_000_000_000;
const NANOS_PER_DAY: u128 = 86_400 * NANOS_PER_SECOND;
/// Longest text of one number; 36,500 days in milliseconds have 13 digits.
const MAX_DIGITS: usize = 18;

fn refuse(message: String) -> ParseDurationError {
    ParseDurationError(message)
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

// === object form ===

fn parse_members(members: &serde_json::Map<String, Value>) -> Result<u128, ParseDurationError> {
    if members.is_empty() {
        return Err(refuse(
            "the duration is empty: give at least one of days, hours, minutes, seconds, milliseconds"
                .to_owned(),
        ));
    }
    let mut total = 0_u128;
    for (name, amount) in members {
        let unit = match name.as_str() {
            "days" => NANOS_PER_DAY,
            "hours" => 3_600 * NANOS_PER_SECOND,
            "minutes" => 60 * NANOS_PER_SECOND,
            "seconds" => NANOS_PER_SECOND,
            "milliseconds" => 1_000_000,
            other => {
                return Err(refuse(format!(
                    "`{other}` is not a part of a duration; there are days, hours, minutes, seconds, milliseconds"
                )));
            }
        };
        let Some(amount) = amount.as_u64() else {
            return Err(refuse(format!("`{name}` must be a whole number that is not negative")));
        };
        // u64::MAX days in nanoseconds is about 1.6e33, far below u128::MAX.
        total += u128::from(amount) * unit;
    }
    Ok(total)
}

// === text form ===

/// Designators in the order in which they must stand, with their length; `T` separates the two halves.
const DATE_UNITS: [(char, u128); 2] = [('W', 7 * NANOS_PER_DAY), ('D', NANOS_PER_DAY)];
const TIME_UNITS: [(char, u128); 3] =
    [('H', 3_600 * NANOS_PER_SECOND), ('M', 60 * NANOS_PER_SECOND), ('S', NANOS_PER_SECOND)];

fn parse_iso(text: &str) -> Result<u128, ParseDurationError> {
    let shown: String = text.chars().take(64).collect();
    let broken = || refuse(format!("`{shown}` is not an ISO 8601 duration such as `PT15M` or `P1DT12H`"));
    let rest = text.strip_prefix('P').ok_or_else(broken)?;
    let (date, time) = match rest.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (rest, None),
    };
    if date.contains(['Y', 'M']) {
        return Err(refuse(format!(
            "`{shown}` counts in years or months, which have no fixed length; write days or weeks"
        )));
    }
    if time == Some("") || (date.is_empty() && time.is_none()) {
        return Err(broken());
    }
    let date = sum_units(date, &DATE_UNITS).ok_or_else(broken)?;
    let time = sum_units(time.unwrap_or_default(), &TIME_UNITS).ok_or_else(broken)?;
    Ok(date + time)
}

/// Sums `<number><designator>` pairs whose designators stand in the given order, each at most once.
fn sum_units(mut text: &str, mut units: &[(char, u128)]) -> Option<u128> {
    let mut total = 0_u128;
    while !text.is_empty() {
        let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.' && letter != ',')?;
        let designator = text[end..].chars().next()?;
        let place = units.iter().position(|(letter, _)| *letter == designator)?;
        total += amount(&text[..end], units[place].1)?;
        units = &units[place + 1..];
        text = &text[end + designator.len_utf8()..];
    }
    Some(total)
}

/// `1.5` of a unit in nanoseconds; digits below a nanosecond are cut off.
fn amount(number: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = match number.split_once(['.', ',']) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (number, None),
    };
    let whole_nanos = digits(whole)?.checked_mul(unit)?;
    let Some(fraction) = fraction else { return Some(whole_nanos) };
    let scale = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    Some(whole_nanos + digits(fraction)?.checked_mul(unit)? / scale)
}

fn digits(text: &str) -> Option<u128> {
    let plausible =
        !text.is_empty() && text.len() <= MAX_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    plausible.then(|| text.parse().ok()).flatten()
}
