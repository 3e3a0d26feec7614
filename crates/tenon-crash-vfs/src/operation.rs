//! What is remembered.

use std::fmt;
use std::sync::Arc;

/// One thing that was done to a file, or that the test wants to find again between them. Files go by their name
/// within the directory.
#[derive(Clone, PartialEq, Eq)]
pub enum Operation {
    /// Bytes at an offset.
    Write {
        /// Which file.
        file: Arc<str>,
        /// Where, in bytes.
        offset: u64,
        /// What.
        bytes: Arc<[u8]>,
    },
    /// The file has this many bytes now.
    Truncate {
        /// Which file.
        file: Arc<str>,
        /// Bytes.
        size: u64,
    },
    /// Everything done to the file so far is on the disk.
    Sync {
        /// Which file.
        file: Arc<str>,
    },
    /// All names of the directory are on the disk: what was deleted stays deleted.
    SyncDirectory,
    /// The file is gone.
    Delete {
        /// Which file.
        file: Arc<str>,
    },
    /// The test was promised something.
    Mark(usize),
}

/// For messages: how many bytes were written matters, not which.
impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write { file, offset, bytes } => {
                write!(f, "write {} bytes to {file} at {offset}", bytes.len())
            }
            Self::Truncate { file, size } => write!(f, "cut {file} to {size} bytes"),
            Self::Sync { file } => write!(f, "sync {file}"),
            Self::SyncDirectory => write!(f, "sync the directory"),
            Self::Delete { file } => write!(f, "delete {file}"),
            Self::Mark(number) => write!(f, "mark {number}"),
        }
    }
}
