//! Objects of known fields: unknown and missing ones, and what must hold between them.

use super::Checker;
use crate::codes;
use crate::diagnostic::{nearest, quote, suggest};
use crate::document::{Entry, NodeId};
use crate::shape::{Field, Object, Rule};

impl<'d> Checker<'d> {
    pub(super) fn object(&mut self, id: NodeId, object: &'static Object) {
        let document = self.document;
        for entry in document.entries(id) {
            if self.is_full() {
                return;
            }
            match (object.field(&entry.key), object.open) {
                (Some(field), _) => self.field(id, object, field, entry),
                (None, Some(shape)) => self.shape(entry.value, shape),
                (None, None) => self.unknown_field(id, object, entry),
            }
        }
        for field in object.all_fields().filter(|field| field.required) {
            if document.get(id, field.name).is_none() {
                let message = format!("{} needs `{}`", object.title, field.name);
                self.report_with(id, codes::MISSING_FIELD, message, Some(field.about.to_lowercase()));
            }
        }
        for rule in object.rules {
            self.rule(id, object, *rule);
        }
        if let Some(place) = object.whole {
            self.template(id, place);
        }
    }

    fn field(&mut self, id: NodeId, object: &'static Object, field: &'static Field, entry: &'d Entry) {
        let locals = self.locals.len();
        for bind in object.binds.iter().filter(|bind| bind.seen_by.contains(&field.name)) {
            let written = self.document.at(id, bind.path).and_then(|name| self.document.text(name));
            self.locals.push(written.unwrap_or(bind.default));
        }
        if let Some(later) = field.later {
            self.report_later(entry.value, later);
            self.inside_later += 1;
        }
        self.shape(entry.value, field.shape);
        if field.later.is_some() {
            self.inside_later -= 1;
        }
        self.locals.truncate(locals);
    }

    fn unknown_field(&mut self, id: NodeId, object: &'static Object, entry: &'d Entry) {
        let absent = object.all_fields().map(|field| field.name);
        let absent = absent.filter(|name| self.document.get(id, name).is_none());
        let absent: Vec<&str> = absent.collect();
        let hint = suggest(&entry.key, absent.iter().copied());
        let name = quote(&entry.key);
        let message = match nearest(&entry.key, absent.iter().copied()) {
            Some(near) => format!("unknown field `{name}`, did you mean `{near}`?"),
            None => format!("unknown field `{name}` in {}", object.title),
        };
        self.report_with(entry.value, codes::UNKNOWN_FIELD, message, hint);
    }

    fn rule(&mut self, id: NodeId, object: &'static Object, rule: Rule) {
        let document = self.document;
        let has = |name: &str| document.get(id, name).is_some();
        let present = |names: &'static [&'static str]| -> Vec<&'static str> {
            names.iter().copied().filter(|name| has(name)).collect()
        };
        let title = object.title;
        let (message, hint) = match rule {
            Rule::ExactlyOne(names) if present(names).is_empty() => {
                (format!("{title} needs one of {}", list(names)), "add one of them".to_owned())
            }
            Rule::ExactlyOne(names) if present(names).len() > 1 => {
                (only_one(title, &present(names)), "keep one of them".to_owned())
            }
            Rule::AtMostOne(names, hint) if present(names).len() > 1 => {
                (only_one(title, &present(names)), hint.to_owned())
            }
            Rule::AtLeastOne([]) if document.entries(id).is_empty() => {
                (format!("{title} cannot be empty"), "add a member".to_owned())
            }
            Rule::AtLeastOne(names) if !names.is_empty() && present(names).is_empty() => {
                (format!("{title} needs at least one of {}", list(names)), "add one of them".to_owned())
            }
            Rule::Needs(name, other) if has(name) && !has(other) => {
                (format!("`{name}` needs `{other}`"), format!("add `{other}`, or remove `{name}`"))
            }
            Rule::OnlyWith(name, other, value) => {
                let fits = document.get(id, other).and_then(|id| document.text(id)) == Some(value);
                match (has(name), fits) {
                    (true, false) => {
                        (format!("`{name}` is only for `{other}: {value}`"), format!("remove `{name}`"))
                    }
                    (false, true) => (format!("`{other}: {value}` needs `{name}`"), format!("add `{name}`")),
                    _ => return,
                }
            }
            _ => return,
        };
        self.report_with(id, codes::COMBINATION, message, Some(hint));
    }
}

fn only_one(title: &str, present: &[&str]) -> String {
    format!("{title} has only one of {}", list(present))
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
