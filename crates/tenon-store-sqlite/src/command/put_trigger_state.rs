//! What a trigger remembers, set by a person.

use rusqlite::OptionalExtension as _;
use tenon_store::{AuditRecord, Error, PutTriggerState, ResourceId};
use tenon_vault::Sealer;

use super::capture_chunk::{STATE, SealedState, VERSION, seal_state};
use super::{Command, Context, Need, audit};
use crate::failure::Failure;

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

    fn apply(&self, context: &mut Context<'_>) -> Result<(), Failure> {
        let connection = context.connection;
        let workspace = self.audit.workspace;
        context.state.generation(workspace)?;
        if !connection.prepare_cached(IS_THERE)?.exists((self.resource.0, workspace.0))? {
            return Err(Error::NotFound("trigger").into());
        }
        let version: Option<i64> =
            connection.prepare_cached(VERSION)?.query_row([self.resource.0], |row| row.get(0)).optional()?;
        if version.unwrap_or(0) as u64 != self.state.expected {
            return Err(Error::Conflict("the trigger's state has changed meanwhile".to_owned()).into());
        }
        let version = self.state.expected as i64 + 1;
        let columns = (self.resource.0, workspace.0, version, self.audit.at.0, &self.state.value);
        connection.prepare_cached(STATE)?.execute(columns)?;
        Ok(audit::record(connection, &self.audit)?)
    }
}
