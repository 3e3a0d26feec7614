//! Values while an expression is evaluated.
//!
//! Input and variables stay borrowed `serde_json` values until something changes them; what an expression
//! makes is reference-counted, and changed in place where nobody else holds it. Lists and objects know how
//! deep they nest, so that no value can be built that would overflow the stack when it is dropped.

use crate::budget::{Budget, HEADER};
use crate::{EvalError, MAX_VALUE_DEPTH, Value};
use indexmap::IndexMap;
use serde_json::{Map, Number};
use std::hash::{Hash, Hasher};
use std::rc::Rc;

/// Bytes of an element of an array in a result.
const JSON_ITEM: usize = size_of::<Value>();
/// Bytes of a member of an object in a result: hash, position (in a table that is half empty), key, value.
const JSON_MEMBER: usize = 8 + 24 + size_of::<String>() + 16 + size_of::<Value>();

#[derive(Clone, Debug)]
pub(crate) enum Val<'v> {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer above `i64::MAX`: kept exactly as long as nothing is calculated with it.
    Big(u64),
    Float(f64),
    Str(Text<'v>),
    List(Rc<List<'v>>),
    Object(Rc<Object<'v>>),
    /// A borrowed array or object; never anything else.
    Json(&'v Value),
}

/// A string, borrowed or made.
#[derive(Clone, Debug)]
pub(crate) enum Text<'v> {
    Ref(&'v String),
    Own(Rc<String>),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct List<'v> {
    items: Vec<Val<'v>>,
    depth: usize,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Object<'v> {
    members: IndexMap<Text<'v>, Val<'v>>,
    depth: usize,
}

/// The order of types, as jq has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Type {
    Null,
    False,
    True,
    Number,
    String,
    Array,
    Object,
}

// === impl Text ===

impl Text<'_> {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Ref(text) => text,
            Self::Own(text) => text,
        }
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text<'_> {}

impl Hash for Text<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl std::borrow::Borrow<str> for Text<'_> {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

// === impl Type ===

impl Type {
    /// As in "cannot index a number".
    pub(crate) fn described(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::False | Self::True => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }

    /// As jq's `type` says.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::False | Self::True => "boolean",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(false) => Self::False,
            Value::Bool(true) => Self::True,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::String,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }
}

// === impl List, Object ===

fn depth_of_parts<'a, 'v: 'a>(mut parts: impl Iterator<Item = &'a Val<'v>>) -> Result<usize, EvalError> {
    let depth = parts.try_fold(0, |depth, part| Some(depth.max(part.depth())));
    check_depth(1 + depth.unwrap_or_default())
}

fn check_depth(depth: usize) -> Result<usize, EvalError> {
    if depth > MAX_VALUE_DEPTH {
        let limit = MAX_VALUE_DEPTH;
        return Err(EvalError::ValueDepth { limit });
    }
    Ok(depth)
}

impl<'v> List<'v> {
    pub(crate) fn new(items: Vec<Val<'v>>) -> Result<Self, EvalError> {
        let depth = depth_of_parts(items.iter())?;
        Ok(Self { items, depth })
    }

    pub(crate) fn into_items(self) -> Vec<Val<'v>> {
        self.items
    }

    pub(crate) fn items(&self) -> &[Val<'v>] {
        &self.items
    }

    /// Changes the items in place; `added` nests as deep as the deepest new one.
    pub(crate) fn change(
        &mut self,
        added: usize,
        f: impl FnOnce(&mut Vec<Val<'v>>),
    ) -> Result<(), EvalError> {
        self.depth = self.depth.max(check_depth(added + 1)?);
        f(&mut self.items);
        Ok(())
    }

    pub(crate) fn depth(&self) -> usize {
        self.depth
    }
}

impl<'v> Object<'v> {
    pub(crate) fn new(members: IndexMap<Text<'v>, Val<'v>>) -> Result<Self, EvalError> {
        let depth = depth_of_parts(members.values())?;
        Ok(Self { members, depth })
    }

    pub(crate) fn members(&self) -> &IndexMap<Text<'v>, Val<'v>> {
        &self.members
    }

    pub(crate) fn insert(&mut self, key: Text<'v>, value: Val<'v>) -> Result<(), EvalError> {
        self.depth = self.depth.max(check_depth(value.depth() + 1)?);
        self.members.insert(key, value);
        Ok(())
    }

