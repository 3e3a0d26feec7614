//! Another master key: every data key wrapped anew, in one transaction with the name of the key that is needed now.

use std::sync::Arc;

use tenon_store::{AuditRecord, Error};
use tenon_vault::{By, Vault};

use super::{Command, Context, Need, audit};
use crate::failure::Failure;
use crate::read::data_key::{self, WrappedKey};

const WRAP: &str = "UPDATE data_key SET wrapped = ?3 WHERE workspace = ?1 AND number = ?2";
const MASTER: &str = "UPDATE master_key SET name = ?1, since = ?2, file = ?3";

/// See `DataKeys::change_master_key`.
pub(crate) struct ChangeMasterKey {
    /// The data keys as they were read; if they are others by now, the command is refused.
    pub(crate) before: Vec<WrappedKey>,
    /// The same, wrapped by the new master key.
    pub(crate) after: Vec<WrappedKey>,
    /// Holder of the new master key.
    pub(crate) vault: Arc<dyn Vault>,
    /// Where it is.
    pub(crate) file: Option<String>,
    /// Who, when.
    pub(crate) by: By,
}

impl Command for ChangeMasterKey {
    type Output = ();

    fn size(&self) -> usize {
        let keys = self.before.iter().chain(&self.after);
        256 + keys.map(|key| 64 + key.wrapped.len()).sum::<usize>()
    }

    /// The keys keep their lengths, and the audit records are few.
    fn need(&self) -> Need {
        Need::Nothing
    }

    fn apply(&self, context: &mut Context<'_>) -> Result<(), Failure> {
        let connection = context.connection;
        if data_key::wrapped(connection)? != self.before {
            return Err(Error::Conflict("keys were added meanwhile".to_owned()).into());
        }
        let name = self.vault.id();
        let mut wrap = connection.prepare_cached(WRAP)?;
        for key in &self.after {
            wrap.execute((key.workspace.0, key.number, &key.wrapped))?;
        }
        connection.prepare_cached(MASTER)?.execute((&name, self.by.at.0, &self.file))?;
        for key in self.after.chunk_by(|left, right| left.workspace == right.workspace) {
            let record = AuditRecord {
                workspace: key[0].workspace,
                actor: self.by.actor.clone(),
                action: "vault.rotate-master".to_owned(),
                subject: name.clone(),
                at: self.by.at,
            };
            audit::record(connection, &record)?;
        }
        context.effects.vault = Some(Arc::clone(&self.vault));
        Ok(())
    }
}
