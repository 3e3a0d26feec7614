//! `fork`: of one branch, or with losers that have acted.

use super::Linter;
use crate::codes;
use crate::diagnostic::quote;
use crate::document::Content;
use crate::outline::{Kind, Task};

/// Methods that change something on the other side.
const ACTING: [&str; 4] = ["post", "put", "patch", "delete"];

impl Linter<'_> {
    pub(super) fn forks(&mut self) {
        let outline = self.outline;
        for fork in outline.tasks.iter().filter(|task| task.kind == Kind::Fork) {
            let Some(branches) = fork.inner.first().map(|no| outline.block_of(*no)) else { continue };
            if branches.tasks.len() == 1 {
                let message =
                    format!("`{}` has one branch, so nothing runs at the same time", quote(fork.name));
                self.report(branches.node, codes::LINT_FORK_OF_ONE, message, "use `do`, or add a branch");
            }
            let compete = outline.at(fork, &["fork", "compete"]);
            let Some(compete) =
                compete.filter(|id| matches!(self.document.content(*id), Content::Bool(true)))
            else {
                continue;
            };
            let acting: Vec<String> = outline
                .tasks_of(branches)
                .filter(|branch| self.acts(branch))
                .map(|branch| format!("`{}`", quote(branch.name)))
                .collect();
            if acting.len() > 1 {
                let message = format!(
                    "{} each change something, and what the losers have done by then is not undone",
                    acting[..acting.len().min(4)].join(", ")
                );
                let hint = "let the branches only look, and act after the fork on what the winner found";
                self.report(compete, codes::LINT_COMPETE_ACTS, message, hint);
            }
        }
    }

    /// Whether a task, or one inside it, changes something outside.
    fn acts(&self, task: &Task<'_>) -> bool {
        let outline = self.outline;
        let own = match task.kind {
            Kind::Emit | Kind::Run => true,
            Kind::Call => {
                let method = outline.text_at(task, &["with", "method"]).unwrap_or_default();
                outline.called(task) == Some("http")
                    && ACTING.iter().any(|acting| method.eq_ignore_ascii_case(acting))
            }
            _ => false,
        };
        own || task
            .inner
            .iter()
            .any(|block| outline.tasks_of(outline.block_of(*block)).any(|task| self.acts(task)))
    }
}
