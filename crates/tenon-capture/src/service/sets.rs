//! Sets on which a condition decides (`until: <expression>`): looked at, decided on, remembered for the next event.
//!
//! Whoever decides on a set holds its stripe until the store has answered, so that events of one set are decided on
//! one after the other and not again and again. That is for speed only: the store takes no decision on a set that has
//! changed.

use std::sync::Arc;

use serde_json::Value;
use tenon_store::{
    Decision, Gather, GatherLimits, RevisionId, Role, SetQuery, SetVersion, Store, WorkspaceId,
};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::gather::has_condition;
use crate::key::{Place, shard};
use crate::plan::Planner;
use crate::{Deployed, Error};

/// Sets that are decided on at once, and remembered.
const STRIPES: u16 = 128;
/// A set with more bytes is read again for each event.
const REMEMBERED_BYTES: usize = 512 << 10;

/// What was seen of sets, by stripe.
pub(super) struct Sets {
    store: Arc<dyn Store>,
    stripes: Vec<Arc<Mutex<Option<Known>>>>,
}

/// A set as the store has it.
struct Known {
    query: SetQuery,
    /// Says how events are read.
    revision: RevisionId,
    version: Option<SetVersion>,
    limits: GatherLimits,
    events: Vec<Value>,
    bytes: usize,
}

/// A set that is about to be decided on.
struct Case {
    /// Which of the event's gathers.
    index: usize,
    stripe: usize,
    query: SetQuery,
}

/// Decisions that the store has not taken yet. Others wait with theirs until this is dropped.
#[derive(Default)]
pub(super) struct Decided {
    held: Vec<(usize, OwnedMutexGuard<Option<Known>>)>,
    /// What is true if it takes them.
    next: Vec<(usize, Known)>,
}

/// Whether the event goes into a set on which a condition decides.
pub(super) fn is_undecided((gather, deployed): &(Gather, Arc<Deployed>)) -> bool {
    matches!(gather.role, Role::Item { .. })
        && deployed.program.subscription.as_ref().is_some_and(has_condition)
}

// === impl Sets ===

impl Sets {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, stripes: (0..STRIPES).map(|_| Arc::default()).collect() }
    }

    /// Decides whether sets are complete with the event.
    pub(super) async fn decide(
        &self,
        workspace: WorkspaceId,
        planner: &Planner<'_>,
        gathers: &mut [(Gather, Arc<Deployed>)],
    ) -> Result<Decided, Error> {
        let cases = cases(workspace, gathers);
        let mut decided = Decided::default();
        let mut stripes: Vec<usize> = cases.iter().map(|case| case.stripe).collect();
        // All go in one order, so that nobody waits for one who waits for them.
        stripes.sort_unstable();
        stripes.dedup();
        for stripe in stripes {
            decided.held.push((stripe, Arc::clone(&self.stripes[stripe]).lock_owned().await));
        }
        for Case { index, stripe, query } in cases {
            let (gather, deployed) = &mut gathers[index];
            let mut known = self.look(query, deployed, decided.forget(stripe)).await?;
            let version = known.version;
            let is_complete = known.add(planner, deployed);
            if let Role::Item { decision, .. } = &mut gather.role {
                *decision = Some(Decision { version, is_complete });
            }
            if !is_complete && known.grow() {
                decided.next.push((stripe, known));
            }
        }
        Ok(decided)
    }

    async fn look(&self, query: SetQuery, deployed: &Deployed, known: Option<Known>) -> Result<Known, Error> {
        let revision = deployed.revision;
        let known = known.filter(|known| known.query == query && known.revision == revision);
        if let Some(known) = known {
            return Ok(known);
        }
        let read = deployed.program.subscription.as_ref().map(|subscription| subscription.read);
        let read = read.unwrap_or_default();
        let set = self.store.open_set(&query).await?;
        let bytes = set.events.iter().map(bytes::Bytes::len).sum();
        let events = set.events.iter().map(|envelope| {
            let envelope = serde_json::from_slice(envelope).map_err(|error| {
                tenon_store::Error::Damaged(format!("a gathered event is not JSON: {error}"))
            })?;
            Ok(read.read(envelope))
        });
        let events = events.collect::<Result<_, tenon_store::Error>>()?;
        Ok(Known { query, revision, version: set.version, limits: set.limits, events, bytes })
    }
}

fn cases(workspace: WorkspaceId, gathers: &[(Gather, Arc<Deployed>)]) -> Vec<Case> {
    let undecided = gathers.iter().enumerate().filter(|(_, pair)| is_undecided(pair));
    let cases = undecided.filter_map(|(index, (gather, _))| {
        let Role::Item { key, .. } = &gather.role else { return None };
        let workflow = gather.job.workflow;
        let stripe = usize::from(shard(workflow, Place::Key(key), STRIPES).0);
        let query = SetQuery { workspace, workflow, strategy: gather.strategy, key: key.clone() };
        Some(Case { index, stripe, query })
    });
    cases.collect()
}

// === impl Known ===

impl Known {
    /// With one more event; whether these are enough.
    fn add(&mut self, planner: &Planner<'_>, deployed: &Deployed) -> bool {
        let read = deployed.program.subscription.as_ref().map(|subscription| subscription.read);
        self.events.push(planner.envelope.read(read.unwrap_or_default()));
        self.bytes += planner.envelope.text.len();
        let events = Value::Array(std::mem::take(&mut self.events));
        let is_enough = planner.is_enough(deployed, &events);
        if let Value::Array(events) = events {
            self.events = events;
        }
        is_enough
    }

    /// The version that it has with its newest event; false if that is not known, or it is not worth remembering.
    fn grow(&mut self) -> bool {
        // A new set's id is the store's to choose. A full set was shown without its events, and so will be this one.
        let Some(version) = &mut self.version else { return false };
        version.events += 1;
        version.events as usize == self.events.len()
            && self.bytes <= REMEMBERED_BYTES
            && !self.limits.is_full(version.events, self.bytes as u64)
    }
}

// === impl Decided ===

impl Decided {
    /// The store has taken all decisions.
    pub(super) fn remember(mut self) {
        for (stripe, known) in std::mem::take(&mut self.next) {
            if let Some((_, held)) = self.held.iter_mut().find(|(held, _)| *held == stripe) {
                **held = Some(known);
            }
        }
    }

    /// What is remembered is true only once the store has answered, so it is taken out until then.
    fn forget(&mut self, stripe: usize) -> Option<Known> {
        self.held.iter_mut().find(|(held, _)| *held == stripe).and_then(|(_, held)| held.take())
    }
}
