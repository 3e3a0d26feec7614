//! How a store is opened.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tenon_store::GatherLimits;
use tenon_vault::Vault;

/// What `SqliteStore::open` needs to know.
#[derive(Clone)]
pub struct Options {
    /// The data directory; made with mode 0700 if it is missing.
    pub directory: PathBuf,
    /// Holder of the master key.
    pub vault: Arc<dyn Vault>,
    /// The name of a registered SQLite VFS; `None`: the default one.
    pub vfs: Option<String>,
    /// Below this much free space nothing new is accepted; outcomes still are.
    pub low_water_bytes: u64,
    /// The size of the file that is given up so that outcomes can be recorded on a full disk.
    pub ballast_bytes: u64,
    /// Connections for reading; at least 1.
    pub readers: usize,
    /// How much workflows may gather.
    pub gather: GatherLimits,
    /// What tests replace.
    pub hooks: Hooks,
}

// === impl Options ===

impl Options {
    /// The defaults.
    pub fn new(directory: impl Into<PathBuf>, vault: Arc<dyn Vault>) -> Self {
        Self {
            directory: directory.into(),
            vault,
            vfs: None,
            low_water_bytes: 64 << 20,
            ballast_bytes: 8 << 20,
            readers: 3,
            gather: GatherLimits::default(),
            hooks: Hooks::default(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("directory", &self.directory).finish_non_exhaustive()
    }
}

/// Takes the one line that says why the store cannot go on.
pub type Fatal = Arc<dyn Fn(&str) + Send + Sync>;
/// Tells the free bytes of the file system that holds a path.
pub type FreeSpace = Arc<dyn Fn(&Path) -> io::Result<u64> + Send + Sync>;
/// Tells how many pages the database may have.
pub type MaxPages = Arc<dyn Fn() -> Option<u32> + Send + Sync>;

/// Where the store meets the machine, so that bad days can be tested.
#[derive(Clone)]
pub struct Hooks {
    /// Called once when the store cannot go on (a failed fsync, an IO error, damage). By default the process
    /// aborts: what is in memory must not be trusted any more. If the hook returns, the store is closed.
    pub fatal: Fatal,
    /// Free bytes of the file system that holds a path.
    pub free_space: FreeSpace,
    /// The most pages of 4 KiB that the database may have, asked before every batch; `None`: no limit.
    pub max_pages: MaxPages,
}

impl Default for Hooks {
    fn default() -> Self {
        Self {
            fatal: Arc::new(|message| {
                tracing::error!("{message}; stopping at once, because nothing can be recorded any more");
                std::process::abort();
            }),
            free_space: Arc::new(|path| {
                let volume = rustix::fs::statvfs(path)?;
                Ok(volume.f_bavail.saturating_mul(volume.f_frsize))
            }),
            max_pages: Arc::new(|| None),
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooks")
    }
}
