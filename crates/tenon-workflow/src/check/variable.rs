//! Configuration variables: `{"$variable": "name"}` in the arguments of effects.
//!
//! Such an object becomes an expression over a variable that no document can name, so that nothing after the
//! checker needs to know of it.

use serde_json::Value;
use tenon_expr::{UriTemplate, runtime_expression};

use super::{Checker, Piece};
use crate::codes;
use crate::document::{Content, NodeId};
use crate::program::CONFIGURATION;
use crate::shape::{Place, Shape};

const KEY: &str = "$variable";

/// Whether a value is one of a variable, and nothing else.
pub(super) fn is_variable(content: &Content) -> bool {
    matches!(content, Content::Map(entries) if entries.len() == 1 && &*entries[0].key == KEY)
}

/// Where the argument that has this shape is evaluated, if a variable can stand for it although its literals are
/// no objects.
pub(super) fn place_of(shape: &Shape) -> Option<Place> {
    let place = match shape {
        Shape::TextOr(_, place)
        | Shape::IntegerOr(_, _, place)
        | Shape::Computed(place)
        | Shape::Uri { place, .. } => *place,
        Shape::Part(_) | Shape::PartUri { .. } => Place::Effect,
        _ => return None,
    };
    place.reads_configuration().then_some(place)
}

impl Checker<'_> {
    pub(super) fn variable_of(&self, id: NodeId) -> Option<NodeId> {
        is_variable(self.document.content(id)).then(|| self.document.entries(id)[0].value)
    }

    /// A variable in the place of a whole argument.
    pub(super) fn variable_argument(&mut self, id: NodeId, name: NodeId, (shape, place): (&Shape, Place)) {
        match shape {
            Shape::Part(_) | Shape::PartUri { .. } => {}
            Shape::Uri { .. } => {
                let before = self.findings.len();
                self.variable_reference(id, name, place);
                if self.findings.len() > before || !self.afford(id, 1) {
                    return;
                }
                let source = self.document.text(name).map(read_variable).unwrap_or_default();
                let uri = UriTemplate::compile(&source, &[CONFIGURATION]);
                self.keep(id, Piece::Uri(uri.expect("reading one member of a known variable compiles")));
            }
            _ => self.template(id, place),
        }
    }

    /// Whether a reference stands where it may; says so if not.
    pub(super) fn variable_reference(&mut self, id: NodeId, name: NodeId, place: Place) {
        let alone = self.document.entries(id).len() == 1;
        let text =
            self.document.text(name).filter(|name| runtime_expression(name).is_none() && !name.is_empty());
        if let Some(text) = text
            && alone
            && place.reads_configuration()
        {
            if self.inside_later == 0 {
                self.variables.insert(text.to_owned());
            }
            return;
        }
        let message = "`$variable` stands alone, with a literal name, in the arguments of `call` and `run`";
        self.report(name, codes::VARIABLE_REFERENCE, message.to_owned());
    }

    /// The value with variables, and addresses that are filled in, written as expressions.
    pub(super) fn rewritten(&self, id: NodeId) -> Value {
        let document = self.document;
        if let Some(name) = self.variable_of(id).and_then(|name| document.text(name)) {
            return Value::String(read_variable(name));
        }
        match document.content(id) {
            Content::Text(text) if self.addresses.contains(&id) => Value::String(filled_in(text)),
            Content::List(items) => items.iter().map(|item| self.rewritten(*item)).collect(),
            Content::Map(entries) => {
                entries.iter().map(|entry| (entry.key.to_string(), self.rewritten(entry.value))).collect()
            }
            _ => document.value_of(id),
        }
    }
}

fn read_variable(name: &str) -> String {
    format!("${{ ${CONFIGURATION}[{}] }}", Value::from(name))
}

/// `https://host/{name}` as an expression.
fn filled_in(uri: &str) -> String {
    let mut parts = Vec::new();
    let mut rest = uri;
    while let Some((text, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        let name = Value::from(name);
        let missing = Value::from(format!("the address needs {name}, which the task's input does not have"));
        parts.push(Value::from(text).to_string());
        parts.push(format!("(.[{name}] | if . == null then error({missing}) else . end | tostring | @uri)"));
        rest = after;
    }
    parts.push(Value::from(rest).to_string());
    format!("${{ {} }}", parts.join(" + "))
}
