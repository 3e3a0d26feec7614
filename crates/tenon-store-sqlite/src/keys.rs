//! The workspaces' keys: unwrapped at start, changed while the store runs.
//!
//! Keys are wrapped in the caller's task, because a vault may be slow; the writer refuses what was wrapped for a
//! master key that is not the one of the data any more, and the caller does it again. So whatever is cancelled or
//! crashes half-way: all data keys are always wrapped by the one master key that the table `master_key` names.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::Connection;
use tenon_store::{Error, WorkspaceId, WorkspaceSettings};
use tenon_vault::{By, DataKey, DataKeyInfo, DataKeys, MAX_DATA_KEYS, MasterKey, Sealer, Vault};

use crate::SqliteStore;
use crate::codec::settings;
use crate::command::add_data_key::AddDataKey;
use crate::command::change_master_key::ChangeMasterKey;
use crate::command::reseal::{Reseal, piece};
use crate::open::{OpenError, sort};
use crate::read::OrPort as _;
use crate::read::data_key::{self, WrappedKey};
use crate::workspaces::{Workspace, Workspaces};

/// How often a key is wrapped again because keys were changed meanwhile.
const ATTEMPTS: u32 = 8;

const WORKSPACES: &str = "SELECT id, name, generation, variable_generation, keep_jobs, keep_payloads,
    concurrency FROM workspace";
const REMEMBER: &str = "INSERT OR IGNORE INTO master_key (id, name) VALUES (1, ?1)";

/// Unwraps all keys and fills the list of workspaces.
pub(crate) fn load(
    path: &Path,
    connection: &Connection,
    vault: &dyn Vault,
    workspaces: &Workspaces,
) -> Result<(), OpenError> {
    let failed = |error| sort(path, error);
    let master = data_key::master(connection).map_err(failed)?;
    let wrong = || OpenError::WrongMasterKey {
        path: path.to_owned(),
        given: vault.id(),
        needed: master.clone().map(Box::new),
    };
    if master.as_ref().is_some_and(|master| master.id != vault.id()) {
        return Err(wrong());
    }
    let mut keys: BTreeMap<WorkspaceId, BTreeMap<u32, DataKey>> = BTreeMap::new();
    for wrapped in data_key::wrapped(connection).map_err(failed)? {
        let key = DataKey::unwrap(vault, &wrapped.wrapped).map_err(|source| match source {
            tenon_vault::Error::WrongMasterKey => wrong(),
            source => OpenError::Vault { path: path.to_owned(), source },
        })?;
        keys.entry(wrapped.workspace).or_default().insert(wrapped.number, key);
    }
    connection.execute(REMEMBER, [vault.id()]).map_err(failed)?;
    for row in rows(connection).map_err(failed)? {
        let keys = keys.remove(&row.id).unwrap_or_default();
        let sealer =
            Sealer::with_keys(keys).map_err(|source| OpenError::Vault { path: path.to_owned(), source })?;
        reseal(connection, &sealer, row.id).map_err(failed)?;
        let generations = (row.generation, row.variable_generation);
        let workspace = Workspace::new(Arc::new(sealer), row.settings, generations);
        workspaces.publish(row.id, row.name, Arc::new(workspace));
    }
    Ok(())
}

struct Row {
    id: WorkspaceId,
    name: String,
    generation: u64,
    variable_generation: u64,
    settings: WorkspaceSettings,
}

fn rows(connection: &Connection) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare(WORKSPACES)?;
    let rows = statement.query_map([], |row| {
        Ok(Row {
            id: WorkspaceId(row.get(0)?),
            name: row.get(1)?,
            generation: row.get::<_, i64>(2)? as u64,
            variable_generation: row.get::<_, i64>(3)? as u64,
            settings: settings(row, 4)?,
        })
    })?;
    rows.collect()
}

/// Ends what a crash interrupted.
fn reseal(connection: &Connection, sealer: &Sealer, workspace: WorkspaceId) -> rusqlite::Result<()> {
    let mut next = Some(0);
    while let Some(after) = next {
        let transaction = connection.unchecked_transaction()?;
        next = piece(&transaction, sealer, workspace, after)?;
        transaction.commit()?;
    }
    Ok(())
}

