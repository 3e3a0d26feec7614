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

/// Gives a value in place of an expression that failed, or the error that it ends with.
pub type Mend<'a> = dyn Fn(&Expr, EvalError) -> Result<Value, EvalError> + 'a;

/// What a template is evaluated with.
struct Surroundings<'a> {
    input: &'a Value,
    scope: &'a dyn Scope,
    limits: &'a Limits,
    mend: &'a Mend<'a>,
}

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
        self.evaluate_or(input, scope, limits, &|_, error| Err(error))
    }

    /// As [`Template::evaluate`], but where an expression fails, `mend` may give a value instead.
    pub fn evaluate_or(
        &self,
        input: &Value,
        scope: &dyn Scope,
        limits: &Limits,
        mend: &Mend<'_>,
    ) -> Result<Value, EvalError> {
        let mut budget = limits.bytes;
        let value = self.0.evaluate(&Surroundings { input, scope, limits, mend }, &mut budget)?;
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

    /// All expressions in it, in the order of the value.
    pub fn expressions(&self) -> Vec<&Expr> {
        let mut found = Vec::new();
        self.0.collect(&mut found);
        found
    }

    /// The names of all variables that its expressions refer to, sorted, each once.
    pub fn variables(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.expressions().into_iter().flat_map(Expr::variables).cloned().collect();
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

    fn evaluate(&self, at: &Surroundings<'_>, bytes: &mut usize) -> Result<Value, EvalError> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Expr(expr) => {
                let rest = Limits { bytes: *bytes, ..*at.limits };
                match expr.evaluate_counting(at.input, at.scope, &rest) {
                    Ok((value, used)) => {
                        *bytes = bytes.saturating_sub(used);
                        Ok(value)
                    }
                    Err(error) => (at.mend)(expr, error),
                }
            }
            Self::List(nodes) => nodes.iter().map(|node| node.evaluate(at, bytes)).collect(),
            Self::Map(nodes) => {
                nodes.iter().map(|(key, node)| Ok((key.clone(), node.evaluate(at, bytes)?))).collect()
            }
        }
    }

    fn collect<'t>(&'t self, found: &mut Vec<&'t Expr>) {
        match self {
            Self::Literal(_) => {}
            Self::Expr(expr) => found.push(expr),
            Self::List(nodes) => nodes.iter().for_each(|node| node.collect(found)),
            Self::Map(nodes) => nodes.iter().for_each(|(_, node)| node.collect(found)),
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
