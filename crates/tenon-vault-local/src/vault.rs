//! The adapter.

use std::fmt;
use std::path::{Path, PathBuf};

use tenon_vault::Vault;
use zeroize::Zeroizing;

use crate::file::{self, Create};
use crate::master_key::MasterKey;

/// Why there is no master key. Each message is one line and says how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data is encrypted, and the key is gone.
    #[error(
        "master key file {path} does not exist, but the data directory is encrypted with a master key: \
         restore the file from your backup, or name another one with --master-key-file"
    )]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Others can read it.
    #[error("master key file {path} can be read by others (mode {mode:04o}): run `chmod 600 {path}`")]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is not a regular file.
    #[error("master key file {path} is not a regular file: name another one with --master-key-file")]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("cannot read master key file {path}: {source}; make it readable for this user (mode 0600)")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It cannot be made.
    #[error("cannot create master key file {path}: {source}; name another one with --master-key-file")]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It does not hold a key.
    #[error(
        "{origin} does not hold a master key: expected `tenon-master-key-1:` and 44 characters of base64; \
         restore it from your backup"
    )]
    Malformed {
        /// Which file, or that it was a text.
        origin: String,
    },
    /// The operating system gave no random bytes.
    #[error("cannot make a master key: the operating system gave no random bytes")]
    NoRandomness,
}

/// Wraps data keys with a master key that is held in memory.
pub struct LocalVault(MasterKey);

// === impl LocalVault ===

impl LocalVault {
    /// Reads the key file, or makes it if that is allowed.
    pub fn open(path: &Path, create: Create) -> Result<Self, Error> {
        if let Some(text) = file::read(path)? {
            return Self::parse(&text, || format!("master key file {}", path.display()));
        }
        if create == Create::Never {
            return Err(Error::Missing { path: path.to_owned() });
        }
        let key = MasterKey::generate().ok_or(Error::NoRandomness)?;
        file::create(path, &key.to_text())?;
        // Read back: what counts is what a restart will find, also if another process was faster.
        let text = file::read(path)?.ok_or_else(|| Error::Missing { path: path.to_owned() })?;
        Self::parse(&text, || format!("master key file {}", path.display()))
    }

    /// Takes the key from a text: the file's content, or the 44 characters of base64 alone.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        Self::parse(text, || "the text of the master key".to_owned())
    }

    fn parse(text: &str, origin: impl FnOnce() -> String) -> Result<Self, Error> {
        MasterKey::parse(text).map(Self).ok_or_else(|| Error::Malformed { origin: origin() })
    }
}

impl Vault for LocalVault {
    fn id(&self) -> String {
        self.0.id()
    }

    fn wrap(&self, key: &[u8; 32]) -> Result<Vec<u8>, tenon_vault::Error> {
        self.0.wrap(key)
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, tenon_vault::Error> {
        self.0.unwrap(wrapped)
    }
}

impl fmt::Debug for LocalVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalVault(…)")
    }
}
