//! URIs with `{name}` in them.
//!
//! A name is a top-level member of the task's transformed input, filled in percent-encoded, so that data can
//! never add a path segment, a query or another host. Anything more goes into a whole-string `${ … }`.

use crate::template::compile_within;
use crate::{CompileError, EvalError, Expr, Limits, Scope, Value, runtime_expression};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::sync::Arc;

/// RFC 3986's unreserved characters stay; all others are encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `https://host/{name}/x`, or `${ … }` that gives the whole URI. Cheap to clone.
#[derive(Clone, Debug)]
pub struct UriTemplate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: String,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Expr(Expr),
    Parts(Vec<Part>),
}

#[derive(Debug)]
enum Part {
    Text(String),
    Name(String),
}

impl UriTemplate {
    /// Compiles `text`; `variables` are the names allowed in `${ … }`, without `$`.
    pub fn compile(text: &str, variables: &[&str]) -> Result<Self, CompileError> {
        let body = match runtime_expression(text) {
            Some(source) => Body::Expr(compile_within(text, source, variables)?),
            None => Body::Parts(parse(text)?),
        };
        let source = text.to_owned();
        Ok(Self(Arc::new(Inner { source, body })))
    }

    /// The URI for `input`. Strings, numbers and booleans can fill a `{name}`.
    pub fn evaluate(&self, input: &Value, scope: &dyn Scope, limits: &Limits) -> Result<String, EvalError> {
        let parts = match &self.0.body {
            Body::Expr(expr) => {
                return match expr.evaluate(input, scope, limits)? {
                    Value::String(uri) => Ok(uri),
                    other => Err(wrong_type("the URI's expression".into(), "a string", &other)),
                };
            }
            Body::Parts(parts) => parts,
        };
        let mut uri = String::with_capacity(self.0.source.len());
        for part in parts {
            match part {
                Part::Text(text) => uri.push_str(text),
                Part::Name(name) => push_name(&mut uri, name, input)?,
            }
            if uri.len() > limits.bytes {
                let limit = limits.bytes;
                return Err(EvalError::Bytes { limit });
            }
        }
        Ok(uri)
    }

    /// The text it was compiled from.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// Its expression; none for `{name}` templates.
    pub fn expression(&self) -> Option<&Expr> {
        match &self.0.body {
            Body::Expr(expr) => Some(expr),
            Body::Parts(_) => None,
        }
    }

    /// The variables that its expression refers to; none for `{name}` templates.
    pub fn variables(&self) -> &[String] {
        self.expression().map_or(&[], Expr::variables)
    }
}

fn parse(text: &str) -> Result<Vec<Part>, CompileError> {
    let mut parts = Vec::new();
    let mut rest = text;
    let offset = |rest: &str| text.len() - rest.len();
    while let Some(brace) = rest.find(['{', '}']) {
        if brace > 0 {
            parts.push(Part::Text(rest[..brace].to_owned()));
        }
        rest = &rest[brace..];
        let Some(inner) = rest.strip_prefix('{') else {
            return Err(CompileError::new("`}` without `{` in the URI", offset(rest)));
        };
        let Some(end) = inner.find('}') else {
            return Err(CompileError::new("`{` is not closed in the URI", offset(rest))
                .hint(Some("write `{name}`".into())));
        };
        let name = &inner[..end];
        if !is_name(name) {
            let message = format!("`{{{name}}}` is not a name");
            return Err(CompileError::new(message, offset(rest)).hint(Some(
                "use a top-level member of the input, or one `${ … }` for the whole URI".into(),
            )));
        }
        parts.push(Part::Name(name.to_owned()));
        rest = &inner[end + 1..];
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}

/// Names are taken verbatim: `{pet.id}` is the member `pet.id`. The operators and modifiers of RFC 6570 are none.
fn is_name(name: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '$' | ':');
    let begins = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    name.starts_with(begins) && name.chars().all(part)
}

fn push_name(uri: &mut String, name: &str, input: &Value) -> Result<(), EvalError> {
    let missing = || EvalError::MissingName { name: name.to_owned() };
    match input.get(name).ok_or_else(missing)? {
        Value::String(text) => uri.extend(utf8_percent_encode(text, ENCODED)),
        Value::Number(number) => uri.extend(utf8_percent_encode(&number.to_string(), ENCODED)),
        Value::Bool(bool) => uri.push_str(if *bool { "true" } else { "false" }),
        other => {
            let what = format!("`{{{name}}}` in the URI");
            return Err(wrong_type(what, "a string, number or boolean", other));
        }
    }
    Ok(())
}

fn wrong_type(what: String, expected: &'static str, value: &Value) -> EvalError {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    EvalError::WrongType { what, expected, found }
}
