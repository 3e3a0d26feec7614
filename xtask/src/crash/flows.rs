//! The workflows of the crash run: their documents, and what each must come to.
//!
//! The checker takes what is expected from here and from nowhere else: which jobs an accepted event starts,
//! which effects a finished job has had and in which order, what its output is. Nothing here knows how Tenon
//! works.

mod table;

pub(crate) use table::FLOWS;

use serde_json::{Value, json};
use std::net::SocketAddr;

/// The namespace of all of them.
pub(crate) const NAMESPACE: &str = "crash";
/// How long `wait` pauses, in microseconds.
pub(crate) const PAUSE_US: i64 = 300_000;
/// How long `retry` waits before it tries again, in microseconds.
pub(crate) const RETRY_DELAY_US: i64 = 100_000;
/// How long `patience` waits for an event, in microseconds.
pub(crate) const PATIENCE_US: i64 = 150_000;
/// How long `deadline` waits for its child, in microseconds.
pub(crate) const TIMEOUT_US: i64 = 400_000;
/// The workflow whose jobs stop their lane when they fail.
pub(crate) const PARKED: &str = "parked";
/// The secret that calls authenticate with.
pub(crate) const SECRET: &str = "crash-bearer";
/// A configuration variable that calls send.
pub(crate) const SETTING: &str = "crash-setting";

/// One workflow.
pub(crate) struct Flow {
    pub(crate) name: &'static str,
    /// What producers may start it by; none for those that only other workflows start.
    pub(crate) started_by: &'static [Way],
    /// What the bodies of its effects may say.
    pub(crate) parts: &'static [&'static str],
    /// Rows of parts, each of which begins only when the outcome of the one before it is durable. None: all
    /// parts are one row.
    order: &'static [&'static [&'static str]],
    /// Parts of which the first to be answered wins; no attempt of another may start after that.
    pub(crate) rivals: &'static [&'static str],
    /// How many effects a finished job has had answered: at least, at most.
    pub(crate) answered: (usize, usize),
    /// The final state of its jobs.
    pub(crate) ends: &'static str,
    /// A member that its output has besides `token` and `part`.
    tells: Option<(&'static str, &'static str)>,
    pub(crate) emits: &'static [Emits],
    /// Workflows that have one job for all events that it emits.
    pub(crate) gathered: &'static [&'static str],
    pub(crate) hears: Option<Hears>,
    pub(crate) children: &'static [Child],
    pub(crate) timer: Option<Timer>,
    /// Whether its jobs have lanes: one runs at a time.
    pub(crate) is_ordered: bool,
    /// Whether its calls carry [`SECRET`] and [`SETTING`].
    pub(crate) has_credentials: bool,
    document: &'static str,
}

/// What each of its jobs emits of one kind.
pub(crate) struct Emits {
    pub(crate) kind: &'static str,
    pub(crate) count: usize,
    /// The workflows that have a job for each of them.
    pub(crate) starts: &'static [&'static str],
}

/// Events that a job listens for. They are sent because it has called, and bear its token as subject.
pub(crate) struct Hears {
    /// The part of the call.
    pub(crate) asks: &'static str,
    pub(crate) kind: &'static str,
    /// What they say, in the order in which they are sent and must be taken.
    pub(crate) says: &'static [&'static str],
    /// Whether each of its jobs takes them; else all or none.
    pub(crate) is_certain: bool,
}

/// A workflow that each of its jobs starts once.
pub(crate) struct Child {
    pub(crate) workflow: &'static str,
    pub(crate) is_awaited: bool,
    /// Whether a finished job has it; else it may have been called off before.
    pub(crate) is_certain: bool,
    /// The part of its own that must not begin before an awaited child has ended.
    pub(crate) until: &'static str,
}

/// The timers of a workflow.
pub(crate) struct Timer {
    pub(crate) since: Since,
    pub(crate) delay_us: i64,
    /// Whether each of its jobs has one that fires.
    pub(crate) is_certain: bool,
}

