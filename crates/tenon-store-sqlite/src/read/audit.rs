//! Audit records for readers.

use rusqlite::Connection;
use tenon_store::{AuditRecord, Error, Page, WorkspaceId};

use super::OrPort as _;
use crate::codec::Columns as _;

const LIST: &str = "SELECT id, workspace, actor, action, subject, at FROM audit INDEXED BY audit_list
    WHERE workspace = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";
const MOST: u32 = 1000;

/// See `Store::audit_records`.
pub(crate) fn records(
    connection: &Connection,
    workspace: WorkspaceId,
    cursor: Option<u64>,
    limit: u32,
) -> Result<Page<AuditRecord>, Error> {
    let limit = limit.clamp(1, MOST);
    let before = cursor.map_or(i64::MAX, |cursor| i64::try_from(cursor).unwrap_or(i64::MAX));
    let mut statement = connection.prepare_cached(LIST).or_port()?;
    let rows = statement.query_map((workspace.0, before, limit + 1), |row| {
        let record = AuditRecord {
            workspace: WorkspaceId(row.get(1)?),
            actor: row.get(2)?,
            action: row.get(3)?,
            subject: row.get(4)?,
            at: row.time(5)?,
        };
        Ok((row.get::<_, i64>(0)?, record))
    });
    let mut found: Vec<(i64, AuditRecord)> =
        rows.and_then(|rows| rows.collect::<rusqlite::Result<_>>()).or_port()?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|(id, _)| *id as u64);
    Ok(Page { items: found.into_iter().map(|(_, record)| record).collect(), next })
}
