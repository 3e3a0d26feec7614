//! The fast path: plain paths, literals and comparisons of the two, evaluated by reference.
//!
//! Most expressions of a workflow are `.order.id`, `$steps.x.total` or `.total > 1000`. They are followed
//! through the borrowed values; only the result is copied. Results and errors are those of the evaluator,
//! which tests compare.

use crate::budget::Budget;
use crate::ops::{self, Fault};
use crate::order::{compare, equal};
use crate::term::{Global, Kind, Optional, Part, Program, Term};
use crate::value::{Type, Val, copy_json};
use crate::{EvalError, Scope, Value};
use jaq_core::ops::Cmp;
use std::borrow::Cow;

/// An expression that does not need the evaluator.
#[derive(Debug)]
pub(crate) enum Plain {
    Place(Place),
    Compare(Place, Cmp, Place),
}

#[derive(Debug)]
pub(crate) enum Place {
    Literal(Value),
    Path(Root, Vec<Segment>),
}

#[derive(Debug)]
pub(crate) enum Root {
    Input,
    Global(usize),
}

#[derive(Debug)]
pub(crate) enum Segment {
    Key(String),
    Index(i64),
}

impl Plain {
    pub(crate) fn of(program: &Program) -> Option<Self> {
        match &program.root.kind {
            Kind::Compare(op, pair) => {
                let (left, right) = (Place::of(&pair.0)?, Place::of(&pair.1)?);
                Some(Self::Compare(left, *op, right))
            }
            _ => Place::of(&program.root).map(Self::Place),
        }
    }

    pub(crate) fn evaluate(
        &self,
        input: &Value,
        globals: &[Global],
        scope: &dyn Scope,
        budget: &Budget,
    ) -> Result<Value, EvalError> {
        match self {
            Self::Place(place) => {
                with_global(place, globals, scope, |global| match global {
                    // a whole variable that was built for us need not be copied
                    Some(Cow::Owned(value)) if place.is_whole() => Ok(value),
                    global => match place.follow(input, global.as_deref())? {
                        Some(value) => copy_json(value, budget, 0),
                        None => Ok(Value::Null),
                    },
                })
            }
            Self::Compare(left, op, right) => with_global(left, globals, scope, |l| {
                with_global(right, globals, scope, |r| {
                    let null = Value::Null;
                    let left = left.follow(input, l.as_deref())?.unwrap_or(&null);
                    let right = right.follow(input, r.as_deref())?.unwrap_or(&null);
                    let (left, right) = (Val::from(left), Val::from(right));
                    Ok(Value::Bool(match op {
                        Cmp::Eq => equal(&left, &right, budget)?,
                        Cmp::Ne => !equal(&left, &right, budget)?,
                        Cmp::Lt => compare(&left, &right, budget)?.is_lt(),
                        Cmp::Le => compare(&left, &right, budget)?.is_le(),
                        Cmp::Gt => compare(&left, &right, budget)?.is_gt(),
                        Cmp::Ge => compare(&left, &right, budget)?.is_ge(),
                    }))
                })
            }),
        }
    }
}

fn with_global<'s>(
    place: &Place,
    globals: &[Global],
    scope: &'s dyn Scope,
    with: impl FnOnce(Option<Cow<'s, Value>>) -> Result<Value, EvalError>,
) -> Result<Value, EvalError> {
    let Place::Path(Root::Global(index), _) = place else {
        return with(None);
    };
    let global = &globals[*index];
    let value = match &global.member {
        Some(member) => scope.member(&global.name, member),
        None => scope.variable(&global.name),
    };
    let name = || global.name.clone();
    with(Some(value.ok_or_else(|| EvalError::Undefined { name: name() })?))
}

impl Place {
    fn of(term: &Term) -> Option<Self> {
        let root = |term: &Term| match term.kind {
            Kind::Identity => Some(Root::Input),
            Kind::Global(index) => Some(Root::Global(index)),
            _ => None,
        };
        match &term.kind {
            Kind::Literal(value) => Some(Self::Literal(value.clone())),
            Kind::Native(native, _) => match native.name {
                "null" => Some(Self::Literal(Value::Null)),
                "true" => Some(Self::Literal(Value::Bool(true))),
                "false" => Some(Self::Literal(Value::Bool(false))),
                _ => None,
            },
            Kind::Path(head, parts) => {
                let segments = parts.iter().map(Segment::of).collect::<Option<_>>()?;
                Some(Self::Path(root(head)?, segments))
            }
            _ => Some(Self::Path(root(term)?, Vec::new())),
        }
    }

    fn is_whole(&self) -> bool {
        matches!(self, Self::Path(_, segments) if segments.is_empty())
    }

    /// What is there; `None` for `null` that stands for something missing.
    fn follow<'a>(
        &'a self,
        input: &'a Value,
        global: Option<&'a Value>,
    ) -> Result<Option<&'a Value>, EvalError> {
        let (root, segments) = match self {
            Self::Literal(value) => return Ok(Some(value)),
            Self::Path(root, segments) => (root, segments),
        };
        let mut value = match root {
            Root::Input => input,
            Root::Global(_) => global.unwrap_or(&Value::Null),
        };
        for segment in segments {
            let next = match (value, segment) {
                (Value::Null, _) => None,
                (Value::Object(members), Segment::Key(key)) => members.get(key),
                (Value::Array(items), Segment::Index(index)) => {
                    ops::absolute(*index, items.len()).and_then(|i| items.get(i))
                }
                (other, segment) => return Err(segment.unfit(Type::of(other))),
            };
            match next {
                Some(next) => value = next,
                None => return Ok(None),
            }
        }
        Ok(Some(value))
    }
}

impl Segment {
    fn of((part, optional): &(Part, Optional)) -> Option<Self> {
        let (Part::Index(index), Optional::No) = (part, optional) else {
            return None;
        };
        match &index.kind {
            Kind::Literal(Value::String(key)) => Some(Self::Key(key.clone())),
            Kind::Literal(Value::Number(index)) => index.as_i64().map(Self::Index),
            Kind::Negate(index) => match &index.kind {
                Kind::Literal(Value::Number(index)) => index.as_i64().map(|i| Self::Index(-i)),
                _ => None,
            },
            _ => None,
        }
    }

    fn unfit(&self, container: Type) -> EvalError {
        let message = match self {
            Self::Key(key) => ops::index_message(container, &Val::string(key.clone())),
            Self::Index(index) => ops::index_message(container, &Val::Int(*index)),
        };
        EvalError::Raised(message)
    }
}

impl<'v> From<Fault<'v>> for EvalError {
    fn from(fault: Fault<'v>) -> Self {
        match fault {
            Fault::Fatal(error) => error,
            Fault::Raised(value) => Self::Raised(value.as_str().unwrap_or("an error was raised").to_owned()),
        }
    }
}