fn internal(error: tenon_vault::Error) -> Error {
    Error::Internal(error.to_string())
}

/// Every data key, from one master key to another.
fn wrap_anew(
    before: &[WrappedKey],
    old: &dyn Vault,
    new: &dyn Vault,
) -> Result<Vec<WrappedKey>, tenon_vault::Error> {
    let wrap = |key: &WrappedKey| {
        let wrapped = DataKey::unwrap(old, &key.wrapped)?.wrap(new)?;
        Ok(WrappedKey { wrapped, ..key.clone() })
    };
    before.iter().map(wrap).collect()
}

// === impl SqliteStore ===

impl SqliteStore {
    /// A new data key under the master key of the moment, and that one's name.
    pub(crate) fn new_data_key(&self) -> Result<(DataKey, Vec<u8>, String), Error> {
        let vault = self.shared.vault();
        let key = DataKey::generate().map_err(internal)?;
        let wrapped = key.wrap(&*vault).map_err(internal)?;
        Ok((key, wrapped, vault.id()))
    }

    async fn try_to_change_master_key(
        &self,
        vault: &Arc<dyn Vault>,
        file: Option<String>,
        by: By,
    ) -> Result<u64, Error> {
        let old = self.shared.vault();
        if old.id() == vault.id() {
            return Err(Error::Conflict(format!("{} is the master key already", old.id())));
        }
        let before = self.readers.read(|c| data_key::wrapped(c).or_port()).await?;
        let after = wrap_anew(&before, &*old, &**vault).map_err(|error| match error {
            tenon_vault::Error::WrongMasterKey => {
                Error::Conflict("the master key was changed meanwhile".into())
            }
            other => internal(other),
        })?;
        let count = before.len() as u64;
        let vault = Arc::clone(vault);
        self.queue.submit(ChangeMasterKey { before, after, vault, file, by }).await?;
        Ok(count)
    }

    async fn try_to_add_data_key(&self, workspace: WorkspaceId, by: By) -> Result<u32, Error> {
        let current = self.shared.workspaces.get(workspace)?;
        let number = current.sealer.newest_key() + 1;
        if number > MAX_DATA_KEYS {
            return Err(Error::Conflict(format!("a workspace has at most {MAX_DATA_KEYS} data keys")));
        }
        let (key, wrapped, master_key) = self.new_data_key()?;
        let sealer = Arc::new(current.sealer.and(number, key).map_err(internal)?);
        self.queue.submit(AddDataKey { workspace, wrapped, master_key, sealer, by }).await?;
        Ok(number)
    }
}

#[async_trait]
impl DataKeys for SqliteStore {
    async fn master_key(&self) -> Result<MasterKey, Error> {
        let found = self.readers.read(|c| data_key::master(c).or_port()).await?;
        found.ok_or_else(|| Error::Damaged("the name of the master key is gone".to_owned()))
    }

    async fn data_keys(&self, workspace: WorkspaceId) -> Result<Vec<DataKeyInfo>, Error> {
        self.shared.workspaces.get(workspace)?;
        self.readers.read(move |c| data_key::of_workspace(c, workspace)).await
    }

    async fn change_master_key(
        &self,
        vault: Arc<dyn Vault>,
        file: Option<String>,
        by: By,
    ) -> Result<u64, Error> {
        let _changing = self.keys.lock().await;
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.try_to_change_master_key(&vault, file.clone(), by.clone()).await {
                Err(Error::Conflict(_)) if attempt < ATTEMPTS && vault.id() != self.shared.vault().id() => {}
                outcome => return outcome,
            }
        }
    }

    async fn add_data_key(&self, workspace: WorkspaceId, by: By) -> Result<u32, Error> {
        let _changing = self.keys.lock().await;
        let mut attempt = 0;
        let number = loop {
            attempt += 1;
            match self.try_to_add_data_key(workspace, by.clone()).await {
                Err(Error::Conflict(_)) if attempt < ATTEMPTS => {}
                outcome => break outcome?,
            }
        };
        let mut next = Some(0);
        while let Some(after) = next {
            let workspaces = Arc::clone(&self.shared.workspaces);
            next = self.queue.submit(Reseal { workspace, after, workspaces }).await?;
        }
        Ok(number)
    }
}
