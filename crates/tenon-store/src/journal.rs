//! The journal: the durable record of a job's effects.

use bytes::Bytes;

use crate::Timestamp;

/// One outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Dense, from 0, per job.
    pub sequence: u32,
    /// The effect's stable address.
    pub effect: String,
    /// From 1.
    pub attempt: u32,
    /// Hash of the effect's arguments; replay must find the same.
    pub arguments: u64,
    /// When the attempt started.
    pub started_at: Timestamp,
    /// When the outcome was accepted; never goes back within a job.
    pub at: Timestamp,
    /// The engine's encoding of the outcome.
    pub outcome: Bytes,
}
