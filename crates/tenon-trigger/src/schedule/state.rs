//! What a schedule remembers, as JSON.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tenon_capture::{parse_rfc3339, rfc3339};
use tenon_store::{EventId, JobId, Timestamp};

use super::plan::Start;

/// A moment, written as RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Moment(pub(crate) Timestamp);

/// What a schedule remembers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct State {
    /// The timing that this is about; another one starts anew.
    pub(crate) timing: String,
    /// When it was first seen.
    pub(crate) anchor: Moment,
    /// The next occurrence; none if it is over, or waits for the end of a run.
    pub(crate) next: Option<Moment>,
    /// The newest occurrence that was started.
    #[serde(default)]
    pub(crate) last: Option<Moment>,
    /// Since when it is disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) paused: Option<Moment>,
    /// Occurrences at work, where somebody has to know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) running: Vec<Run>,
    /// Occurrences that wait for those at work.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) waiting: Vec<Moment>,
}

/// An occurrence at work.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Run {
    /// Which.
    pub(crate) occurrence: Moment,
    /// The event that it emitted, whose jobs count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) event: Option<EventId>,
    /// If somebody asked for it: by which request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) asked: Option<String>,
    /// The jobs that it started, in a sequence the newest.
    #[serde(default)]
    pub(crate) jobs: Vec<JobId>,
    /// Of a sequence: how many have been started.
    #[serde(default)]
    pub(crate) started: usize,
}

// === impl Moment ===

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&rfc3339(self.0))
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse_rfc3339(&String::deserialize(deserializer)?).map(Self).map_err(D::Error::custom)
    }
}

// === impl State ===

impl State {
    pub(crate) fn parse(text: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text)
    }

    /// Puts back what was about to start, before all that waits: it starts with the next plan, whatever `overlap` says,
    /// since that was decided on already.
    pub(crate) fn postpone(&mut self, starts: &[Start]) {
        let mut waiting = Vec::new();
        for Start { occurrence, run } in starts {
            match run {
                Some(run) => self.running.push(run.clone()),
                None => waiting.push(Moment(*occurrence)),
            }
        }
        self.waiting.splice(..0, waiting);
    }

    /// The oldest occurrence that nothing has become of; it may lie ahead.
    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        let waiting = self.waiting.first().copied();
        waiting.into_iter().chain(self.next.filter(|_| self.paused.is_none())).map(|moment| moment.0).min()
    }

    pub(crate) fn text(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("text, numbers and lists can always be written")
    }
}
