//! `try` with `catch` and `retry`

use super::{CHECKED, Lowering, Spot};
use crate::document::NodeId;
use crate::program::{Action, Backoff, Retry, Try};
use crate::shape::Section;

impl Lowering<'_> {
    pub(super) fn try_catch(&mut self, spot: &Spot<'_>) -> Action {
        let document = self.document;
        let guarded = document.get(spot.id, "try").expect(CHECKED);
        let catch = document.get(spot.id, "catch").expect(CHECKED);
        let members = document.at(catch, &["errors", "with"]);
        let members = members.map_or(&[][..], |with| document.entries(with));
        let retry = document.get(catch, "retry");
        let handler = document.get(catch, "do");
        Action::Try(Box::new(Try {
            body: self.block(guarded),
            errors: members
                .iter()
                .map(|entry| (entry.key.to_string(), document.value_of(entry.value)))
                .collect(),
            r#as: self.text(catch, "as").unwrap_or_else(|| "error".to_owned()),
            when: self.expr(catch, "when"),
            except_when: self.expr(catch, "exceptWhen"),
            retry: retry.map(|retry| self.resolved(retry, Section::Retries, Self::retry)),
            handler: handler.map(|list| self.block(list)),
            then: self.then(catch, spot),
        }))
    }

    fn retry(&mut self, policy: NodeId) -> Retry {
        let document = self.document;
        let limit = document.get(policy, "limit");
        let attempt = document.at(policy, &["limit", "attempt"]);
        let backoff = document.get(policy, "backoff").map_or(&[][..], |backoff| document.entries(backoff));
        let jitter = document.get(policy, "jitter");
        let jitter = jitter.map(|jitter| {
            (self.span(jitter, "from").expect(CHECKED), self.span(jitter, "to").expect(CHECKED))
        });
        Retry {
            when: self.expr(policy, "when"),
            except_when: self.expr(policy, "exceptWhen"),
            delay: self.span(policy, "delay"),
            backoff: match backoff.first().map(|entry| &*entry.key) {
                Some("exponential") => Backoff::Exponential,
                Some("linear") => Backoff::Linear,
                _ => Backoff::Constant,
            },
            count: attempt.and_then(|attempt| self.number(attempt, "count")).map(|count| count as u32),
            attempt_duration: attempt.and_then(|attempt| self.span(attempt, "duration")),
            duration: limit.and_then(|limit| self.span(limit, "duration")),
            jitter,
        }
    }
}
