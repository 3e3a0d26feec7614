//! The workflows of the crash run: their documents, and what each must come to.
//!
//! The checker takes what is expected from here and from nowhere else: which jobs an accepted event starts,
//! which effects a finished job has had, what its output is. Nothing here knows how Tenon works.

use serde_json::{Value, json};

/// The namespace of all of them.
pub(crate) const NAMESPACE: &str = "crash";
/// How long `wait` pauses, in microseconds.
pub(crate) const PAUSE_US: i64 = 300_000;
/// How long `retry` waits before it tries again, in microseconds.
pub(crate) const RETRY_DELAY_US: i64 = 100_000;

/// One workflow.
pub(crate) struct Flow {
    pub(crate) name: &'static str,
    /// What producers may start it by; none for those that only emitted events start.
    pub(crate) started_by: &'static [Way],
    /// What the bodies of its effects say, in the order in which they must happen.
    pub(crate) parts: &'static [&'static str],
    /// Workflows that have a job too whenever this one has, because of what it emits.
    pub(crate) starts: &'static [&'static str],
    document: &'static str,
}

/// How something gets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Way {
    /// `POST /hooks`, dedup key in a header.
    Webhook,
    /// `POST /events`, a structured CloudEvent; its id is the dedup key.
    Event,
    /// `POST /run` with `Idempotency-Key`.
    Call,
}

const ANY_WAY: &[Way] = &[Way::Webhook, Way::Event, Way::Call];

/// All workflows.
pub(crate) const FLOWS: &[Flow] = &[
    Flow {
        name: "set",
        started_by: ANY_WAY,
        parts: &[],
        starts: &[],
        document: include_str!("flows/set.yaml"),
    },
    Flow {
        name: "post",
        started_by: ANY_WAY,
        parts: &["post"],
        starts: &[],
        document: include_str!("flows/post.yaml"),
    },
    Flow {
        name: "five",
        started_by: ANY_WAY,
        parts: &["five-1", "five-2", "five-3", "five-4", "five-5"],
        starts: &[],
        document: include_str!("flows/five.yaml"),
    },
    Flow {
        name: "retry",
        started_by: ANY_WAY,
        parts: &["flaky"],
        starts: &[],
        document: include_str!("flows/retry.yaml"),
    },
    Flow {
        name: "wait",
        started_by: ANY_WAY,
        parts: &["late"],
        starts: &[],
        document: include_str!("flows/wait.yaml"),
    },
    Flow {
        name: "loop",
        started_by: ANY_WAY,
        parts: &["loop-1", "loop-2", "loop-3"],
        starts: &[],
        document: include_str!("flows/loop.yaml"),
    },
    Flow {
        name: "chain",
        started_by: ANY_WAY,
        parts: &[],
        starts: &["left", "right"],
        document: include_str!("flows/chain.yaml"),
    },
    Flow {
        name: "left",
        started_by: &[],
        parts: &[],
        starts: &[],
        document: include_str!("flows/left.yaml"),
    },
    Flow {
        name: "right",
        started_by: &[],
        parts: &["right"],
        starts: &[],
        document: include_str!("flows/right.yaml"),
    },
    Flow {
        name: "ordered",
        started_by: &[Way::Webhook, Way::Event],
        parts: &["ordered"],
        starts: &[],
        document: include_str!("flows/ordered.yaml"),
    },
];

/// One of them by name.
pub(crate) fn flow(name: &str) -> Option<&'static Flow> {
    FLOWS.iter().find(|flow| flow.name == name)
}

/// Whether an effect has others of its own job before it: then a kill at its arrival shows whether their
/// outcomes were durable.
pub(crate) fn follows_another(part: &str) -> bool {
    FLOWS.iter().any(|flow| flow.parts.iter().skip(1).any(|candidate| *candidate == part))
}

impl Flow {
    /// The document, calling these addresses.
    pub(crate) fn document(&self, steady: &str, flaky: &str) -> String {
        self.document.replace("{{steady}}", steady).replace("{{flaky}}", flaky)
    }

    /// The workflows that must have exactly one job each for an accepted start of this one.
    pub(crate) fn jobs(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.starts.iter().copied())
    }

    /// What a finished job must have given.
    pub(crate) fn output(&self, token: &str) -> Value {
        match self.parts.last() {
            Some(part) => json!({ "token": token, "part": part }),
            None => json!({ "token": token }),
        }
    }

    /// The trigger that starts it by webhook.
    pub(crate) fn trigger(&self) -> String {
        let name = self.name;
        format!(
            "kind: webhook\npath: crash/{name}\nmethods: [POST]\nauth: {{ kind: none }}\n\
             emits:\n  type: crash.{name}\n  subject: ${{ .body.token }}\n  data: ${{ .body }}\n\
             dedupKey: ${{ .headers[\"x-delivery\"] }}\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workflow_that_is_started_exists_and_no_part_has_two_owners() {
        let mut parts: Vec<&str> = FLOWS.iter().flat_map(|flow| flow.parts).copied().collect();
        let count = parts.len();
        parts.sort_unstable();
        parts.dedup();
        assert_eq!(parts.len(), count);
        for flow in FLOWS {
            assert!(flow.jobs().all(|name| super::flow(name).is_some()), "{}", flow.name);
            let document = flow.document("http://a", "http://b");
            assert!(!document.contains("{{"), "{}", flow.name);
            assert!(document.contains(&format!("name: {}", flow.name)), "{}", flow.name);
        }
    }

    #[test]
    fn only_later_effects_of_a_job_follow_another() {
        assert!(follows_another("five-2") && follows_another("loop-3"));
        assert!(!follows_another("five-1") && !follows_another("post"));
    }
}
