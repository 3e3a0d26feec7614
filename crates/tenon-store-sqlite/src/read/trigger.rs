//! What triggers remember, for readers.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _};
use tenon_store::{Error, Page, ResourceId, TriggerNote, TriggerState, WorkspaceId};
use tenon_vault::{Place, Sealer};

use super::OrPort as _;
use crate::codec::Columns as _;
use crate::trigger::{kind, note_place, state_place};

const STATE: &str = "SELECT version, at, value FROM trigger_state WHERE resource = ?1 AND workspace = ?2";
const NOTES: &str = "SELECT number, at, kind, detail FROM trigger_note
    WHERE resource = ?1 AND number < ?3 AND workspace = ?2 ORDER BY number DESC LIMIT ?4";
const MOST: u32 = 1000;

/// See `Store::trigger_state`.
pub(crate) fn state(
    connection: &Connection,
    sealer: &Sealer,
    workspace: WorkspaceId,
    resource: ResourceId,
) -> Result<Option<TriggerState>, Error> {
    let found = connection
        .prepare_cached(STATE)
        .and_then(|mut statement| {
            statement
                .query_row((resource.0, workspace.0), |row| {
                    Ok((row.get::<_, i64>(0)? as u64, row.time(1)?, row.get::<_, Vec<u8>>(2)?))
                })
                .optional()
        })
        .or_port()?;
    let Some((version, at, sealed)) = found else { return Ok(None) };
    let value = open(sealer, state_place(workspace, resource, version), &sealed)?;
    Ok(Some(TriggerState { version, value, at }))
}

/// Which page of whose notes.
pub(crate) struct Request {
    /// Where.
    pub(crate) workspace: WorkspaceId,
    /// Whose.
    pub(crate) resource: ResourceId,
    /// After which.
    pub(crate) cursor: Option<u64>,
    /// How many.
    pub(crate) limit: u32,
}

/// See `Store::trigger_notes`.
pub(crate) fn notes(
    connection: &Connection,
    sealer: &Sealer,
    request: &Request,
) -> Result<Page<TriggerNote>, Error> {
    let Request { workspace, resource, cursor, limit } = *request;
    let limit = limit.clamp(1, MOST);
    let before = cursor.map_or(i64::MAX, |cursor| i64::try_from(cursor).unwrap_or(i64::MAX));
    let mut statement = connection.prepare_cached(NOTES).or_port()?;
    let mut rows = statement.query((resource.0, workspace.0, before, limit + 1)).or_port()?;
    let mut items = Vec::new();
    let mut last = None;
    while let Some(row) = rows.next().or_port()? {
        if items.len() == limit as usize {
            return Ok(Page { items, next: last });
        }
        let kind = kind(row.get(2).or_port()?);
        let sealed: Vec<u8> = row.get(3).or_port()?;
        let detail = open(sealer, note_place(workspace, resource, kind), &sealed)?;
        items.push(TriggerNote { at: row.time(1).or_port()?, kind, detail });
        last = Some(row.get::<_, i64>(0).or_port()? as u64);
    }
    Ok(Page { items, next: None })
}

fn open(sealer: &Sealer, place: Place, sealed: &[u8]) -> Result<Bytes, Error> {
    let opened = sealer.open(place, sealed);
    let opened = opened.map_err(|error| Error::Damaged(format!("{} {}: {error}", place.table, place.row)))?;
    Ok(Bytes::from(opened))
}
