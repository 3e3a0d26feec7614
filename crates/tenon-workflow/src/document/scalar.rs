//! What a plain YAML scalar is: the core schema of YAML 1.2.
//!
//! Only `true`/`false` (and their two capital spellings) are booleans; `on`, `off`, `yes` and `no` are text.

use serde_json::Number;

/// The meaning of a plain scalar.
#[derive(Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Number(Number),
    Text,
    /// A number by its form, but not one that can be kept exactly.
    BadNumber,
}

pub(super) fn resolve(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "true" | "True" | "TRUE" => return Scalar::Bool(true),
        "false" | "False" | "FALSE" => return Scalar::Bool(false),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Scalar::BadNumber;
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    decimal(text, unsigned)
}

fn radix(digits: &str, radix: u32) -> Scalar {
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Scalar::Text;
    }
    u64::from_str_radix(digits, radix).map_or(Scalar::BadNumber, |value| Scalar::Number(value.into()))
}

fn decimal(text: &str, unsigned: &str) -> Scalar {
    if !unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return Scalar::Text;
    }
    if unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return integer(text, unsigned);
    }
    if !is_float(unsigned) {
        return Scalar::Text;
    }
    let value = text.parse().ok().filter(|value: &f64| value.is_finite());
    value.and_then(Number::from_f64).map_or(Scalar::BadNumber, Scalar::Number)
}

fn integer(text: &str, unsigned: &str) -> Scalar {
    if text.starts_with('-') {
        return text.parse::<i64>().map_or(Scalar::BadNumber, |value| Scalar::Number(value.into()));
    }
    unsigned.parse::<u64>().map_or(Scalar::BadNumber, |value| Scalar::Number(value.into()))
}

/// `( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn is_float(text: &str) -> bool {
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let exponent_fits = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !digits.is_empty() && all_digits(digits)
    });
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    exponent_fits && all_digits(whole) && all_digits(fraction) && (!whole.is_empty() || !fraction.is_empty())
}
