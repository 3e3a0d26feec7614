//! Reading the members of a policy. Messages name members, never their values.

use serde_json::{Map, Value};

use crate::Failure;

/// The members of a policy, or of an object inside of it.
pub(super) struct Members<'a> {
    scheme: &'a str,
    /// `client.` inside of `client`.
    path: String,
    map: &'a Map<String, Value>,
}

// === impl Members ===

impl<'a> Members<'a> {
    pub(super) fn of(scheme: &'a str, value: &'a Value) -> Result<Self, Failure> {
        match value {
            Value::Object(map) => Ok(Self { scheme, path: String::new(), map }),
            _ => Err(Failure::InvalidRequest(format!(
                "authentication `{scheme}`: an object with the policy's members is needed"
            ))),
        }
    }

    pub(super) fn wrong(&self, name: &str, problem: &str) -> Failure {
        Failure::InvalidRequest(format!("authentication `{}`: `{}{name}` {problem}", self.scheme, self.path))
    }

    /// A member that nobody reads would be a mistake that nobody sees.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Failure> {
        match self.map.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => {
                let shown: String = name.chars().filter(|letter| !letter.is_control()).take(64).collect();
                Err(self.wrong(&shown, &format!("is not known; possible: {}", known.join(", "))))
            }
            None => Ok(()),
        }
    }

    /// A text, or a number that somebody forgot to quote (as the specification's own example does).
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Failure> {
        let text = match self.map.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(_) => return Err(self.wrong(name, "must be a text")),
        };
        if text.contains(char::is_control) {
            return Err(self.wrong(name, "contains a line break or another control character"));
        }
        Ok(Some(text))
    }

    pub(super) fn required(&self, name: &str) -> Result<String, Failure> {
        self.text(name)?.ok_or_else(|| self.wrong(name, "is missing"))
    }

    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, Failure> {
        let items = match self.map.get(name) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(self.wrong(name, "must be a list of texts")),
        };
        let text = |item: &Value| item.as_str().map(str::to_owned);
        let texts: Option<Vec<String>> = items.iter().map(text).collect();
        texts.ok_or_else(|| self.wrong(name, "must be a list of texts"))
    }

    pub(super) fn object(&self, name: &str) -> Result<Option<Members<'a>>, Failure> {
        match self.map.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(map)) => {
                Ok(Some(Members { scheme: self.scheme, path: format!("{}{name}.", self.path), map }))
            }
            Some(_) => Err(self.wrong(name, "must be an object")),
        }
    }
}
