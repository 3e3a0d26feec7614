//! Subkeys that were derived before, by salt. Bounded: one process writes with one salt, so a handful of
//! recent ones serves nearly every read, and a miss costs two microseconds.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};

use crate::DataKey;

const LIMIT: usize = 64;
pub(crate) const SALT_LENGTH: usize = 16;
pub(crate) type Salt = [u8; SALT_LENGTH];

/// A cache; forgetting is always safe.
#[derive(Default)]
pub(crate) struct Subkeys(RwLock<HashMap<Salt, Arc<LessSafeKey>>>);

// === impl Subkeys ===

impl Subkeys {
    /// The subkey for a salt.
    pub(crate) fn get(&self, key: &DataKey, salt: &Salt) -> Arc<LessSafeKey> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(salt).cloned();
        if let Some(subkey) = known {
            return subkey;
        }
        let subkey = Arc::new(derive(key, salt));
        let mut cache = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= LIMIT {
            cache.clear();
        }
        cache.insert(*salt, Arc::clone(&subkey));
        subkey
    }
}

/// HKDF-SHA256: a key of its own for every salt.
pub(crate) fn derive(key: &DataKey, salt: &Salt) -> LessSafeKey {
    let schedule = key.extract(salt);
    let material = schedule
        .expand(&[b"tenon payload v1"], &AES_256_GCM)
        .expect("32 bytes are below HKDF's limit of 255 hashes");
    LessSafeKey::new(UnboundKey::from(material))
}
