//! From a plan to what is written: events and jobs of the occurrences, the new state, the notes.

mod items;
mod repeats;

use serde_json::Value;
use tenon_capture::{Accepted, CaptureService, Error, TriggerChunk};
use tenon_store::{NewState, NoteKind, Resource, Timestamp, TriggerNote};
use tenon_workflow::Timing;

use super::definition::Definition;
use super::plan::{self, Plan};
use super::state::{Moment, State};
use crate::counts::ScheduleCounts;
pub(crate) use items::Why;
use items::{Builder, Built};
use repeats::{Planned, Repeats};

/// How often something is tried again because somebody else wrote the state first.
pub(super) const MAX_TRIES: usize = 8;

/// A state as it is in the store.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stored {
    /// 0: none.
    pub(crate) version: u64,
    /// `None`: there is none, or it cannot be read.
    pub(crate) state: Option<State>,
}

// === impl Stored ===

impl Stored {
    pub(crate) async fn load(capture: &CaptureService, definition: &Definition) -> Result<Self, Error> {
        let store = &capture.ports().store;
        let Some(stored) = store.trigger_state(definition.workspace, definition.resource).await? else {
            return Ok(Self::default());
        };
        let state = State::parse(&stored.value).inspect_err(|error| {
            tracing::warn!(name = definition.name, %error, "the state of a schedule cannot be read; it starts anew");
        });
        let mut state = state.ok();
        if cfg!(feature = "mutant-schedule-again")
            && let Some(state) = &mut state
        {
            state.next = state.last.or(state.next);
        }
        Ok(Self { version: stored.version, state })
    }
}

/// A plan that was written.
pub(crate) struct Committed {
    pub(crate) stored: Stored,
    pub(crate) accepted: Vec<Accepted>,
    /// What happened.
    pub(crate) tally: Tally,
    /// Whether there is more of the plan, which did not fit into the transaction.
    pub(crate) is_cut: bool,
}

/// How many occurrences met which fate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    started: u64,
    missed: u64,
    skipped: u64,
    failed: u64,
}

// === impl Tally ===

impl Tally {
    fn of(built: &Built) -> Self {
        let count = |kind| built.notes.iter().filter(|note| note.kind == kind).map(occurrences).sum();
        Self {
            started: built.started,
            missed: count(NoteKind::Missed),
            skipped: count(NoteKind::Skipped),
            failed: count(NoteKind::Failed),
        }
    }

    /// Adds it to what is shown.
    pub(crate) fn count(self, counts: &ScheduleCounts) {
        counts.started.add(self.started);
        counts.missed.add(self.missed);
        counts.skipped.add(self.skipped);
        counts.failed.add(self.failed);
    }
}

/// How many a note is about: old ones that were missed share one.
fn occurrences(note: &TriggerNote) -> u64 {
    let detail: Option<Value> = serde_json::from_slice(&note.detail).ok();
    detail.and_then(|detail| detail["count"].as_u64()).unwrap_or(1)
}

/// Writes a plan. `None`: somebody else was at work, or the schedule is gone or disabled.
pub(crate) async fn commit(
    capture: &CaptureService,
    definition: &Definition,
    version: u64,
    plan: &Plan,
    why: &Why<'_>,
) -> Result<Option<Committed>, Error> {
    let mut builder = Builder::new(capture, definition);
    loop {
        let built = builder.build(plan, why);
        let tally = Tally::of(&built);
        let state =
            NewState { resource: definition.resource, expected: version, value: built.state.text().into() };
        let planned: Vec<Planned> = built.items.iter().map(Planned::of).collect();
        let chunk = TriggerChunk {
            workspace: definition.workspace,
            resource: definition.resource,
            items: built.items,
            state: Some(state),
            notes: built.notes,
        };
        match capture.chunk(chunk).await {
            Ok(None) => return Ok(None),
            Ok(Some(accepted)) => {
                let (version, state, is_cut) = (version + 1, built.state, built.is_cut);
                let stored = match Repeats::of(&planned, &accepted) {
                    None => Stored { version, state: Some(state) },
                    Some(repeats) => repeats.mend(capture, definition, (version, state)).await,
                };
                return Ok(Some(Committed { stored, accepted, tally, is_cut }));
            }
            // What cannot be started is noted, and holds up nothing else.
            Err(error) => builder.leave_out(error)?,
        }
    }
}

