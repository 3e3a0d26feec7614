//! Operators on values: indexing, slicing and arithmetic, all paid for.

use crate::budget::{Budget, HEADER, LIST_ITEM, OBJECT_MEMBER};
use crate::order::compare;
use crate::value::{Text, Type, Val};
use crate::{EvalError, Value};
use jaq_core::ops::Math;
use std::ops::Range;
use std::rc::Rc;

/// Why an operator or native gave no value: an error that `try` can catch, or one that ends it all.
#[derive(Debug)]
pub(crate) enum Fault<'v> {
    Raised(Val<'v>),
    Fatal(EvalError),
}

pub(crate) type Outcome<'v, T = Val<'v>> = Result<T, Fault<'v>>;

impl From<EvalError> for Fault<'_> {
    fn from(error: EvalError) -> Self {
        Self::Fatal(error)
    }
}

/// An error with a message of bounded length.
pub(crate) fn raise<'v, T>(message: impl Into<String>) -> Outcome<'v, T> {
    Err(Fault::Raised(Val::string(message.into())))
}

/// The message for an index that does not fit. Types, not values: messages end up in logs.
pub(crate) fn index_message(container: Type, index: &Val) -> String {
    let container = container.described();
    match index {
        Val::Str(key) => {
            let key: String = key.as_str().chars().take(64).collect();
            format!("cannot index {container} with \"{key}\"")
        }
        other => format!("cannot index {container} with {}", other.kind().described()),
    }
}

// === indexing ===

/// `.[index]`
pub(crate) fn index<'v>(value: &Val<'v>, index: &Val<'v>, budget: &Budget) -> Outcome<'v> {
    match (value.kind(), index) {
        (Type::Null, _) => Ok(Val::Null),
        (Type::Object, Val::Str(key)) => Ok(value.get(key.as_str()).unwrap_or(Val::Null)),
        (Type::Array, Val::Int(_) | Val::Big(_) | Val::Float(_)) => {
            let position = position(index).and_then(|i| absolute(i, value.len()));
            Ok(position.and_then(|i| value.at(i)).unwrap_or(Val::Null))
        }
        (Type::Array, other) if other.kind() == Type::Array => indices(value, other, budget),
        (Type::Array | Type::String, other) if other.kind() == Type::Object => {
            let part = |key| other.get(key).filter(|v| !matches!(v, Val::Null));
            slice(value, part("start").as_ref(), part("end").as_ref(), budget)
        }
        (kind, index) => raise(index_message(kind, index)),
    }
}

/// An index as an integer; fractions are cut as jq does.
pub(crate) fn position(index: &Val) -> Option<i64> {
    match index {
        Val::Int(int) => Some(*int),
        Val::Big(_) => Some(i64::MAX),
        Val::Float(float) if !float.is_nan() => Some(float.floor() as i64),
        _ => None,
    }
}

/// A position counted from the start; `None` if it is before it.
pub(crate) fn absolute(position: i64, len: usize) -> Option<usize> {
    let len = i64::try_from(len).ok()?;
    let from_start = if position < 0 { position.checked_add(len)? } else { position };
    usize::try_from(from_start).ok()
}

/// The range of a slice within `len` elements.
pub(crate) fn slice_range<'v>(
    from: Option<&Val<'v>>,
    to: Option<&Val<'v>>,
    len: usize,
) -> Outcome<'v, Range<usize>> {
    let bound = |value: Option<&Val<'v>>, default| match value {
        None | Some(Val::Null) => Ok(default),
        Some(value) => match position(value) {
            Some(i) => Ok(absolute(i, len).unwrap_or(0).min(len)),
            None => raise(format!("a slice needs numbers, not {}", value.kind().described())),
        },
    };
    let from = bound(from, 0)?;
    Ok(from..bound(to, len)?.max(from))
}

/// `.[from:to]`
pub(crate) fn slice<'v>(
    value: &Val<'v>,
    from: Option<&Val<'v>>,
    to: Option<&Val<'v>>,
    budget: &Budget,
) -> Outcome<'v> {
    match value {
        Val::Null => Ok(Val::Null),
        Val::Str(text) => {
            let text = text.as_str();
            let range = char_range(text, from, to, budget)?;
            Ok(Val::text(&text[range], budget)?)
        }
        _ if value.kind() == Type::Array => {
            let range = slice_range(from, to, value.len())?;
            budget.allocate_list(range.len())?;
            Ok(Val::list(range.filter_map(|i| value.at(i)).collect())?)
        }
        other => raise(format!("cannot slice {}", other.kind().described())),
    }
}

/// The bytes of a slice that counts characters.
pub(crate) fn char_range<'v>(
    text: &str,
    from: Option<&Val<'v>>,
    to: Option<&Val<'v>>,
    budget: &Budget,
) -> Outcome<'v, Range<usize>> {
    budget.scan(text.len().saturating_mul(4))?;
    let range = slice_range(from, to, text.chars().count())?;
    let mut starts = text.char_indices().map(|(start, _)| start);
    let start = starts.nth(range.start).unwrap_or(text.len());
    let end = match range.len() {
        0 => start,
        len => starts.nth(len - 1).unwrap_or(text.len()),
    };
    Ok(start..end)
}