    /// Takes a member's value out, leaving `null` in its place.
    pub(crate) fn take(&mut self, key: &str) -> Option<Val<'v>> {
        self.members.get_mut(key).map(|value| std::mem::replace(value, Val::Null))
    }

    /// Keeps the order of the others.
    pub(crate) fn remove(&mut self, key: &str) {
        self.members.shift_remove(key);
    }
}

// === impl Val ===

impl<'v> From<&'v Value> for Val<'v> {
    fn from(value: &'v Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(bool) => Self::Bool(*bool),
            Value::Number(number) => Self::from_number(number),
            Value::String(text) => Self::Str(Text::Ref(text)),
            Value::Array(_) | Value::Object(_) => Self::Json(value),
        }
    }
}

impl<'v> Val<'v> {
    pub(crate) fn from_number(number: &Number) -> Self {
        if let Some(int) = number.as_i64() {
            Self::Int(int)
        } else if let Some(big) = number.as_u64() {
            Self::Big(big)
        } else {
            Self::Float(number.as_f64().unwrap_or(f64::NAN))
        }
    }

    /// A string that has been paid for.
    pub(crate) fn string(text: String) -> Self {
        Self::Str(Text::Own(Rc::new(text)))
    }

    /// A short string known at build time, or of bounded length.
    pub(crate) fn text(text: &str, budget: &Budget) -> Result<Self, EvalError> {
        budget.allocate(HEADER + text.len())?;
        Ok(Self::string(text.to_owned()))
    }

    /// A list whose items have been paid for.
    pub(crate) fn list(items: Vec<Self>) -> Result<Self, EvalError> {
        List::new(items).map(|list| Self::List(Rc::new(list)))
    }

    pub(crate) fn object(members: IndexMap<Text<'v>, Self>) -> Result<Self, EvalError> {
        Object::new(members).map(|object| Self::Object(Rc::new(object)))
    }

    pub(crate) fn index(index: usize) -> Self {
        Self::Int(index as i64)
    }

    pub(crate) fn kind(&self) -> Type {
        match self {
            Self::Null => Type::Null,
            Self::Bool(false) => Type::False,
            Self::Bool(true) => Type::True,
            Self::Int(_) | Self::Big(_) | Self::Float(_) => Type::Number,
            Self::Str(_) => Type::String,
            Self::List(_) => Type::Array,
            Self::Object(_) => Type::Object,
            Self::Json(value) => Type::of(value),
        }
    }

    /// Levels of lists and objects that were made here; borrowed ones count as one.
    pub(crate) fn depth(&self) -> usize {
        match self {
            Self::List(list) => list.depth,
            Self::Object(object) => object.depth,
            Self::Json(_) => 1,
            _ => 0,
        }
    }

