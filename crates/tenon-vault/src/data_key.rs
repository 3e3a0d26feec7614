//! A workspace's key: 32 random bytes, wiped from memory when dropped, never shown.

use std::fmt;

use ring::hkdf;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::{Error, Vault};

/// The key that all payloads of one workspace are encrypted under.
#[derive(Clone)]
pub struct DataKey(Zeroizing<[u8; 32]>);

// === impl DataKey ===

impl DataKey {
    /// A new random key.
    pub fn generate() -> Result<Self, Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        SystemRandom::new().fill(bytes.as_mut_slice()).map_err(|_| Error::NoRandomness)?;
        Ok(Self(bytes))
    }

    /// A key that was made before.
    pub fn from_bytes(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// The form that may be stored.
    pub fn wrap(&self, vault: &dyn Vault) -> Result<Vec<u8>, Error> {
        vault.wrap(&self.0)
    }

    /// Back from the form that was stored.
    pub fn unwrap(vault: &dyn Vault, wrapped: &[u8]) -> Result<Self, Error> {
        vault.unwrap(wrapped).map(Self)
    }

    /// A key schedule for a salt (HKDF-Extract); every use expands it with its own label.
    pub(crate) fn extract(&self, salt: &[u8]) -> hkdf::Prk {
        hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(self.0.as_slice())
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(…)")
    }
}
