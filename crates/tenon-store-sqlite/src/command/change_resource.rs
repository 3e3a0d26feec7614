//! A resource on, off or gone.

use rusqlite::OptionalExtension as _;
use tenon_store::{AuditRecord, Change, ChangeResource, Error, ResourceId};
use tenon_vault::Sealer;

use super::capture_chunk::{SealedState, seal_state};
use super::{Command, Context, Need, audit, put_resource, put_trigger_state};
use crate::codec::kind_number;
use crate::failure::Failure;
use crate::gather;
use crate::writer::Whose;

const FIND: &str = "SELECT id FROM resource WHERE workspace = ?1 AND kind = ?2 AND name = ?3 AND deleted = 0";
const SWITCH: &str = "UPDATE resource SET enabled = ?2 WHERE id = ?1";
const DELETE: &str = "UPDATE resource SET deleted = 1 WHERE id = ?1";
const CLEAR_KEYS: &str = "DELETE FROM resource_key WHERE resource = ?1";

/// See `Store::change_resource`.
pub(crate) struct ChangeIt {
    change: ChangeResource,
    state: Option<(ResourceId, SealedState)>,
}

// === impl ChangeIt ===

impl ChangeIt {
    pub(crate) fn new(sealer: &Sealer, mut change: ChangeResource) -> Result<Self, Error> {
        let state = change.state.take();
        let state = state.map(|state| {
            let resource = state.resource;
            seal_state(sealer, change.workspace, resource, state).map(|state| (resource, state))
        });
        Ok(Self { state: state.transpose()?, change })
    }
}

impl Command for ChangeIt {
    type Output = ();

    fn size(&self) -> usize {
        let state = self.state.as_ref().map_or(0, |(_, state)| 2 * state.value.len());
        256 + self.change.name.len() + state
    }

    fn need(&self) -> Need {
        Need::Nothing
    }

    fn workspace(&self) -> Whose {
        Some(self.change.workspace)
    }

    fn apply(&self, context: &mut Context<'_>) -> Result<(), Failure> {
        let change = &self.change;
        let connection = context.connection;
        context.state.generation(change.workspace)?;
        let name = put_resource::kind_name(change.kind);
        let id: i64 = connection
            .prepare_cached(FIND)?
            .query_row((change.workspace.0, kind_number(change.kind), &change.name), |row| row.get(0))
            .optional()?
            .ok_or(Error::NotFound(name))?;
        if let Some((resource, state)) = &self.state {
            if resource.0 != id {
                let reason = "the state is that of another resource".to_owned();
                return Err(Error::Conflict(reason).into());
            }
            put_trigger_state::write(connection, (change.workspace, *resource), state, change.at)?;
        }
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
