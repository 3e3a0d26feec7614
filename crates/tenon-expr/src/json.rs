//! Values as JSON text and back, paid for.

use crate::budget::{Budget, HEADER, LIST_ITEM, OBJECT_MEMBER};
use crate::value::{Text, Type, Val};
use crate::{EvalError, Value};
use indexmap::IndexMap;
use serde::Deserializer;
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt::{self, Formatter};
use std::rc::Rc;

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
    if length == string.len() + 2 {
        text.push('"');
        text.push_str(string);
        text.push('"');
    } else {
        text.push_str(&Value::from(string).to_string());
    }
    Ok(())
}

/// `fromjson`: `None` if it is not JSON.
pub(crate) fn read<'v>(text: &str, budget: &Budget) -> Result<Option<Val<'v>>, EvalError> {
    budget.scan(text.len().saturating_mul(4))?;
    let stopped = Cell::new(None);
    let reader = Reader { budget, stopped: &stopped };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = reader.deserialize(&mut deserializer);
    let value = value.and_then(|value| deserializer.end().map(|()| value));
    match (value, stopped.take()) {
        (_, Some(error)) => Err(error),
        (value, None) => Ok(value.ok()),
    }
}

/// Makes our values of JSON text, each paid for before the next is read.
#[derive(Clone, Copy)]
struct Reader<'b> {
    budget: &'b Budget,
    /// Why reading stopped, if it is not the text's fault.
    stopped: &'b Cell<Option<EvalError>>,
}

impl Reader<'_> {
    fn paid<T, E: de::Error>(self, result: Result<T, EvalError>) -> Result<T, E> {
        result.map_err(|error| {
            self.stopped.set(Some(error));
            E::custom("out of a limit")
        })
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Val<'static>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Val<'static>, D::Error> {
        self.paid(self.budget.step())?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Val<'static>;

    fn expecting(&self, formatter: &mut Formatter) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Val::Null)
    }

    fn visit_bool<E>(self, bool: bool) -> Result<Self::Value, E> {
        Ok(Val::Bool(bool))
    }

    fn visit_i64<E>(self, int: i64) -> Result<Self::Value, E> {
        Ok(Val::Int(int))
    }

    fn visit_u64<E>(self, int: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(int).map_or(Val::Big(int), Val::Int))
    }

    fn visit_f64<E>(self, float: f64) -> Result<Self::Value, E> {
        Ok(Val::Float(float))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        self.paid(Val::text(text, self.budget))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        self.paid(self.budget.allocate(HEADER))?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            self.paid(self.budget.allocate(LIST_ITEM))?;
            list.push(item);
        }
        self.paid(Val::list(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        self.paid(self.budget.allocate(HEADER))?;
        let mut object = IndexMap::new();
        while let Some(key) = members.next_key::<String>()? {
            self.paid(self.budget.allocate(OBJECT_MEMBER + key.len()))?;
            object.insert(Text::Own(Rc::new(key)), members.next_value_seed(self)?);
        }
        self.paid(Val::object(object))
    }
}
