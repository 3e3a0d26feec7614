//! Evaluation at a task: what can go wrong becomes an *expression* error of that task.

use std::sync::Arc;
use std::time::Duration;

use tenon_expr::{EvalError, Expr, Limits, Template, Value};
use tenon_workflow::{ErrorType, Schema, Span, parse_duration};

use super::scope::View;
use crate::Error;

const LIMITS: fn() -> Limits = Limits::default;

/// An *expression* error at a task.
pub(super) fn expression_error(instance: &str, error: &EvalError) -> Error {
    Error::standard(ErrorType::Expression, instance, error.to_string())
}

pub(super) fn template(
    template: &Template,
    input: &Value,
    view: &View<'_>,
    instance: &str,
) -> Result<Value, Error> {
    template.evaluate(input, view, &LIMITS()).map_err(|error| expression_error(instance, &error))
}

/// `from` and `as`: without a template the value stays what it is.
pub(super) fn transform(
    transformation: Option<&Template>,
    value: &Arc<Value>,
    view: &View<'_>,
    instance: &str,
) -> Result<Arc<Value>, Error> {
    match transformation {
        None => Ok(Arc::clone(value)),
        Some(transformation) => template(transformation, value, view, instance).map(Arc::new),
    }
}

/// jq's truth: everything but `false` and `null`.
pub(super) fn condition(expr: &Expr, input: &Value, view: &View<'_>, instance: &str) -> Result<bool, Error> {
    let value = expr.evaluate(input, view, &LIMITS()).map_err(|error| expression_error(instance, &error))?;
    Ok(!matches!(value, Value::Null | Value::Bool(false)))
}

/// `value` gives text.
pub(super) fn text(
    source: &Template,
    input: &Value,
    view: &View<'_>,
    (instance, what): (&str, &str),
) -> Result<String, Error> {
    match template(source, input, view, instance)? {
        Value::String(text) => Ok(text),
        other => Err(Error::standard(
            ErrorType::Expression,
            instance,
            format!("`{what}` must be a string, but is {}", kind(&other)),
        )),
    }
}

pub(super) fn span(span: &Span, input: &Value, view: &View<'_>, instance: &str) -> Result<Duration, Error> {
    match span {
        Span::Fixed(duration) => Ok(*duration),
        Span::Computed(source) => {
            let value = template(source, input, view, instance)?;
            parse_duration(&value)
                .map_err(|error| Error::standard(ErrorType::Expression, instance, error.to_string()))
        }
    }
}

pub(super) fn check_schema(
    schema: Option<&Schema>,
    value: &Value,
    (instance, what): (&str, &str),
) -> Result<(), Error> {
    let Some(schema) = schema else { return Ok(()) };
    if let Some(reason) = schema.reason() {
        return Err(Error::standard(ErrorType::Configuration, instance, reason));
    }
    schema.check(value).map_err(|violations| {
        let list: Vec<_> = violations
            .iter()
            .map(|violation| match violation.pointer.as_str() {
                "" => violation.message.clone(),
                pointer => format!("{pointer}: {}", violation.message),
            })
            .collect();
        let detail = format!("{what} does not match its schema: {}", list.join("; "));
        Error::standard(ErrorType::Validation, instance, detail)
    })
}

/// A value's kind, for messages.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
