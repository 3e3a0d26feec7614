//! What the disk holds.

use std::path::Path;

use rusqlite::Connection;
use tenon_store::{DiskUse, Error};

use super::OrPort as _;
use crate::options::Hooks;
use crate::writer::state::Counters;

/// See `Store::disk_use`.
pub(crate) fn disk_use(connection: &Connection, hooks: &Hooks, directory: &Path) -> Result<DiskUse, Error> {
    let counters = Counters::load(connection).or_port()?;
    let bytes = ["tenon.db", "tenon.db-wal"]
        .iter()
        .filter_map(|name| std::fs::metadata(directory.join(name)).ok())
        .map(|metadata| metadata.len())
        .sum();
    let free = (hooks.free_space)(directory).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(DiskUse {
        bytes,
        free,
        events: counters.events as u64,
        open_jobs: counters.open_jobs as u64,
        jobs: counters.jobs as u64,
    })
}
