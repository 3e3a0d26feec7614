//! What a schedule will do, for people who look.

use serde_json::{Value, json};
use tenon_capture::{CaptureService, Error};
use tenon_store::{Resource, Timestamp};
use tenon_workflow::Timing;

use super::definition::Definition;
use super::start::Stored;
use super::state::{Moment, State};

/// Occurrences that are shown.
const SHOWN: usize = 5;

/// What a schedule will do, and what it is at.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// The next occurrences, in order; none of one that is disabled, is over, or waits for the end of a run.
    pub next: Vec<Timestamp>,
    /// What it remembers, as JSON; null before it was first seen.
    pub state: Value,
}

/// `None`: the resource has no schedule.
pub async fn outlook(capture: &CaptureService, resource: &Resource) -> Result<Option<Outlook>, Error> {
    let Some(definition) = Definition::of(capture, resource) else { return Ok(None) };
    let stored = Stored::load(capture, &definition).await?;
    let now = capture.ports().clock.now();
    let state = stored.state.as_ref().map_or(Value::Null, |state| json!(state));
    let next = if resource.enabled {
        occurrences(&definition.schedule().timing, stored.state.as_ref(), now)
    } else {
        Vec::new()
    };
    Ok(Some(Outlook { next, state }))
}

fn occurrences(timing: &Timing, state: Option<&State>, now: Timestamp) -> Vec<Timestamp> {
    let known = state.filter(|state| state.timing == timing.text() && state.paused.is_none());
    let (anchor, first) = match known {
        Some(state) => (state.anchor, state.next),
        None => (Moment(now), timing.first(now.0).map(|first| Moment(Timestamp(first)))),
    };
    let later = |at: &Timestamp| timing.next_after(anchor.0.0, at.0).map(Timestamp);
    std::iter::successors(first.map(|first| first.0), later).take(SHOWN).collect()
}
