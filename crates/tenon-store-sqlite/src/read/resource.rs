//! Workflows and triggers for readers.

use rusqlite::{Connection, OptionalExtension as _, Params, Row};
use tenon_store::{Error, Kind, MASK_KEY, Resource, ResourceId, Revision, RevisionId, WorkspaceId};

use super::OrPort as _;
use crate::codec::{Columns as _, kind, kind_number};
use crate::file;

macro_rules! select {
    ($document:literal, $rest:literal) => {
        concat!(
            "SELECT r.workspace, r.kind, r.name, r.id, v.id, v.number, v.version, v.digest, r.enabled, v.at, ",
            $document,
            " FROM ",
            $rest
        )
    };
}

const NEWEST: &str = select!(
    "v.document",
    "resource r JOIN revision v ON v.id = r.newest
     WHERE r.workspace = ?1 AND r.kind = ?2 AND r.name = ?3 AND r.deleted = 0"
);
const ONE: &str = select!(
    "v.document",
    "revision v JOIN resource r ON r.id = v.resource WHERE v.id = ?2 AND r.workspace = ?1"
);
const REVISIONS: &str = select!(
    "''",
    "revision v JOIN resource r ON r.id = v.resource
     WHERE v.resource = ?2 AND r.workspace = ?1 ORDER BY v.number DESC"
);
const LIST: &str = select!(
    "''",
    "resource r JOIN revision v ON v.id = r.newest
     WHERE r.workspace = ?1 AND r.kind = ?2 AND r.name > ?3 AND r.deleted = 0 ORDER BY r.name LIMIT ?4"
);
const BY_KEY: &str = select!(
    "v.document",
    "resource_key k CROSS JOIN resource r ON r.id = k.resource CROSS JOIN revision v ON v.id = r.newest
     WHERE k.workspace = ?1 AND k.kind = ?2 AND k.key = ?3 AND r.enabled >= ?4 AND r.deleted = 0"
);
const GENERATION: &str = "SELECT generation FROM workspace WHERE id = ?1";

/// See `Store::resource`.
pub(crate) fn resource(
    connection: &Connection,
    workspace: WorkspaceId,
    kind: Kind,
    name: &str,
) -> Result<Option<Resource>, Error> {
    whole(connection, NEWEST, (workspace.0, kind_number(kind), name))
}

/// See `Store::revision`.
pub(crate) fn revision(
    connection: &Connection,
    workspace: WorkspaceId,
    id: RevisionId,
) -> Result<Option<Resource>, Error> {
    whole(connection, ONE, (workspace.0, id.0))
}

/// See `Store::revisions`.
pub(crate) fn revisions(
    connection: &Connection,
    workspace: WorkspaceId,
    id: ResourceId,
) -> Result<Vec<Resource>, Error> {
    many(connection, REVISIONS, (workspace.0, id.0))
}

/// See `Store::resources`.
pub(crate) fn resources(
    connection: &Connection,
    (workspace, kind): (WorkspaceId, Kind),
    after: &str,
    limit: u32,
) -> Result<Vec<Resource>, Error> {
    many(connection, LIST, (workspace.0, kind_number(kind), after, limit))
}

/// See `Store::resources_by_key`. By resource, each once, however many of the keys it has.
pub(crate) fn resources_by_key(
    connection: &Connection,
    workspace: WorkspaceId,
    kind: Kind,
    keys: &[String],
) -> Result<(Vec<Resource>, u64), Error> {
    let generation: Option<i64> = connection
        .prepare_cached(GENERATION)
        .and_then(|mut statement| statement.query_row([workspace.0], |row| row.get(0)).optional())
        .or_port()?;
    let generation = generation.ok_or(Error::NotFound("workspace"))? as u64;
    let mut found: Vec<Resource> = Vec::new();
    for key in keys {
        let must_be_enabled = !key.starts_with(MASK_KEY);
        let columns = (workspace.0, kind_number(kind), key, must_be_enabled);
        found.extend(many(connection, BY_KEY, columns)?);
    }
    found.sort_by_key(|resource| resource.revision.resource);
    found.dedup_by_key(|resource| resource.revision.resource);
    for resource in &mut found {
        resource.files = file::of_revision(connection, resource.revision.id)?;
    }
    Ok((found, generation))
}

/// One, with its files.
fn whole(connection: &Connection, sql: &str, params: impl Params) -> Result<Option<Resource>, Error> {
    let mut statement = connection.prepare_cached(sql).or_port()?;
    let Some(mut resource) = statement.query_row(params, parse).optional().or_port()? else {
        return Ok(None);
    };
    resource.files = file::of_revision(connection, resource.revision.id)?;
    Ok(Some(resource))
}

fn many(connection: &Connection, sql: &str, params: impl Params) -> Result<Vec<Resource>, Error> {
    let mut statement = connection.prepare_cached(sql).or_port()?;
    let rows = statement.query_map(params, parse).or_port()?;
    rows.collect::<rusqlite::Result<_>>().or_port()
}

fn parse(row: &Row<'_>) -> rusqlite::Result<Resource> {
    Ok(Resource {
        files: Vec::new(),
        workspace: WorkspaceId(row.get(0)?),
        kind: kind(row.get(1)?),
        name: row.get(2)?,
        revision: Revision {
            resource: ResourceId(row.get(3)?),
            id: RevisionId(row.get(4)?),
            number: row.get(5)?,
        },
        version: row.get(6)?,
        digest: row.get(7)?,
        enabled: row.get(8)?,
        at: row.time(9)?,
        document: row.get(10)?,
    })
}
