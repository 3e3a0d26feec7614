//! New content for a workflow or trigger.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _};
use tenon_store::{
    AuditRecord, Error, Kind, PinnedFile, PutResource, ResourceId, Revision, RevisionId, Saved, Timestamp,
    WorkspaceId,
};

use super::{Command, Context, Need, audit};
use crate::codec::kind_number;
use crate::failure::Failure;
use crate::writer::Whose;
use crate::{file, gather, inbox};

const FIND: &str = "SELECT r.id, r.deleted, v.id, v.number, v.digest
    FROM resource r JOIN revision v ON v.id = r.newest WHERE r.workspace = ?1 AND r.kind = ?2 AND r.name = ?3";
const INSERT: &str = "INSERT INTO resource (workspace, kind, name, enabled, deleted, newest)
    VALUES (?1, ?2, ?3, 1, 0, 0)";
/// One that was deleted comes back enabled; else the switch stays as it is.
const RENEW: &str =
    "UPDATE resource SET newest = ?2, enabled = max(enabled, deleted), deleted = 0 WHERE id = ?1";
const REVISION: &str = "INSERT INTO revision (workspace, resource, number, at, version, digest, document)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const KEYS: &str = "SELECT key FROM resource_key WHERE resource = ?1";
const CLEAR_KEYS: &str = "DELETE FROM resource_key WHERE resource = ?1";
const KEY: &str =
    "INSERT OR IGNORE INTO resource_key (workspace, kind, key, resource) VALUES (?1, ?2, ?3, ?4)";

/// See `Store::put_resource`.
pub(crate) struct Put(pub(crate) PutResource);

struct Found {
    deleted: bool,
    newest: Revision,
    digest: String,
}

// === impl Put ===

impl Put {
    fn find(&self, connection: &Connection) -> rusqlite::Result<Option<Found>> {
        let put = &self.0;
        let key = (put.workspace.0, kind_number(put.kind), &put.name);
        connection
            .prepare_cached(FIND)?
            .query_row(key, |row| {
                let newest = Revision {
                    resource: ResourceId(row.get(0)?),
                    id: RevisionId(row.get(2)?),
                    number: row.get(3)?,
                };
                Ok(Found { deleted: row.get(1)?, newest, digest: row.get(4)? })
            })
            .optional()
    }

    fn write_revision(&self, connection: &Connection, found: Option<&Found>) -> rusqlite::Result<Revision> {
        let put = &self.0;
        let resource = if let Some(found) = found {
            found.newest.resource
        } else {
            let columns = (put.workspace.0, kind_number(put.kind), &put.name);
            connection.prepare_cached(INSERT)?.execute(columns)?;
            ResourceId(connection.last_insert_rowid())
        };
        let number = found.map_or(1, |found| found.newest.number + 1);
        connection.prepare_cached(REVISION)?.execute((
            put.workspace.0,
            resource.0,
            number,
            put.at.0,
            &put.version,
            &put.digest,
            &put.document,
        ))?;
        let id = RevisionId(connection.last_insert_rowid());
        connection.prepare_cached(RENEW)?.execute((resource.0, id.0))?;
        Ok(Revision { resource, id, number })
    }

    /// What was gathered for another strategy is of no use.
    fn drop_sets(&self, context: &mut Context<'_>, resource: ResourceId) -> rusqlite::Result<()> {
        let put = &self.0;
        if gather::keep_only(context, (put.workspace, resource), put.gathers, put.at)? {
            let by = (put.actor.clone(), put.at);
            audit::record(context.connection, &sets_dropped(put.workspace, put.name.clone(), by))?;
        }
        Ok(())
    }

    /// Whether its keys are others than those there are.
    fn has_new_keys(&self, connection: &Connection, resource: ResourceId) -> rusqlite::Result<bool> {
        let mut statement = connection.prepare_cached(KEYS)?;
        let known: BTreeSet<String> =
            statement.query_map([resource.0], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        let wanted: BTreeSet<&str> = self.0.keys.iter().map(String::as_str).collect();
        Ok(!wanted.into_iter().eq(known.iter().map(String::as_str)))
    }

    fn write_keys(&self, connection: &Connection, resource: ResourceId) -> rusqlite::Result<()> {
        let put = &self.0;
        connection.prepare_cached(CLEAR_KEYS)?.execute([resource.0])?;
        let mut insert = connection.prepare_cached(KEY)?;
        for key in &put.keys {
            insert.execute((put.workspace.0, kind_number(put.kind), key, resource.0))?;
        }
        Ok(())
    }
}

impl Command for Put {
    type Output = Saved;

    fn size(&self) -> usize {
        let keys: usize = self.0.keys.iter().map(|key| 64 + key.len()).sum();
        let listens: usize = self.0.listens.iter().map(|r#type| 64 + r#type.len()).sum();
        let content = |file: &PinnedFile| file.content.as_ref().map_or_else(String::len, String::len);
        let files: usize = self.0.files.iter().map(|file| 128 + file.uri.len() + content(file)).sum();
        512 + self.0.document.len() + keys + listens + files
    }

    fn need(&self) -> Need {
        Need::Room
    }

    fn workspace(&self) -> Whose {
        Some(self.0.workspace)
    }

    fn apply(&self, context: &mut Context<'_>) -> Result<Saved, Failure> {
        let put = &self.0;
        context.state.generation(put.workspace)?;
        let found = self.find(context.connection)?;
        let live = found.as_ref().filter(|found| !found.deleted);
        if put.expected.is_some() && put.expected != live.map(|found| found.newest.id) {
            return Err(Error::Conflict(format!("{} was changed by somebody else", put.name)).into());
        }
        let declares_more = inbox::declare(context, put.workspace, &put.listens)?;
        if let Some(found) = &found {
            self.drop_sets(context, found.newest.resource)?;
        }
        if let Some(found) = live.filter(|found| found.digest == put.digest) {
            // A newer program may know better by what the same content is found, and what its jobs listen for.
            let has_new_keys = self.has_new_keys(context.connection, found.newest.resource)?;
            if has_new_keys {
                self.write_keys(context.connection, found.newest.resource)?;
            }
            if declares_more || has_new_keys {
                context.raise_generation(put.workspace)?;
            }
            return Ok(Saved::Unchanged(found.newest.clone()));
        }
        let revision = self.write_revision(context.connection, found.as_ref())?;
        self.write_keys(context.connection, revision.resource)?;
        file::store(context.connection, revision.id, &put.files)?;
        let record = AuditRecord {
            workspace: put.workspace,
            actor: put.actor.clone(),
            action: format!("{}.put", kind_name(put.kind)),
            subject: put.name.clone(),
            at: put.at,
        };
        audit::record(context.connection, &record)?;
        context.raise_generation(put.workspace)?;
        Ok(Saved::Written(revision))
    }
}

/// What says that gathered events have gone.
pub(crate) fn sets_dropped(
    workspace: WorkspaceId,
    name: String,
    (actor, at): (String, Timestamp),
) -> AuditRecord {
    let action = "workflow.gathered.drop".to_owned();
    AuditRecord { workspace, actor, action, subject: name, at }
}

/// The first half of an audit record's action.
pub(crate) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Workflow => "workflow",
        Kind::Trigger => "trigger",
    }
}
