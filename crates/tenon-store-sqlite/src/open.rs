//! Opening: lock, look for damage, migrate, unwrap keys, start the writer. Every refusal is one line that says
//! what to do.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, ErrorCode};
use tenon_vault::MasterKey;

use crate::connection::Opener;
use crate::disk::Disk;
use crate::keys;
use crate::lock::{Lock, Refused};
use crate::options::Options;
use crate::readers::Readers;
use crate::schema::{Migrated, migrate};
use crate::wal_check;
use crate::writer::{Queue, Shared, Thread, Writer};

const DATABASE: &str = "tenon.db";
const LOCK: &str = "tenon.lock";
/// Older versions can corrupt a log (<https://www.sqlite.org/wal.html#walreset>).
const OLDEST_SQLITE: i32 = 3_051_003;
/// Databases up to this size are read in full at start; larger ones only at their edges.
const CHECK_BYTES: u64 = 8 << 20;

/// Why the store did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the data directory.
    #[error("data directory {directory} is in use by {}: stop it, or name another directory with --data", holder(*.pid))]
    Locked {
        /// Which directory.
        directory: PathBuf,
        /// The process that has it, as far as it is known.
        pid: Option<u32>,
    },
    /// The directory cannot be used.
    #[error(
        "cannot use data directory {directory}: {source}; make it writable for this user, or name another one with --data"
    )]
    Directory {
        /// Which directory.
        directory: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database is damaged.
    #[error(
        "database {path} is damaged ({what}): restore a backup, or copy what can be read with `sqlite3 {path} .recover`"
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// Another master key.
    #[error(
        "database {path} cannot be opened with master key {given}{}: give the right one (--master-key-file)",
        say_needed(needed.as_deref())
    )]
    WrongMasterKey {
        /// Which file.
        path: PathBuf,
        /// The name of the key that was given.
        given: String,
        /// Which one is needed, as far as it is known.
        needed: Option<Box<MasterKey>>,
    },
    /// The vault failed otherwise.
    #[error("cannot unwrap the keys of database {path}: {source}")]
    Vault {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: tenon_vault::Error,
    },
    /// A newer program wrote the data.
    #[error(
        "database {path} has schema version {found}, this program knows {known}: start the newer program"
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest known here.
        known: u32,
    },
    /// No room to start.
    #[error("the disk that holds {path} is full: make room and start again")]
    Full {
        /// Which file.
        path: PathBuf,
    },
    /// The SQLite in this program is too old.
    #[error("this program was built with SQLite {0}, which can lose data: build it with 3.51.3 or newer")]
    OldSqlite(&'static str),
    /// SQLite failed otherwise.
    #[error("cannot open database {path}: {source}")]
    Sqlite {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
}

/// Whether a data directory holds encrypted data, for which no new master key may be made.
pub fn has_data(directory: &Path) -> bool {
    directory.join(DATABASE).exists()
}

/// The parts of an open store.
pub(crate) struct Opened {
    pub(crate) queue: Queue,
    pub(crate) thread: Thread,
    pub(crate) readers: Readers,
    pub(crate) shared: Shared,
}

/// Opens a data directory, or makes it.
pub(crate) fn open(options: &Options) -> Result<Opened, OpenError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(OpenError::OldSqlite(rusqlite::version()));
    }
    let directory = |source| OpenError::Directory { directory: options.directory.clone(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(&options.directory).map_err(directory)?;
    let lock = lock(&options.directory)?;
    let path = options.directory.join(DATABASE);
    look_at_log(&path)?;
    let disk = Disk::new(options);
    let opener = Opener { path: path.clone(), vfs: options.vfs.clone() };
    let sort = |error| sort(&path, error);
    let connection = opener.writer().map_err(sort)?;
    look_at_database(&path, &connection)?;
    if let Migrated::Newer { found, known } = migrate(&connection).map_err(sort)? {
        return Err(OpenError::Newer { path, found, known });
    }
    sync_directory(&options.directory).map_err(directory)?;
    let shared = Shared::new(Arc::clone(&options.vault));
    keys::load(&path, &connection, &*options.vault, &shared.workspaces)?;
    let writer = Writer::new(connection, disk, shared.clone(), options.hooks.clone()).map_err(sort)?;
    let (queue, thread) = writer.start(lock).map_err(directory)?;
    Ok(Opened { queue, thread, readers: Readers::new(opener, options.readers), shared })
}

fn lock(directory: &Path) -> Result<Lock, OpenError> {
    Lock::take(&directory.join(LOCK)).map_err(|refused| match refused {
        Refused::Held(pid) => OpenError::Locked { directory: directory.to_owned(), pid },
        Refused::Io(source) => OpenError::Directory { directory: directory.to_owned(), source },
    })
}

/// The names of new files are durable only once their directory is.
fn sync_directory(directory: &Path) -> io::Result<()> {
    fs::File::open(directory)?.sync_all()
}

fn look_at_log(path: &Path) -> Result<(), OpenError> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let found = wal_check::damage(Path::new(&log));
    let found = found.map_err(|source| OpenError::Directory { directory: PathBuf::from(log), source })?;
    found.map_or(Ok(()), |what| Err(OpenError::Damaged { path: path.to_owned(), what }))
}

/// All of a small database, the edges of a large one: reading gigabytes would delay every start.
fn look_at_database(path: &Path, connection: &Connection) -> Result<(), OpenError> {
    let sort = |error| sort(path, error);
    let bytes = fs::metadata(path).map_or(0, |metadata| metadata.len());
    if bytes <= CHECK_BYTES {
        let found: String =
            connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(sort)?;
        if found != "ok" {
            return Err(OpenError::Damaged { path: path.to_owned(), what: found.replace('\n', " ") });
        }
        return Ok(());
    }
    let tables: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
        .map_err(sort)?;
    for table in tables {
        for order in ["ASC", "DESC"] {
            let edge = format!("SELECT * FROM \"{table}\" ORDER BY 1 {order} LIMIT 1");
            connection.query_row(&edge, [], |_| Ok(())).or_else(none_is_fine).map_err(sort)?;
        }
    }
    Ok(())
}

fn none_is_fine(error: rusqlite::Error) -> rusqlite::Result<()> {
    if matches!(error, rusqlite::Error::QueryReturnedNoRows) { Ok(()) } else { Err(error) }
}

pub(crate) fn sort(path: &Path, error: rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            OpenError::Damaged { path, what: error.to_string() }
        }
        Some(ErrorCode::DiskFull) => OpenError::Full { path },
        _ => OpenError::Sqlite { path, source: error },
    }
}

fn say_needed(key: Option<&MasterKey>) -> String {
    let Some(key) = key else { return String::new() };
    let file = key.file.as_ref().map(|file| format!(", which was put into {file}"));
    format!(", it needs {}{}", key.id, file.unwrap_or_default())
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}
