//! Timeouts and waits: missing, without effect, or in each other's way.

use std::time::Duration;

use super::Linter;
use crate::codes;
use crate::diagnostic::quote;
use crate::document::NodeId;
use crate::outline::{Kind, Task};
use crate::words;

/// An ordered lane that waits for longer is worth a word.
const LONG_WAIT: Duration = Duration::from_hours(1);

impl Linter<'_> {
    pub(super) fn times(&mut self) {
        self.ordered_without_timeout();
        self.calls_without_timeout();
        let outline = self.outline;
        for task in &outline.tasks {
            match task.kind {
                Kind::Wait => self.wait(task),
                Kind::Listen => self.listen(task),
                _ => {}
            }
            self.task_timeout(task);
        }
        self.zero_durations();
    }

    pub(super) fn ordering_key(&self) -> Option<NodeId> {
        self.document.at(self.document.root(), &["document", "metadata", "tenon", "orderingKey"])
    }

    /// The workflow's `timeout.after`.
    pub(super) fn workflow_timeout(&self) -> Option<NodeId> {
        self.outline.timeout(self.document.root())
    }

    /// Whether a task, or one around it, has a timeout.
    fn is_timed(&self, task: &Task<'_>) -> bool {
        let timed = |task: &Task<'_>| self.outline.timeout(task.node).is_some();
        timed(task) || self.outline.around(task.no).any(timed)
    }

    /// One stuck job of an ordered lane stops all that come after it.
    fn ordered_without_timeout(&mut self) {
        let outline = self.outline;
        let (Some(key), None) = (self.ordering_key(), self.workflow_timeout()) else { return };
        let lasts =
            |task: &&Task<'_>| matches!(task.kind, Kind::Call | Kind::Wait | Kind::Listen | Kind::Run);
        if outline.tasks.iter().filter(lasts).any(|task| !self.is_timed(task)) {
            let message =
                "jobs run one after another per key, and a stuck one is stopped by no `timeout`".to_owned();
            let hint = "add a `timeout` to the workflow, e.g. `{ after: PT1H }`";
            self.report(key, codes::LINT_NO_TIMEOUT, message, hint);
        }
    }

    /// Told once: it is a matter of the whole document.
    fn calls_without_timeout(&mut self) {
        let outline = self.outline;
        let is_remote = |task: &&Task<'_>| matches!(outline.called(task), Some("http" | "openapi" | "grpc"));
        let calls: Vec<_> =
            outline.tasks.iter().filter(is_remote).filter(|task| !self.is_timed(task)).collect();
        if let Some(first) = calls.first() {
            let message = match calls.len() {
                1 => format!("the call of `{}` has no `timeout`: it may take 60 s", quote(first.name)),
                count => format!(
                    "{count} calls, the first of them `{}`, have no `timeout`: each may take 60 s",
                    quote(first.name)
                ),
            };
            let hint = "add a `timeout` to the task if an answer later than that is of no use";
            self.report(first.node, codes::LINT_CALL_TIMEOUT, message, hint);
        }
    }

    fn wait(&mut self, task: &Task<'_>) {
        let outline = self.outline;
        let Some(node) = outline.at(task, &["wait"]) else { return };
        let until = outline.at(task, &["metadata", "tenon", "until"]);
        let fixed = outline.duration(node).filter(|_| until.is_none());
        if let Some(wait) = fixed {
            let own = outline.timeout(task.node).and_then(|after| outline.duration(after));
            let limit = own.into_iter().chain(self.limit_around(task)).min();
            if let Some(limit) = limit.filter(|limit| wait >= *limit) {
                let message = format!(
                    "this wait of {} never ends: a timeout strikes after {}",
                    words::duration(wait),
                    words::duration(limit)
                );
                self.report(
                    node,
                    codes::LINT_WAIT_TOO_LONG,
                    message,
                    "shorten the wait, or raise the timeout",
                );
            }
        }
        if self.ordering_key().is_some()
            && fixed.is_none_or(|wait| wait >= LONG_WAIT)
            && (fixed.is_some() || until.is_some())
        {
            let message =
                format!("while `{}` waits, all later jobs of its ordered lane wait, too", quote(task.name));
            let hint = "move what comes after the wait to a workflow of its own, started by `emit`";
            self.report(node, codes::LINT_WAIT_HOLDS_LANE, message, hint);
        }
    }

    fn listen(&mut self, task: &Task<'_>) {
        let is_bounded = self.is_timed(task);
        if self.ordering_key().is_some() && !is_bounded {
            let message =
                format!("while `{}` listens, all later jobs of its ordered lane wait", quote(task.name));
            self.report(task.node, codes::LINT_WAIT_HOLDS_LANE, message, "add a `timeout` to the task");
        } else if !is_bounded && self.workflow_timeout().is_none() {
            let message = format!("`{}` waits for ever if the event does not come", quote(task.name));
            let hint = "add a `timeout` to the task, e.g. `{ after: P7D }`, if there is nothing to wait for after that";
            self.report(task.node, codes::LINT_LISTEN_TIMEOUT, message, hint);
        }
    }

    /// The shortest literal timeout of the tasks around and of the workflow.
    fn limit_around(&self, task: &Task<'_>) -> Option<Duration> {
        let outline = self.outline;
        let around = outline.around(task.no).filter_map(|task| outline.timeout(task.node));
        around.chain(self.workflow_timeout()).filter_map(|after| outline.duration(after)).min()
    }

    /// A timeout behind another one that strikes before it.
    fn task_timeout(&mut self, task: &Task<'_>) {
        let outline = self.outline;
        let (Some(place), Some(after)) = (outline.at(task, &["timeout"]), outline.timeout(task.node)) else {
            return;
        };
        let (Some(own), Some(limit)) = (outline.duration(after), self.limit_around(task)) else { return };
        if own > limit {
            let message = format!(
                "this timeout of {} never strikes: one around it does after {}",
                words::duration(own),
                words::duration(limit)
            );
            self.report(
                place,
                codes::LINT_TIMEOUT_USELESS,
                message,
                "shorten it, or raise the one around it",
            );
        }
    }

    fn zero_durations(&mut self) {
        let (document, outline) = (self.document, self.outline);
        let root = document.root();
        let mut places: Vec<NodeId> = Vec::new();
        for path in [
            &["schedule", "every"][..],
            &["schedule", "after"],
            &["document", "metadata", "tenon", "dedupFor"],
            &["document", "metadata", "tenon", "rateLimit", "per"],
        ] {
            places.extend(document.at(root, path));
        }
        places.extend(document.at(root, &["timeout", "after"]));
        for task in &outline.tasks {
            for path in [&["wait"][..], &["timeout", "after"]] {
                places.extend(outline.at(task, path));
            }
            if let Some(policy) = outline.at(task, &["catch", "retry"]) {
                places.extend(self.limits_of(policy));
            }
        }
        for section in ["timeouts", "retries"] {
            let defined = document.at(root, &["use", section]);
            for entry in defined.map_or(&[][..], |defined| document.entries(defined)) {
                places.extend(document.get(entry.value, "after"));
                places.extend(self.limits_of(entry.value));
            }
        }
        for place in places {
            if outline.duration(place) == Some(Duration::ZERO) {
                let message = "a duration of nothing".to_owned();
                let hint = "give it a length, or remove what it belongs to";
                self.report(place, codes::LINT_ZERO_DURATION, message, hint);
            }
        }
    }

    fn limits_of(&self, policy: NodeId) -> impl Iterator<Item = NodeId> {
        let at = |path: &[&str]| self.document.at(policy, path);
        [at(&["limit", "duration"]), at(&["limit", "attempt", "duration"])].into_iter().flatten()
    }
}
