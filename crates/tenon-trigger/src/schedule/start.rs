//! From a plan to what is written: events and jobs of the occurrences, the new state, the notes.

mod items;

use tenon_capture::{Accepted, CaptureService, Error, TriggerChunk};
use tenon_store::{NewState, Resource, Timestamp, WorkspaceId};

use super::definition::Definition;
use super::plan::{Plan, Start, plan};
use super::state::{Moment, State};
use crate::FireError;
use items::Builder;
pub(crate) use items::Why;

/// How often something is tried again because somebody else wrote the state first.
const MAX_TRIES: usize = 8;

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

/// Writes a plan. `None`: somebody else was at work, or the schedule is gone or disabled.
pub(crate) async fn commit(
    capture: &CaptureService,
    definition: &Definition,
    version: u64,
    plan: &Plan,
    why: &Why<'_>,
) -> Result<Option<(Stored, Vec<Accepted>)>, Error> {
    let mut builder = Builder::new(capture, definition);
    loop {
        let built = builder.build(plan, why);
        let state =
            NewState { resource: definition.resource, expected: version, value: built.state.text().into() };
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
                return Ok(Some((Stored { version: version + 1, state: Some(built.state) }, accepted)));
            }
            // What cannot be started is noted, and holds up nothing else.
            Err(error) => builder.leave_out(error)?,
        }
    }
}

/// Fires a schedule by hand. `None`: it is none.
pub(crate) async fn fire(
    capture: &CaptureService,
    workspace: WorkspaceId,
    resource: &Resource,
    actor: &str,
) -> Result<Option<Vec<Accepted>>, FireError> {
    let definition = Definition::of(capture, resource).filter(|found| found.workspace == workspace);
    let Some(definition) = definition else { return Ok(None) };
    if !resource.enabled {
        return Err(FireError::Conflict);
    }
    for _ in 0..MAX_TRIES {
        let stored = Stored::load(capture, &definition).await?;
        let now = capture.ports().clock.now();
        let state = match stored.state {
            Some(state) => state,
            // Nobody has seen it yet: what is due, the schedule does by itself.
            None => plan(&definition.rules(now), None, &[], Timestamp(now.0 - 1)).state,
        };
        let by_hand = Plan {
            starts: vec![Start { occurrence: now, run: None }],
            state: State { last: state.last.max(Some(Moment(now))), ..state },
            notes: Vec::new(),
        };
        let why = Why::Asked(actor);
        if let Some((_, accepted)) = commit(capture, &definition, stored.version, &by_hand, &why).await? {
            if accepted.is_empty() {
                let reason = "nothing of it could be started; its notes say why";
                return Err(FireError::Failed(reason.to_owned()));
            }
            return Ok(Some(accepted));
        }
    }
    Err(FireError::Conflict)
}

/// Remembers that a schedule is about to be disabled or deleted, so that nothing is made up for when it comes back.
/// Without a schedule, nothing happens.
pub async fn pause(capture: &CaptureService, resource: &Resource) -> Result<(), Error> {
    let Some(definition) = Definition::of(capture, resource) else { return Ok(()) };
    stop(capture, &definition).await
}

/// The same.
pub(crate) async fn stop(capture: &CaptureService, definition: &Definition) -> Result<(), Error> {
    for _ in 0..MAX_TRIES {
        let stored = Stored::load(capture, definition).await?;
        let Some(state) = stored.state.filter(|state| state.paused.is_none()) else { return Ok(()) };
        let paused = Some(Moment(capture.ports().clock.now()));
        let plan = Plan { state: State { paused, ..state }, ..Plan::default() };
        if commit(capture, definition, stored.version, &plan, &Why::Due).await?.is_some() {
            return Ok(());
        }
    }
    // It is disabled already, or written all the time: then it is at work, and nothing is due.
    Ok(())
}
