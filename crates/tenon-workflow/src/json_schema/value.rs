//! Each shape of the table as a schema.

use serde_json::{Value, json};

use super::literal::{address, file_address, literal, variable_name};
use super::{Generator, reference};
use crate::shape::{Literal, Place, Shape};

// === impl Generator ===

impl Generator {
    pub(super) fn shape(&mut self, shape: &'static Shape) -> Value {
        match shape {
            Shape::Anything | Shape::Data(_) | Shape::MatchData(_) => json!({}),
            Shape::Expression(_) | Shape::Transform(_) | Shape::Reference(..) | Shape::FunctionName => {
                json!({ "type": "string" })
            }
            Shape::File(_) => file_address(),
            Shape::DataObject(_, 0) => json!({ "type": "object" }),
            Shape::DataObject(_, least) => json!({ "type": "object", "minProperties": least }),
            Shape::Strings { lists, .. } => strings(*lists),
            Shape::Computed(place) => any_of(vec![reference("expression")], reads(*place)),
            Shape::Array(_) => json!({ "type": "array" }),
            Shape::Text(form) => literal(*form),
            Shape::TextOr(form, place) => any_of(text_or(*form), reads(*place)),
            Shape::Part(form) => any_of(text_or(*form), true),
            Shape::PartUri { web } => any_of(address(*web), true),
            Shape::Uri { place, web } => any_of(address(*web), reads(*place)),
            Shape::Integer(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
            Shape::IntegerOr(least, most, place) => {
                let number = json!({ "type": "integer", "minimum": least, "maximum": most });
                any_of(vec![number, reference("expression")], reads(*place))
            }
            Shape::Boolean => json!({ "type": "boolean" }),
            Shape::Choice(choices) => json!({ "enum": choices }),
            Shape::Duration(None) => reference("duration"),
            Shape::Duration(Some(_)) => any_of(vec![reference("duration"), reference("expression")], false),
            Shape::VariableName => variable_name(),
            Shape::Flow => {
                json!({ "anyOf": [{ "enum": ["continue", "exit", "end"] }, { "type": "string" }] })
            }
            Shape::JsonSchema => json!({ "type": ["object", "boolean"] }),
            Shape::Match(_) => json!({ "type": ["string", "number", "boolean"] }),
            Shape::Object(object) => self.object(object),
            Shape::List(shape, least) => {
                let items = self.shape(shape);
                json!({ "type": "array", "items": items, "minItems": least })
            }
            Shape::Map(shape) | Shape::Definitions(_, shape) => {
                let members = self.shape(shape);
                json!({ "type": "object", "additionalProperties": members })
            }
            Shape::Named(shape, least) => {
                let item = self.shape(shape);
                let mut list = named(&item, *least);
                if is_case(shape) {
                    // A `switch` has one case without a condition, at most.
                    let default = json!({ "additionalProperties": { "not": { "required": ["when"] } } });
                    list["contains"] = default;
                    list["minContains"] = json!(0);
                    list["maxContains"] = json!(1);
                }
                list
            }
            Shape::Functions => reference("functions"),
            Shape::Tasks => reference("tasks"),
            Shape::Branches => reference("branches"),
            Shape::Task => reference("task"),
            Shape::Either(alternatives) => {
                let alternatives = alternatives.iter().map(|alternative| self.shape(alternative)).collect();
                any_of(alternatives, false)
            }
        }
    }
}

/// Whether this is what the cases of a `switch` are.
fn is_case(shape: &Shape) -> bool {
    matches!(shape, Shape::Object(object) if object.field("when").is_some() && object.field("then").is_some())
}

/// Whether `{"$variable": "name"}` is possible here.
fn reads(place: Place) -> bool {
    place.reads_configuration()
}

fn text_or(form: Literal) -> Vec<Value> {
    match form {
        // These forms take an expression for a literal.
        Literal::Any | Literal::NotEmpty | Literal::Moment => vec![literal(form)],
        _ => vec![literal(form), reference("expression")],
    }
}

fn any_of(mut alternatives: Vec<Value>, or_variable: bool) -> Value {
    if or_variable {
        alternatives.push(reference("variable"));
    }
    match alternatives.len() {
        1 => alternatives.remove(0),
        _ => json!({ "anyOf": alternatives }),
    }
}

/// An object with members of text, and a variable in the place of any of them, or of all.
fn strings(lists: bool) -> Value {
    let mut members = vec![json!({ "type": ["string", "number", "boolean"] }), reference("variable")];
    if lists {
        members.push(json!({ "type": "array", "items": { "type": ["string", "number", "boolean"] } }));
    }
    json!({
        "type": "object",
        "properties": { "$variable": { "type": "string" } },
        "additionalProperties": { "anyOf": members },
    })
}

/// A list of objects with one free name each.
pub(super) fn named(item: &Value, least: usize) -> Value {
    json!({
        "type": "array",
        "minItems": least,
        "items": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": item,
        },
    })
}
