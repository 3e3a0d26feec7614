//! What SQLite's errors mean here.

use rusqlite::ErrorCode;
use tenon_store::Error;

/// Why a command was not applied.
pub(crate) enum Failure {
    /// The command is refused and has written nothing; the rest of its batch is not touched.
    Refused(Error),
    /// SQLite failed; the whole batch is rolled back.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// What to do about an error of SQLite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// No room; may pass.
    Full,
    /// Nothing may be trusted any more.
    Fatal,
    /// This statement failed, the database is fine.
    Local,
}

/// Sorts an error.
pub(crate) fn meaning(error: &rusqlite::Error) -> Meaning {
    // Growing the shared-memory index of the log reports a full disk as this IO error.
    const SHARED_MEMORY_GROWTH: i32 = rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
    let rusqlite::Error::SqliteFailure(error, _) = error else { return Meaning::Local };
    match error.code {
        ErrorCode::DiskFull => Meaning::Full,
        ErrorCode::SystemIoFailure if error.extended_code == SHARED_MEMORY_GROWTH => Meaning::Full,
        ErrorCode::SystemIoFailure
        | ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::FileLockingProtocolFailed
        | ErrorCode::CannotOpen
        | ErrorCode::ReadOnly => Meaning::Fatal,
        _ => Meaning::Local,
    }
}

/// The port's error for an error of SQLite.
pub(crate) fn to_port(error: &rusqlite::Error) -> Error {
    match error {
        rusqlite::Error::SqliteFailure(inner, _)
            if matches!(inner.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) =>
        {
            Error::Damaged(error.to_string())
        }
        rusqlite::Error::SqliteFailure(inner, _) if inner.code == ErrorCode::ConstraintViolation => {
            Error::Conflict("an event or job of this id exists already".to_owned())
        }
        _ if meaning(error) == Meaning::Full => Error::Full,
        _ => Error::Internal(error.to_string()),
    }
}