/// What a timer counts from.
#[derive(PartialEq, Eq)]
pub(crate) enum Since {
    /// The outcome before it, or the capture.
    Outcome,
    Capture,
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

/// Where calls go.
pub(crate) struct Callees {
    /// Always answers well.
    pub(crate) steady: SocketAddr,
    /// Answers well in the end.
    pub(crate) flaky: SocketAddr,
    /// Takes its time.
    pub(crate) slow: SocketAddr,
}

/// One of them by name.
pub(crate) fn flow(name: &str) -> Option<&'static Flow> {
    FLOWS.iter().find(|flow| flow.name == name)
}

/// The workflow whose jobs call with this part to be told something.
pub(crate) fn asking(part: &str) -> Option<&'static Hears> {
    FLOWS.iter().filter_map(|flow| flow.hears.as_ref()).find(|hears| hears.asks == part)
}

/// Whether an effect has something before it that another job or effect of Tenon's has done: then a kill at its
/// arrival shows whether that was durable.
pub(crate) fn follows_another(part: &str) -> bool {
    let owner = FLOWS.iter().find(|flow| flow.parts.contains(&part));
    owner.is_some_and(|flow| {
        flow.started_by.is_empty() || flow.parts.iter().any(|other| flow.comes_before(other, part))
    })
}

/// A workflow whose effects happen one after the other, and that does nothing else.
const fn row(
    name: &'static str,
    started_by: &'static [Way],
    parts: &'static [&'static str],
    document: &'static str,
) -> Flow {
    Flow {
        name,
        started_by,
        parts,
        order: &[],
        rivals: &[],
        answered: (parts.len(), parts.len()),
        ends: "completed",
        tells: None,
        emits: &[],
        gathered: &[],
        hears: None,
        children: &[],
        timer: None,
        is_ordered: false,
        has_credentials: false,
        document,
    }
}

// === impl Flow ===

impl Flow {
    /// The document, calling these addresses.
    pub(crate) fn document(&self, callees: &Callees) -> String {
        let mut document = self.document.to_owned();
        for (name, address) in [("steady", callees.steady), ("flaky", callees.flaky), ("slow", callees.slow)]
        {
            document = document.replace(&format!("{{{{{name}}}}}"), &format!("http://{address}/"));
        }
        document
    }

    /// The workflows that have jobs for an accepted start of this one: how many at least and at most.
    pub(crate) fn jobs(&self) -> Vec<(&'static str, usize, usize)> {
        let mut jobs = vec![(self.name, 1, 1)];
        for emits in self.emits {
            jobs.extend(emits.starts.iter().map(|name| (*name, emits.count, emits.count)));
        }
        jobs.extend(self.gathered.iter().map(|name| (*name, 1, 1)));
        for child in self.children {
            let least = usize::from(child.is_certain);
            let below = flow(child.workflow).map(Flow::jobs).unwrap_or_default();
            jobs.extend(below.into_iter().map(|(name, few, most)| (name, few.min(least), most)));
        }
        jobs
    }

    /// How many events of a kind bear its token, and how many jobs are listed under each of them.
    pub(crate) fn events(&self, kind: &str) -> Option<(usize, usize)> {
        if kind.strip_prefix("crash.") == Some(self.name) {
            return Some((1, 1));
        }
        let emitted = self.emits.iter().find(|emits| emits.kind == kind);
        let heard = self.hears.as_ref().filter(|hears| hears.kind == kind);
        emitted
            .map(|emits| (emits.count, emits.starts.len() + self.gathered.len()))
            .or_else(|| heard.map(|hears| (hears.says.len(), 0)))
    }

    /// Whether an effect's outcome must be durable before another begins.
    pub(crate) fn comes_before(&self, first: &str, second: &str) -> bool {
        let place = |row: &[&str], part: &str| row.iter().position(|candidate| *candidate == part);
        self.rows().iter().any(|row| {
            place(row, first).zip(place(row, second)).is_some_and(|(first, second)| first < second)
        })
    }

