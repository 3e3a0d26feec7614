//! Functions of one value: types, numbers, arrays and objects.

use crate::budget::{Budget, LIST_ITEM, OBJECT_MEMBER};
use crate::native::{Native, Tools};
use crate::ops::{self, Outcome, raise};
use crate::order::{compare, equal};
use crate::value::{Text, Type, Val};
use crate::{EvalError, json};
use indexmap::IndexMap;
use jaq_core::ops::Math;

pub(crate) fn natives() -> Vec<Native> {
    let leaf = Native::leaf;
    vec![
        leaf("null", 0, |_, _, _| Ok(Val::Null)),
        leaf("true", 0, |_, _, _| Ok(Val::Bool(true))),
        leaf("false", 0, |_, _, _| Ok(Val::Bool(false))),
        leaf("not", 0, |_, v, _| Ok(Val::Bool(!v.is_truthy()))),
        leaf("type", 0, |tools, v, _| Ok(Val::text(v.kind().name(), tools.budget)?)),
        leaf("isboolean", 0, |_, v, _| Ok(Val::Bool(matches!(v, Val::Bool(_))))),
        leaf("isnumber", 0, |_, v, _| Ok(is(&v, Type::Number))),
        leaf("isstring", 0, |_, v, _| Ok(is(&v, Type::String))),
        leaf("isarray", 0, |_, v, _| Ok(is(&v, Type::Array))),
        leaf("isobject", 0, |_, v, _| Ok(is(&v, Type::Object))),
        leaf("isnan", 0, |_, v, _| number(&v).map(|n| Val::Bool(n.is_nan()))),
        leaf("isinfinite", 0, |_, v, _| number(&v).map(|n| Val::Bool(n.is_infinite()))),
        leaf("isnormal", 0, |_, v, _| number(&v).map(|n| Val::Bool(n.is_normal()))),
        leaf("nan", 0, |_, _, _| Ok(Val::Float(f64::NAN))),
        leaf("infinite", 0, |_, _, _| Ok(Val::Float(f64::INFINITY))),
        leaf("now", 0, |tools, _, _| Ok(Val::Float(tools.now))),
        leaf("length", 0, length),
        leaf("abs", 0, |_, v, _| absolute(v)),
        leaf("floor", 0, |_, v, _| round(v, f64::floor)),
        leaf("ceil", 0, |_, v, _| round(v, f64::ceil)),
        leaf("round", 0, |_, v, _| round(v, f64::round)),
        leaf("keys_unsorted", 0, |tools, v, _| keys(tools, &v)),
        leaf("keys", 0, |tools, v, _| sort(tools, keys(tools, &v)?)),
        leaf("has", 1, |_, v, args| has(&v, &args[0])),
        leaf("contains", 1, |tools, v, args| Ok(Val::Bool(contains(&v, &args[0], tools.budget)?))),
        leaf("indices", 1, |tools, v, args| ops::indices(&v, &args[0], tools.budget)),
        leaf("bsearch", 1, |tools, v, args| search(&v, &args[0], tools.budget)),
        leaf("add", 0, add),
        leaf("reverse", 0, reverse),
        leaf("sort", 0, |tools, v, _| sort(tools, v)),
        leaf("unique", 0, |tools, v, _| unique(tools, v)),
        leaf("min", 0, |tools, v, _| extreme(tools, &v, std::cmp::Ordering::is_lt)),
        leaf("max", 0, |tools, v, _| extreme(tools, &v, std::cmp::Ordering::is_ge)),
        leaf("flatten", 0, |tools, v, _| flatten(tools, &v, i64::MAX)),
        leaf("flatten", 1, |tools, v, args| match ops::position(&args[0]) {
            Some(depth) if depth >= 0 => flatten(tools, &v, depth),
            _ => raise("`flatten` needs a depth of 0 or more"),
        }),
        leaf("to_entries", 0, |tools, v, _| to_entries(tools, &v)),
        leaf("from_entries", 0, |tools, v, _| from_entries(tools, &v)),
        leaf("key_values", 0, |tools, v, _| key_values(tools, &v)),
        leaf("tojson", 0, |tools, v, _| Ok(Val::string(json::write(&v, tools.budget)?))),
    ]
}

fn is<'v>(value: &Val, kind: Type) -> Val<'v> {
    Val::Bool(value.kind() == kind)
}

fn number<'v>(value: &Val) -> Outcome<'v, f64> {
    match value.as_f64() {
        Some(number) => Ok(number),
        None => raise(format!("a number is needed, not {}", value.kind().described())),
    }
}

