//! How the arguments of an effect are evaluated: in the core with secrets and configuration by name, for all to
//! see, and with their values by whoever performs the effect. What names are shown as must never change: it is
//! part of what a journal's entries are hashed of.

use std::borrow::Cow;
use std::cell::RefCell;

use serde_json::{Map, Value, json};
use tenon_expr::{EvalError, Expr, Limits, Scope, Template, UriTemplate};
use tenon_workflow::{CONFIGURATION, ErrorType, Program};

use super::{Failure, FailureKind, Resolved};
use crate::Error;

/// Everything that arguments are evaluated with.
pub(crate) struct Arguments<'a> {
    pub(crate) program: &'a Program,
    /// The task's transformed input.
    pub(crate) input: &'a Value,
    /// Every variable but those that are not known to the core.
    pub(crate) scope: &'a dyn Scope,
    /// Whether the effect authenticates, so that there is a `$authorization`.
    pub(crate) authenticates: bool,
    /// The values that are not known to the core; without them, their names stand for them.
    pub(crate) resolved: Option<&'a Resolved>,
}

/// Why arguments cannot be had.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) kind: ErrorType,
    pub(crate) detail: String,
}

/// Whether an expression reads what the core does not know.
pub(crate) fn is_deferred(expr: &Expr) -> bool {
    expr.variables().iter().any(|name| is_deferred_name(name))
}

pub(super) fn is_deferred_name(name: &str) -> bool {
    matches!(name, "secrets" | "authorization" | CONFIGURATION)
}

// === impl Problem ===

impl Problem {
    pub(crate) fn new(kind: ErrorType, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    fn expression(detail: impl Into<String>) -> Self {
        Self::new(ErrorType::Expression, detail)
    }

    /// The error of the task at this place.
    pub(crate) fn at(self, instance: &str) -> Error {
        Error::standard(self.kind, instance, self.detail)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let error = match problem.kind {
            ErrorType::Configuration => FailureKind::Configuration,
            ErrorType::Validation => FailureKind::Validation,
            ErrorType::Authentication => FailureKind::Authentication,
            ErrorType::Authorization => FailureKind::Authorization,
            ErrorType::Timeout => FailureKind::Timeout,
            ErrorType::Communication => FailureKind::Communication,
            ErrorType::Runtime => FailureKind::Runtime,
            ErrorType::Expression => FailureKind::Expression,
        };
        Self { error, status: problem.kind.status(), detail: problem.detail, used: Vec::new() }
    }
}

// === impl Arguments ===

impl Arguments<'_> {
    pub(crate) fn value(&self, template: &Template, what: &str) -> Result<Value, Problem> {
        let failed = RefCell::new(None);
        let mend = |expr: &Expr, error: EvalError| {
            if self.resolved.is_none() && is_deferred(expr) {
                return Ok(Value::String(source(expr)));
            }
            *failed.borrow_mut() = Some(expr.clone());
            Err(error)
        };
        let value = template.evaluate_or(self.input, self, &Limits::default(), &mend);
        value.map_err(|error| self.problem(what, failed.borrow().as_ref(), &error))
    }

    /// A secret that is known to be set.
    pub(super) fn secret(&self, name: &str) -> Value {
        let secret = self.resolved.and_then(|resolved| resolved.secrets.get(name));
        secret.cloned().unwrap_or_else(|| secret_name(name))
    }

    /// The address of a call.
    pub(crate) fn uri(&self, uri: &UriTemplate) -> Result<String, Problem> {
        let evaluated = uri.evaluate(self.input, self, &Limits::default());
        evaluated.or_else(|error| match uri.expression() {
            Some(expr) if self.resolved.is_none() && is_deferred(expr) => Ok(source(expr)),
            expr => Err(self.problem("endpoint", expr, &error)),
        })
    }

    pub(crate) fn text(&self, template: &Template, what: &str) -> Result<String, Problem> {
        match self.value(template, what)? {
            Value::String(text) => Ok(text),
            other if self.stands_in(template) => Ok(other.to_string()),
            other => Err(Problem::expression(format!("`{what}` must be a string, but is {}", kind(&other)))),
        }
    }

    /// An object; without a template, or where it gives `null`, an empty one.
    pub(crate) fn object(
        &self,
        template: Option<&Template>,
        what: &str,
    ) -> Result<Map<String, Value>, Problem> {
        let Some(template) = template else { return Ok(Map::new()) };
        match self.value(template, what)? {
            Value::Object(members) => Ok(members),
            Value::Null => Ok(Map::new()),
            other if self.stands_in(template) => Ok(Map::from_iter([("*".to_owned(), other)])),
            other => Err(Problem::expression(format!("`{what}` must be an object, but is {}", kind(&other)))),
        }
    }

