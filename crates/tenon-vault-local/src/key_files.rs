//! Master keys by the files that they are in: what a rotation may use, and what people must do afterwards.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use tenon_vault::{MasterKeys, NewMasterKey, Refused, Vault as _};

use crate::{Create, Error, LocalVault};

/// Where the master key was found at start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In a file.
    File(PathBuf),
    /// In a text.
    Text {
        /// What the text is called, e.g. the name of a variable.
        name: String,
        /// The name of the key in it.
        id: String,
    },
}

/// Knows the directory that no key may be in, and where this process has its key from.
#[derive(Debug, Clone)]
pub struct KeyFiles {
    data: PathBuf,
    origin: Origin,
}

// === impl KeyFiles ===

impl KeyFiles {
    /// For a data directory, and the key that was found at start.
    pub fn new(data: impl Into<PathBuf>, origin: Origin) -> Self {
        Self { data: data.into(), origin }
    }

    /// A key beside the data that it opens would protect nothing.
    fn is_beside_data(&self, file: &Path) -> bool {
        let Ok(data) = self.data.canonicalize() else { return false };
        let folders = file.ancestors().skip(1);
        let nearest = folders.map(Path::canonicalize).find_map(Result::ok);
        nearest.is_some_and(|folder| folder.starts_with(&data))
    }
}

impl MasterKeys for KeyFiles {
    fn find_or_make(&self, file: &Path) -> Result<NewMasterKey, Refused> {
        let refused = |reason: String, hint: &str| Refused { reason, hint: hint.to_owned() };
        let is_plain =
            file.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
        if !file.is_absolute() || !is_plain {
            let reason = format!("`{}` is not a whole path", file.display());
            return Err(refused(reason, "give an absolute path without `..` on the server's machine"));
        }
        if self.is_beside_data(file) {
            let reason = format!("{} is in the data directory {}", file.display(), self.data.display());
            let hint = "choose a file elsewhere: whoever gets the data must not get its key with it";
            return Err(refused(reason, hint));
        }
        let is_new = !file.exists();
        let opened = LocalVault::open(file, Create::IfMissing);
        let vault = opened.map_err(|error| refused(error.to_string(), hint(&error)))?;
        Ok(NewMasterKey { vault: Arc::new(vault), is_new })
    }

    fn next_start(&self, file: &Path) -> String {
        let file = file.display();
        match &self.origin {
            Origin::File(old) => format!(
                "before the server starts again, put the new key in the place of the old one (`mv {file} {}`, and \
                 keep the old key for backups from before), or start it with `--master-key-file {file}`",
                old.display()
            ),
            Origin::Text { name, .. } => format!(
                "before the server starts again, unset {name} and start it with `--master-key-file {file}`, or set \
                 {name} to the content of that file; keep the old key for backups from before"
            ),
        }
    }

    fn id_at_next_start(&self) -> Result<String, String> {
        match &self.origin {
            Origin::File(file) => LocalVault::open(file, Create::Never)
                .map(|vault| vault.id())
                .map_err(|error| error.to_string()),
            Origin::Text { id, .. } => Ok(id.clone()),
        }
    }
}

fn hint(error: &Error) -> &'static str {
    match error {
        Error::Exposed { .. } => "a key that others can read is no secret: make a new one in another file",
        Error::Malformed { .. } => "name a file that does not exist yet; nothing is ever overwritten",
        _ => "name a file that this server's user can make, or one with a master key in it",
    }
}
