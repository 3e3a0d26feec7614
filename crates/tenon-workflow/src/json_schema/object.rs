//! Objects of known fields: their definitions, and the rules between their fields.

use serde_json::{Map, Value, json};

use super::{Generator, reference};
use crate::shape::{Field, Object, Rule, Shape};

// === impl Generator ===

impl Generator {
    /// A reference to the definition of an object.
    pub(super) fn object(&mut self, object: &'static Object) -> Value {
        if let Some(name) = self.names.get(&std::ptr::from_ref(object)) {
            return reference(name);
        }
        let schema = Value::Object(self.closed(object));
        let name = self.define(&definition_name(object.title), schema);
        self.names.insert(std::ptr::from_ref(object), name.clone());
        reference(&name)
    }

    /// The table has some objects several times, since they differ in where their expressions are evaluated; a schema
    /// has each once.
    pub(super) fn define(&mut self, name: &str, schema: Value) -> String {
        let mut free = name.to_owned();
        let mut count = 1;
        while let Some(known) = self.definitions.get(&free) {
            if *known == schema {
                return free;
            }
            count += 1;
            free = format!("{name}{count}");
        }
        self.definitions.insert(free.clone(), schema);
        free
    }

    /// An object that has these fields, and others only if it is open.
    pub(super) fn closed(&mut self, object: &'static Object) -> Map<String, Value> {
        let mut properties = Map::new();
        for field in object.all_fields() {
            properties.insert(field.name.to_owned(), self.field(field));
        }
        let required: Vec<&str> =
            object.all_fields().filter(|field| field.required).map(|field| field.name).collect();
        let mut schema = Map::new();
        schema.insert("title".to_owned(), json!(plain_title(object.title)));
        schema.insert("type".to_owned(), json!("object"));
        schema.insert("properties".to_owned(), Value::Object(properties));
        if !required.is_empty() {
            schema.insert("required".to_owned(), json!(required));
        }
        match object.open {
            None => schema.insert("additionalProperties".to_owned(), json!(false)),
            Some(Shape::Anything) => None,
            Some(shape) => {
                let others = self.shape(shape);
                schema.insert("additionalProperties".to_owned(), others)
            }
        };
        let rules: Vec<Value> = object.rules.iter().map(|rule| self::rule(*rule)).collect();
        if !rules.is_empty() {
            schema.insert("allOf".to_owned(), json!(rules));
        }
        schema
    }

    pub(super) fn field(&mut self, field: &'static Field) -> Value {
        let mut schema = Map::new();
        schema.insert("description".to_owned(), json!(description(field)));
        if let Value::Object(shape) = self.shape(field.shape) {
            schema.extend(shape);
        }
        Value::Object(schema)
    }
}

/// What it is, whether it is an expression, and whether this version executes it.
pub(super) fn description(field: &Field) -> String {
    let mut about = field.about.to_owned();
    if matches!(field.shape, Shape::Expression(_)) {
        about.push_str(". An expression, bare or as `${ … }`");
    }
    if let Some(later) = field.later {
        about.push_str(". Not executed by this version of Tenon: ");
        about.push_str(later.reason);
    }
    about
}

fn rule(rule: Rule) -> Value {
    let each = |names: &[&str]| names.iter().map(|name| json!({ "required": [name] })).collect::<Vec<_>>();
    match rule {
        Rule::ExactlyOne(names) => json!({ "oneOf": each(names) }),
        Rule::AtMostOne(names, _) => {
            let others = |index: usize| each(&names[index + 1..]);
            let pairs = names.iter().enumerate().flat_map(|(index, name)| {
                let both = |other: Value| json!({ "not": { "required": [name, other["required"][0]] } });
                others(index).into_iter().map(both).collect::<Vec<_>>()
            });
            json!({ "allOf": pairs.collect::<Vec<_>>() })
        }
        Rule::AtLeastOne([]) => json!({ "minProperties": 1 }),
        Rule::AtLeastOne(names) => json!({ "anyOf": each(names) }),
        Rule::Needs(name, other) => json!({ "dependentRequired": { name: [other] } }),
        Rule::OnlyWith(name, other, value) => json!({
            "if": { "properties": { other: { "const": value } }, "required": [other] },
            "then": { "required": [name] },
            "else": { "not": { "required": [name] } },
        }),
    }
}

/// Without article and quotes: "the arguments of call: http".
fn plain_title(title: &str) -> String {
    let title = title.replace('`', "");
    let bare = ["an ", "a ", "the "].iter().find_map(|article| title.strip_prefix(article));
    bare.unwrap_or(&title).to_owned()
}

/// `argumentsOfCallHttp`
pub(super) fn definition_name(title: &str) -> String {
    let title = plain_title(title).replace('\'', "");
    let words = title.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut name = String::new();
    for word in words {
        let (first, rest) = word.split_at(1);
        if name.is_empty() {
            name.push_str(&first.to_lowercase());
        } else {
            name.push_str(&first.to_uppercase());
        }
        name.push_str(rest);
    }
    name
}
