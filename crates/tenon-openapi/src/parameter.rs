//! Parameters outside of the body: where each goes and how it is written there.

use std::fmt;

use serde_json::Value;

use crate::source::{Dialect, Source, flag, items, members, short, string};
use crate::style::Style;

/// Most parameters of one operation.
const MAX_PARAMETERS: usize = 500;

/// A parameter of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    pub(crate) name: String,
    pub(crate) location: Location,
    pub(crate) required: bool,
    pub(crate) writing: Writing,
}

/// Where a parameter goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// Into the path.
    Path,
    /// Into the query.
    Query,
    /// A header.
    Header,
    /// A cookie.
    Cookie,
}

/// How a value becomes text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writing {
    /// By a style.
    Styled(Style),
    /// As JSON.
    Json,
    /// A text as it is.
    Text,
}

// === impl Parameter ===

impl Parameter {
    /// The name by which it is given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it goes.
    pub fn location(&self) -> Location {
        self.location
    }

    /// Whether a call without it is refused.
    pub fn required(&self) -> bool {
        self.required
    }

    /// A path parameter that the path has, but the document forgot to describe.
    pub(crate) fn forgotten(name: &str) -> Self {
        let writing = Writing::Styled(Style::default_of(Location::Path));
        Self { name: name.to_owned(), location: Location::Path, required: true, writing }
    }

    /// `None` for those that belong to the body.
    fn read(source: Source<'_>, value: &Value) -> Result<Option<Self>, String> {
        let Some(name) = string(value, "name") else {
            return Err("it has a parameter without a name".to_owned());
        };
        let location = match string(value, "in") {
            Some("path") => Location::Path,
            Some("query") => Location::Query,
            Some("header") => Location::Header,
            Some("cookie") => Location::Cookie,
            Some("body" | "formData") if source.dialect == Dialect::Two => return Ok(None),
            other => {
                let other = short(other.unwrap_or_default());
                return Err(format!("its parameter `{}` is in `{other}`, which is no place", short(name)));
            }
        };
        let writing = match source.dialect {
            Dialect::Two => Writing::Styled(Style::of_collection(value, location)),
            Dialect::Three => writing(value, location)
                .map_err(|reason| format!("its parameter `{}` {reason}", short(name)))?,
        };
        // The specification says that these are to be ignored; published documents demand them nevertheless.
        let is_ignored = location == Location::Header
            && ["accept", "content-type", "authorization"].contains(&name.to_ascii_lowercase().as_str());
        let required =
            location == Location::Path || (!is_ignored && flag(value, "required").unwrap_or(false));
        Ok(Some(Self { name: name.to_owned(), location, required, writing }))
    }
}

fn writing(value: &Value, location: Location) -> Result<Writing, String> {
    if let Some((media_type, _)) = members(value, "content").and_then(|content| content.iter().next()) {
        let is_json = media_type.contains("json") || media_type.contains('*');
        return Ok(if is_json { Writing::Json } else { Writing::Text });
    }
    Style::read(value, location).map(Writing::Styled)
}

/// All parameters of an operation, those of its path included; the operation's own replace them.
pub(crate) fn read_all<'a>(
    source: Source<'a>,
    path: &'a Value,
    operation: &'a Value,
) -> Result<(Vec<Parameter>, Vec<&'a Value>), String> {
    let mut outside: Vec<Parameter> = Vec::new();
    let mut inside: Vec<&Value> = Vec::new();
    for value in items(path, "parameters").iter().chain(items(operation, "parameters")) {
        let value = source.follow(value)?;
        if outside.len() + inside.len() >= MAX_PARAMETERS {
            return Err(format!("it has more than {MAX_PARAMETERS} parameters"));
        }
        match Parameter::read(source, value)? {
            None => {
                inside.retain(|other| other.get("name") != value.get("name"));
                inside.push(value);
            }
            Some(parameter) => {
                outside.retain(|other| other.name != parameter.name || other.location != parameter.location);
                outside.push(parameter);
            }
        }
    }
    Ok((outside, inside))
}

/// API keys are no parameters in OpenAPI, but there is no other way to give one to a call: the keys of an
/// operation's security schemes are optional parameters.
pub(crate) fn add_keys(source: Source<'_>, operation: &Value, parameters: &mut Vec<Parameter>) {
    let wanted = operation.get("security").or_else(|| source.root.get("security"));
    let names = wanted.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    let place = match source.dialect {
        Dialect::Two => "/securityDefinitions",
        Dialect::Three => "/components/securitySchemes",
    };
    let schemes = source.root.pointer(place);
    for name in names.flat_map(|names| names.keys()).take(MAX_PARAMETERS) {
        let scheme =
            schemes.and_then(|schemes| schemes.get(name)).and_then(|found| source.follow(found).ok());
        let Some(scheme) = scheme.filter(|scheme| string(scheme, "type") == Some("apiKey")) else { continue };
        let Ok(Some(mut key)) = Parameter::read(source, scheme) else { continue };
        key.required = false;
        let is_known = |other: &Parameter| other.name == key.name && other.location == key.location;
        if key.location != Location::Path && !parameters.iter().any(is_known) {
            parameters.push(key);
        }
    }
}

// === impl Location ===

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
        })
    }
}
