//! A variable goes. Its row stays, without the value, so that its versions go on; of deleted names only the
//! newest ones are remembered.

use tenon_store::{AuditRecord, DeleteVariable, Error, Expected, MAX_VARIABLES};

use super::put_variable::{check, find};
use super::{Command, Context, Need, audit};
use crate::body;
use crate::failure::Failure;
use crate::variable::raise_generation;
use crate::writer::Whose;

const DELETE: &str = "UPDATE variable SET value = NULL, at = ?2 WHERE id = ?1";
const FORGET: &str = "DELETE FROM variable WHERE id IN (
    SELECT id FROM variable INDEXED BY variable_gone WHERE workspace = ?1 AND value IS NULL
    ORDER BY at DESC LIMIT -1 OFFSET ?2)";

/// See `Store::delete_variable`.
pub(crate) struct UnsetVariable(pub(crate) DeleteVariable);

impl Command for UnsetVariable {
    type Output = ();

    fn size(&self) -> usize {
        256 + self.0.name.len()
    }

    fn need(&self) -> Need {
        Need::Nothing
    }

    fn workspace(&self) -> Whose {
        Some(self.0.workspace)
    }

    fn apply(&self, context: &mut Context<'_>) -> Result<(), Failure> {
        let delete = &self.0;
        let connection = context.connection;
        let found = find(connection, delete.workspace, &delete.name)?;
        let live = found.filter(|found| found.value.is_some());
        if live.is_none() && matches!(delete.expected, Expected::Any | Expected::Absent) {
            return Err(Error::NotFound("variable").into());
        }
        check(delete.expected, &delete.name, live.as_ref())?;
        let Some(live) = live else { return Err(Error::NotFound("variable").into()) };
        if let Some(column) = &live.value {
            body::remove(connection, column)?;
        }
        connection.prepare_cached(DELETE)?.execute((live.id, delete.at.0))?;
        connection.prepare_cached(FORGET)?.execute((delete.workspace.0, MAX_VARIABLES))?;
        let record = AuditRecord {
            workspace: delete.workspace,
            actor: delete.actor.clone(),
            action: "variable.delete".to_owned(),
            subject: delete.name.clone(),
            at: delete.at,
        };
        audit::record(connection, &record)?;
        raise_generation(connection, context.effects, delete.workspace)
    }
}
