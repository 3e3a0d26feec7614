//! A new workspace with its data key, or the one that is there.

use std::sync::Arc;

use rusqlite::OptionalExtension as _;
use tenon_store::WorkspaceId;

use super::{Command, Context, Need};
use crate::failure::Failure;
use crate::workspaces::Workspace;

const FIND: &str = "SELECT id FROM workspace WHERE name = ?1";
const INSERT: &str = "INSERT INTO workspace (name, generation, wrapped_key) VALUES (?1, ?2, ?3)";
const FIRST_GENERATION: u64 = 1;

/// See `Store::create_workspace`.
pub(crate) struct CreateWorkspace {
    name: String,
    wrapped_key: Vec<u8>,
    workspace: Arc<Workspace>,
}

// === impl CreateWorkspace ===

impl CreateWorkspace {
    /// With a fresh key, used only if the name is new.
    pub(crate) fn new(name: String, wrapped_key: Vec<u8>, sealer: tenon_vault::Sealer) -> Self {
        Self { name, wrapped_key, workspace: Arc::new(Workspace::new(sealer, FIRST_GENERATION)) }
    }
}

impl Command for CreateWorkspace {
    type Output = WorkspaceId;

    fn size(&self) -> usize {
        1024 + self.name.len()
    }

    fn need(&self) -> Need {
        Need::Room
    }

    fn apply(&self, context: &mut Context<'_>) -> Result<WorkspaceId, Failure> {
        let connection = context.connection;
        let found = connection.prepare_cached(FIND)?.query_row([&self.name], |row| row.get(0)).optional()?;
        if let Some(id) = found {
            return Ok(WorkspaceId(id));
        }
        let columns = (&self.name, FIRST_GENERATION as i64, &self.wrapped_key);
        connection.prepare_cached(INSERT)?.execute(columns)?;
        let id = WorkspaceId(connection.last_insert_rowid());
        context.state.generations.insert(id, FIRST_GENERATION);
        context.effects.created.push((id, self.name.clone(), Arc::clone(&self.workspace)));
        Ok(id)
    }
}
