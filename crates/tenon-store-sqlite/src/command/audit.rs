//! Who did what.

use rusqlite::Connection;
use tenon_store::AuditRecord;

use super::{Command, Context, Need};
use crate::failure::Failure;

const INSERT: &str = "INSERT INTO audit (workspace, actor, action, subject, at) VALUES (?1, ?2, ?3, ?4, ?5)";

/// See `Store::audit`.
pub(crate) struct Audit(pub(crate) AuditRecord);

impl Command for Audit {
    type Output = ();

    fn size(&self) -> usize {
        128 + self.0.actor.len() + self.0.action.len() + self.0.subject.len()
    }

    fn need(&self) -> Need {
        Need::Nothing
    }

    fn apply(&self, context: &mut Context<'_>) -> Result<(), Failure> {
        context.state.generation(self.0.workspace)?;
        Ok(record(context.connection, &self.0)?)
    }
}

/// Writes one record.
pub(crate) fn record(connection: &Connection, record: &AuditRecord) -> rusqlite::Result<()> {
    let columns = (record.workspace.0, &record.actor, &record.action, &record.subject, record.at.0);
    connection.prepare_cached(INSERT)?.execute(columns)?;
    Ok(())
}
