//! When the log is copied into the database file, and by whom.
//!
//! Copying takes a sync of the database file, milliseconds in which the writer could commit. So a thread of its
//! own does it, with its own connection; commits go on meanwhile. The log can start over only when nothing in it
//! is left to copy, which under load is never so when the thread is done: once the log is long and the rest
//! small, the writer copies the rest itself. If readers keep the log from starting over, they are waited for,
//! briefly.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, wal};

/// Pages (of 4 KiB) in the log that are worth a checkpoint.
const WORTH_PAGES: u32 = 512;
/// Pages from which on the log should start over.
const LONG_PAGES: u32 = 4096;
/// Pages from which on it must.
const MOST_PAGES: u32 = 32768;
const PATIENCE: Duration = Duration::from_millis(50);

/// Watches the log's size.
pub(crate) struct Checkpoints {
    /// In the log, as of the last commit.
    pages: Arc<AtomicU32>,
    /// Of them, those that the thread was told to copy.
    ordered: u32,
    /// Of them, those that were there when the writer copied the rest last, and the log did not start over.
    finished: u32,
    mover: Mover,
}

/// The thread that copies.
struct Mover {
    orders: Option<SyncSender<()>>,
    report: Arc<Mutex<Report>>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread does.
enum Report {
    Rests,
    Moves,
    /// It is done, or has failed.
    Moved(rusqlite::Result<()>),
}

// === impl Checkpoints ===

impl Checkpoints {
    /// From the next commit on. The second connection is the thread's.
    pub(crate) fn watch(connection: &mut Connection, mover: Connection) -> io::Result<Self> {
        let pages = Arc::new(AtomicU32::new(0));
        let told = Arc::clone(&pages);
        let hook = move |_: &mut rusqlite::hooks::Wal, count: std::ffi::c_int| {
            told.store(u32::try_from(count).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        };
        connection.wal_hook(Some(hook)).map_err(io::Error::other)?;
        Ok(Self { pages, ordered: 0, finished: 0, mover: Mover::start(mover)? })
    }

    /// After a commit: a checkpoint, if one is due. An error may be one of the thread's.
    pub(crate) fn run(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.ordered {
            // The log has started over.
            (self.ordered, self.finished) = (0, 0);
        }
        let has_moved = match self.mover.report() {
            Report::Moves => return Ok(()),
            Report::Moved(moved) => moved.map(|()| true)?,
            Report::Rests => false,
        };
        if has_moved && pages - self.finished >= LONG_PAGES {
            (self.ordered, self.finished) = (pages, pages);
            checkpoint(connection, wal::CheckpointMode::PASSIVE)?;
            if pages >= MOST_PAGES {
                restart(connection)?;
            }
        } else if pages - self.ordered >= WORTH_PAGES {
            self.ordered = pages;
            self.mover.order();
        }
        Ok(())
    }

    /// The thread ends.
    pub(crate) fn end(self) {
        drop(self.mover);
    }

    /// At start, and before closing: the log is emptied.
    pub(crate) fn empty(connection: &Connection) {
        if let Err(error) = checkpoint(connection, wal::CheckpointMode::TRUNCATE) {
            tracing::warn!("cannot empty the log, a later checkpoint makes up for it: {error}");
        }
    }
}

// === impl Mover ===

impl Mover {
    fn start(connection: Connection) -> io::Result<Self> {
        let (orders, taken) = sync_channel(1);
        let report = Arc::new(Mutex::new(Report::Rests));
        let told = Arc::clone(&report);
        let thread = std::thread::Builder::new()
            .name("tenon-mover".to_owned())
            .spawn(move || move_pages(&connection, &taken, &told))?;
        Ok(Self { orders: Some(orders), report, thread: Some(thread) })
    }

    /// What came of the last order; it is told once.
    fn report(&self) -> Report {
        let mut report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
        match *report {
            Report::Moves => Report::Moves,
            _ => std::mem::replace(&mut report, Report::Rests),
        }
    }

    fn order(&self) {
        *self.report.lock().unwrap_or_else(PoisonError::into_inner) = Report::Moves;
        if let Some(orders) = &self.orders {
            // It rests, so there is room; if it has panicked, the log grows until the writer copies all of it.
            let _ = orders.try_send(());
        }
    }
}

impl Drop for Mover {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A panic was reported by the thread itself.
            let _ = thread.join();
        }
    }
}

fn move_pages(connection: &Connection, orders: &Receiver<()>, report: &Mutex<Report>) {
    while orders.recv().is_ok() {
        let moved = checkpoint(connection, wal::CheckpointMode::PASSIVE);
        *report.lock().unwrap_or_else(PoisonError::into_inner) = Report::Moved(moved);
    }
}

/// Waits until nobody reads from the log, so that it starts over with the next commit.
fn restart(connection: &Connection) -> rusqlite::Result<()> {
    let normal = Duration::from_secs(10);
    connection.busy_timeout(PATIENCE)?;
    let restarted = checkpoint(connection, wal::CheckpointMode::RESTART);
    connection.busy_timeout(normal)?;
    restarted
}

/// Busy readers are no error: the next checkpoint goes on from there.
fn checkpoint(connection: &Connection, mode: wal::CheckpointMode) -> rusqlite::Result<()> {
    match connection.wal_checkpoint_v2(None::<&str>, mode) {
        Ok(_) => Ok(()),
        Err(rusqlite::Error::SqliteFailure(error, _)) if error.code == rusqlite::ErrorCode::DatabaseBusy => {
            Ok(())
        }
        Err(error) => Err(error),
    }
}
