//! What had been started already, by a try that was cut off before its end: a chunk may take several transactions, and
//! the state comes with the last. The first ids are the ones that count, those of the repeat are of nothing.
//!
//! Which they are is known only when the repeat is durable. So they are put right behind it; if that fails, they are
//! right in memory and written with the next change.

use std::collections::HashMap;

use serde_json::json;
use tenon_capture::{Accepted, CaptureService, ChunkItem, TriggerChunk};
use tenon_store::{EventId, JobId, NewState, NoteKind, Timestamp, TriggerNote};

use super::super::definition::Definition;
use super::super::plan::note;
use super::super::state::{Run, State};
use super::Stored;

/// So many are named in the note; a person who follows them up has enough of these.
const MAX_NAMED: usize = 100;

/// The id that something was to get.
#[derive(Debug, Clone, Copy)]
pub(super) enum Planned {
    Event(Option<EventId>),
    Job(Option<JobId>),
}

/// By the id that it was to get, the one that it has.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    events: HashMap<EventId, EventId>,
    jobs: HashMap<JobId, JobId>,
}

// === impl Planned ===

impl Planned {
    pub(super) fn of(item: &ChunkItem) -> Self {
        match item {
            ChunkItem::Event(incoming) => Self::Event(incoming.id),
            ChunkItem::Run(call) => Self::Job(call.job),
        }
    }
}

// === impl Repeats ===

impl Repeats {
    /// `None`: all of it is new.
    pub(super) fn of(planned: &[Planned], accepted: &[Accepted]) -> Option<Self> {
        let mut repeats = Self::default();
        for (planned, accepted) in planned.iter().zip(accepted).filter(|(_, accepted)| accepted.duplicate) {
            match *planned {
                Planned::Event(Some(event)) => {
                    repeats.events.insert(event, accepted.event);
                }
                Planned::Job(Some(job)) => {
                    // None: it was removed since, and with the id of nothing it counts as that.
                    repeats.jobs.extend(accepted.jobs.first().map(|first| (job, *first)));
                }
                Planned::Event(None) | Planned::Job(None) => {}
            }
        }
        let is_none = repeats.events.is_empty() && repeats.jobs.is_empty();
        if is_none { None } else { Some(repeats) }
    }

    /// Puts right what was just written, and notes it.
    pub(super) async fn mend(
        self,
        capture: &CaptureService,
        definition: &Definition,
        (version, mut state): (u64, State),
    ) -> Stored {
        let is_changed = self.put_right(&mut state.running);
        let new = NewState { resource: definition.resource, expected: version, value: state.text().into() };
        let chunk = TriggerChunk {
            workspace: definition.workspace,
            resource: definition.resource,
            items: Vec::new(),
            state: is_changed.then_some(new),
            notes: vec![self.note(capture.ports().clock.now())],
        };
        let is_written = match capture.chunk(chunk).await {
            Ok(written) => written.is_some(),
            Err(error) => {
                tracing::warn!(name = definition.name, %error, "what a schedule had started before was not noted");
                false
            }
        };
        let version = version + u64::from(is_written && is_changed);
        Stored { version, state: Some(state) }
    }

    fn put_right(&self, running: &mut [Run]) -> bool {
        let mut is_changed = false;
        for run in running {
            if let Some(event) = &mut run.event
                && let Some(first) = self.events.get(event)
            {
                *event = *first;
                is_changed = true;
            }
            for job in &mut run.jobs {
                if let Some(first) = self.jobs.get(job) {
                    *job = *first;
                    is_changed = true;
                }
            }
        }
        is_changed
    }

    fn note(&self, now: Timestamp) -> TriggerNote {
        let mut events: Vec<EventId> = self.events.values().copied().collect();
        let mut jobs: Vec<JobId> = self.jobs.values().copied().collect();
        events.sort_unstable();
        jobs.sort_unstable();
        let count = events.len() + jobs.len();
        events.truncate(MAX_NAMED);
        jobs.truncate(MAX_NAMED);
        let reason = "these had been started already, by a try that was cut off; they count, and were not started again";
        note(
            NoteKind::Noticed,
            now,
            &json!({ "reason": reason, "count": count, "events": events, "jobs": jobs }),
        )
    }
}
