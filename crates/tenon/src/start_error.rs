//! Why `tenon up` could not start or had to stop: the seam between the server and the command line. The server says
//! what happened; this file says code, exit and hints.

use std::net::SocketAddr;
use std::path::PathBuf;

use tenon_vault::MasterKey;

use crate::codes;
use crate::failure::{Exit, Failure};

/// What kept the server from starting, or made it stop.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("cannot use the data directory {}: {reason}", path.display())]
    DataDirectory { path: PathBuf, reason: String },
    /// `holder` says which process, e.g. `process 4711`.
    #[error("the data directory {} is in use by {holder}", path.display())]
    DataLocked { path: PathBuf, holder: String },
    #[error("the database in {} is damaged: {reason}", path.display())]
    DataDamaged { path: PathBuf, reason: String },
    #[error("the database in {} was written by a newer version of tenon", path.display())]
    DataNewer { path: PathBuf },
    #[error("cannot listen on {address}: {reason}")]
    Listen { address: SocketAddr, reason: String },
    #[error("listening on {address}, beyond loopback, without TLS is refused")]
    BeyondLoopback { address: SocketAddr },
    /// `place` is a path or a variable's name.
    #[error("cannot use the master key in {place}: {reason}")]
    MasterKey { place: String, reason: String },
    #[error("the master key in {place} ({given}) is not the one that opens {}{}", path.display(), say_needed(needed.as_deref()))]
    MasterKeyWrong { place: String, path: PathBuf, given: String, needed: Option<Box<MasterKey>> },
    #[error("cannot write the owner key {}: {reason}", path.display())]
    OwnerKey { path: PathBuf, reason: String },
    /// Something failed while the server was running.
    #[error("the server stopped: {reason}")]
    Failed { reason: String },
}

impl StartError {
    fn code(&self) -> &'static str {
        match self {
            Self::DataDirectory { .. } => codes::DATA_DIRECTORY,
            Self::DataLocked { .. } => codes::DATA_LOCKED,
            Self::DataDamaged { .. } => codes::DATA_DAMAGED,
            Self::DataNewer { .. } => codes::DATA_NEWER,
            Self::Listen { .. } => codes::LISTEN,
            Self::BeyondLoopback { .. } => codes::LISTEN_BEYOND_LOOPBACK,
            Self::MasterKey { .. } => codes::MASTER_KEY_FILE,
            Self::MasterKeyWrong { .. } => codes::MASTER_KEY_WRONG,
            Self::OwnerKey { .. } => codes::OWNER_KEY_FILE,
            Self::Failed { .. } => codes::SERVER_FAILED,
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::DataDirectory { .. } => "mend its owner and mode, or choose another with --data DIR",
            Self::DataLocked { .. } => "stop that process, or use another directory with --data DIR",
            Self::DataDamaged { .. } => {
                "copy the whole directory to a safe place, then restore the newest backup"
            }
            Self::DataNewer { .. } => "run that newer version",
            Self::Listen { .. } => "choose another address with --listen; port 0 takes a free one",
            Self::BeyondLoopback { .. } => {
                "listen on 127.0.0.1, or put a proxy that does TLS in front and say --behind-proxy"
            }
            Self::MasterKey { .. } => {
                "mend the file (mode 0600, unchanged content) or name another: --master-key-file"
            }
            Self::MasterKeyWrong { .. } => {
                "give the right one with --master-key-file FILE or TENON_MASTER_KEY"
            }
            Self::OwnerKey { .. } => "mend the owner and mode of the data directory",
            Self::Failed { .. } => "the log above says more; what was acknowledged is not lost, start again",
        }
    }
}

/// The key that is needed, as far as it is known.
fn say_needed(key: Option<&MasterKey>) -> String {
    let Some(key) = key else { return String::new() };
    let file = key.file.as_ref().map(|file| format!(", which was put into {file} when it was changed"));
    format!(": it needs {}{}", key.id, file.unwrap_or_default())
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let exit = match error {
            StartError::Failed { .. } => Exit::Failed,
            _ => Exit::CannotStart,
        };
        let code = error.code();
        Self::new(exit, format!("{error} ({code})"))
            .hint(error.hint())
            .hint(format!("`tenon explain {code}` says more"))
    }
}