fn length<'v>(tools: &Tools, value: Val<'v>, _: &[Val<'v>]) -> Outcome<'v> {
    match value.kind() {
        Type::Null => Ok(Val::Int(0)),
        Type::Number => absolute(value),
        Type::String => {
            let text = value.as_str().unwrap_or_default();
            tools.budget.scan(text.len())?;
            Ok(Val::index(text.chars().count()))
        }
        Type::Array | Type::Object => Ok(Val::index(value.len())),
        Type::False | Type::True => raise("a boolean has no length"),
    }
}

fn absolute(value: Val<'_>) -> Outcome<'_> {
    match value {
        Val::Int(int) => Ok(int.checked_abs().map_or(Val::Float(-(int as f64)), Val::Int)),
        Val::Big(big) => Ok(Val::Big(big)),
        other => number(&other).map(|n| Val::Float(n.abs())),
    }
}

fn round(value: Val<'_>, f: fn(f64) -> f64) -> Outcome<'_> {
    if let Val::Int(_) | Val::Big(_) = value {
        return Ok(value);
    }
    let rounded = f(number(&value)?);
    let fits = rounded >= i64::MIN as f64 && rounded < i64::MAX as f64;
    Ok(if fits { Val::Int(rounded as i64) } else { Val::Float(rounded) })
}

fn need<'v>(value: &Val<'v>, tools: &Tools) -> Outcome<'v, Vec<Val<'v>>> {
    match value.items(tools.budget)? {
        Some(items) => Ok(items),
        None => raise(format!("an array is needed, not {}", value.kind().described())),
    }
}

fn members<'v>(value: &Val<'v>, budget: &Budget) -> Outcome<'v, Vec<(Text<'v>, Val<'v>)>> {
    if value.kind() != Type::Object {
        return raise(format!("an object is needed, not {}", value.kind().described()));
    }
    budget.allocate_object(value.len())?;
    Ok(value.members())
}

fn keys<'v>(tools: &Tools, value: &Val<'v>) -> Outcome<'v> {
    if value.kind() == Type::Array {
        tools.budget.allocate_list(value.len())?;
        return Ok(Val::list((0..value.len()).map(Val::index).collect())?);
    }
    let members = members(value, tools.budget)?;
    tools.budget.allocate_list(members.len())?;
    Ok(Val::list(members.into_iter().map(|(key, _)| Val::Str(key)).collect())?)
}

fn has<'v>(value: &Val<'v>, key: &Val<'v>) -> Outcome<'v> {
    match (value.kind(), key) {
        (Type::Object, Val::Str(key)) => Ok(Val::Bool(value.get(key.as_str()).is_some())),
        (Type::Array, key) if key.kind() == Type::Number => {
            let position = ops::position(key).and_then(|i| usize::try_from(i).ok());
            Ok(Val::Bool(position.is_some_and(|i| i < value.len())))
        }
        (kind, key) => raise(ops::index_message(kind, key)),
    }
}

fn contains(a: &Val, b: &Val, budget: &Budget) -> Result<bool, EvalError> {
    budget.enter()?;
    let result = contains_inner(a, b, budget);
    budget.leave();
    result
}

fn contains_inner(a: &Val, b: &Val, budget: &Budget) -> Result<bool, EvalError> {
    match (a.kind(), b.kind()) {
        (Type::String, Type::String) => {
            let (a, b) = (a.as_str().unwrap_or_default(), b.as_str().unwrap_or_default());
            budget.scan(a.len().saturating_mul(2).saturating_add(b.len()))?;
            Ok(a.contains(b))
        }
        (Type::Array, Type::Array) => {
            for j in 0..b.len() {
                let mut found = false;
                for i in 0..a.len() {
                    budget.step()?;
                    if let (Some(a), Some(b)) = (a.at(i), b.at(j)) {
                        found = contains(&a, &b, budget)?;
                    }
                    if found {
                        break;
                    }
                }
                if !found {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Type::Object, Type::Object) => {
            budget.allocate_object(b.len())?;
            for (key, b) in b.members() {
                let found = match a.get(key.as_str()) {
                    Some(a) => contains(&a, &b, budget)?,
                    None => false,
                };
                if !found {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => equal(a, b, budget),
    }
}

fn search<'v>(list: &Val<'v>, wanted: &Val<'v>, budget: &Budget) -> Outcome<'v> {
    if list.kind() != Type::Array {
        return raise(format!("an array is needed, not {}", list.kind().described()));
    }
    let (mut low, mut high) = (0, list.len());
    while low < high {
        let middle = low.midpoint(high);
        let Some(item) = list.at(middle) else { break };
        match compare(&item, wanted, budget)? {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => return Ok(Val::index(middle)),
        }
    }
    Ok(Val::Int(-1 - low as i64))
}

fn add<'v>(tools: &Tools<'v>, value: Val<'v>, _: &[Val<'v>]) -> Outcome<'v> {
    let items = match value.kind() {
        Type::Object => members(&value, tools.budget)?.into_iter().map(|(_, v)| v).collect(),
        _ => need(&value, tools)?,
    };
    drop(value);
    let mut sum = Val::Null;
    for item in items {
        sum = ops::math(Math::Add, sum, item, tools.budget)?;
    }
    Ok(sum)
}

fn reverse<'v>(tools: &Tools<'v>, value: Val<'v>, _: &[Val<'v>]) -> Outcome<'v> {
    match &value {
        Val::Null => Ok(Val::list(Vec::new())?),
        Val::Str(text) => {
            tools.budget.scan(text.as_str().len().saturating_mul(4))?;
            tools.budget.allocate(text.as_str().len().saturating_mul(3))?;
            Ok(Val::string(text.as_str().chars().rev().collect()))
        }
        other => {
            let mut items = need(other, tools)?;
            items.reverse();
            Ok(Val::list(items)?)
        }
    }
}