/// What a schedule that is about to be disabled or deleted has to remember, so that nothing is made up for when it
/// comes back. `None`: it is no schedule.
///
/// There is always something to write, also where it is not seen yet, or is paused still: whoever is about to see or to
/// resume it at the same moment then finds another version, instead of undoing this.
///
/// It is written by [`Store::change_resource`](tenon_store::Store::change_resource), in the one transaction that
/// disables. Two would each leave a wrong state after a crash in between: paused but enabled, it would pass over what
/// came during the downtime without a note; disabled but not paused, it would make up for what came while it was
/// disabled. If the schedule is written in between, that is a conflict: ask again.
pub async fn paused(capture: &CaptureService, resource: &Resource) -> Result<Option<NewState>, Error> {
    let Some(definition) = Definition::of(capture, resource) else { return Ok(None) };
    let stored = Stored::load(capture, &definition).await?;
    let now = capture.ports().clock.now();
    let state = stored.state.unwrap_or_else(|| unseen(&definition, now));
    let state = State { paused: state.paused.or(Some(Moment(now))), ..state };
    let (resource, expected) = (definition.resource, stored.version);
    Ok(Some(NewState { resource, expected, value: state.text().into() }))
}

/// What a schedule that is about to be enabled goes on with: what comes after this moment follows its policy, also if
/// the process dies before anybody looks. Written in the one transaction that enables; else as [`paused`].
pub async fn resumed(capture: &CaptureService, resource: &Resource) -> Result<Option<NewState>, Error> {
    let Some(definition) = Definition::of(capture, resource) else { return Ok(None) };
    let stored = Stored::load(capture, &definition).await?;
    let now = capture.ports().clock.now();
    let state = plan::resumed(&definition.rules(now), stored.state.as_ref(), now);
    let (resource, expected) = (definition.resource, stored.version);
    Ok(Some(NewState { resource, expected, value: state.text().into() }))
}

/// As if it had been seen for the first time. A moment that is over by then is noted when the schedule comes back.
fn unseen(definition: &Definition, now: Timestamp) -> State {
    let timing = &definition.schedule().timing;
    let next = match *timing {
        Timing::At(at) => Some(at),
        _ => timing.first(now.0),
    };
    let next = next.map(|next| Moment(Timestamp(next)));
    State { timing: timing.text(), anchor: Moment(now), next, ..State::default() }
}

/// Whether it has come back since somebody found that it was gone.
async fn is_there(capture: &CaptureService, definition: &Definition) -> Result<bool, Error> {
    let store = &capture.ports().store;
    let found = store.resource(definition.workspace, definition.kind(), &definition.name).await?;
    let found = found.filter(|found| found.enabled && found.revision.resource == definition.resource);
    Ok(found.is_some_and(|found| Definition::of(capture, &found).is_some()))
}

/// The same for a workflow that is enabled still and has lost its schedule: remembered as soon as somebody sees it.
pub(crate) async fn stop(capture: &CaptureService, definition: &Definition) -> Result<(), Error> {
    for _ in 0..MAX_TRIES {
        let stored = Stored::load(capture, definition).await?;
        let Some(state) = stored.state.filter(|state| state.paused.is_none()) else { return Ok(()) };
        // Looked at after the state was read: whoever enables it from here on writes another version.
        if is_there(capture, definition).await? {
            return Ok(());
        }
        let paused = Some(Moment(capture.ports().clock.now()));
        let plan = Plan { state: State { paused, ..state }, ..Plan::default() };
        if commit(capture, definition, stored.version, &plan, &Why::Due).await?.is_some() {
            return Ok(());
        }
    }
    // It is disabled, which has paused it, or written all the time: then it is at work, and nothing is due.
    Ok(())
}
