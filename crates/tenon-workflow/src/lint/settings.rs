//! `document.metadata.tenon`: settings without effect, or with one that nobody wants.

use super::Linter;
use super::variables::names_in;
use crate::codes;
use crate::document::NodeId;

impl Linter<'_> {
    pub(super) fn settings(&mut self) {
        let document = self.document;
        let root = document.root();
        let setting = |name: &str| document.at(root, &["document", "metadata", "tenon", name]);
        let has_events = document.at(root, &["schedule", "on"]).is_some();
        let dedup_key = setting("dedupKey");
        if let Some(dedup_for) = setting("dedupFor").filter(|_| dedup_key.is_none() && has_events) {
            let message =
                "without a `dedupKey` this counts only for calls that send an Idempotency-Key".to_owned();
            self.report(dedup_for, codes::LINT_DEDUP_WITHOUT_KEY, message, "add a `dedupKey`, or remove it");
        }
        if let Some(key) = dedup_key.filter(|_| !has_events) {
            let message = "no event starts this workflow, and for calls `dedupKey` does not count".to_owned();
            self.report(key, codes::LINT_DEDUP_WITHOUT_EVENTS, message, "add a `schedule`, or remove it");
        }
        for (name, what) in [
            ("orderingKey", "all jobs run one after another"),
            ("dedupKey", "only the first event starts a job"),
        ] {
            if let Some(key) = setting(name).filter(|key| self.is_same_for_all(*key)) {
                let message = format!("`{name}` is the same for every event, so {what}");
                self.report(
                    key,
                    codes::LINT_CONSTANT_KEY,
                    message,
                    "take it from the event, e.g. `${ .data.id }`",
                );
            }
        }
        let ordering_key = setting("orderingKey");
        if let Some(policy) = setting("onFailure").filter(|_| ordering_key.is_none()) {
            let message =
                "`onFailure` is about ordered lanes, and without an `orderingKey` there are none".to_owned();
            self.report(
                policy,
                codes::LINT_ON_FAILURE_WITHOUT_ORDER,
                message,
                "add an `orderingKey`, or remove it",
            );
        }
        if let Some(count) = setting("concurrency").filter(|_| ordering_key.is_some())
            && document.value_of(count).as_u64() == Some(1)
        {
            let message = "with one job at a time over all keys, lanes do not run in parallel".to_owned();
            self.report(count, codes::LINT_ORDER_OF_ONE, message, "raise `concurrency`, or leave it out");
        }
    }

    /// Whether a key reads nothing of the event.
    fn is_same_for_all(&self, key: NodeId) -> bool {
        let Some(site) = self.site_at(key) else { return false };
        let mut variables = std::collections::HashSet::new();
        names_in(&self.sites[site].tree, &mut variables);
        variables.is_empty() && self.meanings[site].known.value.as_ref().is_some_and(|value| !value.is_null())
    }
}
