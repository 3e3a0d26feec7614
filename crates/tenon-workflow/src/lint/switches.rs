//! Cases of a `switch` that are never taken.

use std::collections::HashSet;

use super::Linter;
use crate::codes;
use crate::diagnostic::quote;
use crate::outline::{Kind, Task};

impl Linter<'_> {
    pub(super) fn switches(&mut self) {
        let outline = self.outline;
        for task in outline.tasks.iter().filter(|task| task.kind == Kind::Switch) {
            self.cases(task);
        }
    }

    fn cases(&mut self, task: &Task<'_>) {
        let mut seen = HashSet::new();
        let mut certain: Option<&str> = None;
        for (name, node, _) in self.outline.cases(task) {
            let when = self.document.get(node, "when");
            let site = when.and_then(|when| self.site_at(when));
            let hint = "remove it, or change its condition";
            if let Some(certain) = certain {
                let message =
                    format!("the case `{}` is never taken: `{}` always holds", quote(name), quote(certain));
                self.report(
                    node,
                    codes::LINT_CASE_UNREACHABLE,
                    message,
                    "put the case that always holds last",
                );
            } else if let Some(site) = site {
                if !seen.insert(format!("{:?}", self.sites[site].tree)) {
                    let message =
                        format!("the case `{}` has the same condition as one before it", quote(name));
                    self.report(node, codes::LINT_CASE_REPEATED, message, hint);
                }
                if self.meanings[site].known.truth() == Some(true) {
                    certain = Some(name);
                }
            }
        }
    }
}
