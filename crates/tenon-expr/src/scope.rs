//! What an expression is given besides `.`: variables, the time, and its limits.

use serde_json::Value;
use std::borrow::Cow;

/// How deep a value made by an expression may nest. Below the 128 levels that `serde_json` reads, so that
/// every result can be stored inside something and be read back.
pub const MAX_VALUE_DEPTH: usize = 112;

/// Whether a value nests more than so many levels.
pub fn is_deeper(value: &Value, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else { return value.is_array() || value.is_object() };
    match value {
        Value::Array(items) => items.iter().any(|item| is_deeper(item, below)),
        Value::Object(members) => members.values().any(|member| is_deeper(member, below)),
        _ => false,
    }
}

/// What an expression can see besides `.`. Must give the same answers whenever a job is replayed.
pub trait Scope {
    /// The whole value of `$name` (`name` without `$`). `None`: not available here, which the expression
    /// sees as an [`EvalError::Undefined`](crate::EvalError::Undefined).
    fn variable(&self, name: &str) -> Option<Cow<'_, Value>>;

    /// One member of a variable, so that `$steps.x` need not build all of `$steps`.
    /// A member that is missing is `null`; `None` means what it means for [`Scope::variable`].
    fn member(&self, name: &str, key: &str) -> Option<Cow<'_, Value>> {
        let missing = Cow::Owned(Value::Null);
        Some(match self.variable(name)? {
            Cow::Borrowed(value) => value.get(key).map_or(missing, Cow::Borrowed),
            Cow::Owned(mut value) => value.get_mut(key).map_or(missing, |v| Cow::Owned(v.take())),
        })
    }

    /// `now`, in seconds since the epoch. From the journal, never from a clock.
    fn now(&self) -> f64;
}

/// The most that one evaluation may use. All three are counted, not timed, so that replay ends the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Units of work: about one per term evaluated, value visited or 64 bytes scanned.
    pub steps: u64,
    /// Bytes allocated in total for intermediate values and the result.
    pub bytes: usize,
    /// How deep evaluation may nest (calls of definitions, most of all).
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 2_000_000, bytes: 64 << 20, depth: 256 }
    }
}
