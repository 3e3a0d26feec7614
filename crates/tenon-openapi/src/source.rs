//! The parsed document, and how its parts refer to each other.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::Error;

/// How many references may lead from one to the next. A cycle ends here, too.
const MAX_REFERENCES: usize = 32;

/// The dialects that differ in how requests are described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Swagger 2.0.
    Two,
    /// OpenAPI 3.
    Three,
}

/// A parsed document.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) root: &'a Value,
    pub(crate) dialect: Dialect,
}

// === impl Source ===

impl<'a> Source<'a> {
    pub(crate) fn new(root: &'a Value) -> Result<Self, Error> {
        let wrong = |found: String| Err(Error::Version { found });
        let said = |version: &Value| version.as_str().map_or_else(|| version.to_string(), str::to_owned);
        let dialect = match (root.get("openapi").map(said), root.get("swagger").map(said)) {
            (Some(version), _) if version == "3" || version.starts_with("3.") => Dialect::Three,
            (None, Some(version)) if version == "2" || version.starts_with("2.") => Dialect::Two,
            (Some(version), _) => return wrong(format!("this document says `openapi: {}`", short(&version))),
            (None, Some(version)) => {
                return wrong(format!("this document says `swagger: {}`", short(&version)));
            }
            (None, None) => return wrong("this is not an OpenAPI document".to_owned()),
        };
        Ok(Self { root, dialect })
    }

    /// The value itself, or what its `$ref` leads to.
    pub(crate) fn follow(self, value: &'a Value) -> Result<&'a Value, String> {
        let mut value = value;
        for _ in 0..MAX_REFERENCES {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
                return Ok(value);
            };
            value = self.target(reference)?;
        }
        Err("its references lead in a circle or are too many".to_owned())
    }

    fn target(self, reference: &str) -> Result<&'a Value, String> {
        let Some(pointer) = reference.strip_prefix('#') else {
            return Err(format!(
                "it refers to `{}`, outside of the document: bundle the document into one file",
                short(reference)
            ));
        };
        let pointer = percent_decode_str(pointer).decode_utf8_lossy();
        self.root
            .pointer(&pointer)
            .ok_or_else(|| format!("it refers to `{}`, which the document does not have", short(reference)))
    }
}

/// The items of a list member; nothing where there is none.
pub(crate) fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The members of an object member.
pub(crate) fn members<'a>(value: &'a Value, name: &str) -> Option<&'a Map<String, Value>> {
    value.get(name).and_then(Value::as_object)
}

/// A text member.
pub(crate) fn string<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

/// A member that is `true`. Published documents have it as text, too.
pub(crate) fn flag(value: &Value, name: &str) -> Option<bool> {
    match value.get(name)? {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// Text of others in messages.
pub(crate) fn short(text: &str) -> String {
    const LONGEST: usize = 120;
    let cut: String = text.chars().filter(|letter| !letter.is_control()).take(LONGEST).collect();
    if text.chars().count() > LONGEST { format!("{cut}…") } else { cut }
}
