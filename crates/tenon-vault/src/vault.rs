//! The port to whoever holds the master key, and its one error.

use zeroize::Zeroizing;

/// What can go wrong with keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The key was wrapped with another master key.
    #[error("the master key is not the one that this data was encrypted with")]
    WrongMasterKey,
    /// Bytes that were encrypted here do not decrypt any more: they were changed, moved to another row, or
    /// never were a sealed value.
    #[error("encrypted data is damaged: {0}")]
    Damaged(&'static str),
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
    /// A key service could not be reached or refused.
    #[error("the key service does not answer: {0}")]
    Unavailable(String),
}

/// Holder of a master key.
pub trait Vault: Send + Sync {
    /// A short name of the master key that tells nothing about it: the same for the same key, another for
    /// another. People compare it.
    fn id(&self) -> String;
    /// Encrypts a data key, so that it can be stored beside the data.
    fn wrap(&self, key: &[u8; 32]) -> Result<Vec<u8>, Error>;
    /// Decrypts what [`Vault::wrap`] gave. Tells a wrong master key from damaged bytes.
    fn unwrap(&self, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, Error>;
}
