//! Pollers: which there are, and whose turn it is.
//!
//! Each enabled poller has a task of its own, which sleeps until its next turn or until a webhook wakes it. Nothing of
//! a poller is in memory only but that it sleeps.

mod backoff;
mod order;
mod page;
mod poller;
mod state;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tenon_capture::trigger::POLL_KEY;
use tenon_capture::{Accepted, Wake};
use tenon_store::{Kind, Resource, ResourceId, RevisionId, WorkspaceId};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

pub use state::{CursorTooLarge, MAX_CURSOR_BYTES, PollState};

use crate::found::{Finder, Found};
use crate::{FireError, Options, Parts};
use poller::{MAX_PAGES, Polled, Poller};

/// Calls that are on their way at once, of all workspaces.
const MAX_AT_ONCE: usize = 128;
/// The same of one workspace, so that slow callees of one do not hold up another.
const MAX_OF_WORKSPACE: usize = 32;
/// The shortest time between two calls that a webhook asks for: what comes in between is one.
const WAKE_GAP: Duration = Duration::from_secs(1);
/// A sleep is no longer than this at a time: the clock may jump.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// After a failure of the store, and the most after several.
const STORE_PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// All pollers. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Pollers(Arc<Inner>);

struct Inner {
    parts: Parts,
    all: Arc<Semaphore>,
    workspaces: Mutex<HashMap<WorkspaceId, Arc<Semaphore>>>,
    /// One round of a poller at a time.
    turns: Mutex<Turns>,
}

type Turns = HashMap<(WorkspaceId, ResourceId), Arc<tokio::sync::Mutex<()>>>;

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
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner {
            parts,
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
            match finder.look(&self.0.parts.capture).await {
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

    /// Once, now, after what is on its way. Gives what is new.
    pub(crate) async fn fire(
        &self,
        workspace: WorkspaceId,
        resource: &Resource,
    ) -> Result<Vec<Accepted>, FireError> {
        let poller = Poller::new(&self.0.parts, workspace, resource).map_err(FireError::Failed)?;
        let poller = poller.ok_or(FireError::NotByTime)?;
        if !resource.enabled {
            return Err(FireError::Conflict);
        }
        let mut all = Vec::new();
        for polled in self.turn(&poller).await? {
            match polled {
                Polled::Captured { accepted, .. } => {
                    all.extend(accepted.into_iter().filter(|accepted| !accepted.duplicate));
                }
                Polled::Failed(reason) => return Err(FireError::Failed(reason)),
                Polled::Conflict => return Err(FireError::Conflict),
            }
        }
        Ok(all)
    }

    /// Makes the table what the workspace has.
    fn settle(&self, table: &mut Table, found: Found) {
        let Found { workspace, resources } = found;
        let is_there = |id: ResourceId| resources.iter().any(|resource| resource.revision.resource == id);
        table.retain(|(of, id), _| *of != workspace || is_there(*id));
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
                    let task = self.start(&poller);
                    table.insert(place, Running { revision: resource.revision.id, poller, task });
                }
                Ok(None) => {}
                Err(finding) => {
                    tracing::error!(trigger = resource.name, finding, "a deployed poller cannot be read");
                    table.remove(&place);
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
        let round = self.turn(poller).await?;
        Ok(!round.iter().any(|polled| matches!(polled, Polled::Conflict)))
    }

    /// Asks until there is no more.
    async fn turn(&self, poller: &Poller) -> Result<Vec<Polled>, tenon_capture::Error> {
        let turn = Arc::clone(lock(&self.0.turns).entry((poller.workspace, poller.resource)).or_default());
        let _turn = turn.lock().await;
        let of_workspace = Arc::clone(
            lock(&self.0.workspaces)
                .entry(poller.workspace)
                .or_insert_with(|| Arc::new(Semaphore::new(MAX_OF_WORKSPACE))),
        );
        let mut round = Vec::new();
        for number in 1..=MAX_PAGES {
            poller.wait_for_pace().await;
            let _of_workspace = of_workspace.acquire().await.expect("nobody closes it");
            let _of_all = self.0.all.acquire().await.expect("nobody closes it");
            let polled = Box::pin(poller.poll(number)).await?;
            let has_more = matches!(polled, Polled::Captured { has_more: true, .. });
            round.push(polled);
            if !has_more {
                break;
            }
        }
        Ok(round)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder of this lock panics")
}
