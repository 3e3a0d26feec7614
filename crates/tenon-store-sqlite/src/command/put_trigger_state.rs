//! What a trigger remembers, set by a person.

use rusqlite::{Connection, OptionalExtension as _};
use tenon_store::{AuditRecord, Error, PutTriggerState, ResourceId, Timestamp, WorkspaceId};
use tenon_vault::Sealer;

use super::capture_chunk::{STATE, SealedState, VERSION, seal_state};
use super::{Command, Context, Need, audit};
use crate::failure::Failure;
use crate::writer::Whose;

const IS_THERE: &str = "SELECT 1 FROM resource WHERE id = ?1 AND workspace = ?2 AND deleted = 0";

/// See `Store::put_trigger_state`.
pub(crate) struct SetTriggerState {
    resource: ResourceId,
    state: SealedState,
    audit: AuditRecord,
}

// === impl SetTriggerState ===

impl SetTriggerState {
    pub(crate) fn new(sealer: &Sealer, put: PutTriggerState) -> Result<Self, Error> {
        let PutTriggerState { workspace, state, audit } = put;
        if audit.workspace != workspace {
            return Err(Error::Conflict(
                "an audit record belongs to the workspace of what it is about".to_owned(),
            ));
        }
        let resource = state.resource;
        Ok(Self { resource, state: seal_state(sealer, workspace, resource, state)?, audit })
    }
}

impl Command for SetTriggerState {
    type Output = ();

    fn size(&self) -> usize {
        512 + 2 * self.state.value.len()
    }

    fn need(&self) -> Need {
        Need::Nothing
    }

    fn workspace(&self) -> Whose {
        Some(self.audit.workspace)
    }

    fn apply(&self, context: &mut Context<'_>) -> Result<(), Failure> {
        let connection = context.connection;
        let workspace = self.audit.workspace;
        context.state.generation(workspace)?;
        if !connection.prepare_cached(IS_THERE)?.exists((self.resource.0, workspace.0))? {
            return Err(Error::NotFound("trigger").into());
        }
        write(connection, (workspace, self.resource), &self.state, self.audit.at)?;
        Ok(audit::record(connection, &self.audit)?)
    }
}

/// Writes a state, if it replaces the one that it was made from.
pub(super) fn write(
    connection: &Connection,
    (workspace, resource): (WorkspaceId, ResourceId),
    state: &SealedState,
    at: Timestamp,
) -> Result<(), Failure> {
    let version: Option<i64> =
        connection.prepare_cached(VERSION)?.query_row([resource.0], |row| row.get(0)).optional()?;
    if version.unwrap_or(0) as u64 != state.expected {
        return Err(Error::Conflict("the trigger's state has changed meanwhile".to_owned()).into());
    }
    let columns = (resource.0, workspace.0, state.expected as i64 + 1, at.0, &state.value);
    connection.prepare_cached(STATE)?.execute(columns)?;
    Ok(())
}
