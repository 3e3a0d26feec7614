//! What a schedule remembers, as JSON.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use tenon_capture::{parse_rfc3339, rfc3339};
use tenon_store::{EventId, JobId, NoteKind, Timestamp, TriggerNote};

use super::plan::{Start, note};

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
    /// What happened when it was enabled, at most [`MAX_UNTOLD`]: becomes notes when it is seen next.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) untold: Vec<Untold>,
}

/// Notes that wait to be written. Each time it is enabled brings up to three.
const MAX_UNTOLD: usize = 5;

/// A note that is not written yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Untold {
    at: Moment,
    /// Of [`NoteKind::name`].
    kind: String,
    detail: Value,
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

    /// Keeps notes until they can be written; if there are too many, those of occurrences longest.
    pub(crate) fn keep_untold(&mut self, notes: &[TriggerNote]) {
        self.untold.extend(notes.iter().map(Untold::of));
        while self.untold.len() > MAX_UNTOLD {
            let is_other = |note: &Untold| note.kind != NoteKind::Missed.name();
            self.untold.remove(self.untold.iter().position(is_other).unwrap_or(0));
        }
    }

    /// The notes that are to be written now.
    pub(crate) fn take_untold(&mut self) -> Vec<TriggerNote> {
        std::mem::take(&mut self.untold).into_iter().map(Untold::into_note).collect()
    }

    pub(crate) fn text(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("text, numbers and lists can always be written")
    }
}

// === impl Untold ===

impl Untold {
    fn of(note: &TriggerNote) -> Self {
        let detail = serde_json::from_slice(&note.detail).unwrap_or_default();
        Self { at: Moment(note.at), kind: note.kind.name().to_owned(), detail }
    }

    fn into_note(self) -> TriggerNote {
        let kind = NoteKind::ALL.into_iter().find(|kind| kind.name() == self.kind);
        note(kind.unwrap_or(NoteKind::Noticed), self.at.0, &self.detail)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tenon_store::MAX_STATE_BYTES;

    use super::super::plan::{MAX_RUNNING, MAX_STARTS, MAX_WAITING};
    use super::*;

    /// Else a schedule could neither go on nor be disabled.
    #[test]
    fn the_largest_state_can_be_written() {
        let moment = Moment(Timestamp(253_402_300_799_999_999));
        // As long as a cron expression and the name of a time zone may be.
        let timing = format!("cron {} {}", "1".repeat(256), "z".repeat(64));
        let run = Run {
            occurrence: moment,
            event: Some(EventId(u64::MAX)),
            asked: Some(EventId(u64::MAX).to_string()),
            jobs: vec![JobId(u64::MAX); 20],
            started: 20,
        };
        let mut state = State {
            timing: timing.clone(),
            anchor: moment,
            next: Some(moment),
            last: Some(moment),
            paused: Some(moment),
            running: vec![run; MAX_RUNNING],
            waiting: vec![moment; MAX_WAITING + MAX_STARTS],
            untold: Vec::new(),
        };
        let reason = "x".repeat(100);
        let detail = json!({ "reason": reason, "from": timing, "to": timing, "occurrence": moment });
        state.keep_untold(&vec![note(NoteKind::Missed, moment.0, &detail); 2 * MAX_UNTOLD]);
        assert_eq!(state.untold.len(), MAX_UNTOLD);
        let bytes = state.text().len();
        assert!(bytes <= MAX_STATE_BYTES, "{bytes}");
    }
}