    pub(crate) fn is_truthy(&self) -> bool {
        !matches!(self, Self::Null | Self::Bool(false))
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text.as_str()),
            _ => None,
        }
    }

    pub(crate) fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(int) => Some(*int as f64),
            Self::Big(big) => Some(*big as f64),
            Self::Float(float) => Some(*float),
            _ => None,
        }
    }

    /// Elements, members, or 0 for what has none.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::List(list) => list.items.len(),
            Self::Object(object) => object.members.len(),
            Self::Json(Value::Array(items)) => items.len(),
            Self::Json(Value::Object(members)) => members.len(),
            _ => 0,
        }
    }

    /// The element at `index`, if this is an array that long.
    pub(crate) fn at(&self, index: usize) -> Option<Self> {
        match self {
            Self::List(list) => list.items.get(index).cloned(),
            Self::Json(Value::Array(items)) => items.get(index).map(Self::from),
            _ => None,
        }
    }

    /// All members of an object, cheaply cloned; none for anything else. The caller has paid for `len`.
    pub(crate) fn members(&self) -> Vec<(Text<'v>, Self)> {
        match self {
            Self::Object(object) => {
                let pairs = object.members.iter();
                pairs.map(|(k, v)| (k.clone(), v.clone())).collect()
            }
            Self::Json(Value::Object(members)) => {
                let pairs = members.iter();
                pairs.map(|(k, v)| (Text::Ref(k), Self::from(v))).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The member called `key`, if this is an object that has it.
    pub(crate) fn get(&self, key: &str) -> Option<Self> {
        match self {
            Self::Object(object) => object.members.get(key).cloned(),
            Self::Json(Value::Object(members)) => members.get(key).map(Self::from),
            _ => None,
        }
    }

    /// All items of an array; `None` for anything else.
    pub(crate) fn items(&self, budget: &Budget) -> Result<Option<Vec<Self>>, EvalError> {
        Ok(match self {
            Self::List(list) => {
                budget.allocate_list(list.items.len())?;
                Some(list.items.clone())
            }
            Self::Json(Value::Array(items)) => {
                budget.allocate_list(items.len())?;
                Some(items.iter().map(Self::from).collect())
            }
            _ => None,
        })
    }

    /// Makes an array ours, so that it can be changed. Copies only what is shared.
    pub(crate) fn into_list(self, budget: &Budget) -> Result<List<'v>, EvalError> {
        if let Self::List(list) = self {
            return match Rc::try_unwrap(list) {
                Ok(list) => Ok(list),
                Err(list) => {
                    budget.allocate_list(list.items.len())?;
                    Ok((*list).clone())
                }
            };
        }
        List::new(self.items(budget)?.unwrap_or_default())
    }

    /// Makes an object ours, so that it can be changed. Copies only what is shared.
    pub(crate) fn into_object(self, budget: &Budget) -> Result<Object<'v>, EvalError> {
        match self {
            Self::Object(object) => match Rc::try_unwrap(object) {
                Ok(object) => Ok(object),
                Err(object) => {
                    budget.allocate_object(object.members.len())?;
                    Ok((*object).clone())
                }
            },
            other => {
                budget.allocate_object(other.len())?;
                Object::new(other.members().into_iter().collect())
            }
        }
    }

    /// The result as a JSON value of its own. Not-a-number and infinities become `null`.
    pub(crate) fn into_json(self, budget: &Budget) -> Result<Value, EvalError> {
        self.copy(budget, 0)
    }

    fn copy(&self, budget: &Budget, depth: usize) -> Result<Value, EvalError> {
        budget.step()?;
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(bool) => Value::Bool(*bool),
            Self::Int(int) => Value::Number((*int).into()),
            Self::Big(big) => Value::Number((*big).into()),
            Self::Float(float) => Number::from_f64(*float).map_or(Value::Null, Value::Number),
            Self::Str(text) => {
                budget.allocate(text.as_str().len())?;
                Value::String(text.as_str().to_owned())
            }
            Self::Json(value) => copy_json(value, budget, depth)?,
            Self::List(list) => {
                check_depth(depth + 1)?;
                budget.allocate(HEADER + list.items.len() * JSON_ITEM)?;
                let mut items = Vec::with_capacity(list.items.len());
                for item in &list.items {
                    items.push(item.copy(budget, depth + 1)?);
                }
                Value::Array(items)
            }
            Self::Object(object) => {
                check_depth(depth + 1)?;
                budget.allocate(HEADER + object.members.len() * JSON_MEMBER)?;
                let mut members = Map::with_capacity(object.members.len());
                for (key, value) in &object.members {
                    budget.allocate(key.as_str().len())?;
                    members.insert(key.as_str().to_owned(), value.copy(budget, depth + 1)?);
                }
                Value::Object(members)
            }
        })
    }
}

/// Clones a value while paying for it.
pub(crate) fn copy_json(value: &Value, budget: &Budget, depth: usize) -> Result<Value, EvalError> {
    budget.step()?;
    Ok(match value {
        Value::String(text) => {
            budget.allocate(text.len())?;
            Value::String(text.clone())
        }
        Value::Array(list) => {
            check_depth(depth + 1)?;
            budget.allocate(HEADER + list.len() * JSON_ITEM)?;
            let mut items = Vec::with_capacity(list.len());
            for item in list {
                items.push(copy_json(item, budget, depth + 1)?);
            }
            Value::Array(items)
        }
        Value::Object(object) => {
            check_depth(depth + 1)?;
            budget.allocate(HEADER + object.len() * JSON_MEMBER)?;
            let mut members = Map::with_capacity(object.len());
            for (key, value) in object {
                budget.allocate(key.len())?;
                members.insert(key.clone(), copy_json(value, budget, depth + 1)?);
            }
            Value::Object(members)
        }
        scalar => scalar.clone(),
    })
}
