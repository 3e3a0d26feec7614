//! The key itself and how it wraps others.
//!
//! ```text
//! version 1 | fingerprint of the master key 8 | nonce 12 | data key 32, encrypted | tag 16
//! ```
//! The fingerprint tells "another master key" from "damaged bytes"; it is derived one way (HKDF) and says
//! nothing about the key. Random nonces are fine here: a master key wraps one key per workspace.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf;
use ring::rand::{SecureRandom, SystemRandom};
use tenon_vault::Error;
use zeroize::Zeroizing;

const PREFIX: &str = "tenon-master-key-1:";
const VERSION: u8 = 1;
const FINGERPRINT_END: usize = 9;
const NONCE_END: usize = FINGERPRINT_END + NONCE_LEN;
const LENGTH: usize = NONCE_END + 32 + 16;
const PURPOSE: &[u8] = b"tenon data key v1";

/// 32 bytes, wiped when dropped.
pub(crate) struct MasterKey(Zeroizing<[u8; 32]>);

struct Fingerprint;

impl hkdf::KeyType for Fingerprint {
    fn len(&self) -> usize {
        8
    }
}

// === impl MasterKey ===

impl MasterKey {
    /// A random key; `None` when the operating system has no randomness.
    pub(crate) fn generate() -> Option<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        SystemRandom::new().fill(bytes.as_mut_slice()).ok()?;
        Some(Self(bytes))
    }

    /// From the file's one line, with or without its prefix.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.strip_prefix(PREFIX).unwrap_or(text);
        let bytes = Zeroizing::new(STANDARD.decode(digits).ok()?);
        let mut key = Zeroizing::new([0; 32]);
        if bytes.len() != key.len() {
            return None;
        }
        key.copy_from_slice(&bytes);
        Some(Self(key))
    }

    /// The file's content.
    pub(crate) fn to_text(&self) -> Zeroizing<String> {
        let digits = Zeroizing::new(STANDARD.encode(self.0.as_slice()));
        Zeroizing::new(format!("{PREFIX}{}\n", digits.as_str()))
    }

    /// Its fingerprint in hexadecimal.
    pub(crate) fn id(&self) -> String {
        format!("{:016x}", u64::from_be_bytes(self.fingerprint()))
    }

    /// Encrypts a data key.
    pub(crate) fn wrap(&self, key: &[u8; 32]) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| Error::NoRandomness)?;
        let mut wrapped = Vec::with_capacity(LENGTH);
        wrapped.push(VERSION);
        wrapped.extend_from_slice(&self.fingerprint());
        wrapped.extend_from_slice(&nonce);
        wrapped.extend_from_slice(key);
        let tag = self
            .cipher()
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(PURPOSE),
                &mut wrapped[NONCE_END..],
            )
            .expect("32 bytes are shorter than the 64 GiB that AES-GCM takes");
        wrapped.extend_from_slice(tag.as_ref());
        Ok(wrapped)
    }

    /// Decrypts a data key.
    pub(crate) fn unwrap(&self, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, Error> {
        if wrapped.len() != LENGTH || wrapped[0] != VERSION {
            return Err(Error::Damaged("a wrapped key has the wrong form"));
        }
        if wrapped[1..FINGERPRINT_END] != self.fingerprint() {
            return Err(Error::WrongMasterKey);
        }
        let nonce = wrapped[FINGERPRINT_END..NONCE_END].try_into().expect("the length was checked");
        let mut bytes = Zeroizing::new(wrapped[NONCE_END..].to_vec());
        let opened = self
            .cipher()
            .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(PURPOSE), &mut bytes)
            .map_err(|_| Error::Damaged("a wrapped key does not decrypt"))?;
        let mut key = Zeroizing::new([0; 32]);
        key.copy_from_slice(opened);
        Ok(key)
    }

    fn schedule(&self) -> hkdf::Prk {
        hkdf::Salt::new(hkdf::HKDF_SHA256, b"tenon master key").extract(self.0.as_slice())
    }

    fn cipher(&self) -> LessSafeKey {
        let schedule = self.schedule();
        let material = schedule
            .expand(&[b"wrap v1"], &AES_256_GCM)
            .expect("32 bytes are below HKDF's limit of 255 hashes");
        LessSafeKey::new(UnboundKey::from(material))
    }

    fn fingerprint(&self) -> [u8; 8] {
        let mut fingerprint = [0; 8];
        self.schedule()
            .expand(&[b"fingerprint v1"], Fingerprint)
            .and_then(|material| material.fill(&mut fingerprint))
            .expect("8 bytes are below HKDF's limit of 255 hashes");
        fingerprint
    }
}
