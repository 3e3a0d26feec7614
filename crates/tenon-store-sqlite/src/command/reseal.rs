//! Variables that an older data key sealed are sealed with the newest one, in bounded pieces.

use std::sync::Arc;

use rusqlite::Connection;
use tenon_store::WorkspaceId;
use tenon_vault::Sealer;

use super::{Command, Context, Need};
use crate::failure::Failure;
use crate::variable::{Stored, place, stored, write_value};
use crate::workspaces::Workspaces;
use crate::writer::Whose;

/// Variables of one piece: 4 MiB at most.
const PIECE: u32 = 64;
const OLD: &str = "SELECT name, kind, version, at, id, value FROM variable
    WHERE workspace = ?1 AND value IS NOT NULL AND data_key <> ?2 AND id > ?3 ORDER BY id LIMIT ?4";

/// One piece, for a store that is running.
pub(crate) struct Reseal {
    /// Whose.
    pub(crate) workspace: WorkspaceId,
    /// Rows up to this one are done.
    pub(crate) after: i64,
    /// For the sealer of the moment.
    pub(crate) workspaces: Arc<Workspaces>,
}

impl Command for Reseal {
    /// Where the next piece starts; `None`: this was the last.
    type Output = Option<i64>;

    fn size(&self) -> usize {
        64
    }

    /// What is there is replaced by something as long.
    fn need(&self) -> Need {
        Need::Nothing
    }

    fn workspace(&self) -> Whose {
        Some(self.workspace)
    }

    fn apply(&self, context: &mut Context<'_>) -> Result<Option<i64>, Failure> {
        let workspace = self.workspaces.get(self.workspace)?;
        Ok(piece(context.connection, &workspace.sealer, self.workspace, self.after)?)
    }
}

/// Does one piece, and says where the next one starts.
pub(crate) fn piece(
    connection: &Connection,
    sealer: &Sealer,
    workspace: WorkspaceId,
    after: i64,
) -> rusqlite::Result<Option<i64>> {
    let old: Vec<Stored> = connection
        .prepare_cached(OLD)?
        .query_map((workspace.0, sealer.newest_key(), after, PIECE), stored)?
        .collect::<rusqlite::Result<_>>()?;
    for row in &old {
        match row.open(connection, sealer, workspace) {
            Ok(Some(value)) => {
                let place = place(workspace, row.id, row.variable.version);
                write_value(connection, sealer, (row.id, place), row.value.as_deref(), &value)?;
            }
            Ok(None) => {}
            // It stays as it is; whoever uses it gets the same error.
            Err(error) => tracing::error!("variable {} cannot be sealed anew: {error}", row.variable.name),
        }
    }
    Ok(old.last().filter(|_| old.len() == PIECE as usize).map(|row| row.id))
}
