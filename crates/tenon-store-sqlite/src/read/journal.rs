//! A job's journal.

use bytes::Bytes;
use rusqlite::Connection;
use tenon_store::{Entry, Error, JobId, WorkspaceId};
use tenon_vault::Sealer;

use super::OrPort as _;
use crate::body;
use crate::codec::Columns as _;

const OF_WORKSPACE: &str = "SELECT 1 FROM job WHERE id = ?1 AND workspace = ?2";
const ENTRIES: &str = "SELECT sequence, effect, attempt, arguments, started_at, at, outcome
    FROM journal WHERE job = ?1 ORDER BY sequence";

/// See `Store::journal`.
pub(crate) fn journal(
    connection: &Connection,
    sealer: &Sealer,
    workspace: WorkspaceId,
    job: JobId,
) -> Result<Vec<Entry>, Error> {
    let known = connection
        .prepare_cached(OF_WORKSPACE)
        .and_then(|mut s| s.exists((job.0 as i64, workspace.0)))
        .or_port()?;
    if !known {
        return Err(Error::NotFound("job"));
    }
    let mut statement = connection.prepare_cached(ENTRIES).or_port()?;
    let mut rows = statement.query([job.0 as i64]).or_port()?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next().or_port()? {
        let sequence: u32 = row.get(0).or_port()?;
        let column =
            row.get_ref(6).or_port()?.as_blob().map_err(|error| Error::Damaged(error.to_string()))?;
        let place = body::outcome_place(workspace.0, job.0, sequence);
        entries.push(Entry {
            sequence,
            effect: row.get(1).or_port()?,
            attempt: row.get(2).or_port()?,
            arguments: row.get::<_, i64>(3).or_port()? as u64,
            started_at: row.time(4).or_port()?,
            at: row.time(5).or_port()?,
            outcome: Bytes::from(body::open(connection, sealer, place, column)?),
        });
    }
    Ok(entries)
}
