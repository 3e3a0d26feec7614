//! JSON Schemas in words: what kind of value, which members; further keywords by name.

use serde_json::{Map, Value};

use crate::document::NodeId;

use super::narrator::Narrator;
use super::words::{Words, list, text};

/// Keywords that the words speak of, or that say nothing about the value.
const SPOKEN: [&str; 10] = [
    "type",
    "properties",
    "required",
    "title",
    "description",
    "$schema",
    "$id",
    "$comment",
    "examples",
    "default",
];

// === impl Narrator ===

impl Narrator<'_> {
    /// What a `schema` asks for: `an object with id (a whole number, required)`.
    pub(super) fn schema(&mut self, id: NodeId) -> Words {
        let mut part = self.part(id);
        let format = part.take("format").filter(|format| self.document.text(*format) != Some("json"));
        let mut words = match (part.take("document"), part.take_part("resource")) {
            (Some(document), _) => described(&self.document.value_of(document)),
            (None, Some(resource)) => text("what the schema ").words(self.resource(resource)).text(" says"),
            (None, None) => text("anything"),
        };
        if let Some(format) = format {
            words = words.text(" (").words(self.plain(format)).text(")");
        }
        let rest = self.rest_of(&part);
        words.words(rest)
    }
}

fn described(schema: &Value) -> Words {
    let Value::Object(keywords) = schema else {
        return text(if *schema == Value::Bool(false) { "nothing at all" } else { "anything" });
    };
    let mut words = text(kinds(keywords.get("type")));
    if let Some(Value::Object(properties)) = keywords.get("properties") {
        let required = |name: &str| is_required(keywords, name);
        let member = |(name, schema): (&String, &Value)| {
            let kind = schema.get("type").map_or_else(String::new, |kind| kinds(Some(kind)));
            let required = if required(name) { "required" } else { "" };
            let about: Vec<&str> =
                [kind.as_str(), required].into_iter().filter(|text| !text.is_empty()).collect();
            let words = Words::default().literal(name);
            if about.is_empty() { words } else { words.text(format!(" ({})", about.join(", "))) }
        };
        words = words.text(" with ").words(list(properties.iter().map(member).collect(), "and"));
    }
    let unknown = unlisted(keywords);
    if !unknown.is_empty() {
        words = words.text("; required: ").words(list(unknown, "and"));
    }
    let more: Vec<Words> = further(keywords);
    if more.is_empty() { words } else { words.text("; further rules: ").words(list(more, "and")) }
}

fn is_required(keywords: &Map<String, Value>, name: &str) -> bool {
    let required = keywords.get("required").and_then(Value::as_array);
    required.is_some_and(|required| required.iter().any(|wanted| wanted == name))
}

/// Required members that are not among the properties.
fn unlisted(keywords: &Map<String, Value>) -> Vec<Words> {
    let listed = |name: &str| keywords.get("properties").is_some_and(|listed| listed.get(name).is_some());
    let required = keywords.get("required").and_then(Value::as_array).into_iter().flatten();
    let names = required.filter_map(Value::as_str).filter(|name| !listed(name));
    names.map(|name| Words::default().literal(name)).collect()
}

/// The names of all other keywords, those of members too.
fn further(keywords: &Map<String, Value>) -> Vec<Words> {
    let own = keywords.keys().map(String::as_str);
    let members = keywords.get("properties").and_then(Value::as_object).into_iter().flatten();
    let below = members.filter_map(|(_, schema)| schema.as_object()).flat_map(Map::keys).map(String::as_str);
    let mut names: Vec<&str> = own.chain(below).filter(|name| !SPOKEN.contains(name)).collect();
    let nested = |name: &str| {
        keywords.get("properties").is_some_and(|members| {
            members.as_object().into_iter().flatten().any(|(_, schema)| schema.get(name).is_some())
        })
    };
    names.extend(["properties", "required"].into_iter().filter(|name| nested(name)));
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|name| Words::default().literal(name)).collect()
}

fn kinds(kind: Option<&Value>) -> String {
    match kind {
        Some(Value::String(kind)) => word(kind).to_owned(),
        Some(Value::Array(kinds)) => {
            let kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).map(word).collect();
            kinds.join(" or ")
        }
        _ => "a value".to_owned(),
    }
}

fn word(kind: &str) -> &str {
    match kind {
        "object" => "an object",
        "array" => "a list",
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "null" => "null",
        other => other,
    }
}
