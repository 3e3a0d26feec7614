//! A stable merge sort whose comparison may fail, and may be as odd as that of not-a-number.
//!
//! The standard library's sorts may panic where an order is not total, and cannot stop half-way.

use crate::EvalError;
use std::cmp::Ordering;

pub(crate) fn sort<T>(
    items: Vec<T>,
    mut compare: impl FnMut(&T, &T) -> Result<Ordering, EvalError>,
) -> Result<Vec<T>, EvalError> {
    let mut runs: Vec<Vec<T>> = items.into_iter().map(|item| vec![item]).collect();
    while runs.len() > 1 {
        let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
        let mut pairs = runs.into_iter();
        while let Some(left) = pairs.next() {
            merged.push(match pairs.next() {
                Some(right) => merge(left, right, &mut compare)?,
                None => left,
            });
        }
        runs = merged;
    }
    Ok(runs.pop().unwrap_or_default())
}

fn merge<T>(
    left: Vec<T>,
    right: Vec<T>,
    compare: &mut impl FnMut(&T, &T) -> Result<Ordering, EvalError>,
) -> Result<Vec<T>, EvalError> {
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let next = if compare(a, b)?.is_le() { left.next() } else { right.next() };
        merged.extend(next);
    }
    merged.extend(left);
    merged.extend(right);
    Ok(merged)
}
