//! Whether a value is what a scenario expects, and where it is not.

use anyhow::{Result, bail};
use serde_json::Value;
use std::borrow::Cow;
use tenon_expr::{Expr, Limits, Scope};

/// What a report shows of a value, in characters.
const SHOWN: usize = 600;

/// An error unless both are the same; numbers are compared by value, so `1` is `1.0`.
pub(super) fn same(expected: &Value, actual: &Value) -> Result<()> {
    explain(difference(expected, actual, Members::All), expected, actual)
}

/// An error unless every member that is expected is there; lists have the same length.
pub(super) fn contains(expected: &Value, actual: &Value) -> Result<()> {
    explain(difference(expected, actual, Members::Expected), expected, actual)
}

/// An error unless the expression (jq) gives `true` for the value.
pub(super) fn satisfies(expression: &str, actual: &Value) -> Result<()> {
    let compiled = Expr::compile(expression, &[])?;
    let verdict = compiled.evaluate(actual, &NoVariables, &Limits::default())?;
    match verdict {
        Value::Bool(true) => Ok(()),
        other => bail!("`{}` is {other} for {}", expression.trim(), shown(actual)),
    }
}

/// The value at a path of names such as `content.id`, if it is there.
pub(super) fn property<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, name| match value {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        other => other.get(name),
    })
}

/// A value in a report: short enough to be read.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{} … ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}

/// Which members of an object count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Members {
    All,
    Expected,
}

/// Expressions of scenarios see nothing but `.`.
struct NoVariables;

impl Scope for NoVariables {
    fn variable(&self, _: &str) -> Option<Cow<'_, Value>> {
        None
    }

    fn now(&self) -> f64 {
        0.0
    }
}

fn explain(difference: Option<String>, expected: &Value, actual: &Value) -> Result<()> {
    match difference {
        None => Ok(()),
        Some(place) => bail!("{place}\nexpected {}\nbut it is {}", shown(expected), shown(actual)),
    }
}

/// Where the first difference is, and which.
fn difference(expected: &Value, actual: &Value, members: Members) -> Option<String> {
    let found = differing(expected, actual, members)?;
    Some(format!("at `{}`: {}", if found.0.is_empty() { "." } else { &found.0 }, found.1))
}

fn differing(expected: &Value, actual: &Value, members: Members) -> Option<(String, String)> {
    let below = |name: &str, (place, what): (String, String)| (format!(".{name}{place}"), what);
    match (expected, actual) {
        (Value::Object(wanted), Value::Object(found)) => {
            let missing = wanted.keys().find(|name| !found.contains_key(*name));
            if let Some(name) = missing {
                return Some((String::new(), format!("`{name}` is missing")));
            }
            let surplus = found.keys().find(|name| !wanted.contains_key(*name));
            if let Some(name) = surplus.filter(|_| members == Members::All) {
                return Some((String::new(), format!("`{name}` was not expected")));
            }
            wanted
                .iter()
                .find_map(|(name, value)| Some(below(name, differing(value, &found[name], members)?)))
        }
        (Value::Array(wanted), Value::Array(found)) => {
            if wanted.len() != found.len() {
                let what = format!("{} items instead of {}", found.len(), wanted.len());
                return Some((String::new(), what));
            }
            let mut pairs = wanted.iter().zip(found).enumerate();
            pairs.find_map(|(index, (wanted, found))| {
                Some(below(&index.to_string(), differing(wanted, found, members)?))
            })
        }
        (Value::Number(wanted), Value::Number(found)) => (wanted != found
            && wanted.as_f64() != found.as_f64())
        .then(|| (String::new(), format!("{found} instead of {wanted}"))),
        _ => (expected != actual)
            .then(|| (String::new(), format!("{} instead of {}", shown(actual), shown(expected)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn equality_names_the_place_of_the_difference() {
        assert!(same(&json!({"a": [1, {"b": 2}]}), &json!({"a": [1.0, {"b": 2}]})).is_ok());
        let error = same(&json!({"a": [1, {"b": 2}]}), &json!({"a": [1, {"b": 3}]})).unwrap_err();
        assert!(error.to_string().starts_with("at `.a.1.b`: 3 instead of 2"), "{error}");
        assert!(same(&json!({}), &json!({"a": 1})).is_err());
        assert!(same(&json!([1]), &json!([1, 2])).is_err());
        assert!(same(&json!(null), &json!(false)).is_err());
    }

    #[test]
    fn containing_looks_at_what_is_expected_only() {
        assert!(contains(&json!({"a": {"b": 1}}), &json!({"a": {"b": 1, "c": 2}, "d": 3})).is_ok());
        assert!(contains(&json!({"a": 1}), &json!({"b": 1})).is_err());
        assert!(contains(&json!([1]), &json!([1, 2])).is_err());
    }

    #[test]
    fn an_expression_has_to_be_true() {
        assert!(satisfies(".a > 1 and (.b | not)", &json!({"a": 2})).is_ok());
        assert!(satisfies(".a", &json!({"a": 2})).unwrap_err().to_string().contains("is 2 for"));
        assert!(satisfies("$x", &json!({})).is_err());
    }

    #[test]
    fn properties_are_found_by_path() {
        let value = json!({"a": {"b": [null, 5]}});
        assert_eq!(property(&value, "a.b.1"), Some(&json!(5)));
        assert_eq!(property(&value, "a.b.0"), Some(&json!(null)));
        assert_eq!(property(&value, "a.c"), None);
    }
}
