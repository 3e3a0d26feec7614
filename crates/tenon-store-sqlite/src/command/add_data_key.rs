//! One more data key for a workspace, which seals from the commit on.

use std::sync::Arc;

use rusqlite::Connection;
use tenon_store::{AuditRecord, Error, WorkspaceId};
use tenon_vault::{By, Sealer};

use super::{Command, Context, Need, audit};
use crate::failure::Failure;
use crate::read::data_key;
use crate::writer::Whose;

const NEWEST: &str = "SELECT coalesce(max(number), 0) FROM data_key WHERE workspace = ?1";
const INSERT: &str = "INSERT INTO data_key (workspace, number, made_at, wrapped) VALUES (?1, ?2, ?3, ?4)";

/// See `DataKeys::add_data_key`.
pub(crate) struct AddDataKey {
    /// Whose.
    pub(crate) workspace: WorkspaceId,
    /// The key by the name of its master key.
    pub(crate) wrapped: Vec<u8>,
    /// That name.
    pub(crate) master_key: String,
    /// Seals with it; nobody has it before the commit.
    pub(crate) sealer: Arc<Sealer>,
    /// Who, when.
    pub(crate) by: By,
}

impl Command for AddDataKey {
    type Output = ();

    fn size(&self) -> usize {
        512 + self.wrapped.len()
    }

    fn need(&self) -> Need {
        Need::Room
    }

    fn workspace(&self) -> Whose {
        Some(self.workspace)
    }

    fn apply(&self, context: &mut Context<'_>) -> Result<(), Failure> {
        let connection = context.connection;
        let number = self.sealer.newest_key();
        let newest: u32 =
            connection.prepare_cached(NEWEST)?.query_row([self.workspace.0], |row| row.get(0))?;
        if number != newest + 1 {
            return Err(Error::Conflict("a data key was added meanwhile".to_owned()).into());
        }
        check_master_key(connection, &self.master_key)?;
        let columns = (self.workspace.0, number, self.by.at.0, &self.wrapped);
        connection.prepare_cached(INSERT)?.execute(columns)?;
        let record = AuditRecord {
            workspace: self.workspace,
            actor: self.by.actor.clone(),
            action: "vault.rotate-data".to_owned(),
            subject: format!("data key {number}"),
            at: self.by.at,
        };
        audit::record(connection, &record)?;
        context.effects.sealers.push((self.workspace, Arc::clone(&self.sealer)));
        Ok(())
    }
}

/// Refuses a data key that was wrapped by a master key that is not the one of the data any more.
pub(super) fn check_master_key(connection: &Connection, name: &str) -> Result<(), Failure> {
    let current = data_key::master(connection)?;
    if current.is_some_and(|current| current.id == name) {
        return Ok(());
    }
    Err(Error::Conflict("the master key was changed meanwhile".to_owned()).into())
}
