//! Names that lead nowhere, definitions that nothing names, texts that were meant to be expressions.

use std::collections::HashSet;

use tenon_expr::runtime_expression;

use super::Linter;
use crate::codes;
use crate::diagnostic::{nearest, quote};
use crate::document::{Content, Document, NodeId};

impl Linter<'_> {
    pub(super) fn unused_definitions(&mut self) {
        let document = self.document;
        let mut named = HashSet::new();
        visit(document, &mut |key, id| {
            if let Some(text) = document.text(id).filter(|_| matches!(key, "retry" | "error" | "timeout")) {
                named.insert((key, text));
            }
        });
        for (section, key) in [("retries", "retry"), ("errors", "error"), ("timeouts", "timeout")] {
            let Some(defined) = document.at(document.root(), &["use", section]) else { continue };
            for entry in document.entries(defined) {
                if !named.contains(&(key, &*entry.key)) {
                    let message = format!("nothing uses `{}`", quote(&entry.key));
                    self.warn(
                        entry.value,
                        codes::LINT_UNUSED,
                        message,
                        "remove it, or refer to it by its name",
                    );
                }
            }
        }
    }

    /// `$steps.x` where no task is called x.
    pub(super) fn step_names(&mut self) {
        let tasks: HashSet<&str> = self.program.tasks.iter().map(|task| task.name.as_str()).collect();
        let mut wrong = Vec::new();
        let document = self.document;
        visit(document, &mut |_, id| {
            let text = document.text(id).unwrap_or_default();
            let names = step_names(text).filter(|name| !tasks.contains(name));
            wrong.extend(names.map(|name| (id, name.to_owned())));
        });
        for (id, name) in wrong {
            let message = format!("`$steps.{}` is always null: there is no task of this name", quote(&name));
            let hint = match nearest(&name, tasks.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name a task that runs before".to_owned(),
            };
            self.warn(id, codes::LINT_STEP_NAME, message, &hint);
        }
    }

    /// `body: .customer` sends the text ".customer".
    pub(super) fn texts_like_expressions(&mut self) {
        let mut found = Vec::new();
        for task in &self.program.tasks {
            let task = self.node(&task.pointer);
            let places = [&["set"][..], &["with", "body"], &["with", "query"], &["with", "headers"]];
            let event: &[&str] = &["emit", "event", "with", "data"];
            for path in places.into_iter().chain([event]) {
                found.extend(self.document.at(task, path));
            }
        }
        for place in found {
            self.warn_of_texts(place);
        }
    }

    fn warn_of_texts(&mut self, id: NodeId) {
        match self.document.content(id) {
            Content::Text(text) if looks_like_expression(text) => {
                let message = format!("`{}` is passed on as text, it is not an expression", quote(text));
                let hint = format!("write `${{ {} }}` if it is meant to be one", quote(text));
                self.warn(id, codes::LINT_LITERAL_EXPRESSION, message, &hint);
            }
            Content::List(items) => {
                for item in items.clone() {
                    self.warn_of_texts(item);
                }
            }
            Content::Map(entries) => {
                for entry in entries.clone() {
                    self.warn_of_texts(entry.value);
                }
            }
            _ => {}
        }
    }
}

/// Looks at every value with the key it stands under, `metadata` and schemas aside.
fn visit<'d>(document: &'d Document, look: &mut impl FnMut(&'d str, NodeId)) {
    let mut open = vec![("", document.root())];
    while let Some((key, id)) = open.pop() {
        look(key, id);
        match document.content(id) {
            Content::List(items) => open.extend(items.iter().map(|item| (key, *item))),
            Content::Map(entries) => {
                let inside = entries.iter().filter(|entry| !matches!(&*entry.key, "metadata" | "schema"));
                open.extend(inside.map(|entry| (&*entry.key, entry.value)));
            }
            _ => {}
        }
    }
}

fn looks_like_expression(text: &str) -> bool {
    let variable = crate::shape::LANGUAGE_VARIABLES.iter().chain(&["error", "item"]);
    let names_variable = text.strip_prefix('$').is_some_and(|rest| {
        variable.clone().any(|name| rest.strip_prefix(name).is_some_and(|rest| !starts_with_letter(rest)))
    });
    let path = text.strip_prefix('.').is_some_and(|rest| {
        starts_with_letter(rest)
            && rest.chars().all(|letter| letter.is_alphanumeric() || "._[]".contains(letter))
    });
    runtime_expression(text).is_none() && (names_variable || path || text.contains("${"))
}

fn starts_with_letter(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_alphabetic() || letter == '_')
}

/// The names after `$steps.`; other ways of reading `$steps` are not followed.
fn step_names(text: &str) -> impl Iterator<Item = &str> {
    text.split("$steps.").skip(1).filter_map(|rest| {
        let end =
            rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(rest.len());
        (end > 0).then(|| &rest[..end])
    })
}
