//! Which of two cursors is further. Pure.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};
use tenon_capture::parse_rfc3339;

/// Moments as moments (RFC 3339, whatever their offset), everything else in jq's order: null, false, true, numbers,
/// texts, lists, objects.
pub(super) fn compare(one: &Value, other: &Value) -> Ordering {
    if let (Value::String(one), Value::String(other)) = (one, other)
        && let (Ok(moment), Ok(other_moment)) = (parse_rfc3339(one), parse_rfc3339(other))
    {
        return moment.cmp(&other_moment).then_with(|| fraction(one).cmp(fraction(other)));
    }
    jq_order(one, other)
}

/// The digits below a second: a parsed moment has not all of them.
fn fraction(moment: &str) -> &str {
    let (_, rest) = moment.split_once('.').unwrap_or_default();
    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].trim_end_matches('0')
}

fn jq_order(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => numbers(one, other),
        (Value::String(one), Value::String(other)) => one.cmp(other),
        (Value::Array(one), Value::Array(other)) => {
            let different = one.iter().zip(other).map(|(one, other)| jq_order(one, other));
            first_difference(different).then(one.len().cmp(&other.len()))
        }
        (Value::Object(one), Value::Object(other)) => objects(one, other),
        _ => rank(one).cmp(&rank(other)),
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(false) => 1,
        Value::Bool(true) => 2,
        Value::Number(_) => 3,
        Value::String(_) => 4,
        Value::Array(_) => 5,
        Value::Object(_) => 6,
    }
}

/// Whole numbers exactly, since ids can be larger than a float holds.
fn numbers(one: &Number, other: &Number) -> Ordering {
    let whole = |number: &Number| number.as_i64().map(i128::from).or(number.as_u64().map(i128::from));
    if let (Some(one), Some(other)) = (whole(one), whole(other)) {
        return one.cmp(&other);
    }
    let float = |number: &Number| number.as_f64().unwrap_or(f64::NEG_INFINITY);
    float(one).total_cmp(&float(other))
}

/// First the names, then the values in the order of the names.
fn objects(one: &Map<String, Value>, other: &Map<String, Value>) -> Ordering {
    let names = |object: &Map<String, Value>| {
        let mut names: Vec<String> = object.keys().cloned().collect();
        names.sort_unstable();
        names
    };
    let (mine, theirs) = (names(one), names(other));
    mine.cmp(&theirs)
        .then_with(|| first_difference(mine.iter().map(|name| jq_order(&one[name], &other[name]))))
}

fn first_difference(mut orders: impl Iterator<Item = Ordering>) -> Ordering {
    orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(ascending: &[Value]) {
        for (place, one) in ascending.iter().enumerate() {
            for (other_place, other) in ascending.iter().enumerate() {
                assert_eq!(compare(one, other), place.cmp(&other_place), "{one} and {other}");
            }
        }
    }

    #[test]
    fn values_have_jqs_order() {
        check(
            &[
                json!(null),
                json!(false),
                json!(true),
                json!(-1.5),
                json!(0),
                json!(9_007_199_254_740_992_u64),
                json!(9_007_199_254_740_993_u64),
                json!(u64::MAX),
                json!(""),
                json!("10"),
                json!("9"),
                json!("a"),
                json!("ä"),
                json!([]),
                json!([1]),
                json!([1, 2]),
                json!([2]),
                json!({}),
                json!({"a": 2}),
                json!({"a": 1, "b": 1}),
                json!({"a": 1, "b": 2}),
                json!({"b": 0}),
            ]
            .into_iter()
            .collect::<Vec<_>>(),
        );
    }

    #[test]
    fn moments_are_compared_as_moments() {
        check(&[
            json!("2026-01-01T10:00:00+02:00"),
            json!("2026-01-01T09:00:00Z"),
            json!("2026-01-01T09:00:00.000000001Z"),
            json!("2026-01-01T09:00:00.5Z"),
        ]);
        let same = [json!("2026-01-01T09:00:00+00:00"), json!("2026-01-01T09:00:00.00Z")];
        assert_eq!(compare(&same[0], &same[1]), Ordering::Equal);
    }
}
