//! Retries: that may act twice, go on for ever, or never happen.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::json;

use super::{Edit, Linter};
use crate::codes;
use crate::diagnostic::quote;
use crate::document::{Content, NodeId};
use crate::outline::{Kind, Task};

/// Below this delay a time limit alone allows very many attempts.
const SHORT_DELAY: Duration = Duration::from_secs(1);
/// No delay before a retry is longer.
const LONGEST_DELAY: Duration = Duration::from_hours(1);
/// Retries where no limit of any kind is given.
const DEFAULT_COUNT: u64 = 10;
/// An ordered lane that a failing job holds for longer is worth a word.
const LONG_HOLD: Duration = Duration::from_hours(1);

/// What a policy says, as far as it is literal.
#[derive(Debug)]
struct Policy {
    node: NodeId,
    delay: Option<Duration>,
    has_delay: bool,
    count: Option<u64>,
    total: Option<Duration>,
    has_total: bool,
    has_attempt_duration: bool,
}

impl Linter<'_> {
    pub(super) fn retries(&mut self) {
        let outline = self.outline;
        let mut seen = HashSet::new();
        for task in outline.tasks.iter().filter(|task| task.kind == Kind::Try) {
            let Some(place) = outline.at(task, &["catch", "retry"]) else { continue };
            let Some(node) = outline.resolve("retries", place) else { continue };
            let policy = self.policy(node);
            self.unsafe_retries(task, &policy);
            self.retries_without_count(task, &policy, place);
            self.ordered_retry(&policy, place);
            if seen.insert(node) {
                self.default_limit(&policy);
                self.contradictions(&policy);
            }
        }
    }

    fn policy(&self, node: NodeId) -> Policy {
        let document = self.document;
        let at = |path: &[&str]| document.at(node, path);
        let fixed = |path: &[&str]| at(path).and_then(|id| self.outline.duration(id));
        Policy {
            node,
            delay: fixed(&["delay"]),
            has_delay: at(&["delay"]).is_some(),
            count: at(&["limit", "attempt", "count"]).and_then(|id| document.value_of(id).as_u64()),
            total: fixed(&["limit", "duration"]),
            has_total: at(&["limit", "duration"]).is_some(),
            has_attempt_duration: at(&["limit", "attempt", "duration"]).is_some(),
        }
    }

    /// A retried call that changes something and hides the key by which a repeat would be recognised.
    fn unsafe_retries(&mut self, task: &Task<'_>, policy: &Policy) {
        let Some(body) = task.inner.first().filter(|_| policy.count != Some(0)) else { return };
        for call in self.outline.tasks_below(*body) {
            if let Some(header) = self.blank_key(call) {
                let message =
                    format!("the call of `{}` is retried without an Idempotency-Key", quote(call.name));
                let hint = "leave the header out: Tenon sends one that is the same for every attempt";
                self.report(header, codes::LINT_RETRY_UNSAFE, message, hint);
            }
        }
    }

    /// The blank `Idempotency-Key` header of a call that is not idempotent by its method.
    fn blank_key(&self, task: &Task<'_>) -> Option<NodeId> {
        let document = self.document;
        let method = self.outline.text_at(task, &["with", "method"])?;
        if !["post", "patch"].iter().any(|unsafe_method| method.eq_ignore_ascii_case(unsafe_method)) {
            return None;
        }
        let headers = self.outline.at(task, &["with", "headers"])?;
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

    fn retries_without_count(&mut self, task: &Task<'_>, policy: &Policy, place: NodeId) {
        let is_short = !policy.has_delay || policy.delay.is_some_and(|delay| delay < SHORT_DELAY);
        let is_limited = policy.count.is_some() || (!policy.has_total && !policy.has_attempt_duration);
        if is_limited || !is_short {
            return;
        }
        let what = if policy.has_total { "only the time is limited" } else { "nothing limits the attempts" };
        let message = format!("`{}` may be retried very often: {what}", quote(task.name));
        self.report(
            place,
            codes::LINT_RETRY_FOREVER,
            message,
            "add `limit.attempt.count`, or a longer `delay`",
        );
    }

    /// A failing job of an ordered lane holds up all that come after it.
    fn ordered_retry(&mut self, policy: &Policy, place: NodeId) {
        if self.ordering_key().is_none() || self.workflow_timeout().is_some() {
            return;
        }
        let unlimited = policy.count.is_none() && !policy.has_total && !policy.has_attempt_duration;
        let count = policy.count.or(unlimited.then_some(DEFAULT_COUNT));
        let held = match count {
            Some(count) => self.total_delay(policy, count).min(policy.total.unwrap_or(Duration::MAX)),
            None => policy.total.unwrap_or(Duration::MAX),
        };
        if held > LONG_HOLD && (policy.total.is_some() || !policy.has_total) {
            let message = match held {
                Duration::MAX => {
                    "a failing job is retried without end, and its ordered lane waits for it".to_owned()
                }
                held => {
                    format!("a failing job is retried for {}, and its ordered lane waits for it", words(held))
                }
            };
            let hint = "lower the limit, or add a `timeout` to the workflow";
            self.report(place, codes::LINT_RETRY_HOLDS_LANE, message, hint);
        }
    }

    fn total_delay(&self, policy: &Policy, count: u64) -> Duration {
        let delay = policy.delay.unwrap_or_default();
        let grows = |kind: &str| self.document.at(policy.node, &["backoff", kind]).is_some();
        let mut total = Duration::ZERO;
        for n in 1..=count.min(10_000) {
            let factor = match (grows("exponential"), grows("linear")) {
                (true, _) => 1_u32.checked_shl(n as u32 - 1).unwrap_or(u32::MAX),
                (_, true) => n as u32,
                _ => 1,
            };
            total += delay.saturating_mul(factor).min(LONGEST_DELAY);
        }
        total
    }

    fn default_limit(&mut self, policy: &Policy) {
        if self.document.get(policy.node, "limit").is_some() {
            return;
        }
        let message =
            "without a limit there are 10 retries, and other runtimes may have none or endlessly many"
                .to_owned();
        let hint = "say it: `limit: { attempt: { count: 10 } }`";
        let edit = Edit::Insert(policy.node, "limit", json!({ "attempt": { "count": DEFAULT_COUNT } }));
        self.report_with_edit((policy.node, codes::LINT_RETRY_DEFAULT), message, hint, edit);
    }

    /// Parts of a policy that cancel each other out.
    fn contradictions(&mut self, policy: &Policy) {
        let document = self.document;
        let at = |path: &[&str]| document.at(policy.node, path);
        let fixed = |path: &[&str]| at(path).and_then(|id| self.outline.duration(id));
        let mut found: Vec<(NodeId, String, &str)> = Vec::new();
        if let (Some(node), Some(0)) = (at(&["limit", "attempt", "count"]), policy.count) {
            found.push((
                node,
                "with a count of 0 nothing is ever retried".to_owned(),
                "remove `retry`, or raise the count",
            ));
        }
        if let (Some(node), Some(delay), Some(total)) = (at(&["delay"]), policy.delay, policy.total)
            && delay > total
        {
            let message = format!(
                "the first retry would come after {}, but the limit is {}",
                words(delay),
                words(total)
            );
            found.push((node, message, "shorten the delay, or raise `limit.duration`"));
        }
        if let (Some(node), Some(attempt), Some(total)) =
            (at(&["limit", "attempt", "duration"]), fixed(&["limit", "attempt", "duration"]), policy.total)
            && attempt > total
        {
            let message = format!(
                "one attempt may take {}, but all retries together only {}",
                words(attempt),
                words(total)
            );
            found.push((node, message, "shorten the attempt, or raise `limit.duration`"));
        }
        if let (Some(node), Some(from), Some(to)) =
            (at(&["jitter"]), fixed(&["jitter", "from"]), fixed(&["jitter", "to"]))
            && from > to
        {
            found.push((node, "the jitter ends before it begins".to_owned(), "swap `from` and `to`"));
        }
        if let Some(node) = at(&["backoff"])
            && !policy.has_delay
        {
            found.push((
                node,
                "without a `delay` there is nothing that could grow".to_owned(),
                "add a `delay`",
            ));
        }
        for (node, message, hint) in found {
            self.report(node, codes::LINT_RETRY_NEVER, message, hint);
        }
    }
}

fn words(duration: Duration) -> String {
    crate::words::duration(duration)
}
