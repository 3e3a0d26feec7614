//! Reads: one module per thing that is read. Each function runs in a reader's transaction.

pub(crate) mod audit;
pub(crate) mod bisect;
pub(crate) mod candidates;
pub(crate) mod data_key;
pub(crate) mod disk_detail;
pub(crate) mod disk_parts;
pub(crate) mod disk_use;
pub(crate) mod event;
pub(crate) mod gathered;
pub(crate) mod job;
pub(crate) mod journal;
pub(crate) mod lane;
pub(crate) mod open_job;
pub(crate) mod resource;
pub(crate) mod scan;
pub(crate) mod trigger;
pub(crate) mod variable;

use tenon_store::Error;

use crate::failure::to_port;

/// Turns SQLite's errors into the port's.
pub(crate) trait OrPort<T> {
    /// The same, with the port's error.
    fn or_port(self) -> Result<T, Error>;
}

impl<T> OrPort<T> for rusqlite::Result<T> {
    fn or_port(self) -> Result<T, Error> {
        self.map_err(|error| to_port(&error))
    }
}
