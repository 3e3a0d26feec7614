//! What is about to be captured, fixed before its jobs are planned.

use std::borrow::Cow;
use std::time::Duration;

use tenon_store::{DedupMark, EventId, NewEvent, Origin, Timestamp, WorkspaceId};

use super::{CaptureService, Incoming};
use crate::key::bounded_key;
use crate::plan::Envelope;
use crate::{Error, MAX_HOPS};

/// How long an emitted event's mark lives: as long as the job that may emit it again.
const DERIVED_MARK: Duration = Duration::from_hours(30 * 24);

pub(super) struct Draft {
    pub(super) workspace: WorkspaceId,
    pub(super) id: EventId,
    pub(super) origin: Origin,
    pub(super) source: String,
    pub(super) r#type: String,
    pub(super) subject: Option<String>,
    pub(super) at: Timestamp,
    pub(super) envelope: Envelope,
    pub(super) mark: Option<DedupMark>,
    pub(super) delivery: Option<DedupMark>,
    pub(super) generation: Option<u64>,
}

// === impl Draft ===

impl Draft {
    /// What the store keeps of it, at least this long.
    pub(super) fn event(&self, keep: Duration) -> NewEvent {
        NewEvent {
            id: self.id,
            workspace: self.workspace,
            origin: self.origin,
            source: self.source.clone(),
            r#type: self.r#type.clone(),
            subject: self.subject.clone(),
            captured_at: self.at,
            expires: self.at.after(keep),
            envelope: self.envelope.text.clone(),
        }
    }
}

// === impl CaptureService ===

impl CaptureService {
    /// How long an event is kept that no job needs.
    pub(super) fn keep_events(&self, workspace: WorkspaceId) -> Duration {
        // One that is not there says nothing.
        let own = self.ports().store.workspace_settings(workspace).unwrap_or_default();
        own.keep_jobs.unwrap_or(self.options().event_retention)
    }

    pub(super) fn draft_event(&self, incoming: Incoming) -> Result<Draft, Error> {
        let ports = self.ports();
        let event = incoming.envelope;
        event.check()?;
        let hops = event.hops().unwrap_or(u64::MAX);
        if hops > MAX_HOPS {
            return Err(Error::TooManyHops(hops));
        }
        let at = ports.clock.now();
        let id = incoming.id.unwrap_or_else(|| ports.ids.event());
        let text = event.envelope(id, at);
        check_size(text.len(), self.options().max_event_bytes)?;
        let mark = incoming.mark.or_else(|| {
            let lives = if incoming.id.is_some() { DERIVED_MARK } else { self.options().dedup_for };
            let own_id = match (&event.id, incoming.id) {
                (Some(own), _) => Cow::Borrowed(own.as_str()),
                (None, Some(derived)) => Cow::Owned(derived.to_string()),
                (None, None) => return None,
            };
            let key = bounded_key(Cow::Owned(format!("{}\n{own_id}", event.source))).into_owned();
            Some(DedupMark { scope: "source".to_owned(), key, expires: at.after(lives) })
        });
        Ok(Draft {
            workspace: incoming.workspace,
            id,
            origin: Origin::Event,
            source: event.source,
            r#type: event.r#type,
            subject: event.subject,
            at,
            envelope: Envelope::new(text),
            mark,
            delivery: incoming.delivery,
            generation: incoming.generation,
        })
    }
}

pub(super) fn check_size(size: usize, limit: usize) -> Result<(), Error> {
    if size > limit {
        return Err(Error::TooLarge { size, limit });
    }
    Ok(())
}
