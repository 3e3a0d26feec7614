//! What checking one value against a schema can cost, before it is compiled.
//!
//! `allOf`, `$ref` and their like apply to the same value again. Each doubles easily (`anyOf: [{$ref: x}, {$ref: x}]`
//! twenty times over is a million checks of one value), so that a small schema could keep a worker busy for
//! hours. Going down into members is not counted: that is bounded by the value.

use std::collections::HashMap;

use serde_json::Value;

/// Most applications of sub-schemas to one value.
const MAX_APPLICATIONS: u64 = 20_000;
/// Deepest nesting of them that is followed.
const MAX_DEPTH: usize = 500;

const LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
const SINGLE: [&str; 4] = ["not", "if", "then", "else"];
const MAPS: [&str; 2] = ["dependentSchemas", "dependencies"];
const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

struct Counter<'a> {
    root: &'a Value,
    /// Schemas by their `$id` or anchor.
    named: HashMap<&'a str, &'a Value>,
    /// By the address of a schema; `None` while it is being counted.
    counted: HashMap<*const Value, Option<u64>>,
}

/// Refuses a schema that is applied too often to one value.
pub(super) fn afford(schema: &Value) -> Result<(), String> {
    let mut counter = Counter { root: schema, named: HashMap::new(), counted: HashMap::new() };
    counter.find_names(schema);
    let mut most = 0;
    let mut open = vec![schema];
    while let Some(value) = open.pop() {
        most = most.max(counter.count(value, 0));
        match value {
            Value::Object(members) => open.extend(members.values()),
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    if most <= MAX_APPLICATIONS {
        return Ok(());
    }
    Err(format!(
        "its `allOf`, `anyOf`, `oneOf` and `$ref` multiply to more than {MAX_APPLICATIONS} checks of one value"
    ))
}

// === impl Counter ===

impl<'a> Counter<'a> {
    fn find_names(&mut self, schema: &'a Value) {
        let mut open = vec![schema];
        while let Some(value) = open.pop() {
            match value {
                Value::Object(members) => {
                    for key in ["$id", "id", "$anchor", "$dynamicAnchor"] {
                        if let Some(name) = members.get(key).and_then(Value::as_str) {
                            self.named.insert(name.trim_end_matches('#'), value);
                        }
                    }
                    open.extend(members.values());
                }
                Value::Array(items) => open.extend(items),
                _ => {}
            }
        }
    }

    /// How many schemas are applied to a value that this one is applied to.
    fn count(&mut self, schema: &'a Value, depth: usize) -> u64 {
        let Value::Object(members) = schema else { return 1 };
        if depth > MAX_DEPTH {
            return MAX_APPLICATIONS + 1;
        }
        let place: *const Value = schema;
        match self.counted.get(&place) {
            Some(Some(count)) => return *count,
            // Refers to itself: followed once.
            Some(None) => return 1,
            None => {}
        }
        self.counted.insert(place, None);
        let mut applied: Vec<&Value> = Vec::new();
        for key in LISTS {
            applied.extend(members.get(key).and_then(Value::as_array).into_iter().flatten());
        }
        applied.extend(SINGLE.iter().filter_map(|key| members.get(*key)));
        for key in MAPS {
            applied
                .extend(members.get(key).and_then(Value::as_object).into_iter().flat_map(|map| map.values()));
        }
        let references = REFERENCES.iter().filter_map(|key| members.get(*key)?.as_str());
        applied.extend(references.filter_map(|reference| self.target(reference)));
        let mut count = 1_u64;
        for schema in applied {
            count = count.saturating_add(self.count(schema, depth + 1)).min(MAX_APPLICATIONS + 1);
        }
        self.counted.insert(place, Some(count));
        count
    }

    /// What a reference means, as far as it stays within the document.
    fn target(&self, reference: &str) -> Option<&'a Value> {
        let (base, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let resource = if base.is_empty() { self.root } else { *self.named.get(base)? };
        if fragment.is_empty() {
            return Some(resource);
        }
        if fragment.starts_with('/') {
            let pointer = percent_decoded(fragment);
            return resource.pointer(&pointer).or_else(|| self.root.pointer(&pointer));
        }
        self.named.get(fragment).copied()
    }
}

/// A pointer in a fragment may be percent-encoded.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        decoded.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
