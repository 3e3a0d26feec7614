//! A new workspace with its data key, or the one that is there.

use std::sync::Arc;

use rusqlite::OptionalExtension as _;
use tenon_store::{WorkspaceId, WorkspaceSettings};
use tenon_vault::Sealer;

use super::add_data_key::check_master_key;
use super::{Command, Context, Need};
use crate::failure::Failure;
use crate::workspaces::Workspace;

const FIND: &str = "SELECT id FROM workspace WHERE name = ?1";
const INSERT: &str = "INSERT INTO workspace (name, generation) VALUES (?1, ?2)";
const KEY: &str = "INSERT INTO data_key (workspace, number, wrapped) VALUES (?1, ?2, ?3)";
const FIRST_GENERATION: u64 = 1;

/// See `Store::create_workspace`.
pub(crate) struct CreateWorkspace {
    name: String,
    wrapped_key: Vec<u8>,
    master_key: String,
    workspace: Arc<Workspace>,
}

// === impl CreateWorkspace ===

impl CreateWorkspace {
    /// With a fresh data key, used only if the name is new, and the name of the master key that wraps it.
    pub(crate) fn new(name: String, wrapped_key: Vec<u8>, master_key: String, sealer: Sealer) -> Self {
        let generations = (FIRST_GENERATION, FIRST_GENERATION);
        let workspace = Workspace::new(Arc::new(sealer), WorkspaceSettings::default(), generations);
        Self { name, wrapped_key, master_key, workspace: Arc::new(workspace) }
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
        check_master_key(connection, &self.master_key)?;
        connection.prepare_cached(INSERT)?.execute((&self.name, FIRST_GENERATION as i64))?;
        let id = WorkspaceId(connection.last_insert_rowid());
        connection.prepare_cached(KEY)?.execute((id.0, Sealer::FIRST_KEY, &self.wrapped_key))?;
        context.state.generations.insert(id, FIRST_GENERATION);
        context.effects.created.push((id, self.name.clone(), Arc::clone(&self.workspace)));
        Ok(id)
    }
}