fn sorted<'v>(tools: &Tools<'v>, value: &Val<'v>) -> Outcome<'v, Vec<Val<'v>>> {
    let items = need(value, tools)?;
    tools.budget.allocate_list(items.len() * 3)?;
    Ok(crate::sort::sort(items, |a, b| compare(a, b, tools.budget))?)
}

fn sort<'v>(tools: &Tools<'v>, value: Val<'v>) -> Outcome<'v> {
    Ok(Val::list(sorted(tools, &value)?)?)
}

fn unique<'v>(tools: &Tools<'v>, value: Val<'v>) -> Outcome<'v> {
    let mut kept: Vec<Val<'v>> = Vec::new();
    for item in sorted(tools, &value)? {
        let same = match kept.last() {
            Some(last) => compare(last, &item, tools.budget)?.is_eq(),
            None => false,
        };
        if !same {
            tools.budget.allocate(LIST_ITEM)?;
            kept.push(item);
        }
    }
    Ok(Val::list(kept)?)
}

fn extreme<'v>(tools: &Tools<'v>, value: &Val<'v>, better: fn(std::cmp::Ordering) -> bool) -> Outcome<'v> {
    let mut best: Option<Val<'v>> = None;
    for item in need(value, tools)? {
        let take = match &best {
            Some(best) => better(compare(&item, best, tools.budget)?),
            None => true,
        };
        if take {
            best = Some(item);
        }
    }
    Ok(best.unwrap_or(Val::Null))
}

fn flatten<'v>(tools: &Tools<'v>, value: &Val<'v>, depth: i64) -> Outcome<'v> {
    let mut flat = Vec::new();
    for item in need(value, tools)? {
        flatten_into(tools, item, depth, &mut flat)?;
    }
    Ok(Val::list(flat)?)
}

fn flatten_into<'v>(
    tools: &Tools<'v>,
    item: Val<'v>,
    depth: i64,
    flat: &mut Vec<Val<'v>>,
) -> Outcome<'v, ()> {
    if depth == 0 || item.kind() != Type::Array {
        tools.budget.allocate(LIST_ITEM)?;
        flat.push(item);
        return Ok(());
    }
    tools.budget.enter()?;
    for inner in need(&item, tools)? {
        flatten_into(tools, inner, depth - 1, flat)?;
    }
    tools.budget.leave();
    Ok(())
}

fn to_entries<'v>(tools: &Tools, value: &Val<'v>) -> Outcome<'v> {
    let (Val::Str(key_name), Val::Str(value_name)) =
        (Val::text("key", tools.budget)?, Val::text("value", tools.budget)?)
    else {
        return Ok(Val::Null);
    };
    let mut entries = Vec::new();
    for (key, value) in members(value, tools.budget)? {
        tools.budget.step()?;
        tools.budget.allocate(LIST_ITEM + 3 * OBJECT_MEMBER)?;
        let entry = [(key_name.clone(), Val::Str(key)), (value_name.clone(), value)];
        entries.push(Val::object(IndexMap::from(entry))?);
    }
    Ok(Val::list(entries)?)
}

/// Accepts what jq does: `key`, `k`, `name`, and `value`, `v`, each also capitalised.
fn from_entries<'v>(tools: &Tools<'v>, value: &Val<'v>) -> Outcome<'v> {
    let mut object = IndexMap::new();
    for entry in need(value, tools)? {
        if entry.kind() != Type::Object {
            return raise(format!("an entry must be an object, not {}", entry.kind().described()));
        }
        tools.budget.step()?;
        tools.budget.allocate(OBJECT_MEMBER)?;
        let any = |names: &[&str]| names.iter().find_map(|name| entry.get(name));
        let key = match any(&["key", "k", "name", "Key", "K", "Name"]) {
            Some(Val::Str(key)) => key,
            Some(other) if !matches!(other.kind(), Type::Array | Type::Object) => {
                let text = json::write(&other, tools.budget)?;
                Text::Own(std::rc::Rc::new(text))
            }
            _ => return raise("an entry needs a `key`, which must be a string"),
        };
        let value = any(&["value", "v", "Value", "V"]).unwrap_or(Val::Null);
        object.insert(key, value);
    }
    Ok(Val::object(object)?)
}

/// `[[key, value], …]`, for the standard definitions.
fn key_values<'v>(tools: &Tools<'v>, value: &Val<'v>) -> Outcome<'v> {
    let pairs: Vec<_> = if value.kind() == Type::Array {
        let items = need(value, tools)?.into_iter().enumerate();
        items.map(|(i, item)| [Val::index(i), item]).collect()
    } else {
        let members = members(value, tools.budget)?.into_iter();
        members.map(|(key, value)| [Val::Str(key), value]).collect()
    };
    let mut list = Vec::with_capacity(pairs.len());
    for pair in pairs {
        tools.budget.allocate(3 * LIST_ITEM)?;
        list.push(Val::list(pair.to_vec())?);
    }
    Ok(Val::list(list)?)
}
