//! All schedules of the server: who is due, and when to look again.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tenon_capture::trigger::SCHEDULE_KEY;
use tenon_capture::{CaptureService, Error};
use tenon_store::{Kind, ResourceId, Timestamp};
use tenon_workflow::Overlap;

use super::definition::Definition;
use super::plan::plan;
use super::start::{Committed, Stored, Tally, commit, stop};
use super::state::State;
use super::touched::Touched;
use super::watching::standings;
use crate::Options;
use crate::counts::{Counts, Named, ScheduleCounts};
use crate::found::{Finder, Found};

/// Schedules that are worked on at once.
const MAX_AT_ONCE: usize = 64;
/// How often occurrences at work are looked at, at most. Their ends are not told: the store is the one who knows.
const WATCH_MOST: Duration = Duration::from_millis(500);
/// The same, at least; in between it is a twentieth of the time since something was started or seen to end. Occurrences
/// themselves may be long past, when they are made up for.
const WATCH_LEAST: Duration = Duration::from_secs(10);
/// The first pause after a failure; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// How soon a state that somebody else has written is read again.
const AGAIN: Duration = Duration::from_millis(200);

/// All schedules of a server, without a task and a clock of their own: whoever owns it calls [`Schedules::turn`].
pub struct Schedules {
    capture: CaptureService,
    options: Options,
    finder: Finder,
    entries: HashMap<ResourceId, Entry>,
    /// By moment; each entry once.
    queue: BTreeSet<(Timestamp, ResourceId)>,
    /// Since when somebody is there to fire.
    up_since: Timestamp,
    look_at: Timestamp,
    counts: Counts,
    touched: Touched,
}

struct Entry {
    definition: Arc<Definition>,
    /// `None`: to be read.
    stored: Option<Stored>,
    wake: Timestamp,
    /// When its state changed last, as far as this process knows.
    changed: Timestamp,
    failures: u32,
    counts: Arc<Named<ScheduleCounts>>,
}

// === impl Schedules ===

impl Schedules {
    /// From now on somebody is there to fire.
    pub fn new(capture: CaptureService, options: Options) -> Self {
        let up_since = capture.ports().clock.now();
        let finder = Finder::new(SCHEDULE_KEY, &[Kind::Trigger, Kind::Workflow]);
        let (entries, queue) = (HashMap::new(), BTreeSet::new());
        let counts = Counts::default();
        counts.show(&capture);
        let touched = Touched::default();
        Self { capture, options, finder, entries, queue, up_since, look_at: up_since, counts, touched }
    }

    /// Who is to be told of states that others write.
    pub(crate) fn touched(&self) -> &Touched {
        &self.touched
    }

    /// What is shown with the server's metrics.
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Schedules may have changed.
    pub fn look_again(&mut self) {
        self.look_at = Timestamp(0);
    }

    /// Does what is due now. Gives when to come again.
    pub async fn turn(&mut self) -> Timestamp {
        if self.look_at <= self.now() {
            self.look().await;
        }
        let now = self.now();
        for id in self.touched.take() {
            if let Some(entry) = self.take(id) {
                self.put(id, Entry { stored: None, wake: now, changed: now, ..entry });
            }
        }
        let due: Vec<ResourceId> =
            self.queue.iter().take_while(|(at, _)| *at <= now).take(MAX_AT_ONCE).map(|(_, id)| *id).collect();
        let taken = due.iter().filter_map(|id| self.take(*id).map(|entry| (*id, entry)));
        let taken: Vec<(ResourceId, Entry)> = taken.collect();
        let worked = join_all(taken.into_iter().map(|(id, entry)| {
            let worked = work(&self.capture, self.up_since, entry);
            async move { (id, worked.await) }
        }));
        for (id, entry) in worked.await {
            self.put(id, entry);
        }
        let next = self.queue.first().map_or(Timestamp::NEVER, |(at, _)| *at);
        next.min(self.look_at)
    }

    fn now(&self) -> Timestamp {
        self.capture.ports().clock.now()
    }

    fn take(&mut self, id: ResourceId) -> Option<Entry> {
        let entry = self.entries.remove(&id)?;
        self.queue.remove(&(entry.wake, id));
        Some(entry)
    }

    fn put(&mut self, id: ResourceId, entry: Entry) {
        self.queue.insert((entry.wake, id));
        self.entries.insert(id, entry);
    }

    async fn look(&mut self) {
        match self.finder.look(&self.capture).await {
            Ok(found) => {
                self.look_at = self.now().after(self.options.look_every);
                for found in found {
                    self.update(found).await;
                }
            }
            Err(error) => {
                self.look_at = self.now().after(FIRST_PAUSE);
                if !matches!(error, tenon_store::Error::Closed) {
                    tracing::warn!(%error, "schedules could not be looked up; trying again");
                }
            }
        }
    }

