//! A resource on, off or gone.

use rusqlite::OptionalExtension as _;
use tenon_store::{AuditRecord, Change, ChangeResource, Error, ResourceId};

use super::{Command, Context, Need, audit, put_resource};
use crate::codec::kind_number;
use crate::failure::Failure;
use crate::gather;

const FIND: &str = "SELECT id FROM resource WHERE workspace = ?1 AND kind = ?2 AND name = ?3 AND deleted = 0";
const SWITCH: &str = "UPDATE resource SET enabled = ?2 WHERE id = ?1";
const DELETE: &str = "UPDATE resource SET deleted = 1 WHERE id = ?1";
const CLEAR_KEYS: &str = "DELETE FROM resource_key WHERE resource = ?1";

/// See `Store::change_resource`.
pub(crate) struct ChangeIt(pub(crate) ChangeResource);

impl Command for ChangeIt {
    type Output = ();

    fn size(&self) -> usize {
        256 + self.0.name.len()
    }

    fn need(&self) -> Need {
        Need::Nothing
    }

    fn apply(&self, context: &mut Context<'_>) -> Result<(), Failure> {
        let change = &self.0;
        let connection = context.connection;
        context.state.generation(change.workspace)?;
        let name = put_resource::kind_name(change.kind);
        let id: i64 = connection
            .prepare_cached(FIND)?
            .query_row((change.workspace.0, kind_number(change.kind), &change.name), |row| row.get(0))
            .optional()?
            .ok_or(Error::NotFound(name))?;
        let verb = match change.change {
            Change::Enable => {
                connection.prepare_cached(SWITCH)?.execute((id, true))?;
                "enable"
            }
            Change::Disable => {
                connection.prepare_cached(SWITCH)?.execute((id, false))?;
                "disable"
            }
            Change::Delete => {
                connection.prepare_cached(DELETE)?.execute([id])?;
                connection.prepare_cached(CLEAR_KEYS)?.execute([id])?;
                if gather::keep_only(context, (change.workspace, ResourceId(id)), None, change.at)? {
                    let by = (change.actor.clone(), change.at);
                    let record = put_resource::sets_dropped(change.workspace, change.name.clone(), by);
                    audit::record(connection, &record)?;
                }
                "delete"
            }
        };
        let record = AuditRecord {
            workspace: change.workspace,
            actor: change.actor.clone(),
            action: format!("{name}.{verb}"),
            subject: change.name.clone(),
            at: change.at,
        };
        audit::record(connection, &record)?;
        context.raise_generation(change.workspace)?;
        Ok(())
    }
}
