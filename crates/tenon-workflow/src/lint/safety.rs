//! Repeats that may act twice, and jobs that may stand in the way for ever.

use std::time::Duration;

use super::Linter;
use crate::codes;
use crate::document::{Content, NodeId};
use crate::program::{Action, BlockId, Program, Retry, Span, Task};

/// Below this delay a time limit alone allows very many attempts.
const SHORT_DELAY: Duration = Duration::from_secs(1);

impl Linter<'_> {
    /// A retried call that changes something and hides the key by which a repeat would be recognised.
    pub(super) fn unsafe_retries(&mut self) {
        let program = self.program;
        for task in &program.tasks {
            let Action::Try(guarded) = &task.action else { continue };
            if guarded.retry.is_none() {
                continue;
            }
            for call in calls_in(program, guarded.body) {
                if let Some(header) = self.blank_key(call) {
                    let message =
                        format!("the call of `{}` is retried without an Idempotency-Key", call.name);
                    let hint = "leave the header out: Tenon sends one that is the same for every attempt";
                    self.warn(header, codes::LINT_RETRY_UNSAFE, message, hint);
                }
            }
        }
    }

    /// The blank `Idempotency-Key` header of a call that is not idempotent by its method.
    fn blank_key(&self, task: &Task) -> Option<NodeId> {
        let document = self.document;
        let with = document.get(self.node(&task.pointer), "with")?;
        let method = document.get(with, "method").and_then(|method| document.text(method))?;
        if !["post", "patch"].iter().any(|unsafe_method| method.eq_ignore_ascii_case(unsafe_method)) {
            return None;
        }
        let headers = document.get(with, "headers")?;
        let key = document
            .entries(headers)
            .iter()
            .find(|entry| entry.key.eq_ignore_ascii_case("idempotency-key"))?;
        let blank = match document.content(key.value) {
            Content::Text(text) => text.trim().is_empty(),
            Content::Bool(value) => !value,
            _ => false,
        };
        blank.then_some(key.value)
    }

    pub(super) fn retries_without_count(&mut self) {
        let program = self.program;
        for task in &program.tasks {
            let Action::Try(guarded) = &task.action else { continue };
            let Some(retry) = &guarded.retry else { continue };
            if retry.count.is_some() || retry.duration.is_none() || !short(retry) {
                continue;
            }
            let catch = self.document.at(self.node(&task.pointer), &["catch", "retry"]);
            let message = format!("`{}` may be retried very often: only the time is limited", task.name);
            let node = catch.unwrap_or_else(|| self.node(&task.pointer));
            self.warn(
                node,
                codes::LINT_RETRY_FOREVER,
                message,
                "add `limit.attempt.count`, or a longer `delay`",
            );
        }
    }

    /// One stuck job of an ordered lane stops all that come after it.
    pub(super) fn ordered_without_timeout(&mut self) {
        let program = self.program;
        let acts = |task: &Task| {
            matches!(task.action, Action::CallHttp(_) | Action::Wait(_)) && task.timeout.is_none()
        };
        if program.settings.ordering_key.is_none()
            || program.timeout.is_some()
            || !program.tasks.iter().any(acts)
        {
            return;
        }
        let path = ["document", "metadata", "tenon", "orderingKey"];
        let Some(key) = self.document.at(self.document.root(), &path) else { return };
        let message = "jobs run one after another per key, and none of them has a `timeout`".to_owned();
        self.warn(
            key,
            codes::LINT_NO_TIMEOUT,
            message,
            "add a `timeout` to the workflow, e.g. `{ after: PT1H }`",
        );
    }
}

/// The HTTP calls of a block, those of inner blocks too.
fn calls_in(program: &Program, block: BlockId) -> Vec<&Task> {
    let mut calls = Vec::new();
    let mut open = vec![block];
    while let Some(block) = open.pop() {
        for id in &program.block(block).tasks {
            let task = program.task(*id);
            match &task.action {
                Action::Do(body) => open.push(*body),
                Action::For(each) => open.push(each.body),
                Action::Try(inner) => open.push(inner.body),
                Action::CallHttp(_) => calls.push(task),
                _ => {}
            }
        }
    }
    calls
}

fn short(retry: &Retry) -> bool {
    match &retry.delay {
        None => true,
        Some(Span::Fixed(delay)) => *delay < SHORT_DELAY,
        Some(Span::Computed(_)) => false,
    }
}
