//! A small pool of connections for reading. Each read is one short transaction on a blocking thread; the pool
//! bounds how many run, and so how long the log can be held back.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tenon_store::Error;
use tokio::sync::Semaphore;

use crate::connection::Opener;
use crate::failure::to_port;

/// A connection is replaced after so many reads, which gives back what it cached.
const READS: u32 = 100_000;

struct Reader {
    connection: Connection,
    reads: u32,
}

/// The pool.
pub(crate) struct Readers {
    opener: Opener,
    idle: Arc<Mutex<Vec<Reader>>>,
    free: Arc<Semaphore>,
    count: u32,
}

// === impl Readers ===

impl Readers {
    /// Opens nothing yet.
    pub(crate) fn new(opener: Opener, count: usize) -> Self {
        let count = u32::try_from(count).unwrap_or(u32::MAX).clamp(1, 64);
        let free = Arc::new(Semaphore::new(count as usize));
        Self { opener, idle: Arc::default(), free, count }
    }

    /// Runs a read in a transaction of its own.
    pub(crate) async fn read<T, F>(&self, read: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    {
        let permit = Arc::clone(&self.free).acquire_owned().await.map_err(|_| Error::Closed)?;
        let idle = Arc::clone(&self.idle);
        let opener = self.opener.clone();
        let task = tokio::task::spawn_blocking(move || {
            let known = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut reader = match known {
                Some(reader) => reader,
                None => Reader { connection: opener.reader().map_err(|error| to_port(&error))?, reads: 0 },
            };
            let outcome = within_transaction(&reader.connection, read);
            reader.reads += 1;
            if reader.reads < READS && reader.connection.is_autocommit() {
                idle.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
            }
            drop(permit);
            outcome
        });
        task.await.map_err(|error| Error::Internal(format!("a read failed: {error}")))?
    }

    /// Lets running reads finish, lets no other in, and closes the connections.
    pub(crate) async fn close(&self) {
        if let Ok(all) = self.free.acquire_many(self.count).await {
            self.free.close();
            drop(all);
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn within_transaction<T>(
    connection: &Connection,
    read: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    let run = |sql: &str| {
        connection.prepare_cached(sql).and_then(|mut s| s.execute([])).map_err(|error| to_port(&error))
    };
    run("BEGIN")?;
    let outcome = read(connection);
    run("COMMIT")?;
    outcome
}
