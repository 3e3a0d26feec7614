//! A schedule that is fired by hand: now, whatever the time and `overlap` say, and watched as others are.

use tenon_capture::CaptureService;
use tenon_store::{Resource, Timestamp, WorkspaceId};

use super::definition::Definition;
use super::plan::{MAX_RUNNING, Plan, Start, plan, settled};
use super::start::{Committed, MAX_TRIES, Stored, Why, commit};
use super::state::{Moment, State};
use super::watching::standings;
use crate::counts::Counts;
use crate::{FireError, Fired};

/// A schedule that is fired by hand.
pub(crate) struct ByHand<'a> {
    pub(crate) workspace: WorkspaceId,
    pub(crate) resource: &'a Resource,
    /// Who asked.
    pub(crate) actor: &'a str,
}

// === impl ByHand ===

impl ByHand<'_> {
    /// `None`: it is no schedule.
    pub(crate) async fn fire(
        &self,
        capture: &CaptureService,
        counts: &Counts,
    ) -> Result<Option<Fired>, FireError> {
        let definition = Definition::of(capture, self.resource);
        let Some(definition) = definition.filter(|found| found.workspace == self.workspace) else {
            return Ok(None);
        };
        if !self.resource.enabled {
            return Err(FireError::Conflict);
        }
        let counted = counts.schedules().find((self.workspace, definition.resource));
        // One moment and one name for all tries: what one of them has begun, the next goes on with.
        let (now, request) = (capture.ports().clock.now(), capture.ports().ids.event().to_string());
        let why = Why::Asked { by: self.actor, request: &request };
        let rules = definition.rules(now);
        for _ in 0..MAX_TRIES {
            let Stored { version, state } = Stored::load(capture, &definition).await?;
            if let Some(state) = state.as_ref().filter(|state| rules.is_full(state, &[])) {
                if let Some(made) = make_room(capture, &definition, version, state).await? {
                    made.tally.count(&counted.counts);
                }
                continue;
            }
            let Plan { state, notes, .. } = match state {
                Some(state) => Plan { state, ..Plan::default() },
                // Nobody has seen it yet: what is due, the schedule does by itself.
                None => plan(&rules, None, &[], Timestamp(now.0 - 1)),
            };
            let by_hand = Plan {
                starts: vec![Start { occurrence: now, run: None }],
                state: State { last: state.last.max(Some(Moment(now))), ..state },
                notes,
            };
            let committed = commit(capture, &definition, version, &by_hand, &why).await?;
            let Some(Committed { accepted, tally, .. }) = committed else { continue };
            tally.count(&counted.counts);
            if accepted.is_empty() {
                let reason = "nothing of it could be started; its notes say why";
                return Err(FireError::Failed(reason.to_owned()));
            }
            return Ok(Some(Fired::of(accepted)));
        }
        Err(FireError::Conflict)
    }
}

/// Runs that have ended are not watched any more, though the schedule itself, which looks every now and then, has not
/// seen it. An error if too many are at work still: all of them have to be remembered, and there is a limit to that.
/// `None`: somebody else was at work.
async fn make_room(
    capture: &CaptureService,
    definition: &Definition,
    version: u64,
    state: &State,
) -> Result<Option<Committed>, FireError> {
    let ports = capture.ports();
    let now = ports.clock.now();
    let standings = standings(&*ports.store, definition.workspace, &state.running, now).await;
    let rules = definition.rules(now);
    let plan = settled(&rules, state, &standings.map_err(tenon_capture::Error::from)?);
    if rules.is_full(&plan.state, &plan.starts) {
        let reason = format!(
            "{MAX_RUNNING} of its runs are at work, as many as can be watched: try again when some have ended, or \
             cancel some"
        );
        return Err(FireError::Failed(reason));
    }
    Ok(commit(capture, definition, version, &plan, &Why::Due).await?)
}