/// Where `wanted` is found in `value`: a part of a list, an item of it, or a part of a string.
pub(crate) fn indices<'v>(value: &Val<'v>, wanted: &Val<'v>, budget: &Budget) -> Outcome<'v> {
    let mut found = Vec::new();
    let mut push = |i: usize| {
        budget.allocate(LIST_ITEM)?;
        found.push(Val::index(i));
        Ok::<_, EvalError>(())
    };
    match (value, wanted) {
        (Val::Null, _) => return Ok(Val::Null),
        (Val::Str(text), Val::Str(wanted)) => {
            let (text, wanted) = (text.as_str(), wanted.as_str());
            budget.scan(text.len().saturating_mul(4))?;
            for (count, (start, _)) in text.char_indices().enumerate() {
                if wanted.is_empty() {
                    break;
                }
                if text[start..].starts_with(wanted) {
                    budget.scan(wanted.len() * 2)?;
                    push(count)?;
                }
            }
        }
        _ if value.kind() != Type::Array => return raise(index_message(value.kind(), wanted)),
        _ if wanted.kind() == Type::Array => {
            let width = wanted.len();
            for start in 0..(value.len() + 1).saturating_sub(width) {
                let same = |i| match (value.at(start + i), wanted.at(i)) {
                    (Some(a), Some(b)) => crate::order::equal(&a, &b, budget),
                    _ => Ok(false),
                };
                let mut all = width > 0;
                for i in 0..width {
                    all = all && same(i)?;
                    if !all {
                        break;
                    }
                }
                if all {
                    push(start)?;
                }
            }
        }
        _ => {
            for i in 0..value.len() {
                if let Some(item) = value.at(i)
                    && compare(&item, wanted, budget)?.is_eq()
                {
                    push(i)?;
                }
            }
        }
    }
    Ok(Val::list(found)?)
}

// === arithmetic ===

pub(crate) fn math<'v>(op: Math, a: Val<'v>, b: Val<'v>, budget: &Budget) -> Outcome<'v> {
    budget.step()?;
    match op {
        Math::Add => add(a, b, budget),
        Math::Sub => sub(a, b, budget),
        Math::Mul => mul(a, b, budget),
        Math::Div => div(a, b, budget),
        Math::Rem => rem(a, b),
    }
}

fn unfit<'v>(verb: &str, a: &Val, b: &Val) -> Outcome<'v> {
    let (a, b) = (a.kind().described(), b.kind().described());
    raise(format!("cannot {verb} {a} and {b}"))
}

/// Integers where both are and the result fits, else floating point.
fn numbers<'v>(
    a: &Val,
    b: &Val,
    exact: fn(i64, i64) -> Option<i64>,
    float: fn(f64, f64) -> f64,
) -> Option<Val<'v>> {
    if let (Val::Int(a), Val::Int(b)) = (a, b)
        && let Some(result) = exact(*a, *b)
    {
        return Some(Val::Int(result));
    }
    Some(Val::Float(float(a.as_f64()?, b.as_f64()?)))
}

fn add<'v>(a: Val<'v>, b: Val<'v>, budget: &Budget) -> Outcome<'v> {
    if let Some(sum) = numbers(&a, &b, i64::checked_add, |a, b| a + b) {
        return Ok(sum);
    }
    match (a, b) {
        (Val::Null, x) | (x, Val::Null) => Ok(x),
        (Val::Str(a), Val::Str(b)) => Ok(Val::string(concat(a, b.as_str(), budget)?)),
        (a, b) if a.kind() == Type::Array && b.kind() == Type::Array => {
            budget.steps(b.len())?;
            budget.allocate(HEADER + b.len() * LIST_ITEM)?;
            let mut list = a.into_list(budget)?;
            let deepest = match &b {
                Val::List(b) => b.depth().saturating_sub(1),
                _ => 1,
            };
            list.change(deepest, |items| match &b {
                Val::List(b) => items.extend_from_slice(b.items()),
                Val::Json(Value::Array(b)) => items.extend(b.iter().map(Val::from)),
                _ => {}
            })?;
            Ok(Val::List(Rc::new(list)))
        }
        (a, b) if a.kind() == Type::Object && b.kind() == Type::Object => {
            budget.steps(b.len())?;
            budget.allocate(HEADER + b.len() * OBJECT_MEMBER)?;
            let mut object = a.into_object(budget)?;
            for (key, value) in b.members() {
                object.insert(key, value)?;
            }
            Ok(Val::Object(Rc::new(object)))
        }
        (a, b) => unfit("add", &a, &b),
    }
}

/// Appends in place if nobody else holds `a`, so that building a string piece by piece stays linear.
fn concat(a: Text, b: &str, budget: &Budget) -> Result<String, EvalError> {
    if let Text::Own(own) = a {
        return match Rc::try_unwrap(own) {
            Ok(mut text) => {
                budget.allocate(HEADER + b.len().saturating_mul(3))?;
                text.push_str(b);
                Ok(text)
            }
            Err(shared) => join(&shared, b, budget),
        };
    }
    join(a.as_str(), b, budget)
}

