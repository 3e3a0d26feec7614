//! The path of a webhook: literal segments, and parameters (`shop/{shop}/orders/{id}`).
//!
//! A request's path is taken by the trigger with exactly that path; if there is none, by the pattern that is the
//! most literal from the left. Two patterns that differ only in the names of parameters are the same place.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value};

use super::codes::{MISSING_FIELD, PARAMETER, PATH};
use super::needs::members;
use super::read::Reader;

const MAX_PATH: usize = 512;
/// Parameters in one path.
const MAX_PARAMETERS: usize = 16;

/// A path below `/hooks/<workspace>/`, without slash at either end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookPath {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Parameter(String),
}

// === impl HookPath ===

impl HookPath {
    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it has no parameters.
    pub fn is_literal(&self) -> bool {
        self.parameters().next().is_none()
    }

    /// The names of its parameters.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Literal(_) => None,
            Segment::Parameter(name) => Some(name.as_str()),
        })
    }

    /// The same for all paths that take the same requests.
    pub fn shape(&self) -> String {
        let of = |segment: &Segment| match segment {
            Segment::Literal(text) => text.clone(),
            Segment::Parameter(_) => "{}".to_owned(),
        };
        self.segments.iter().map(of).collect::<Vec<_>>().join("/")
    }

    /// For each segment whether it is a parameter: of patterns that take a path, the smallest wins.
    pub fn rank(&self) -> Vec<bool> {
        self.segments.iter().map(|segment| matches!(segment, Segment::Parameter(_))).collect()
    }

    /// Whether it takes a path of these (decoded) segments.
    pub fn takes(&self, segments: &[Cow<'_, str>]) -> bool {
        self.segments.len() == segments.len()
            && self.segments.iter().zip(segments).all(|(own, given)| match own {
                Segment::Literal(text) => text == given,
                Segment::Parameter(_) => !given.is_empty(),
            })
    }

    /// What the parameters are in a path that it takes.
    pub fn values(&self, segments: &[Cow<'_, str>]) -> Map<String, Value> {
        let pairs = self.segments.iter().zip(segments).filter_map(|(own, given)| match own {
            Segment::Literal(_) => None,
            Segment::Parameter(name) => Some((name.clone(), Value::from(given.as_ref()))),
        });
        pairs.collect()
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        const GENERAL: &str = "use letters, digits and `-._~` in segments joined by `/`, e.g. `shop/orders` or `shop/{shop}/orders`";
        if text.len() > MAX_PATH {
            return Err("at most 512 characters");
        }
        let mut segments = Vec::new();
        for segment in text.split('/') {
            let inside = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            let parsed = match inside {
                Some(name) if is_parameter(name) => Segment::Parameter(name.to_owned()),
                Some(_) => {
                    return Err("a parameter's name has letters, digits and `_`, and starts with no digit");
                }
                None if is_literal(segment) => Segment::Literal(segment.to_owned()),
                None => return Err(GENERAL),
            };
            if matches!(&parsed, Segment::Parameter(_)) && segments.contains(&parsed) {
                return Err("give each parameter a name of its own");
            }
            segments.push(parsed);
        }
        let path = Self { text: text.to_owned(), segments };
        if path.parameters().count() > MAX_PARAMETERS {
            return Err("at most 16 parameters");
        }
        if matches!(path.segments.first(), Some(Segment::Parameter(_))) && path.segments.len() == 1 {
            return Err("a path that takes everything needs a literal segment, e.g. `shop/{shop}`");
        }
        Ok(path)
    }
}

impl fmt::Display for HookPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

fn is_literal(segment: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    !segment.is_empty() && segment != "." && segment != ".." && segment.chars().all(is_letter)
}

fn is_parameter(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

// === impl Reader ===

impl Reader {
    pub(super) fn path(&mut self, value: Option<Value>) -> Option<HookPath> {
        let Some(value) = value else {
            self.find(MISSING_FIELD, "/path", "`path` is missing", Some("add e.g. `path: shop/orders`"));
            return None;
        };
        let text = self.text("/path", value)?;
        match HookPath::parse(&text) {
            Ok(path) => Some(path),
            Err(hint) => {
                let trimmed = text.trim_matches('/');
                let hint = match HookPath::parse(trimmed) {
                    Ok(_) => format!("write `{trimmed}`, without slashes around it"),
                    Err(_) => hint.to_owned(),
                };
                self.find(PATH, "/path", "not a usable webhook path", Some(&hint));
                None
            }
        }
    }

    /// `.params.<name>` of a name that the path does not have would be null in every request.
    pub(super) fn known_parameter(&mut self, pointer: &str, source: &str, path: &HookPath) {
        let Some(("params", Some(name))) = members(source) else { return };
        if path.parameters().any(|parameter| parameter == name) {
            return;
        }
        let known: Vec<String> = path.parameters().map(|name| format!("`.params.{name}`")).collect();
        let hint = if known.is_empty() {
            format!("write `{{{name}}}` as a segment of `path`")
        } else {
            format!("possible: {}", known.join(", "))
        };
        self.find(PARAMETER, pointer, &format!("the path has no parameter `{name}`"), Some(&hint));
    }

    /// The same for every expression in a value.
    pub(super) fn known_parameters(&mut self, pointer: &str, value: &Value, path: &HookPath) {
        match value {
            Value::String(text) => {
                if let Some(source) = tenon_expr::runtime_expression(text) {
                    self.known_parameter(pointer, source, path);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.known_parameters(&format!("{pointer}/{index}"), item, path);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    self.known_parameters(&format!("{pointer}/{name}"), member, path);
                }
            }
            _ => {}
        }
    }
}