    /// An object of texts as names and values; lists repeat the name, `null` leaves it out.
    pub(crate) fn pairs(
        &self,
        template: Option<&Template>,
        what: &str,
    ) -> Result<Vec<(String, String)>, Problem> {
        let members = self.object(template, what)?;
        let stands_in = template.is_some_and(|template| self.stands_in(template));
        let mut pairs = Vec::with_capacity(members.len());
        for (name, value) in members {
            let values = match value {
                Value::Array(values) => values,
                one => vec![one],
            };
            for value in values {
                match value {
                    Value::Null => {}
                    Value::String(value) => pairs.push((name.clone(), value)),
                    Value::Bool(_) | Value::Number(_) => pairs.push((name.clone(), value.to_string())),
                    other if stands_in => pairs.push((name.clone(), other.to_string())),
                    // Its name may come from a secret.
                    other if template.is_some_and(reads_deferred) => {
                        let detail = format!("a member of `{what}` must be text, but is {}", kind(&other));
                        return Err(Problem::expression(detail));
                    }
                    other => {
                        let detail = format!("`{name}` in `{what}` must be text, but is {}", kind(&other));
                        return Err(Problem::expression(detail));
                    }
                }
            }
        }
        Ok(pairs)
    }

    /// A port; where only its name is known, none.
    pub(crate) fn port(&self, template: Option<&Template>) -> Result<Option<u16>, Problem> {
        let Some(template) = template else { return Ok(None) };
        let value = self.value(template, "port")?;
        match value.as_u64().and_then(|port| u16::try_from(port).ok()) {
            Some(port) => Ok(Some(port)),
            None if value.is_null() || self.stands_in(template) => Ok(None),
            None => Err(Problem::expression("`port` must be a whole number from 0 to 65535")),
        }
    }

    /// Whether names stand for values in what this gives, so that it need not be what it has to be.
    pub(crate) fn stands_in(&self, template: &Template) -> bool {
        self.resolved.is_none() && reads_deferred(template)
    }

    /// With values at hand, nothing that an expression says can be repeated.
    fn problem(&self, what: &str, failed: Option<&Expr>, error: &EvalError) -> Problem {
        match failed {
            Some(expr) if self.resolved.is_some() && is_deferred(expr) => Problem::expression(format!(
                "the expression `{}` in `{what}` fails with the values of the secrets or variables that it reads",
                expr.source()
            )),
            Some(_) | None if self.resolved.is_some() => {
                Problem::expression(format!("`{what}` cannot be evaluated"))
            }
            _ => Problem::expression(error.to_string()),
        }
    }
}

fn reads_deferred(template: &Template) -> bool {
    template.expressions().into_iter().any(is_deferred)
}

impl Scope for Arguments<'_> {
    fn variable(&self, name: &str) -> Option<Cow<'_, Value>> {
        match (name, self.resolved) {
            ("secrets", Some(resolved)) => Some(Cow::Owned(Value::Object(resolved.secrets.clone()))),
            (CONFIGURATION, Some(resolved)) => Some(Cow::Owned(Value::Object(resolved.variables.clone()))),
            ("authorization", Some(resolved)) => {
                Some(resolved.authorization.as_ref().map_or(Cow::Owned(Value::Null), Cow::Borrowed))
            }
            ("secrets", None) => {
                let names = self.program.secrets.iter().map(|name| (name.clone(), secret_name(name)));
                Some(Cow::Owned(Value::Object(names.collect())))
            }
            (CONFIGURATION, None) => {
                let names = self.program.variables.iter().map(|name| (name.clone(), variable_name(name)));
                Some(Cow::Owned(Value::Object(names.collect())))
            }
            ("authorization", None) if !self.authenticates => Some(Cow::Owned(Value::Null)),
            ("authorization", None) => {
                Some(Cow::Owned(json!({ "scheme": "<scheme>", "parameter": "<authorization>" })))
            }
            _ => self.scope.variable(name),
        }
    }

    fn member(&self, name: &str, key: &str) -> Option<Cow<'_, Value>> {
        let given =
            |values: &'_ Map<String, Value>| Cow::Owned(values.get(key).cloned().unwrap_or(Value::Null));
        match (name, self.resolved) {
            ("secrets", Some(resolved)) => Some(given(&resolved.secrets)),
            (CONFIGURATION, Some(resolved)) => Some(given(&resolved.variables)),
            ("secrets", None) => Some(Cow::Owned(secret_name(key))),
            (CONFIGURATION, None) => Some(Cow::Owned(variable_name(key))),
            ("authorization", _) => {
                self.variable(name).map(|value| Cow::Owned(value.get(key).cloned().unwrap_or(Value::Null)))
            }
            _ => self.scope.member(name, key),
        }
    }

    fn now(&self) -> f64 {
        self.scope.now()
    }
}

fn secret_name(name: &str) -> Value {
    Value::String(format!("<secret:{name}>"))
}

fn variable_name(name: &str) -> Value {
    Value::String(format!("<variable:{name}>"))
}

/// An expression in the place of its value.
fn source(expr: &Expr) -> String {
    format!("${{ {} }}", expr.source())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
