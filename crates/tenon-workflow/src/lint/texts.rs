//! Texts that were meant to be expressions.

use serde_json::Value;
use tenon_expr::runtime_expression;
use tenon_expr::tree::Tree;

use super::Linter;
use crate::codes;
use crate::diagnostic::quote;
use crate::document::{Content, NodeId};

/// Where data is given literally.
const PLACES: [&[&str]; 9] = [
    &["set"],
    &["with", "body"],
    &["with", "query"],
    &["with", "headers"],
    &["with", "parameters"],
    &["with", "arguments"],
    &["emit", "event", "with", "data"],
    &["emit", "event", "with", "subject"],
    &["run", "workflow", "input"],
];

impl Linter<'_> {
    /// `body: .customer` sends the text ".customer".
    pub(super) fn texts_like_expressions(&mut self) {
        let outline = self.outline;
        for task in &outline.tasks {
            for place in PLACES {
                if let Some(place) = outline.at(task, place) {
                    self.warn_of_texts(place);
                }
            }
        }
        for site in self.sites {
            if interpolates(&site.tree) {
                let message = "inside an expression `${ … }` is text, it is not filled in".to_owned();
                self.report(
                    site.id,
                    codes::LINT_LITERAL_EXPRESSION,
                    message,
                    "write `\\(…)` inside of jq's text",
                );
            }
        }
    }

    /// As deep as the document.
    fn warn_of_texts(&mut self, id: NodeId) {
        match self.document.content(id) {
            Content::Text(text) if looks_like_expression(text) => {
                let message = format!("`{}` is passed on as text, it is not an expression", quote(text));
                let inner = text.trim().trim_start_matches("{{").trim_end_matches("}}").trim();
                let hint = if text.contains("${") {
                    "make one expression of the whole text: `${ \"… \\(.name) …\" }`".to_owned()
                } else {
                    format!("write `${{ {} }}` if it is meant to be one", quote(inner))
                };
                self.report(id, codes::LINT_LITERAL_EXPRESSION, message, hint);
            }
            Content::List(items) => items.iter().for_each(|item| self.warn_of_texts(*item)),
            Content::Map(entries) => entries.iter().for_each(|entry| self.warn_of_texts(entry.value)),
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
    let braces = text.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
    let mustache = braces.is_some_and(|inner| inner.trim().starts_with(['.', '$']));
    runtime_expression(text).is_none() && (names_variable || path || mustache || text.contains("${"))
}

fn starts_with_letter(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_alphabetic() || letter == '_')
}

/// Whether a text inside of a term has `${ … }` in it.
fn interpolates(tree: &Tree) -> bool {
    let text = match tree {
        Tree::Literal(Value::String(text)) => Some(text),
        _ => None,
    };
    text.is_some_and(|text| text.split("${").skip(1).any(|rest| rest.contains('}')))
        || tree.children().into_iter().any(interpolates)
}
