//! When the log is copied into the database file.
//!
//! After a commit SQLite tells how many pages the log has. Small checkpoints while nobody waits; under load one
//! every 16 MiB; if readers keep the log from starting over for long, they are waited for, briefly.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rusqlite::{Connection, wal};

/// Pages (of 4 KiB) in the log that are worth a checkpoint when nobody waits.
const IDLE_PAGES: u32 = 512;
/// Pages that are moved also when somebody waits.
const BUSY_PAGES: u32 = 4096;
/// Pages from which on the log must start over.
const MOST_PAGES: u32 = 32768;
const PATIENCE: Duration = Duration::from_millis(50);

/// Watches the log's size.
pub(crate) struct Checkpoints {
    pages: Arc<AtomicU32>,
    done: u32,
}

// === impl Checkpoints ===

impl Checkpoints {
    /// From the next commit on.
    pub(crate) fn watch(connection: &mut Connection) -> rusqlite::Result<Self> {
        let pages = Arc::new(AtomicU32::new(0));
        let told = Arc::clone(&pages);
        connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, count: std::ffi::c_int| {
            told.store(u32::try_from(count).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { pages, done: 0 })
    }

    /// A checkpoint, if one is due.
    pub(crate) fn run(&mut self, connection: &Connection, idle: bool) -> rusqlite::Result<()> {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.done {
            // The log started over.
            self.done = 0;
        }
        let threshold = if idle { IDLE_PAGES } else { BUSY_PAGES };
        if pages - self.done < threshold {
            return Ok(());
        }
        self.done = pages;
        checkpoint(connection, wal::CheckpointMode::PASSIVE)?;
        if pages >= MOST_PAGES {
            let normal = Duration::from_secs(10);
            connection.busy_timeout(PATIENCE)?;
            let restarted = checkpoint(connection, wal::CheckpointMode::RESTART);
            connection.busy_timeout(normal)?;
            restarted?;
        }
        Ok(())
    }

    /// At start and before closing: the log is emptied.
    pub(crate) fn empty(connection: &Connection) {
        if let Err(error) = checkpoint(connection, wal::CheckpointMode::TRUNCATE) {
            tracing::warn!("cannot empty the log, a later checkpoint makes up for it: {error}");
        }
    }
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
