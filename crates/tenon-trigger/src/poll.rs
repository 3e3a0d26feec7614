//! Pollers: which there are, and whose turn it is.
//!
//! Each enabled poller has a task of its own, which sleeps until its next turn or until a webhook wakes it. Nothing of
//! a poller is in memory only but that it sleeps.

mod backoff;
mod chunks;
mod order;
mod page;
mod poller;
mod state;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tenon_capture::Wake;
use tenon_capture::trigger::{POLL_KEY, RateLimit, TokenBucket};
use tenon_store::{Kind, Resource, ResourceId, RevisionId, Timestamp, WorkspaceId};
use tokio::sync::{OwnedMutexGuard, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

pub use state::{CursorTooLarge, MAX_CURSOR_BYTES, PollState};

use crate::counts::{Counts, PollCounts};
use crate::found::{Finder, Found};
use crate::{FireError, Fired, Options, Parts};
use poller::{MAX_PAGES, Polled, Poller};

/// Calls that are on their way at once, of all workspaces.
const MAX_AT_ONCE: usize = 128;
/// The same of one workspace, so that slow callees of one do not hold up another.
const MAX_OF_WORKSPACE: usize = 32;
/// The shortest time between two calls that a webhook asks for: what comes in between is one.
const WAKE_GAP: Duration = Duration::from_secs(1);
/// Who fires a poller waits no longer for its turn and its pace.
const FIRE_PATIENCE: Duration = Duration::from_secs(30);
/// A sleep is no longer than this at a time: the clock may jump.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// After a failure of the store, and the most after several.
const STORE_PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// All pollers. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Pollers(Arc<Inner>);

struct Inner {
    parts: Parts,
    counts: Counts,
    all: Arc<Semaphore>,
    workspaces: Mutex<HashMap<WorkspaceId, Arc<Semaphore>>>,
    turns: Mutex<Turns>,
}

/// One round of a poller at a time, by itself or fired by hand; whoever has the turn has the poller's pace, too.
type Turns = HashMap<(WorkspaceId, ResourceId), Arc<tokio::sync::Mutex<TokenBucket>>>;

/// The turn of a poller, with its pace.
type Turn = OwnedMutexGuard<TokenBucket>;

/// What a round led to.
struct Round {
    fired: Fired,
    end: End,
}

enum End {
    /// There is no more, or enough for one round.
    Done,
    /// See [`Polled::Failed`].
    Failed(String),
    /// See [`Polled::Conflict`].
    Conflict,
}

/// A poller that has its task.
struct Running {
    revision: RevisionId,
    poller: Arc<Poller>,
    task: JoinHandle<()>,
}

type Table = HashMap<(WorkspaceId, ResourceId), Running>;

// === impl Running ===

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

// === impl Pollers ===

impl Pollers {
    pub(crate) fn new(parts: Parts, counts: Counts) -> Self {
        Self(Arc::new(Inner {
            parts,
            counts,
            all: Arc::new(Semaphore::new(MAX_AT_ONCE)),
            workspaces: Mutex::default(),
            turns: Mutex::default(),
        }))
    }

    /// Polls until told to stop. A call that is on its way then is dropped and made again after the next start.
    pub(crate) async fn run(self, options: Options, mut stopped: watch::Receiver<bool>) {
        let mut finder = Finder::new(POLL_KEY, &[Kind::Trigger]);
        let mut table = Table::new();
        let mut changes = self.0.parts.capture.generations().changes();
        loop {
            let looked = finder.look(&self.0.parts.capture).await;
            if *stopped.borrow() {
                // Nothing begins any more: another one of us may be at work already.
                return;
            }
            match looked {
                Ok(found) => found.into_iter().for_each(|found| self.settle(&mut table, found)),
                Err(error) => tracing::warn!(%error, "pollers could not be looked up; trying again"),
            }
            for running in table.values_mut().filter(|running| running.task.is_finished()) {
                tracing::error!(
                    trigger = running.poller.name(),
                    "a poller's task ended by itself; starting it again"
                );
                running.task = self.start(&running.poller);
            }
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                _ = changes.changed() => {}
                () = sleep(options.look_every) => {}
            }
        }
    }

    /// Once, now, after what is on its way, and not faster than `rateLimit` allows.
    pub(crate) async fn fire(&self, workspace: WorkspaceId, resource: &Resource) -> Result<Fired, FireError> {
        let poller = Poller::new(&self.0.parts, workspace, resource).map_err(FireError::Failed)?;
        let poller = poller.ok_or(FireError::NotByTime)?;
        if !resource.enabled {
            return Err(FireError::Conflict);
        }
        let until = Instant::now() + FIRE_PATIENCE;
        let paced = async { keep_pace(&poller, self.turn(&poller).await, Some(until)).await };
        let Ok(paced) = timeout_at(until, paced).await else {
            let reason = "it is at work and has not ended within 30 seconds; try again later";
            return Err(FireError::Failed(reason.to_owned()));
        };
        let turn = paced.map_err(FireError::too_fast)?;
        let Round { fired, end } = self.round(&poller, turn, Some(until)).await?;
        match end {
            End::Done => Ok(fired),
            End::Failed(reason) => Err(FireError::Failed(reason)),
            End::Conflict => Err(FireError::Conflict),
        }
    }

    /// Makes the table what the workspace has.
    fn settle(&self, table: &mut Table, found: Found) {
        let Found { workspace, workspace_name, resources } = found;
        let counts = self.0.counts.polls();
        let is_there = |id: ResourceId| resources.iter().any(|resource| resource.revision.resource == id);
        for (place, _) in table.extract_if(|(of, id), _| *of == workspace && !is_there(*id)) {
            counts.remove(place);
        }
        lock(&self.0.turns)
            .retain(|(of, id), turn| *of != workspace || is_there(*id) || Arc::strong_count(turn) > 1);
        for resource in &resources {
            let place = (workspace, resource.revision.resource);
            if table.get(&place).is_some_and(|running| running.revision == resource.revision.id) {
                continue;
            }
            match Poller::new(&self.0.parts, workspace, resource) {
                Ok(Some(poller)) => {
                    let poller = Arc::new(poller);
                    let named = counts.of(place, &workspace_name, poller.name());
                    named.counts.begins(self.0.parts.capture.ports().clock.now());
                    let task = self.start(&poller);
                    table.insert(place, Running { revision: resource.revision.id, poller, task });
                }
                Ok(None) => {}
                Err(finding) => {
                    tracing::error!(trigger = resource.name, finding, "a deployed poller cannot be read");
                    table.remove(&place);
                    counts.remove(place);
                }
            }
        }
    }

    fn start(&self, poller: &Arc<Poller>) -> JoinHandle<()> {
        let wake = self.0.parts.capture.wakes().wait_for(poller.workspace, poller.resource);
        let (pollers, poller) = (self.clone(), Arc::clone(poller));
        tokio::spawn(async move { pollers.work(&poller, wake).await })
    }

    /// For ever.
    async fn work(&self, poller: &Poller, wake: Wake) {
        let mut pause = STORE_PAUSE.0;
        // Stays until a round has ended well.
        let mut is_woken = false;
        loop {
            let round = self.next_round(poller, &wake, &mut is_woken).await;
            is_woken &= !matches!(round, Ok(true));
            match round {
                Ok(true) => pause = STORE_PAUSE.0,
                // Its cursor was set, or it is disabled and its task about to end.
                Ok(false) => sleep(WAKE_GAP).await,
                Err(error) => {
                    tracing::warn!(trigger = poller.name(), %error, "a poll could not be stored; trying again");
                    sleep(pause).await;
                    pause = (pause * 2).min(STORE_PAUSE.1);
                }
            }
        }
    }

    /// Waits for the next turn and takes it. Says whether nobody came in between.
    async fn next_round(
        &self,
        poller: &Poller,
        wake: &Wake,
        is_woken: &mut bool,
    ) -> Result<bool, tenon_capture::Error> {
        let mut begun = Instant::now();
        let ports = self.0.parts.capture.ports();
        loop {
            let (due, is_failing) = poller.due().await?;
            let now = ports.clock.now();
            // A callee that fails is not asked more often because somebody calls us.
            if due <= now || (*is_woken && !is_failing) {
                break;
            }
            tokio::select! {
                () = sleep(due.since(now).min(LONGEST_SLEEP)) => *is_woken = false,
                () = wake.came() => {
                    sleep_until(begun + WAKE_GAP).await;
                    (begun, *is_woken) = (Instant::now(), true);
                }
            }
        }
        // A workspace that has too much left to do asks for no more.
        while let Some(refused) = ports.metrics.backlogs.refusal(poller.workspace) {
            sleep(refused.retry_after).await;
        }
        let turn = keep_pace(poller, self.turn(poller).await, None).await;
        let turn = turn.expect("it waits for as long as it takes");
        let round = self.round(poller, turn, None).await?;
        Ok(!matches!(round.end, End::Conflict))
    }

    /// How many calls a poller's rate allows now; `None`: it is at work, and has the pace.
    pub(crate) fn left(&self, place: (WorkspaceId, ResourceId), limit: RateLimit) -> Option<u32> {
        let Some(turn) = lock(&self.0.turns).get(&place).map(Arc::clone) else { return Some(limit.burst) };
        let pace = turn.try_lock().ok()?;
        Some(pace.left(limit, self.0.parts.capture.ports().clock.now()))
    }

    /// Waits for the poller's turn.
    async fn turn(&self, poller: &Poller) -> Turn {
        let turn = Arc::clone(lock(&self.0.turns).entry(poller.place()).or_default());
        turn.lock_owned().await
    }

    /// Asks until there is no more, or until the pace allows no further call before `until`: then the poller itself
    /// goes on. The first call is allowed already.
    async fn round(
        &self,
        poller: &Poller,
        mut turn: Turn,
        until: Option<Instant>,
    ) -> Result<Round, tenon_capture::Error> {
        let of_workspace = Arc::clone(
            lock(&self.0.workspaces)
                .entry(poller.workspace)
                .or_insert_with(|| Arc::new(Semaphore::new(MAX_OF_WORKSPACE))),
        );
        let counts = self.0.counts.polls().find(poller.place());
        let mut round = Round { fired: Fired::default(), end: End::Done };
        for number in 1..=MAX_PAGES {
            if number > 1 {
                // What came so far is durable, with its cursor: whoever has the turn meanwhile goes on from there.
                match keep_pace(poller, turn, until).await {
                    Ok(again) => turn = again,
                    Err(_) => break,
                }
            }
            let _of_workspace = of_workspace.acquire().await.expect("nobody closes it");
            let _of_all = self.0.all.acquire().await.expect("nobody closes it");
            let polled = Box::pin(poller.poll(number)).await?;
            count(&counts.counts, &polled, self.0.parts.capture.ports().clock.now());
            match polled {
                Polled::Captured { fired, has_more } => {
                    round.fired.absorb(fired);
                    if has_more {
                        continue;
                    }
                }
                Polled::Failed(reason) => round.end = End::Failed(reason),
                Polled::Conflict => round.end = End::Conflict,
            }
            break;
        }
        Ok(round)
    }
}

/// Takes one call from the pace; nothing if that is possible only after `until`: then it says how long it takes. Who
/// waits for the pace leaves the turn to others meanwhile, who then see at once that there is no call left.
async fn keep_pace(poller: &Poller, mut turn: Turn, until: Option<Instant>) -> Result<Turn, Duration> {
    while let Err(left) = poller.take_call(&mut turn) {
        if until.is_some_and(|until| left > until.saturating_duration_since(Instant::now())) {
            return Err(left);
        }
        // Held on to, so that the pace is not forgotten meanwhile.
        let place = Arc::clone(OwnedMutexGuard::mutex(&turn));
        drop(turn);
        sleep(left.min(LONGEST_SLEEP)).await;
        turn = place.lock_owned().await;
    }
    Ok(turn)
}

fn count(counts: &PollCounts, polled: &Polled, now: Timestamp) {
    match polled {
        Polled::Captured { fired, .. } => {
            counts.captured.increment();
            counts.events.add(fired.events);
            counts.repeats.add(fired.repeats);
            counts.brought(now);
        }
        Polled::Failed(_) => counts.failed.increment(),
        Polled::Conflict => counts.conflicts.increment(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder of this lock panics")
}
