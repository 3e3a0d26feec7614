//! Where the master key comes from.

use std::sync::Arc;

use tenon_control::VaultControl;
use tenon_store_sqlite::SqliteStore;
use tenon_vault::Vault;
use tenon_vault_local::{Create, KeyFiles, LocalVault, Origin};

use crate::config::UpSettings;
use crate::start_error::StartError;

/// What to call the place in messages.
pub(super) fn place(settings: &UpSettings) -> String {
    if settings.master_key.value.is_some() {
        return settings.master_key.origin.to_string();
    }
    settings.master_key_file.display().to_string()
}

/// The variable if it is set, else the file; a new file only where no data exists yet.
pub(super) fn open(settings: &UpSettings) -> Result<Arc<dyn Vault>, StartError> {
    let opened = if let Some(secret) = &settings.master_key.value {
        LocalVault::from_text(&secret.0)
    } else {
        let has_data = tenon_store_sqlite::has_data(&settings.data);
        let create = if has_data { Create::Never } else { Create::IfMissing };
        LocalVault::open(&settings.master_key_file, create)
    };
    match opened {
        Ok(vault) => Ok(Arc::new(vault)),
        Err(error) => Err(StartError::MasterKey { place: place(settings), reason: error.to_string() }),
    }
}

/// What the management API changes keys with.
/// `id` names the master key that it was opened with.
pub(super) fn control(settings: &UpSettings, store: Arc<SqliteStore>, id: String) -> VaultControl {
    let origin = if settings.master_key.value.is_some() {
        Origin::Text { name: settings.master_key.origin.to_string(), id }
    } else {
        let file = &settings.master_key_file.value;
        // As people can use it from anywhere.
        Origin::File(std::path::absolute(file).unwrap_or_else(|_| file.clone()))
    };
    let files = KeyFiles::new(settings.data.value.clone(), origin);
    VaultControl { data_keys: store, master_keys: Arc::new(files) }
}
