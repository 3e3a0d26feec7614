//! Values as JSON text and back, paid for.

use crate::budget::{Budget, HEADER};
use crate::value::{Type, Val};
use crate::{EvalError, Value};

/// `tojson`
pub(crate) fn write(value: &Val, budget: &Budget) -> Result<String, EvalError> {
    budget.allocate(HEADER)?;
    let mut text = String::new();
    write_into(&mut text, value, budget)?;
    Ok(text)
}

pub(crate) fn write_into(text: &mut String, value: &Val, budget: &Budget) -> Result<(), EvalError> {
    budget.enter()?;
    let result = write_inner(text, value, budget);
    budget.leave();
    result
}

fn write_inner(text: &mut String, value: &Val, budget: &Budget) -> Result<(), EvalError> {
    match value.kind() {
        Type::String => write_string(text, value.as_str().unwrap_or_default(), budget)?,
        Type::Array => {
            push(text, "[", budget)?;
            for index in 0..value.len() {
                if index > 0 {
                    push(text, ",", budget)?;
                }
                if let Some(item) = value.at(index) {
                    write_into(text, &item, budget)?;
                }
            }
            push(text, "]", budget)?;
        }
        Type::Object => {
            budget.allocate_object(value.len())?;
            push(text, "{", budget)?;
            for (index, (key, member)) in value.members().into_iter().enumerate() {
                if index > 0 {
                    push(text, ",", budget)?;
                }
                write_string(text, key.as_str(), budget)?;
                push(text, ":", budget)?;
                write_into(text, &member, budget)?;
            }
            push(text, "}", budget)?;
        }
        _ => {
            let scalar = value.clone().into_json(budget)?;
            push(text, &scalar.to_string(), budget)?;
        }
    }
    Ok(())
}

fn push(text: &mut String, piece: &str, budget: &Budget) -> Result<(), EvalError> {
    budget.allocate(piece.len() * 3)?;
    text.push_str(piece);
    Ok(())
}

fn write_string(text: &mut String, string: &str, budget: &Budget) -> Result<(), EvalError> {
    budget.scan(string.len().saturating_mul(4))?;
    // paid for in full, escapes included, before serde_json writes it
    let escapes = string.bytes().filter(|b| *b < 0x20 || matches!(b, b'"' | b'\\'));
    let length = string.len() + 2 + escapes.count() * 5;
    budget.allocate(length.saturating_mul(4))?;
    text.push_str(&Value::from(string).to_string());
    Ok(())
}

/// `fromjson`: `None` if it is not JSON.
pub(crate) fn read<'v>(text: &str, budget: &Budget) -> Result<Option<Val<'v>>, EvalError> {
    // a value takes at most this much more memory than its text, e.g. `[0,0,0]` or `{"":0}`
    budget.allocate(text.len().saturating_mul(48))?;
    budget.steps(text.len() / 4)?;
    match serde_json::from_str::<Value>(text) {
        Ok(value) => own(&value, budget).map(Some),
        Err(_) => Ok(None),
    }
}

/// A value that borrows nothing.
pub(crate) fn own<'v>(value: &Value, budget: &Budget) -> Result<Val<'v>, EvalError> {
    budget.step()?;
    Ok(match value {
        Value::Null => Val::Null,
        Value::Bool(bool) => Val::Bool(*bool),
        Value::Number(number) => Val::from_number(number),
        Value::String(text) => Val::text(text, budget)?,
        Value::Array(items) => {
            budget.allocate_list(items.len())?;
            let items = items.iter().map(|item| own(item, budget));
            Val::list(items.collect::<Result<_, _>>()?)?
        }
        Value::Object(members) => {
            budget.allocate_object(members.len())?;
            let mut object = indexmap::IndexMap::with_capacity(members.len());
            for (key, member) in members {
                let Val::Str(key) = Val::text(key, budget)? else {
                    continue;
                };
                object.insert(key, own(member, budget)?);
            }
            Val::object(object)?
        }
    })
}
