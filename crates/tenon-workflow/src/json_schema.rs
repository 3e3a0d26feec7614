//! The language as a JSON Schema (2020-12) for editors, generated from the table of [shapes](crate::shape).
//!
//! What it refuses, [`check`](crate::check) refuses too; and it refuses what `check` finds wrong with the structure:
//! unknown and missing fields, types, choices, forms of literal texts, and what must hold between fields. What needs
//! more than one place of the document (names, jumps), or the compiler of expressions, is left to `check`. It is
//! written for language servers: no `unevaluatedProperties`, kinds of tasks are told apart by `if` and `then`.

mod literal;
mod object;
mod task;
mod value;

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::shape::{Object, WORKFLOW};

/// The JSON Schema of workflow documents.
pub fn json_schema() -> Value {
    let mut generator = Generator::default();
    generator.define_literals();
    generator.define_tasks();
    let workflow = generator.closed(&WORKFLOW);
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".to_owned(), json!("A Tenon workflow"));
    schema.insert(
        "description".to_owned(),
        json!("A document of the CNCF Open Workflow Specification, version 1.0.x, as Tenon accepts it"),
    );
    schema.extend(workflow.into_iter().filter(|(key, _)| key != "title"));
    generator.definitions.sort_keys();
    schema.insert("$defs".to_owned(), Value::Object(generator.definitions));
    Value::Object(schema)
}

/// What was generated so far.
#[derive(Default)]
struct Generator {
    /// `$defs`
    definitions: Map<String, Value>,
    /// The definitions of objects, by where the table has them.
    names: HashMap<*const Object, String>,
}

/// A reference to a definition.
fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}
