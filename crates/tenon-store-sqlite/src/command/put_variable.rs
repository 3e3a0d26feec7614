//! A value for a variable.
//!
//! Sealed here and not in the caller's task: its place has the row's id and the version, which only the writer knows.
//! The value that is there is opened to compare, so that nothing about a secret has to be kept besides.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _};
use tenon_store::{
    AuditRecord, Error, Expected, MAX_VARIABLES, PutVariable, SavedVariable, Variable, WorkspaceId,
};
use tenon_vault::Sealer;

use super::{Command, Context, Need, audit};
use crate::failure::Failure;
use crate::variable::{Stored, kind_number, place, raise_generation, stored, write_value};
use crate::workspaces::Workspaces;
use crate::writer::Whose;

pub(super) const FIND: &str =
    "SELECT name, kind, version, at, id, value FROM variable WHERE workspace = ?1 AND name = ?2";
const COUNT: &str =
    "SELECT count(*) FROM variable INDEXED BY variable_live WHERE workspace = ?1 AND value IS NOT NULL";
const INSERT: &str =
    "INSERT INTO variable (workspace, name, kind, version, at, data_key) VALUES (?1, ?2, ?3, ?4, ?5, 0)";
const RENEW: &str = "UPDATE variable SET kind = ?2, version = ?3, at = ?4 WHERE id = ?1";

/// See `Store::put_variable`.
pub(crate) struct SetVariable {
    /// What.
    pub(crate) put: PutVariable,
    /// For the sealer of the moment.
    pub(crate) workspaces: Arc<Workspaces>,
}

// === impl SetVariable ===

impl SetVariable {
    /// What is not to be written; `None`: a new version.
    fn decide(
        &self,
        connection: &Connection,
        sealer: &Sealer,
        found: Option<&Stored>,
    ) -> Result<Option<SavedVariable>, Failure> {
        let put = &self.put;
        let live = found.filter(|found| found.value.is_some());
        check(put.expected, &put.name, live)?;
        let Some(live) = live else {
            let count: u32 =
                connection.prepare_cached(COUNT)?.query_row([put.workspace.0], |row| row.get(0))?;
            return Ok((count >= MAX_VARIABLES).then_some(SavedVariable::TooMany));
        };
        if live.variable.kind != put.kind {
            return Ok(Some(SavedVariable::OtherKind(live.variable.clone())));
        }
        let value = live.open(connection, sealer, put.workspace)?;
        let is_same = value.is_some_and(|value| value == put.value);
        Ok(is_same.then(|| SavedVariable::Unchanged(live.variable.clone())))
    }

    fn write(
        &self,
        connection: &Connection,
        sealer: &Sealer,
        found: Option<&Stored>,
    ) -> rusqlite::Result<Variable> {
        let put = &self.put;
        let version = found.map_or(1, |found| found.variable.version + 1);
        let kind = kind_number(put.kind);
        let id = if let Some(found) = found {
            connection.prepare_cached(RENEW)?.execute((found.id, kind, version, put.at.0))?;
            found.id
        } else {
            let columns = (put.workspace.0, &put.name, kind, version, put.at.0);
            connection.prepare_cached(INSERT)?.execute(columns)?;
            connection.last_insert_rowid()
        };
        let before = found.and_then(|found| found.value.as_deref());
        write_value(connection, sealer, (id, place(put.workspace, id, version)), before, &put.value)?;
        Ok(Variable { name: put.name.clone(), kind: put.kind, version, at: put.at })
    }
}

impl Command for SetVariable {
    type Output = SavedVariable;

    fn size(&self) -> usize {
        512 + self.put.name.len() + 2 * self.put.value.len()
    }

    fn need(&self) -> Need {
        Need::Room
    }

    fn workspace(&self) -> Whose {
        Some(self.put.workspace)
    }

    fn apply(&self, context: &mut Context<'_>) -> Result<SavedVariable, Failure> {
        let put = &self.put;
        let connection = context.connection;
        let workspace = self.workspaces.get(put.workspace)?;
        let found = find(connection, put.workspace, &put.name)?;
        if let Some(answer) = self.decide(connection, &workspace.sealer, found.as_ref())? {
            return Ok(answer);
        }
        let variable = self.write(connection, &workspace.sealer, found.as_ref())?;
        let record = AuditRecord {
            workspace: put.workspace,
            actor: put.actor.clone(),
            action: "variable.put".to_owned(),
            subject: put.name.clone(),
            at: put.at,
        };
        audit::record(connection, &record)?;
        raise_generation(connection, context.effects, put.workspace)?;
        Ok(SavedVariable::Written(variable))
    }
}

/// The row of a name, also of a deleted one.
pub(super) fn find(
    connection: &Connection,
    workspace: WorkspaceId,
    name: &str,
) -> rusqlite::Result<Option<Stored>> {
    connection.prepare_cached(FIND)?.query_row((workspace.0, name), stored).optional()
}

/// Refuses what was decided on something that is not true any more.
pub(super) fn check(expected: Expected, name: &str, live: Option<&Stored>) -> Result<(), Error> {
    let version = live.map(|live| live.variable.version);
    match (expected, version) {
        (Expected::Any, _) | (Expected::Absent, None) => Ok(()),
        (Expected::Absent, Some(_)) => Err(Error::Conflict(format!("variable {name} exists already"))),
        (Expected::Version(wanted), Some(found)) if wanted == found => Ok(()),
        (Expected::Version(wanted), Some(found)) => {
            Err(Error::Conflict(format!("variable {name} is at version {found}, not {wanted}")))
        }
        (Expected::Version(_), None) => {
            Err(Error::Conflict(format!("variable {name} does not exist any more")))
        }
    }
}
