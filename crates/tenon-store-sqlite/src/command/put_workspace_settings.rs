//! What a workspace says for itself, set by a person.

use std::time::Duration;

use rusqlite::Connection;
use tenon_store::{Error, PutWorkspaceSettings, WorkspaceId, WorkspaceSettings};

use super::{Command, Context, Need, audit};
use crate::codec::settings;
use crate::failure::Failure;

const FIND: &str = "SELECT keep_jobs, keep_payloads, concurrency FROM workspace WHERE id = ?1";
const SAVE: &str = "UPDATE workspace SET keep_jobs = ?2, keep_payloads = ?3, concurrency = ?4 WHERE id = ?1";

/// See `Store::put_workspace_settings`.
pub(crate) struct SetWorkspace(pub(crate) PutWorkspaceSettings);

impl Command for SetWorkspace {
    type Output = ();

    fn size(&self) -> usize {
        256
    }

    /// Keeping less is what mends a full disk.
    fn need(&self) -> Need {
        Need::Nothing
    }

    fn apply(&self, context: &mut Context<'_>) -> Result<(), Failure> {
        let put = &self.0;
        let workspace = put.audit.workspace;
        let connection = context.connection;
        context.state.generation(workspace)?;
        if find(connection, workspace)? != put.expected {
            return Err(Error::Conflict("the workspace was changed by somebody else".to_owned()).into());
        }
        let columns = (
            workspace.0,
            put.settings.keep_jobs.map(micros),
            put.settings.keep_payloads.map(micros),
            put.settings.concurrency,
        );
        connection.prepare_cached(SAVE)?.execute(columns)?;
        audit::record(connection, &put.audit)?;
        context.effects.settings.push((workspace, find(connection, workspace)?));
        Ok(())
    }
}

fn find(connection: &Connection, workspace: WorkspaceId) -> rusqlite::Result<WorkspaceSettings> {
    connection.prepare_cached(FIND)?.query_row([workspace.0], |row| settings(row, 0))
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
