//! The embedded store: SQLite with one writer thread and natural group commit.
//!
//! A verb that writes becomes a command, is sealed in the caller's task, and is queued for the writer thread,
//! which applies what is there in one transaction and answers after the commit. Readers have connections of
//! their own. Only this process writes (a lock on the data directory), so fencing epochs, generations and
//! counters live in the writer's memory. No business rules here, and no SQL outside this crate.

mod body;
mod codec;
mod command;
mod connection;
mod disk;
mod failure;
mod file;
mod gather;
mod inbox;
mod keys;
mod lock;
mod open;
mod options;
mod payloads;
mod read;
mod readers;
mod retention;
mod schema;
mod store;
mod trigger;
mod variable;
mod waiting;
mod wal_check;
mod workspaces;
mod writer;

pub use open::{OpenError, has_data};
pub use options::{Fatal, FreeSpace, Hooks, MaxPages, Options};
pub use store::SqliteStore;
