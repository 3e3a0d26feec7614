//! Functions of strings.

use crate::budget::{HEADER, LIST_ITEM};
use crate::json;
use crate::native::{Native, Tools};
use crate::ops::{Outcome, raise};
use crate::regex::{self, Wanted};
use crate::value::{Type, Val};

pub(crate) fn natives() -> Vec<Native> {
    let leaf = Native::leaf;
    vec![
        leaf("tostring", 0, |tools, v, _| to_string(tools, v)),
        leaf("tonumber", 0, |tools, v, _| to_number(tools, v)),
        leaf("fromjson", 0, |tools, v, _| from_json(tools, &v)),
        leaf("utf8bytelength", 0, |_, v, _| Ok(Val::index(text(&v)?.len()))),
        leaf("ascii_downcase", 0, |tools, v, _| mapped(tools, &v, 1, str::to_ascii_lowercase)),
        leaf("ascii_upcase", 0, |tools, v, _| mapped(tools, &v, 1, str::to_ascii_uppercase)),
        leaf("trim", 0, |tools, v, _| mapped(tools, &v, 1, |s| s.trim().to_owned())),
        leaf("ltrim", 0, |tools, v, _| mapped(tools, &v, 1, |s| s.trim_start().to_owned())),
        leaf("rtrim", 0, |tools, v, _| mapped(tools, &v, 1, |s| s.trim_end().to_owned())),
        leaf("escape_sh", 0, |tools, v, _| mapped(tools, &v, 4, |s| s.replace('\'', "'\\''"))),
        leaf("startswith", 1, |_, v, args| Ok(Val::Bool(text(&v)?.starts_with(text(&args[0])?)))),
        leaf("endswith", 1, |_, v, args| Ok(Val::Bool(text(&v)?.ends_with(text(&args[0])?)))),
        leaf("ltrimstr", 1, |tools, v, args| trimmed(tools, v, &args[0], |text, fix| text.strip_prefix(fix))),
        leaf("rtrimstr", 1, |tools, v, args| trimmed(tools, v, &args[0], |text, fix| text.strip_suffix(fix))),
        leaf("trimstr", 1, |tools, v, args| {
            let v = trimmed(tools, v, &args[0], |text, fix| text.strip_prefix(fix))?;
            trimmed(tools, v, &args[0], |text, fix| text.strip_suffix(fix))
        }),
        leaf("explode", 0, |tools, v, _| explode(tools, &v)),
        leaf("implode", 0, |tools, v, _| implode(tools, &v)),
        leaf("join", 1, |tools, v, args| join(tools, &v, &args[0])),
        leaf("test", 1, |tools, v, args| regex::test(tools, &v, &args[0], &Val::Null)),
        leaf("test", 2, |tools, v, args| regex::test(tools, &v, &args[0], &args[1])),
        leaf("matches", 2, |tools, v, args| regex::apply(tools, &v, args, Wanted::Matches)),
        leaf("split_matches", 2, |tools, v, args| regex::apply(tools, &v, args, Wanted::Both)),
        leaf("split_", 2, |tools, v, args| regex::apply(tools, &v, args, Wanted::Rest)),
    ]
}

pub(crate) fn text<'a, 'v>(value: &'a Val<'v>) -> Outcome<'v, &'a str> {
    match value.as_str() {
        Some(text) => Ok(text),
        None => raise(format!("a string is needed, not {}", value.kind().described())),
    }
}

/// A string made from another, at most `growth` times as long.
fn mapped<'v>(tools: &Tools, value: &Val<'v>, growth: usize, f: impl FnOnce(&str) -> String) -> Outcome<'v> {
    let text = text(value)?;
    tools.budget.scan(text.len())?;
    tools.budget.allocate(HEADER + text.len().saturating_mul(growth))?;
    Ok(Val::string(f(text)))
}

fn to_string<'v>(tools: &Tools, value: Val<'v>) -> Outcome<'v> {
    match value {
        Val::Str(_) => Ok(value),
        other => Ok(Val::string(json::write(&other, tools.budget)?)),
    }
}

fn to_number<'v>(tools: &Tools, value: Val<'v>) -> Outcome<'v> {
    if value.kind() == Type::Number {
        return Ok(value);
    }
    let text = text(&value)?;
    tools.budget.scan(text.len())?;
    let number: Option<serde_json::Number> = serde_json::from_str(text.trim()).ok();
    match number {
        Some(number) => Ok(Val::from_number(&number)),
        None => raise("the string is not a number"),
    }
}

fn from_json<'v>(tools: &Tools, value: &Val<'v>) -> Outcome<'v> {
    match json::read(text(value)?, tools.budget)? {
        Some(value) => Ok(value),
        None => raise("the string is not JSON"),
    }
}

/// Values that are not strings stay as they are.
fn trimmed<'v>(
    tools: &Tools,
    value: Val<'v>,
    fix: &Val<'v>,
    strip: for<'a> fn(&'a str, &str) -> Option<&'a str>,
) -> Outcome<'v> {
    if let (Some(text), Some(fix)) = (value.as_str(), fix.as_str())
        && let Some(rest) = strip(text, fix)
    {
        return Ok(Val::text(rest, tools.budget)?);
    }
    Ok(value)
}

fn explode<'v>(tools: &Tools, value: &Val<'v>) -> Outcome<'v> {
    let text = text(value)?;
    tools.budget.scan(text.len())?;
    tools.budget.allocate_list(text.chars().count())?;
    let codes = text.chars().map(|c| Val::Int(i64::from(u32::from(c))));
    Ok(Val::list(codes.collect())?)
}

fn implode<'v>(tools: &Tools, value: &Val<'v>) -> Outcome<'v> {
    if value.kind() != Type::Array {
        return raise(format!("an array is needed, not {}", value.kind().described()));
    }
    tools.budget.steps(value.len())?;
    tools.budget.allocate(HEADER + value.len().saturating_mul(12))?;
    let mut text = String::with_capacity(value.len());
    for index in 0..value.len() {
        let code = match value.at(index) {
            Some(Val::Int(code)) => u32::try_from(code).ok().and_then(char::from_u32),
            _ => None,
        };
        match code {
            Some(char) => text.push(char),
            None => return raise("`implode` needs an array of Unicode code points"),
        }
    }
    Ok(Val::string(text))
}

/// As jq: `null` is the empty string, numbers and booleans are written out.
fn join<'v>(tools: &Tools, value: &Val<'v>, separator: &Val<'v>) -> Outcome<'v> {
    let separator = text(separator)?;
    if value.kind() != Type::Array {
        return raise(format!("an array is needed, not {}", value.kind().described()));
    }
    let budget = tools.budget;
    budget.allocate(HEADER)?;
    let mut joined = String::new();
    for index in 0..value.len() {
        budget.step()?;
        if index > 0 {
            budget.allocate(separator.len().saturating_mul(3))?;
            joined.push_str(separator);
        }
        match value.at(index) {
            None | Some(Val::Null) => {}
            Some(Val::Str(text)) => {
                budget.allocate(text.as_str().len().saturating_mul(3))?;
                joined.push_str(text.as_str());
            }
            Some(other) if matches!(other.kind(), Type::Array | Type::Object) => {
                return raise(format!("cannot join {}", other.kind().described()));
            }
            Some(other) => json::write_into(&mut joined, &other, budget)?,
        }
    }
    budget.allocate(LIST_ITEM)?;
    Ok(Val::string(joined))
}
