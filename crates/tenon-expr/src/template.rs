//! JSON values with `${ … }` in them.
//!
//! Strict mode of the language: only a string that is wholly `${ … }` is an expression; all other strings,
//! also those with `${` somewhere inside, are literal. Text that an expression returns is never evaluated.

use crate::{CompileError, EvalError, Expr, Limits, MAX_VALUE_DEPTH, Scope, TemplateError, Value, is_deeper};
use std::fmt::Write as _;
use std::sync::Arc;

/// A JSON value in which every string that is wholly `${ … }` is an expression. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Template(Arc<Node>);

#[derive(Debug)]
enum Node {
    Literal(Value),
    Expr(Expr),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

// === impl Template ===

impl Template {
    /// Compiles every expression in `value`; `variables` are the names allowed, without `$`.
    pub fn compile(value: &Value, variables: &[&str]) -> Result<Self, TemplateError> {
        let mut pointer = String::new();
        Node::compile(value, variables, &mut pointer)
            .map(|node| Self(Arc::new(node)))
            .map_err(|error| TemplateError { pointer, error })
    }

    /// The value with every expression replaced by its result. Limits apply to each expression.
    pub fn evaluate(&self, input: &Value, scope: &dyn Scope, limits: &Limits) -> Result<Value, EvalError> {
        let mut budget = limits.bytes;
        let value = self.0.evaluate(input, scope, limits, &mut budget)?;
        let is_assembled = matches!(*self.0, Node::List(_) | Node::Map(_));
        if is_assembled && is_deeper(&value, MAX_VALUE_DEPTH) {
            return Err(EvalError::ValueDepth { limit: MAX_VALUE_DEPTH });
        }
        Ok(value)
    }

    /// True if there is no expression in it: evaluating gives the value it was compiled from.
    pub fn is_literal(&self) -> bool {
        matches!(*self.0, Node::Literal(_))
    }

    /// The names of all variables that its expressions refer to, sorted, each once.
    pub fn variables(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.0.collect_variables(&mut names);
        names.sort_unstable();
        names.dedup();
        names
    }
}

// === impl Node ===

impl Node {
    /// On an error, `pointer` is left at the string that has it.
    fn compile(value: &Value, variables: &[&str], pointer: &mut String) -> Result<Self, CompileError> {
        match value {
            Value::String(text) => compile_text(text, variables),
            Value::Array(items) => {
                let mut nodes = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    nodes.push(Self::member(item, &index.to_string(), variables, pointer)?);
                }
                Ok(Self::or_literal(Self::List(nodes), value))
            }
            Value::Object(members) => {
                let mut nodes = Vec::with_capacity(members.len());
                for (key, item) in members {
                    nodes.push((key.clone(), Self::member(item, key, variables, pointer)?));
                }
                Ok(Self::or_literal(Self::Map(nodes), value))
            }
            _ => Ok(Self::Literal(value.clone())),
        }
    }

    fn member(
        value: &Value,
        key: &str,
        variables: &[&str],
        pointer: &mut String,
    ) -> Result<Self, CompileError> {
        let length = pointer.len();
        let escaped = key.replace('~', "~0").replace('/', "~1");
        write!(pointer, "/{escaped}").expect("writing to a string cannot fail");
        let node = Self::compile(value, variables, pointer)?;
        pointer.truncate(length);
        Ok(node)
    }

    /// A container of nothing but literals is a literal, which evaluates by one clone.
    fn or_literal(self, value: &Value) -> Self {
        let literal = |node: &Self| matches!(node, Self::Literal(_));
        let all = match &self {
            Self::List(nodes) => nodes.iter().all(literal),
            Self::Map(nodes) => nodes.iter().all(|(_, node)| literal(node)),
            Self::Literal(_) | Self::Expr(_) => false,
        };
        if all { Self::Literal(value.clone()) } else { self }
    }

    fn evaluate(
        &self,
        input: &Value,
        scope: &dyn Scope,
        limits: &Limits,
        bytes: &mut usize,
    ) -> Result<Value, EvalError> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Expr(expr) => {
                let rest = Limits { bytes: *bytes, ..*limits };
                let (value, used) = expr.evaluate_counting(input, scope, &rest)?;
                *bytes = bytes.saturating_sub(used);
                Ok(value)
            }
            Self::List(nodes) => {
                nodes.iter().map(|node| node.evaluate(input, scope, limits, bytes)).collect()
            }
            Self::Map(nodes) => nodes
                .iter()
                .map(|(key, node)| Ok((key.clone(), node.evaluate(input, scope, limits, bytes)?)))
                .collect(),
        }
    }

    fn collect_variables(&self, names: &mut Vec<String>) {
        match self {
            Self::Literal(_) => {}
            Self::Expr(expr) => names.extend_from_slice(expr.variables()),
            Self::List(nodes) => nodes.iter().for_each(|node| node.collect_variables(names)),
            Self::Map(nodes) => nodes.iter().for_each(|(_, node)| node.collect_variables(names)),
        }
    }
}

fn compile_text(text: &str, variables: &[&str]) -> Result<Node, CompileError> {
    let Some(source) = runtime_expression(text) else {
        return Ok(Node::Literal(Value::String(text.to_owned())));
    };
    compile_within(text, source, variables).map(Node::Expr)
}

/// Compiles `source`, a part of `text`; offsets of errors count from the start of `text`.
pub(crate) fn compile_within(text: &str, source: &str, variables: &[&str]) -> Result<Expr, CompileError> {
    let start = source.as_ptr() as usize - text.as_ptr() as usize;
    Expr::compile(source, variables).map_err(|mut error| {
        error.offset += start;
        error
    })
}

/// What is between the braces if the whole string, less white space around it, is `${ … }`.
///
/// ```
/// assert_eq!(tenon_expr::runtime_expression(" ${ .a } "), Some(".a"));
/// assert_eq!(tenon_expr::runtime_expression("id ${ .a }"), None);
/// ```
pub fn runtime_expression(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("${")?.strip_suffix('}')?;
    Some(inner.trim())
}
