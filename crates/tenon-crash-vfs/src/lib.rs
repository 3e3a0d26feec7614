//! A SQLite VFS that remembers every write, truncation, sync and deletion, so that a test can put together what
//! a disk may hold after the power fails at any of them: only what was synced for certain, the rest perhaps.
//!
//! For tests only; nothing that ships may depend on it. It knows files and bytes, not what SQLite means by them.
//! The only crate with unsafe code, because a VFS is a table of C functions; all of it is in `shim`.

mod disk;
mod operation;
mod recorder;
mod shim;

pub use disk::{Disk, Image, Kept};
pub use operation::Operation;
pub use recorder::{Recorder, Syncs};
