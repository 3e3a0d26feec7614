//! What a call makes of its secrets: upper case, a part, a signature. Found by making the call once more with other
//! values in their places: where the two differ, a secret has been. Pure.

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value};
use tenon_engine::{GrpcRequest, HttpRequest, Resolved};

/// The texts of a request that depend on a secret, and where they are.
#[derive(Default)]
pub(super) struct Derived {
    /// Without what is the same in spite of other values.
    pub(super) texts: BTreeSet<String>,
    /// Names of headers.
    pub(super) headers: Vec<String>,
    /// Whether the body is one of the places.
    pub(super) is_in_body: bool,
}

/// The same names with values of the same shape, in which every letter and digit is another one.
pub(super) fn others(resolved: &Resolved) -> Resolved {
    Resolved {
        secrets: resolved.secrets.iter().map(|(name, value)| (name.clone(), other(value))).collect(),
        variables: resolved.variables.clone(),
        authorization: resolved.authorization.as_ref().map(|authorization| {
            let mut other_one = authorization.clone();
            other_one["parameter"] = other(&authorization["parameter"]);
            other_one
        }),
    }
}

fn other(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        Value::Number(number) => Value::Number(other_number(number)),
        Value::String(text) => Value::String(text.chars().map(next).collect()),
        Value::Array(items) => Value::Array(items.iter().map(other).collect()),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), other(value))).collect())
        }
    }
}

/// The one after it of its kind, so that whatever splits, slices or parses the text still can.
fn next(letter: char) -> char {
    match letter {
        'z' => 'a',
        'Z' => 'A',
        '9' => '0',
        'a'..='y' | 'A'..='Y' | '0'..='8' => char::from(letter as u8 + 1),
        _ => letter,
    }
}

fn other_number(number: &Number) -> Number {
    let whole = number.as_i64().and_then(|whole| whole.checked_add(1)).map(Number::from);
    let broken = || Number::from_f64(number.as_f64()? + 1.0);
    whole.or_else(broken).unwrap_or_else(|| Number::from(0))
}

// === impl Derived ===

impl Derived {
    pub(super) fn add_http(&mut self, call: &HttpRequest, other: &HttpRequest) {
        self.text(&call.method, &other.method);
        self.address(&call.url, &other.url);
        self.pairs(&call.query, &other.query);
        let before = self.headers.len();
        for (index, (name, value)) in call.headers.iter().enumerate() {
            if other.headers.get(index) != Some(&(name.clone(), value.clone())) {
                self.headers.push(name.clone());
            }
        }
        if self.headers.len() > before {
            self.pairs(&call.headers, &other.headers);
        }
        if call.body != other.body {
            self.is_in_body = true;
            self.value(&call.body.clone().unwrap_or_default(), &other.body.clone().unwrap_or_default());
        }
    }

    pub(super) fn add_grpc(&mut self, call: &GrpcRequest, other: &GrpcRequest) {
        for (one, other) in
            [(&call.service, &other.service), (&call.host, &other.host), (&call.method, &other.method)]
        {
            self.text(one, other);
        }
        self.value(&call.arguments, &other.arguments);
    }

    /// Every text that is another one in the other value.
    pub(super) fn value(&mut self, value: &Value, other: &Value) {
        match (value, other) {
            _ if value == other => {}
            (Value::String(text), Value::String(other)) => self.text(text, other),
            (Value::Array(items), Value::Array(others)) if items.len() == others.len() => {
                items.iter().zip(others).for_each(|(item, other)| self.value(item, other));
            }
            (Value::Object(members), Value::Object(others)) if members.len() == others.len() => {
                self.members(members, others);
            }
            _ => self.all(value),
        }
    }

    fn members(&mut self, members: &Map<String, Value>, others: &Map<String, Value>) {
        for ((name, member), (other_name, other)) in members.iter().zip(others) {
            self.text(name, other_name);
            self.value(member, other);
        }
    }

    /// Every text and number in it.
    fn all(&mut self, value: &Value) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => drop(self.texts.insert(number.to_string())),
            Value::String(text) => drop(self.texts.insert(text.clone())),
            Value::Array(items) => items.iter().for_each(|item| self.all(item)),
            Value::Object(members) => members.values().for_each(|member| self.all(member)),
        }
    }

    fn pairs(&mut self, pairs: &[(String, String)], others: &[(String, String)]) {
        for (index, (name, value)) in pairs.iter().enumerate() {
            let (other_name, other) =
                others.get(index).map_or(("", ""), |(name, value)| (name.as_str(), value.as_str()));
            self.text(name, other_name);
            self.text(value, other);
        }
    }

    /// The values of a query are said back one by one.
    fn address(&mut self, url: &str, other: &str) {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let (other_path, other_query) = other.split_once('?').unwrap_or((other, ""));
        self.text(path, other_path);
        let (pairs, others): (Vec<_>, Vec<_>) =
            (query.split(['&', '=']).collect(), other_query.split(['&', '=']).collect());
        if pairs.len() == others.len() {
            pairs.iter().zip(&others).for_each(|(one, other)| self.text(one, other));
        } else {
            self.text(query, other_query);
        }
    }

    fn text(&mut self, text: &str, other: &str) {
        if text == other {
            return;
        }
        let same = |(one, other): &(char, char)| one == other;
        let before: usize =
            text.chars().zip(other.chars()).take_while(same).map(|(letter, _)| letter.len_utf8()).sum();
        let (rest, other_rest) = (&text[before..], &other[before..]);
        let both = rest.chars().rev().zip(other_rest.chars().rev());
        let after: usize = both.take_while(same).map(|(letter, _)| letter.len_utf8()).sum();
        let differs = &rest[..rest.len() - after];
        if !differs.is_empty() {
            self.texts.insert(differs.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is found in a body that was made of `key-123`, and would have been the other one of another secret.
    #[track_caller]
    fn check(body: Value, other: Value, expected: &[&str]) {
        let mut derived = Derived::default();
        derived.value(&body, &other);
        assert_eq!(derived.texts.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn only_what_depends_on_a_secret_is_found() {
        check(json!({"a": "is key-123.", "b": 1}), json!({"a": "is lfz-234.", "b": 1}), &["key-123"]);
        check(json!(["KEY-123", ["x"]]), json!(["LFZ-234", ["x"]]), &["KEY-123"]);
        check(json!({"key-123": {"n": 123}}), json!({"lfz-234": {"n": 234}}), &["123", "key-123"]);
        check(json!({"a": ["key", "x"]}), json!({"a": ["lfz"]}), &["key", "x"]);
        check(json!({"a": "b"}), json!({"a": "b"}), &[]);
    }

    #[test]
    fn other_values_have_the_same_shape() {
        let resolved = Resolved {
            secrets: Map::from_iter([("s".to_owned(), json!({"u": "Zoë:9%", "n": [1, 1.5, true]}))]),
            variables: Map::from_iter([("v".to_owned(), json!("same"))]),
            authorization: Some(json!({"scheme": "Bearer", "parameter": "abc"})),
        };
        let others = others(&resolved);
        assert_eq!(others.secrets["s"], json!({"u": "Apë:0%", "n": [2, 2.5, true]}));
        assert_eq!(others.variables, resolved.variables);
        assert_eq!(others.authorization, Some(json!({"scheme": "Bearer", "parameter": "bcd"})));
    }
}