    /// What a finished job may have given.
    pub(crate) fn outputs(&self, token: &str) -> Vec<Value> {
        let mut output = json!({ "token": token });
        if let Some((name, text)) = self.tells {
            output[name] = text.into();
        }
        let mut lasts: Vec<&str> = self.rows().iter().filter_map(|row| row.last().copied()).collect();
        lasts.dedup();
        let with = |part: &&str| {
            let mut output = output.clone();
            output["part"] = (*part).into();
            output
        };
        if lasts.is_empty() { vec![output] } else { lasts.iter().map(with).collect() }
    }

    fn rows(&self) -> Vec<&'static [&'static str]> {
        if self.order.is_empty() { vec![self.parts] } else { self.order.to_vec() }
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
            let is_known = |name: &str| FLOWS.iter().any(|flow| flow.name == name);
            assert!(flow.jobs().iter().all(|(name, ..)| is_known(name)), "{}", flow.name);
            let own = flow.rows().concat().into_iter().chain(flow.rivals.iter().copied());
            assert!(own.into_iter().all(|part| flow.parts.contains(&part)), "{}", flow.name);
            let known = |child: &Child| child.until.is_empty() || flow.parts.contains(&child.until);
            assert!(flow.children.iter().all(known), "{}", flow.name);
            let hears = flow.hears.iter().filter(|hears| hears.is_certain);
            let hears = hears.flat_map(|hears| hears.says.iter().chain([&hears.asks]));
            assert!(hears.copied().all(|part| flow.parts.contains(&part)), "{}", flow.name);
        }
    }

    #[test]
    fn documents_compile() {
        let callees = || "127.0.0.1:99".parse().unwrap();
        let callees = Callees { steady: callees(), flaky: callees(), slow: callees() };
        for flow in FLOWS {
            let text = flow.document(&callees);
            assert!(!text.contains("{{"), "{}", flow.name);
            assert!(
                text.contains(&format!("name: {},", flow.name))
                    || text.contains(&format!("name: {}\n", flow.name)),
                "{text}"
            );
            let document = tenon_workflow::Document::parse(&text).unwrap();
            if let Err(problems) = tenon_workflow::compile(&document) {
                panic!("{}: {problems:?}", flow.name);
            }
        }
    }

    #[test]
    fn only_later_effects_follow_another() {
        for part in ["five-2", "loop-3", "race-after", "spread-2b", "loser-begin", "right", "item-1"] {
            assert!(follows_another(part), "{part}");
        }
        for part in ["five-1", "post", "race-slow", "spread-3", "unknown"] {
            assert!(!follows_another(part), "{part}");
        }
    }

    #[test]
    fn outputs_end_with_a_last_part() {
        let outputs = |name: &str| flow(name).unwrap().outputs("t");
        assert_eq!(outputs("set"), [json!({ "token": "t" })]);
        assert_eq!(outputs("race"), [json!({ "token": "t", "part": "race-after" })]);
        assert_eq!(outputs("gather").len(), 3);
        let family = json!({ "token": "t", "part": "family-after", "caught": "Broken" });
        assert_eq!(outputs("family"), [family]);
    }

    #[test]
    fn jobs_are_counted_with_their_children() {
        let jobs = |name: &str| flow(name).unwrap().jobs();
        assert_eq!(jobs("fan"), [("fan", 1, 1), ("gather", 3, 3), ("heap", 1, 1)]);
        assert_eq!(jobs("race"), [("race", 1, 1), ("loser", 1, 1), ("leaf", 0, 1)]);
    }

    #[test]
    fn events_that_bear_a_token_are_counted() {
        let events = |name: &str, kind| flow(name).unwrap().events(kind);
        assert_eq!(events("series", "crash.series"), Some((1, 1)));
        assert_eq!(events("series", "crash.item"), Some((3, 0)));
        assert_eq!(events("chain", "crash.fanned"), Some((1, 2)));
        assert_eq!(events("fan", "crash.scattered"), Some((3, 2)));
        assert_eq!(events("twins", "crash.twin-b"), Some((1, 1)));
        assert_eq!(events("set", "crash.item"), None);
    }
}
