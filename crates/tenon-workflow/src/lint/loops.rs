//! `for` over something that is no list.

use super::Linter;
use super::kinds::Kinds;
use crate::codes;
use crate::diagnostic::quote;
use crate::outline::Kind;

impl Linter<'_> {
    pub(super) fn loops(&mut self) {
        let outline = self.outline;
        for task in outline.tasks.iter().filter(|task| task.kind == Kind::For) {
            let Some(over) = outline.at(task, &["for", "in"]) else { continue };
            let Some(site) = self.site_at(over) else { continue };
            let meaning = &self.meanings[site];
            let cannot = |kinds: Kinds| !kinds.is_none() && !kinds.has(Kinds::LIST);
            if !meaning.troubles.is_empty() || !cannot(meaning.known.kinds) {
                continue;
            }
            let code =
                if cannot(meaning.anywhere.kinds) { codes::LINT_FOR_NO_LIST } else { codes::LINT_UNFIT_DATA };
            let message =
                format!("`{}` goes over a list, but this is {}", quote(task.name), meaning.known.kinds);
            let hint = match meaning.known.kinds {
                Kinds::OBJECT => "go over its members with `to_entries`, or give a list: `[ … ]`",
                Kinds::NUMBER => "go over so many numbers with `[range(…)]`",
                Kinds::TEXT => "make a list of the text with `split(\",\")`, or `[ … ]`",
                _ => "give a list: `[ … ]`",
            };
            self.report(over, code, message, hint);
        }
    }
}
