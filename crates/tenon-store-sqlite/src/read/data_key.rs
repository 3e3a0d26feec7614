//! Which keys there are, and what each is good for.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _};
use tenon_store::{Error, Timestamp, WorkspaceId};
use tenon_vault::{DataKeyInfo, KeyRole, MasterKey};

use super::OrPort as _;
use crate::codec::Columns as _;

const MASTER: &str = "SELECT name, since, file FROM master_key";
const KEYS: &str = "SELECT number, made_at FROM data_key WHERE workspace = ?1 ORDER BY number";
const VARIABLES: &str = "SELECT data_key, count(*) FROM variable INDEXED BY variable_live
    WHERE workspace = ?1 AND value IS NOT NULL GROUP BY data_key";
/// Ids go up with time.
const OLDEST: &str =
    "SELECT captured_at FROM event INDEXED BY event_list WHERE workspace = ?1 ORDER BY id LIMIT 1";
const WRAPPED: &str = "SELECT workspace, number, wrapped FROM data_key ORDER BY workspace, number";

/// What was on its way when a key was replaced may still have been sealed with the old one.
const ON_ITS_WAY: Duration = Duration::from_mins(10);

/// A data key as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WrappedKey {
    /// Whose.
    pub(crate) workspace: WorkspaceId,
    /// 1, 2, 3 …
    pub(crate) number: u32,
    /// By the master key.
    pub(crate) wrapped: Vec<u8>,
}

/// See `DataKeys::master_key`; `None`: no data was ever opened with this schema.
pub(crate) fn master(connection: &Connection) -> rusqlite::Result<Option<MasterKey>> {
    connection
        .prepare_cached(MASTER)?
        .query_row([], |row| {
            Ok(MasterKey { id: row.get(0)?, since: row.optional_time(1)?, file: row.get(2)? })
        })
        .optional()
}

/// Every data key of every workspace.
pub(crate) fn wrapped(connection: &Connection) -> rusqlite::Result<Vec<WrappedKey>> {
    let mut statement = connection.prepare_cached(WRAPPED)?;
    let rows = statement.query_map([], |row| {
        Ok(WrappedKey { workspace: WorkspaceId(row.get(0)?), number: row.get(1)?, wrapped: row.get(2)? })
    })?;
    rows.collect()
}

/// See `DataKeys::data_keys`.
pub(crate) fn of_workspace(
    connection: &Connection,
    workspace: WorkspaceId,
) -> Result<Vec<DataKeyInfo>, Error> {
    let keys: Vec<(u32, Option<Timestamp>)> = connection
        .prepare_cached(KEYS)
        .and_then(|mut statement| {
            statement.query_map([workspace.0], |row| Ok((row.get(0)?, row.optional_time(1)?)))?.collect()
        })
        .or_port()?;
    let variables: Vec<(u32, i64)> = connection
        .prepare_cached(VARIABLES)
        .and_then(|mut statement| {
            statement.query_map([workspace.0], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
        .or_port()?;
    let oldest: Option<Timestamp> = connection
        .prepare_cached(OLDEST)
        .and_then(|mut statement| statement.query_row([workspace.0], |row| row.time(0)).optional())
        .or_port()?;
    let info = |(place, &(number, made_at)): (usize, &(u32, Option<Timestamp>))| {
        let count = variables.iter().find(|(key, _)| *key == number).map_or(0, |(_, count)| *count);
        let next = keys.get(place + 1);
        let replaced_at = next.map(|(_, made_at)| made_at.unwrap_or(Timestamp::NEVER));
        DataKeyInfo { number, made_at, role: role(replaced_at, oldest), variables: count as u64 }
    };
    Ok(keys.iter().enumerate().map(info).collect())
}

/// What a key is good for that was replaced then (`None`: it is the newest).
fn role(replaced_at: Option<Timestamp>, oldest: Option<Timestamp>) -> KeyRole {
    let Some(replaced_at) = replaced_at else { return KeyRole::Newest };
    let until = replaced_at.after(ON_ITS_WAY);
    if oldest.is_some_and(|oldest| oldest <= until) { KeyRole::Payloads } else { KeyRole::Idle }
}
