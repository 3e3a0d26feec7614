//! The writer thread: it blocks for one command, takes what else is queued, a workspace in turn after the other
//! and no more than a commit is worth, applies it in one transaction, commits once, tells the feed, then answers.
//! Low latency when idle, group commit under load, no timers. Checkpoints run here, between batches, because
//! automatic ones stalled commits by 400 ms.

mod checkpoint;
pub(crate) mod effects;
mod pace;
mod queue;
pub(crate) mod state;
mod turns;
pub(crate) mod waiters;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tenon_store::{Error, Feed};
use tenon_vault::Vault;
use tokio::sync::{mpsc, watch};

use crate::command::{AnyPending, Context, Need};
use crate::disk::Disk;
use crate::failure::{Meaning, meaning, to_port};
use crate::lock::Lock;
use crate::options::Hooks;
use crate::workspaces::Workspaces;
use checkpoint::Checkpoints;
use effects::Effects;
use pace::Pace;
pub(crate) use queue::{Message, Queue, Share};
use state::State;
use turns::Turns;
pub(crate) use turns::Whose;

/// Bytes of one transaction, about, at most; a single command may be larger.
const BATCH_BYTES: usize = 4 << 20;

/// What the writer and the callers share.
#[derive(Clone)]
pub(crate) struct Shared {
    /// Sealers and generations.
    pub(crate) workspaces: Arc<Workspaces>,
    vault: Arc<RwLock<Arc<dyn Vault>>>,
    /// Who hears of new jobs.
    pub(crate) feed: Arc<RwLock<Option<Feed>>>,
}

impl Shared {
    /// Before anything is known but the holder of the master key.
    pub(crate) fn new(vault: Arc<dyn Vault>) -> Self {
        Self { workspaces: Arc::default(), vault: Arc::new(RwLock::new(vault)), feed: Arc::default() }
    }