fn join(a: &str, b: &str, budget: &Budget) -> Result<String, EvalError> {
    budget.allocate(HEADER + a.len() + b.len())?;
    let mut text = String::with_capacity(a.len() + b.len());
    text.push_str(a);
    text.push_str(b);
    Ok(text)
}

fn sub<'v>(a: Val<'v>, b: Val<'v>, budget: &Budget) -> Outcome<'v> {
    if let Some(difference) = numbers(&a, &b, i64::checked_sub, |a, b| a - b) {
        return Ok(difference);
    }
    if a.kind() != Type::Array || b.kind() != Type::Array {
        return unfit("subtract", &a, &b);
    }
    let mut kept = Vec::new();
    for i in 0..a.len() {
        let Some(item) = a.at(i) else { break };
        let mut found = false;
        for j in 0..b.len() {
            found = b.at(j).is_some_and(|other| other.kind() == item.kind())
                && crate::order::equal(&item, &b.at(j).unwrap_or(Val::Null), budget)?;
            budget.step()?;
            if found {
                break;
            }
        }
        if !found {
            budget.allocate(LIST_ITEM)?;
            kept.push(item);
        }
    }
    Ok(Val::list(kept)?)
}

fn mul<'v>(a: Val<'v>, b: Val<'v>, budget: &Budget) -> Outcome<'v> {
    if let Some(product) = numbers(&a, &b, i64::checked_mul, |a, b| a * b) {
        return Ok(product);
    }
    match (&a, &b) {
        (Val::Str(text), times) | (times, Val::Str(text)) if times.kind() == Type::Number => {
            let times = position(times).unwrap_or(0);
            let Some(times) = usize::try_from(times).ok().filter(|times| *times > 0) else {
                return Ok(Val::Null);
            };
            let text = text.as_str();
            budget.allocate(HEADER.saturating_add(text.len().saturating_mul(times)))?;
            Ok(Val::string(text.repeat(times)))
        }
        _ if a.kind() == Type::Object && b.kind() == Type::Object => merge(a, b, budget, 0),
        _ => unfit("multiply", &a, &b),
    }
}

/// Objects merged recursively: `b` wins.
fn merge<'v>(a: Val<'v>, b: Val<'v>, budget: &Budget, depth: usize) -> Outcome<'v> {
    if depth > crate::MAX_VALUE_DEPTH {
        let limit = crate::MAX_VALUE_DEPTH;
        return Err(EvalError::ValueDepth { limit }.into());
    }
    budget.steps(b.len())?;
    budget.allocate(HEADER + b.len() * OBJECT_MEMBER)?;
    let mut object = a.into_object(budget)?;
    for (key, value) in b.members() {
        let nested = value.kind() == Type::Object
            && object.members().get(key.as_str()).is_some_and(|old| old.kind() == Type::Object);
        let value = match nested.then(|| object.take(key.as_str())).flatten() {
            Some(old) => merge(old, value, budget, depth + 1)?,
            None => value,
        };
        object.insert(key, value)?;
    }
    Ok(Val::Object(Rc::new(object)))
}

fn div<'v>(a: Val<'v>, b: Val<'v>, budget: &Budget) -> Outcome<'v> {
    if a.kind() == b.kind() && is_zero(&b) {
        return raise("cannot divide by zero");
    }
    let whole = |a: i64, b: i64| (a.checked_rem(b) == Some(0)).then(|| a.checked_div(b)).flatten();
    if let Some(quotient) = numbers(&a, &b, whole, |a, b| a / b) {
        return Ok(quotient);
    }
    match (&a, &b) {
        (Val::Str(text), Val::Str(separator)) => split(text.as_str(), separator.as_str(), budget),
        _ => unfit("divide", &a, &b),
    }
}

fn is_zero(value: &Val<'_>) -> bool {
    match value {
        Val::Int(number) => *number == 0,
        Val::Float(number) => *number == 0.0,
        _ => false,
    }
}

fn split<'v>(text: &str, separator: &str, budget: &Budget) -> Outcome<'v> {
    budget.scan(text.len())?;
    let mut parts = Vec::new();
    let mut push = |part: &str| {
        budget.step()?;
        budget.allocate(LIST_ITEM)?;
        parts.push(Val::text(part, budget)?);
        Ok::<_, EvalError>(())
    };
    if text.is_empty() {
        return Ok(Val::list(parts)?);
    }
    if separator.is_empty() {
        for (start, char) in text.char_indices() {
            push(&text[start..start + char.len_utf8()])?;
        }
    } else {
        for part in text.split(separator) {
            push(part)?;
        }
    }
    Ok(Val::list(parts)?)
}

fn rem<'v>(a: Val<'v>, b: Val<'v>) -> Outcome<'v> {
    if let (Val::Int(_), Val::Int(0)) = (&a, &b) {
        return raise("cannot take the remainder of a division by zero");
    }
    let exact = |a: i64, b: i64| Some(a.checked_rem(b).unwrap_or(0));
    match numbers(&a, &b, exact, |a, b| a % b) {
        Some(rest) => Ok(rest),
        None => unfit("take the remainder of", &a, &b),
    }
}
