//! Variables for readers, and values for the moment of use.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _};
use tenon_store::{Error, Variable, VariableValue, WorkspaceId};
use tenon_vault::Sealer;

use super::OrPort as _;
use crate::variable::{stored, variable};

const LIST: &str = "SELECT name, kind, version, at FROM variable
    WHERE workspace = ?1 AND name > ?2 AND value IS NOT NULL ORDER BY name LIMIT ?3";
const NAMED: &str =
    "SELECT name, kind, version, at FROM variable WHERE workspace = ?1 AND name = ?2 AND value IS NOT NULL";
const VALUE: &str = "SELECT name, kind, version, at, id, value FROM variable
    WHERE workspace = ?1 AND name = ?2 AND value IS NOT NULL";
const MOST: u32 = 1000;

/// See `Store::variables`.
pub(crate) fn list(
    connection: &Connection,
    workspace: WorkspaceId,
    after: &str,
    limit: u32,
) -> Result<Vec<Variable>, Error> {
    let mut statement = connection.prepare_cached(LIST).or_port()?;
    let rows = statement.query_map((workspace.0, after, limit.clamp(1, MOST)), variable);
    rows.and_then(Iterator::collect).or_port()
}

/// See `Store::variables_named`.
pub(crate) fn named(
    connection: &Connection,
    workspace: WorkspaceId,
    names: &[String],
) -> Result<Vec<Variable>, Error> {
    let mut statement = connection.prepare_cached(NAMED).or_port()?;
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        found.extend(statement.query_row((workspace.0, name), variable).optional().or_port()?);
    }
    Ok(found)
}

/// See `Store::variable_values`.
pub(crate) fn values(
    connection: &Connection,
    sealer: &Sealer,
    workspace: WorkspaceId,
    names: &[String],
) -> Result<Vec<VariableValue>, Error> {
    let mut statement = connection.prepare_cached(VALUE).or_port()?;
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        let row = statement.query_row((workspace.0, name), stored).optional().or_port()?;
        let Some(row) = row else { continue };
        let Some(value) = row.open(connection, sealer, workspace)? else { continue };
        found.push(VariableValue { variable: row.variable, value: Bytes::from(value) });
    }
    Ok(found)
}
