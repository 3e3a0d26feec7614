//! Names, titles, versions.

use super::{Edit, Linter};
use crate::codes;
use crate::diagnostic::quote;
use crate::outline::Role;

/// The version of the language that this version of Tenon was made for.
const DSL: &str = "1.0.3";
/// From so many tasks on a title helps.
const MANY_TASKS: usize = 5;

impl Linter<'_> {
    pub(super) fn style(&mut self) {
        let outline = self.outline;
        for task in &outline.tasks {
            if matches!(task.name, "continue" | "exit" | "end") {
                let message = format!("`then: {}` never means this task", task.name);
                self.report(task.node, codes::LINT_NAME_DIRECTIVE, message, "give it another name");
            } else if !is_plain_name(task.name) && outline.block_of(task.block).role != Role::Function {
                let message =
                    format!("`{}` can be read only as `$steps[\"{}\"]`", quote(task.name), quote(task.name));
                let hint = "use letters, digits and `_`, and let a letter be first";
                self.report(task.node, codes::LINT_NAME_STYLE, message, hint);
            }
        }
        self.titles();
        self.version();
    }

    fn titles(&mut self) {
        let document = self.document;
        let Some(about) = document.get(document.root(), "document") else { return };
        if self.outline.tasks.len() >= MANY_TASKS && document.get(about, "title").is_none() {
            let message = "the workflow has no title".to_owned();
            let hint = "add `title` and `summary` to `document`: lists and the plain-English view show them";
            self.report(about, codes::LINT_NO_TITLE, message, hint);
        }
    }

    fn version(&mut self) {
        let document = self.document;
        let Some(dsl) = document.at(document.root(), &["document", "dsl"]) else { return };
        let Some(written) = document.text(dsl).filter(|written| *written != DSL) else { return };
        let patch = |version: &str| version.strip_prefix("1.0.").and_then(|patch| patch.parse::<u32>().ok());
        if patch(written) < patch(DSL) {
            let message = format!("the language is at version {DSL}; this is written for {}", quote(written));
            let edit = Edit::Text(dsl, DSL.to_owned());
            self.report_with_edit((dsl, codes::LINT_DSL_OLD), message, &format!("write '{DSL}'"), edit);
        }
    }
}

fn is_plain_name(name: &str) -> bool {
    name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}
