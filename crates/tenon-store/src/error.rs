//! What can go wrong in a store.

/// One error for all verbs: callers act on the kind, not on the verb.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The disk is full. Nothing of the verb was kept; it may be tried again when there is room.
    #[error("the disk that holds the data is full")]
    Full,
    /// The shard belongs to a newer epoch; whoever tried to write must stop.
    #[error("this node no longer owns the shard")]
    Fenced,
    /// What the verb is about does not exist in this workspace.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// The thing changed meanwhile, or already is what it must not be.
    #[error("conflict: {0}")]
    Conflict(String),
    /// The store is closing or has stopped.
    #[error("the store is closed")]
    Closed,
    /// The data is damaged or cannot be opened with this key.
    #[error("damaged data: {0}")]
    Damaged(String),
    /// Anything else; the text is for the operator's log, not for callers of the API.
    #[error("store failure: {0}")]
    Internal(String),
}
