//! Conditions that are decided before anything runs.

use tenon_expr::tree::Tree;

use super::Linter;
use super::kinds::Kinds;
use super::site::Site;
use crate::codes;

impl Linter<'_> {
    pub(super) fn conditions(&mut self) {
        for (site, meaning) in self.sites.iter().zip(self.meanings) {
            let Some(truth) = meaning.known.truth().filter(|_| site.is_condition && !says_for_ever(site))
            else {
                continue;
            };
            let is_literal = matches!(site.tree, Tree::Literal(_));
            // Something else is wrong with it, and said.
            if !meaning.troubles.is_empty() && !is_literal {
                continue;
            }
            let message = match (truth, meaning.known.kinds) {
                (true, Kinds::TRUE) => format!("`{}` is always true", site.key),
                (true, kinds) => {
                    format!("`{}` always holds: it is {kinds}, and only null and false do not hold", site.key)
                }
                (false, _) => format!("`{}` never holds", site.key),
            };
            let hint = match (site.key, truth) {
                _ if !is_literal => "compare it with something, e.g. `> 0` or `!= \"\"`",
                ("when", true) if site.field == "switch" => "leave `when` out: then it is the default case",
                (_, true) => "leave it out",
                ("if", false) => "remove the task, or say when it is to run",
                (_, false) => "remove it, or say when it is to hold",
            };
            self.report(site.id, codes::LINT_CONSTANT_CONDITION, message, hint);
        }
    }
}

/// `until: ${ false }` is how a `listen` is told to go on for ever, `while: ${ true }` how a subscription is.
fn says_for_ever(site: &Site<'_>) -> bool {
    site.is_foreign && matches!(site.key, "until" | "while") && matches!(site.tree, Tree::Literal(_))
}