    /// Takes over what a workspace has now.
    async fn update(&mut self, found: Found) {
        let now = self.now();
        let there: HashMap<ResourceId, _> =
            found.resources.iter().map(|resource| (resource.revision.resource, resource)).collect();
        let gone: Vec<ResourceId> = self
            .entries
            .iter()
            .filter(|(id, entry)| entry.definition.workspace == found.workspace && !there.contains_key(*id))
            .map(|(id, _)| *id)
            .collect();
        for id in gone {
            let Some(entry) = self.take(id) else { continue };
            self.counts.schedules().remove((found.workspace, id));
            // If it is enabled still, it has lost its schedule; else what disabled it has paused it.
            if let Err(error) = stop(&self.capture, &entry.definition).await {
                tracing::debug!(%error, name = entry.definition.name, "a schedule that has gone was not paused");
            }
        }
        for (id, resource) in there {
            let before = self.take(id).map(|entry| entry.definition);
            // Its state is read anew: it may have been disabled and enabled meanwhile, which only that says.
            let same = before.filter(|before| before.revision == resource.revision.id);
            let definition = same.or_else(|| Definition::of(&self.capture, resource).map(Arc::new));
            let place = (found.workspace, id);
            let Some(definition) = definition else {
                self.counts.schedules().remove(place);
                continue;
            };
            let counts = self.counts.schedules().of(place, &found.workspace_name, &definition.name);
            self.put(id, Entry { definition, stored: None, wake: now, changed: now, failures: 0, counts });
        }
    }
}

/// Does what one schedule has to do.
async fn work(capture: &CaptureService, up_since: Timestamp, entry: Entry) -> Entry {
    let Entry { definition, stored, mut changed, failures, counts, .. } = entry;
    let clock = &capture.ports().clock;
    let (stored, wake, failures) = match advance(capture, &definition, up_since, stored).await {
        Ok(Some(Advanced { stored, tally, is_cut })) => {
            let now = clock.now();
            if let Some(tally) = tally {
                tally.count(&counts.counts);
                changed = now;
            }
            counts.counts.comes(stored.state.as_ref().and_then(State::oldest));
            let overlap = definition.schedule().overlap;
            let wake = if is_cut { now } else { wake(&stored, overlap, changed, now) };
            (Some(stored), wake, 0)
        }
        Ok(None) => (None, clock.now().after(AGAIN), 0),
        Err(error) => {
            if failures == 0 && !matches!(error, Error::Store(tenon_store::Error::Closed)) {
                tracing::warn!(name = definition.name, %error, "a schedule could not fire; trying again until it can");
            }
            let pause = FIRST_PAUSE.saturating_mul(1 << failures.min(10)).min(LONGEST_PAUSE);
            (None, clock.now().after(pause), failures.saturating_add(1))
        }
    };
    Entry { definition, stored, wake, changed, failures, counts }
}

/// What has become of a schedule's turn.
struct Advanced {
    stored: Stored,
    /// `None`: there was nothing to do.
    tally: Option<Tally>,
    /// Whether there is more to do at once.
    is_cut: bool,
}

/// `None`: somebody else was at work, or it is gone or disabled.
async fn advance(
    capture: &CaptureService,
    definition: &Definition,
    up_since: Timestamp,
    stored: Option<Stored>,
) -> Result<Option<Advanced>, Error> {
    let stored = match stored {
        Some(stored) => stored,
        None => Stored::load(capture, definition).await?,
    };
    let ports = capture.ports();
    let now = ports.clock.now();
    let running = stored.state.as_ref().map_or(&[][..], |state| &state.running);
    let standings = standings(&*ports.store, definition.workspace, running, now).await?;
    let plan = plan(&definition.rules(up_since), stored.state.as_ref(), &standings, now);
    if plan.starts.is_empty() && plan.notes.is_empty() && stored.state.as_ref() == Some(&plan.state) {
        return Ok(Some(Advanced { stored, tally: None, is_cut: false }));
    }
    let committed = commit(capture, definition, stored.version, &plan, &super::start::Why::Due).await?;
    Ok(committed.map(|Committed { stored, tally, is_cut, .. }| Advanced {
        stored,
        tally: Some(tally),
        is_cut,
    }))
}

fn wake(stored: &Stored, overlap: Overlap, changed: Timestamp, now: Timestamp) -> Timestamp {
    let Some(state) = &stored.state else { return now };
    // Only a queue waits for those at work; else what waits did not fit into the last transaction.
    let is_held = overlap == Overlap::Queue && !state.running.is_empty();
    if !state.waiting.is_empty() && !is_held {
        return now;
    }
    let next = state.next.map_or(Timestamp::NEVER, |next| next.0);
    if state.running.is_empty() {
        return next;
    }
    // polls: see `WATCH_MOST`.
    next.min(now.after((now.since(changed) / 20).clamp(WATCH_MOST, WATCH_LEAST)))
}
