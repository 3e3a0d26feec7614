//! jq's order and equality of all values, paid for by the step.

use crate::EvalError;
use crate::budget::Budget;
use crate::value::{Text, Type, Val};
use std::cmp::Ordering;

/// jq's order of all values, paid for by the step. Objects compare by their sorted keys, then by values.
pub(crate) fn compare(a: &Val, b: &Val, budget: &Budget) -> Result<Ordering, EvalError> {
    budget.enter()?;
    let order = compare_inner(a, b, budget);
    budget.leave();
    order
}

fn compare_inner(a: &Val, b: &Val, budget: &Budget) -> Result<Ordering, EvalError> {
    let by_type = a.kind().cmp(&b.kind());
    if by_type.is_ne() {
        return Ok(by_type);
    }
    match a.kind() {
        Type::Null | Type::False | Type::True => Ok(Ordering::Equal),
        Type::Number => Ok(compare_numbers(a, b)),
        Type::String => {
            let (a, b) = (a.as_str().unwrap_or_default(), b.as_str().unwrap_or_default());
            budget.scan(a.len().min(b.len()))?;
            Ok(a.cmp(b))
        }
        Type::Array => {
            for index in 0.. {
                let order = match (a.at(index), b.at(index)) {
                    (None, None) => return Ok(Ordering::Equal),
                    (None, Some(_)) => Ordering::Less,
                    (Some(_), None) => Ordering::Greater,
                    (Some(a), Some(b)) => compare(&a, &b, budget)?,
                };
                if order.is_ne() {
                    return Ok(order);
                }
            }
            Ok(Ordering::Equal)
        }
        Type::Object => compare_objects(a, b, budget),
    }
}

fn compare_objects(a: &Val, b: &Val, budget: &Budget) -> Result<Ordering, EvalError> {
    let [a, b] = [sorted_members(a, budget)?, sorted_members(b, budget)?];
    let keys = |members: &[(Text, Val)]| {
        let keys = members.iter().map(|(key, _)| key.as_str().to_owned());
        keys.collect::<Vec<_>>()
    };
    let by_keys = keys(&a).cmp(&keys(&b));
    if by_keys.is_ne() {
        return Ok(by_keys);
    }
    for ((_, a), (_, b)) in a.iter().zip(&b) {
        let order = compare(a, b, budget)?;
        if order.is_ne() {
            return Ok(order);
        }
    }
    Ok(Ordering::Equal)
}

fn sorted_members<'v>(value: &Val<'v>, budget: &Budget) -> Result<Vec<(Text<'v>, Val<'v>)>, EvalError> {
    budget.steps(value.len().saturating_mul(8))?;
    budget.allocate_object(value.len())?;
    let mut members = value.members();
    members.sort_unstable_by(|(a, _), (b, _)| a.as_str().cmp(b.as_str()));
    for (key, _) in &members {
        budget.allocate(key.as_str().len())?;
    }
    Ok(members)
}

/// Equality without sorting: what `==` needs, much cheaper for objects.
pub(crate) fn equal(a: &Val, b: &Val, budget: &Budget) -> Result<bool, EvalError> {
    budget.enter()?;
    let same = equal_inner(a, b, budget);
    budget.leave();
    same
}

fn equal_inner(a: &Val, b: &Val, budget: &Budget) -> Result<bool, EvalError> {
    if a.kind() != Type::Object || b.kind() != Type::Object {
        if a.kind() != Type::Array || b.kind() != Type::Array {
            return Ok(compare(a, b, budget)?.is_eq());
        }
        if a.len() != b.len() {
            return Ok(false);
        }
        for index in 0..a.len() {
            let (Some(a), Some(b)) = (a.at(index), b.at(index)) else {
                return Ok(false);
            };
            budget.step()?;
            if !equal(&a, &b, budget)? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    if a.len() != b.len() {
        return Ok(false);
    }
    budget.allocate_object(a.len())?;
    for (key, a) in a.members() {
        budget.step()?;
        let same = match b.get(key.as_str()) {
            Some(b) => equal(&a, &b, budget)?,
            None => false,
        };
        if !same {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(crate) fn compare_numbers(a: &Val, b: &Val) -> Ordering {
    let exact = |value: &Val| match value {
        Val::Int(int) => Some(i128::from(*int)),
        Val::Big(big) => Some(i128::from(*big)),
        _ => None,
    };
    if let (Some(a), Some(b)) = (exact(a), exact(b)) {
        return a.cmp(&b);
    }
    let (a, b) = (a.as_f64().unwrap_or(f64::NAN), b.as_f64().unwrap_or(f64::NAN));
    // as jq: not-a-number is less than any number, itself included
    if a.is_nan() { Ordering::Less } else { a.partial_cmp(&b).unwrap_or(Ordering::Greater) }
}
