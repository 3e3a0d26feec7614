//! The writer thread: it blocks for one command, applies it and what else has come by then, a workspace in turn after
//! the other and no more than a commit is worth, in one transaction, commits once, tells the feed, then answers.
//! Low latency when idle, group commit under load, no timers. Checkpoints run here, between batches, because
//! automatic ones stalled commits by 400 ms.

mod batch;
mod checkpoint;
pub(crate) mod effects;
mod intake;
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
use batch::Batch;
use checkpoint::Checkpoints;
use effects::Effects;
use intake::Intake;
use pace::Pace;
pub(crate) use queue::{Message, Queue, Share};
use state::State;
pub(crate) use turns::Whose;

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

    fn run(mut self, receiver: mpsc::UnboundedReceiver<Message>) {
        let mut intake = Intake::new(receiver);
        while intake.wait() {
            if !self.dead {
                let count = self.transact(&mut intake);
                let is_idle = count < pace::LEAST && intake.is_empty();
                self.checkpoint(is_idle);
            }
            if self.dead {
                // No more is let in; what was accepted is answered.
                intake.close();
                intake.receive();
                while let Some((command, _)) = intake.pop() {
                    command.answer();
                }
            }
        }
        if !self.dead {
            Checkpoints::empty(&self.connection);
        }
    }

    /// A transaction of what has come. Gives how many commands it had.
    fn transact(&mut self, intake: &mut Intake) -> usize {
        let now = pace::now();
        let mut batch = Batch::of_all(intake, self.pace.size(now), self.disk.is_low());
        if !batch.has_next() {
            return 0;
        }
        let attempted = self.attempt(&mut batch);
        if batch.has_company() {
            self.pace.seen_quiet(now);
        }
        let count = batch.given();
        let commands = batch.into_commands();
        match attempted {
            Ok(effects) => {
                self.publish(effects);
                answer(commands);
                #[cfg(feature = "mutant-ack-before-commit")]
                self.commit_late();
            }
            Err(error) => self.recover(commands, &error),
        }
        count
    }

    /// The defect of that name; see the manifest.
    #[cfg(feature = "mutant-ack-before-commit")]
    fn commit_late(&self) {
        self.connection.execute_batch("COMMIT").expect("a mutant is only for the crash run");
    }

    /// One transaction. On an error nothing of it is left, neither on disk nor in memory.
    fn attempt(&mut self, batch: &mut Batch<'_>) -> rusqlite::Result<Effects> {
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

    fn apply(&mut self, batch: &mut Batch<'_>) -> rusqlite::Result<Effects> {
        let started = pace::now();
        let mut effects = Effects::default();
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        while let Some(command) = batch.next() {
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
        if batch.is_usual() {
            self.pace.measured(batch.given(), applied - started, applied.elapsed());
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
        while let Some(command) = commands.next() {
            if kind == Meaning::Full && command.need() == Need::Room {
                refuse(command, Error::Full);
                continue;
            }
            let mut alone = Batch::of_one(command);
            let attempted = self.attempt(&mut alone);
            let command = alone.into_commands();
            match attempted {
                Ok(effects) => {
                    self.publish(effects);
                    answer(command);
                    #[cfg(feature = "mutant-ack-before-commit")]
                    self.commit_late();
                }
                Err(error) if meaning(&error) == Meaning::Fatal => {
                    return self.die(command.into_iter().chain(commands).collect(), &error);
                }
                Err(error) => fail(command, &to_port(&error)),
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
        if self.dead {
            return;
        }
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

fn answer(batch: Vec<Box<dyn AnyPending>>) {
    for command in batch {
        command.answer();
    }
}

fn fail(batch: Vec<Box<dyn AnyPending>>, error: &Error) {
    for command in batch {
        refuse(command, error.clone());
    }
}

fn refuse(mut command: Box<dyn AnyPending>, error: Error) {
    command.fail(error);
    command.answer();
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}
