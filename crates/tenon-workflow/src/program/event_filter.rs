//! Which events a workflow or a `listen` wants.

use regex::Regex;
use tenon_expr::{EvalError, Expr, Limits, Scope, Template, Value};

/// `with` of an event filter.
#[derive(Debug)]
pub struct EventFilter {
    /// Attribute name and what it must be; all must hold.
    pub attributes: Vec<(String, Match)>,
    /// Bare or wrapped expression over the event's data.
    pub data: Option<Expr>,
}

/// What an attribute must be.
#[derive(Debug, Clone)]
pub enum Match {
    /// Equal.
    Equals(Value),
    /// Equal, or the whole text matches.
    Pattern(String, Regex),
    /// Equal to what this gives (only in `listen`, where there is a job); `.` is the task's input.
    Computed(Template),
}

/// Which event types a filter can match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventTypes {
    /// Only this one.
    Exact(String),
    /// Any, as far as is known without looking.
    Any,
}

// === impl EventFilter ===

impl EventFilter {
    /// For the subscription index.
    pub fn event_types(&self) -> EventTypes {
        for (name, wanted) in &self.attributes {
            if name == "type"
                && let Match::Equals(Value::String(exact)) = wanted
            {
                return EventTypes::Exact(exact.clone());
            }
        }
        EventTypes::Any
    }

    /// Whether the event (its whole envelope) passes. `input` is what computed attributes see as `.`, `scope`
    /// serves them and the data expression.
    pub fn matches(
        &self,
        envelope: &Value,
        input: &Value,
        scope: &dyn Scope,
        limits: &Limits,
    ) -> Result<bool, EvalError> {
        for (name, wanted) in &self.attributes {
            let found = envelope.get(name).unwrap_or(&Value::Null);
            if !wanted.holds(found, input, scope, limits)? {
                return Ok(false);
            }
        }
        let Some(data) = &self.data else { return Ok(true) };
        let value = data.evaluate(envelope.get("data").unwrap_or(&Value::Null), scope, limits)?;
        Ok(!matches!(value, Value::Null | Value::Bool(false)))
    }
}

// === impl Match ===

impl Match {
    fn holds(
        &self,
        found: &Value,
        input: &Value,
        scope: &dyn Scope,
        limits: &Limits,
    ) -> Result<bool, EvalError> {
        Ok(match self {
            Self::Equals(wanted) => wanted == found,
            Self::Pattern(text, regex) => {
                found.as_str().is_some_and(|found| found == text || regex.is_match(found))
            }
            Self::Computed(wanted) => wanted.evaluate(input, scope, limits)? == *found,
        })
    }
}
