//! Tasks: the kinds are told apart by the field that makes them, calls by what they call.

use serde_json::{Map, Value, json};

use super::object::{definition_name, description};
use super::value::named;
use super::{Generator, reference};
use crate::shape::{CALLS, CUSTOM_CALL, Object, TASK_KINDS};

const ABOUT_CALL: &str = "What to call: a protocol, or a function under `use.functions`";

// === impl Generator ===

impl Generator {
    pub(super) fn define_tasks(&mut self) {
        let tasks = named(&reference("task"), 0);
        let mut branches = named(&reference("task"), 1);
        branches["description"] = json!("Tasks that run at the same time");
        self.define("tasks", tasks);
        self.define("branches", branches);
        let built_in: Vec<&str> = CALLS.iter().map(|(name, _)| *name).collect();
        let functions = json!({
            "type": "object",
            "propertyNames": { "not": { "enum": built_in } },
            "additionalProperties": reference("task"),
        });
        self.define("functions", functions);
        let task = self.any_task();
        self.define("task", task);
    }

    fn any_task(&mut self) -> Value {
        let mut keywords = Map::new();
        let mut kinds = Vec::new();
        let mut by_kind = Vec::new();
        for (keyword, object) in &TASK_KINDS {
            let about = match *keyword {
                "call" => ABOUT_CALL.to_owned(),
                _ => object.field(keyword).map(description).unwrap_or_default(),
            };
            keywords.insert((*keyword).to_owned(), json!({ "description": about }));
            kinds.push(json!({ "required": [keyword] }));
            let schema = match *keyword {
                "call" => self.any_call(),
                "wait" => self.wait_until(object),
                _ => self.object(object),
            };
            by_kind.push(json!({ "if": is_kind(keyword), "then": schema }));
        }
        by_kind.push(json!({
            "if": { "not": { "required": ["wait"] } },
            "then": { "properties": { "metadata": { "properties": { "tenon": { "not": { "required": ["until"] } } } } } },
        }));
        json!({
            "title": "task",
            "description": "A task is of exactly one kind; the field of that name says what it does",
            "type": "object",
            "properties": keywords,
            "anyOf": kinds,
            "allOf": by_kind,
        })
    }

    fn any_call(&mut self) -> Value {
        let names: Vec<&str> = CALLS.iter().map(|(name, _)| *name).collect();
        let mut by_name: Vec<Value> = Vec::new();
        for (name, object) in &CALLS {
            let schema = self.object(object);
            by_name.push(json!({ "if": calls(&json!({ "const": name })), "then": schema }));
        }
        let custom = self.object(&CUSTOM_CALL);
        by_name.push(json!({ "if": calls(&json!({ "not": { "enum": names } })), "then": custom }));
        let call = json!({
            "title": "call",
            "properties": {
                "call": {
                    "description": ABOUT_CALL,
                    "anyOf": [{ "enum": names }, { "type": "string" }],
                },
            },
            "allOf": by_name,
        });
        let name = self.define("anyCall", call);
        reference(&name)
    }

    /// Of `wait`, which may be empty if `metadata.tenon.until` says until when.
    fn wait_until(&mut self, object: &'static Object) -> Value {
        let mut schema = self.closed(object);
        let time = schema["properties"]["wait"].take();
        let mut properties = schema["properties"].take();
        properties["wait"] = json!({ "description": time["description"] });
        schema["properties"] = properties;
        let until = json!({
            "properties": { "metadata": { "properties": { "tenon": { "required": ["until"] } }, "required": ["tenon"] } },
            "required": ["metadata"],
        });
        let rule = json!({
            "if": until,
            "then": { "properties": { "wait": { "anyOf": [time, { "type": "object", "maxProperties": 0 }] } } },
            "else": { "properties": { "wait": time } },
        });
        schema.insert("allOf".to_owned(), json!([rule]));
        let name = self.define(&definition_name(object.title), Value::Object(schema));
        reference(&name)
    }
}

/// `for` contains a `do` of its own.
fn is_kind(keyword: &str) -> Value {
    match keyword {
        "do" => json!({ "required": ["do"], "not": { "required": ["for"] } }),
        _ => json!({ "required": [keyword] }),
    }
}

fn calls(name: &Value) -> Value {
    json!({ "properties": { "call": name }, "required": ["call"] })
}