    /// Holder of the master key, as of the last commit.
    pub(crate) fn vault(&self) -> Arc<dyn Vault> {
        Arc::clone(&self.vault.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The running thread. Dropped after the queue, it waits until what was accepted is written.
pub(crate) struct Thread {
    /// Turns true when the thread has ended and the lock is given back.
    pub(crate) ended: watch::Receiver<bool>,
    handle: Option<JoinHandle<()>>,
}

impl Drop for Thread {
    fn drop(&mut self) {
        let Some(handle) = self.handle.take() else { return };
        // The feed runs on the writer's thread and may own the last handle to the store.
        if handle.thread().id() != std::thread::current().id() {
            // A panic was reported by the thread itself.
            let _ = handle.join();
        }
    }
}

/// Everything that the thread owns.
pub(crate) struct Writer {
    connection: Connection,
    state: State,
    disk: Disk,
    checkpoints: Checkpoints,
    pace: Pace,
    shared: Shared,
    hooks: Hooks,
    page_limit: Option<u32>,
    dead: bool,
}

// === impl Writer ===

impl Writer {
    /// Takes over an opened and migrated database.
    pub(crate) fn new(
        mut connection: Connection,
        disk: Disk,
        shared: Shared,
        hooks: Hooks,
    ) -> rusqlite::Result<Self> {
        let state = State::load(&connection)?;
        let checkpoints = Checkpoints::watch(&mut connection)?;
        // What a crash left in the log goes to the database now; `wal_check` relies on it.
        Checkpoints::empty(&connection);
        let pace = Pace::new();
        Ok(Self { connection, state, disk, checkpoints, pace, shared, hooks, page_limit: None, dead: false })
    }

    /// Starts the thread; the lock is held until it ends.
    pub(crate) fn start(self, lock: Lock) -> std::io::Result<(Queue, Thread)> {
        let (queue, receiver) = queue::channel();
        let (ended, has_ended) = watch::channel(false);
        let hooks = self.hooks.clone();
        let thread = std::thread::Builder::new().name("tenon-writer".to_owned()).spawn(move || {
            let run = catch_unwind(AssertUnwindSafe(|| self.run(receiver)));
            drop(lock);
            if let Err(panic) = run {
                (hooks.fatal)(&format!("the store's writer panicked: {}", panic_text(&*panic)));
            }
            ended.send_replace(true);
        })?;
        Ok((queue, Thread { ended: has_ended, handle: Some(thread) }))
    }

    fn run(mut self, mut receiver: mpsc::UnboundedReceiver<Message>) {
        let mut turns = Turns::new();
        while receive(&mut receiver, &mut turns) {
            let batch = self.take(&mut turns);
            self.run_batch(batch);
            if self.dead {
                // No more is let in; what was accepted is answered by the loop.
                receiver.close();
            } else {
                let idle = turns.is_empty() && receiver.is_empty();
                self.checkpoint(idle);
            }
        }
        if !self.dead {
            Checkpoints::empty(&self.connection);
        }
    }

    /// What goes into the next transaction.
    fn take(&mut self, turns: &mut Turns) -> Vec<Box<dyn AnyPending>> {
        let now = pace::now();
        let mut most = self.pace.most(now);
        let mut has_last = false;
        let mut batch = Vec::new();
        let mut bytes = 0;
        while batch.len() < most
            && bytes < BATCH_BYTES
            && let Some((command, is_last)) = turns.pop()
        {
            bytes += command.size();
            batch.push(command);
            if is_last {
                // Its workspace has no more, and waits for the others' only.
                most = self.pace.short();
                has_last = true;
            }
        }
        if has_last && !turns.is_empty() {
            self.pace.seen_quiet(now);
        }
        batch
    }

    fn run_batch(&mut self, batch: Vec<Box<dyn AnyPending>>) {
        if batch.is_empty() {
            return;
        }
        if self.dead {
            return answer(batch);
        }
        let mut batch = batch;
        if self.disk.is_low() {
            let (refused, rest) = batch.into_iter().partition(|command| command.need() == Need::Room);
            fail(refused, &Error::Full);
            batch = rest;
        }
        match self.attempt(&mut batch) {
            Ok(effects) => {
                self.publish(effects);
                answer(batch);
                #[cfg(feature = "mutant-ack-before-commit")]
                self.commit_late();
            }
            Err(error) => self.recover(batch, &error),
        }
    }

    /// The defect of that name; see the manifest.
    #[cfg(feature = "mutant-ack-before-commit")]
    fn commit_late(&self) {
        self.connection.execute_batch("COMMIT").expect("a mutant is only for the crash run");
    }

    /// One transaction. On an error nothing of it is left, neither on disk nor in memory.
    fn attempt(&mut self, batch: &mut [Box<dyn AnyPending>]) -> rusqlite::Result<Effects> {
        self.limit_pages();
        let applied = self.apply(batch);
        if applied.is_err() {
            if !self.connection.is_autocommit() {
                self.connection.execute_batch("ROLLBACK")?;
            }
            self.state.revert(&self.connection)?;
        }
        applied
    }

    fn apply(&mut self, batch: &mut [Box<dyn AnyPending>]) -> rusqlite::Result<Effects> {
        let (count, started) = (batch.len(), pace::now());
        // One of the node's own may take as long as a hundred others.
        let is_usual = batch.iter().all(|command| command.workspace().is_some());
        let mut effects = Effects::default();
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for command in batch {
            command.apply(&mut Context {
                connection: &self.connection,
                state: &mut self.state,
                effects: &mut effects,
            })?;
        }
        effects.write_expiries(&self.connection, &mut self.state)?;
        self.state.save(&self.connection)?;
        let applied = pace::now();
        #[cfg(not(feature = "mutant-ack-before-commit"))]
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        if is_usual {
            self.pace.measured(count, applied - started, applied.elapsed());
        }
        self.state.waiters.settle();
        Ok(effects)
    }

    /// A batch that failed is tried command by command, so that one cannot fail the others.
    fn recover(&mut self, batch: Vec<Box<dyn AnyPending>>, error: &rusqlite::Error) {
        let kind = meaning(error);
        match kind {
            Meaning::Fatal => return self.die(batch, error),
            Meaning::Full => self.disk.fill_up(),
            Meaning::Local => {}
        }
        let mut commands = batch.into_iter();
        while let Some(mut command) = commands.next() {
            if kind == Meaning::Full && command.need() == Need::Room {
                fail(vec![command], &Error::Full);
                continue;
            }
            match self.attempt(std::slice::from_mut(&mut command)) {
                Ok(effects) => {
                    self.publish(effects);
                    command.answer();
                    #[cfg(feature = "mutant-ack-before-commit")]
                    self.commit_late();
                }
                Err(error) if meaning(&error) == Meaning::Fatal => {
                    let rest = std::iter::once(command).chain(commands).collect();
                    return self.die(rest, &error);
                }
                Err(error) => fail(vec![command], &to_port(&error)),
            }
        }
    }

    /// After the commit, before the answers.
    fn publish(&self, effects: Effects) {
        self.publish_keys(&effects);
        for (id, name, workspace) in effects.created {
            self.shared.workspaces.publish(id, name, workspace);
        }
        for id in effects.raised {
            if let Ok(generation) = self.state.generation(id) {
                self.shared.workspaces.advance(id, generation);
            }
        }
        for (id, settings) in effects.settings {
            self.shared.workspaces.set(id, settings);
        }
        if effects.fed.is_empty() {
            return;
        }
        if let Some(feed) = &*self.shared.feed.read().unwrap_or_else(PoisonError::into_inner) {
            feed(effects.fed);
        }
    }

    fn publish_keys(&self, effects: &Effects) {
        for (id, sealer) in &effects.sealers {
            self.shared.workspaces.renew(*id, Arc::clone(sealer));
        }
        for (id, generation) in &effects.variables {
            self.shared.workspaces.advance_variables(*id, *generation);
        }
        if let Some(vault) = &effects.vault {
            *self.shared.vault.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(vault);
        }
    }

    fn checkpoint(&mut self, idle: bool) {
        let Err(error) = self.checkpoints.run(&self.connection, idle) else { return };
        match meaning(&error) {
            // The log keeps what could not be moved.
            Meaning::Full => self.disk.fill_up(),
            Meaning::Fatal => self.die(Vec::new(), &error),
            Meaning::Local => tracing::warn!("checkpoint failed: {error}"),
        }
    }

    /// Stops for good. What a failed fsync or a damaged page leaves is unknown, so nothing is tried again.
    fn die(&mut self, batch: Vec<Box<dyn AnyPending>>, error: &rusqlite::Error) {
        self.dead = true;
        let path = self.connection.path().unwrap_or_default();
        (self.hooks.fatal)(&format!("the database {path} cannot be written: {error}"));
        fail(batch, &Error::Closed);
    }

    fn limit_pages(&mut self) {
        let limit = (self.hooks.max_pages)();
        if limit == self.page_limit {
            return;
        }
        let pages = limit.unwrap_or(u32::MAX - 1);
        match self.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())) {
            Ok(()) => self.page_limit = limit,
            Err(error) => tracing::warn!("max_page_count: {error}"),
        }
    }
}

/// Waits for something to do, and takes all that is there; `false` at the end, when everything accepted was taken.
fn receive(receiver: &mut mpsc::UnboundedReceiver<Message>, turns: &mut Turns) -> bool {
    if turns.is_empty() {
        match receiver.blocking_recv() {
            Some(Message::Command(whose, command)) => turns.push(whose, command),
            Some(Message::Close) => receiver.close(),
            None => return false,
        }
    }
    while let Ok(message) = receiver.try_recv() {
        match message {
            Message::Command(whose, command) => turns.push(whose, command),
            Message::Close => receiver.close(),
        }
    }
    true
}

fn answer(batch: Vec<Box<dyn AnyPending>>) {
    for command in batch {
        command.answer();
    }
}

fn fail(batch: Vec<Box<dyn AnyPending>>, error: &Error) {
    for mut command in batch {
        command.fail(error.clone());
        command.answer();
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}
