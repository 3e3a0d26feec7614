//! Changing keys while everything runs: what is asked of whoever keeps the wrapped data keys, and of whoever
//! knows where master keys are.
//!
//! A new master key wraps all data keys anew, in one transaction: before it the old master key opens the data,
//! after it the new one. A new data key seals a workspace's new values; what the older ones sealed stays readable.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use tenon_store::{Error, Timestamp, WorkspaceId};

use crate::Vault;

/// The most data keys of one workspace: one a day for 27 years.
pub const MAX_DATA_KEYS: u32 = 10_000;

/// Which master key opens the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterKey {
    /// See [`Vault::id`].
    pub id: String,
    /// Since when, if it was changed ever.
    pub since: Option<Timestamp>,
    /// The file that it was put into when it was changed, if it was: a reminder, nothing reads it from there.
    pub file: Option<String>,
}

/// One of a workspace's data keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataKeyInfo {
    /// 1, 2, 3 …
    pub number: u32,
    /// When it was made; the first one is as old as its workspace.
    pub made_at: Option<Timestamp>,
    /// What it is good for.
    pub role: KeyRole,
    /// How many variables are sealed with it.
    pub variables: u64,
}

/// What a data key is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRole {
    /// It seals new values.
    Newest,
    /// It opens payloads that retention has not removed yet.
    Payloads,
    /// Nothing that is kept was sealed with it, as far as can be told from the ages of what is kept.
    Idle,
}

/// Who changes a key, and when: for the audit records.
#[derive(Debug, Clone)]
pub struct By {
    /// Who.
    pub actor: String,
    /// When.
    pub at: Timestamp,
}

/// Whoever keeps the wrapped data keys, beside the data.
#[async_trait]
pub trait DataKeys: Send + Sync + 'static {
    /// The master key that the data keys are wrapped with.
    async fn master_key(&self) -> Result<MasterKey, Error>;
    /// A workspace's data keys by number.
    async fn data_keys(&self, workspace: WorkspaceId) -> Result<Vec<DataKeyInfo>, Error>;
    /// Wraps every data key with another master key, all of them or none; gives how many there are. `file` is
    /// where that key is, as a reminder.
    async fn change_master_key(
        &self,
        vault: Arc<dyn Vault>,
        file: Option<String>,
        by: By,
    ) -> Result<u64, Error>;
    /// Gives a workspace a new data key, seals its variables with it, and gives its number.
    async fn add_data_key(&self, workspace: WorkspaceId, by: By) -> Result<u32, Error>;
}

/// A master key to change to.
pub struct NewMasterKey {
    /// Its holder.
    pub vault: Arc<dyn Vault>,
    /// Whether it was made just now.
    pub is_new: bool,
}

/// Why a file is not taken for a new master key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refused {
    /// One line.
    pub reason: String,
    /// How to mend it.
    pub hint: String,
}

/// Whoever knows where master keys are.
pub trait MasterKeys: Send + Sync + 'static {
    /// The master key in a file, made there if there is no such file. When this returns, the key is durable.
    /// Never replaces a file, never writes anywhere else. Blocks.
    fn find_or_make(&self, file: &Path) -> Result<NewMasterKey, Refused>;
    /// What a person must do so that the next start finds the key in this file.
    fn next_start(&self, file: &Path) -> String;
    /// The name of the key that the next start would find if nobody did anything; or why it would find none. Blocks.
    fn id_at_next_start(&self) -> Result<String, String>;
}
