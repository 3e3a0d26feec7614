//! Encryption of payloads: AES-256-GCM, safe beyond 2^32 messages a key.
//!
//! Random 96-bit nonces may serve one key for 2^32 messages at most; at 25,000 a second that is two days.
//! So each process draws a random salt, derives a subkey from it, and counts nonces up. No two messages ever
//! share (subkey, nonce), and nothing has to be remembered between starts.
//!
//! A workspace has data keys 1, 2, 3 …; the newest seals, all of them open. A value of key 1 does not say so,
//! because values were written before there were others.
//!
//! ```text
//! version 1 |                | salt 16 | counter 8 | ciphertext n | tag 16      key 1
//! version 2 | number of key 4 | salt 16 | counter 8 | ciphertext n | tag 16     every other key
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use ring::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use crate::subkeys::{SALT_LENGTH, Salt, Subkeys, derive};
use crate::{DataKey, Error, Place};

/// Of key 1.
const FIRST_KEY: u8 = 1;
/// Of a key whose number follows.
const NUMBERED_KEY: u8 = 2;
const NUMBER_LENGTH: usize = 4;
const COUNTER_LENGTH: usize = 8;
const TAG_LENGTH: usize = 16;

/// Seals and opens the values of one workspace. Sealing 200 bytes takes a fraction of a microsecond.
pub struct Sealer {
    /// Of all sealers of the workspace together.
    keys: Arc<Keys>,
    number: u32,
    key: Arc<Key>,
    /// What a sealed value begins with: version, number of the newest key, this sealer's salt.
    head: Vec<u8>,
    salt: Salt,
    own: LessSafeKey,
    counter: AtomicU64,
    marks: hmac::Key,
}

/// By number.
type Keys = RwLock<BTreeMap<u32, Arc<Key>>>;

/// A data key with the subkeys that were derived from it before.
struct Key {
    data_key: DataKey,
    subkeys: Subkeys,
}

/// What a sealed value says before its ciphertext.
struct Head {
    key: u32,
    salt: Salt,
    counter: u64,
    length: usize,
}

// === impl Sealer ===

impl Sealer {
    /// Bytes that a sealed value is longer than the plain one, at least.
    pub const OVERHEAD: usize = 1 + SALT_LENGTH + COUNTER_LENGTH + TAG_LENGTH;
    /// The number of a workspace's first data key, which also makes its fingerprints.
    pub const FIRST_KEY: u32 = 1;

    /// Of a workspace with one data key.
    pub fn new(key: DataKey) -> Result<Self, Error> {
        Self::with_keys(BTreeMap::from([(Self::FIRST_KEY, key)]))
    }

    /// Of a workspace with these data keys by number; the one of the highest number seals.
    pub fn with_keys(keys: BTreeMap<u32, DataKey>) -> Result<Self, Error> {
        let first = keys.get(&Self::FIRST_KEY);
        let marks = marks(first.ok_or(Error::Damaged("a workspace's first data key is gone"))?);
        let key = |(number, data_key)| (number, Arc::new(Key { data_key, subkeys: Subkeys::default() }));
        let keys: BTreeMap<u32, Arc<Key>> = keys.into_iter().map(key).collect();
        let (&number, key) = keys.last_key_value().expect("the first key is there");
        let key = Arc::clone(key);
        Self::of(Arc::new(RwLock::new(keys)), (number, key), marks)
    }

    /// One that seals with a new data key from now on, beside this one. Nobody else opens what it seals until
    /// [`Sealer::share`].
    pub fn and(&self, number: u32, key: DataKey) -> Result<Self, Error> {
        let key = Arc::new(Key { data_key: key, subkeys: Subkeys::default() });
        Self::of(Arc::clone(&self.keys), (number, key), self.marks.clone())
    }

    /// Lets all sealers of the workspace open what this one seals. To be called when its key is durable, and
    /// before it seals anything that others may see.
    pub fn share(&self) {
        self.keys.write().unwrap_or_else(PoisonError::into_inner).insert(self.number, Arc::clone(&self.key));
    }

    /// Draws this sealer's salt.
    fn of(keys: Arc<Keys>, (number, key): (u32, Arc<Key>), marks: hmac::Key) -> Result<Self, Error> {
        let mut salt = [0; SALT_LENGTH];
        SystemRandom::new().fill(&mut salt).map_err(|_| Error::NoRandomness)?;
        let own = derive(&key.data_key, &salt);
        let head = head(number, &salt);
        Ok(Self { keys, number, key, head, salt, own, counter: AtomicU64::new(0), marks })
    }

    /// The number of the data key that seals.
    pub fn newest_key(&self) -> u32 {
        self.number
    }

    /// Encrypts a value for its place.
    pub fn seal(&self, place: Place, plain: &[u8]) -> Vec<u8> {
        let counter = self.counter.fetch_add(1, Ordering::Relaxed);
        let start = self.head.len() + COUNTER_LENGTH;
        let mut sealed = Vec::with_capacity(start + plain.len() + TAG_LENGTH);
        sealed.extend_from_slice(&self.head);
        sealed.extend_from_slice(&counter.to_be_bytes());
        sealed.extend_from_slice(plain);
        let tag = self
            .own
            .seal_in_place_separate_tag(
                nonce(counter),
                Aad::from(place.associated_data()),
                &mut sealed[start..],
            )
            .expect("a payload is shorter than the 64 GiB that AES-GCM takes");
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// Decrypts a value that was sealed for this place.
    pub fn open(&self, place: Place, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let head = Head::parse(sealed)?;
        let nonce = nonce(head.counter);
        let mut plain = sealed[head.length..].to_vec();
        let aad = Aad::from(place.associated_data());
        let opened = if head.salt == self.salt && head.key == self.number {
            self.own.open_in_place(nonce, aad, &mut plain).map(|plain| plain.len())
        } else {
            let key = self.key(head.key).ok_or(Error::Damaged("its data key is not there"))?;
            let subkey = key.subkeys.get(&key.data_key, &head.salt);
            subkey.open_in_place(nonce, aad, &mut plain).map(|plain| plain.len())
        };
        let length =
            opened.map_err(|_| Error::Damaged("a sealed value does not belong where it was found"))?;
        plain.truncate(length);
        Ok(plain)
    }

    fn key(&self, number: u32) -> Option<Arc<Key>> {
        if number == self.number {
            return Some(Arc::clone(&self.key));
        }
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()
    }

    /// The number of the data key that a value was sealed with, as far as it says so itself.
    pub fn key_of(sealed: &[u8]) -> Result<u32, Error> {
        Head::parse(sealed).map(|head| head.key)
    }

    /// A keyed 128-bit hash: the same for the same parts, telling nothing about them without the key, and not
    /// to be collided on purpose. Parts are delimited, so that ("ab", "c") and ("a", "bc") differ. It is of the
    /// first data key, so that it stays the same when there are others.
    pub fn fingerprint(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mut context = hmac::Context::with_key(&self.marks);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let tag = context.sign();
        tag.as_ref()[..16].try_into().expect("SHA-256 gives 32 bytes")
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(…)")
    }
}

// === impl Head ===

impl Head {
    fn parse(sealed: &[u8]) -> Result<Self, Error> {
        let short = Error::Damaged("too short to be a sealed value");
        let (version, rest) = sealed.split_first().ok_or(short.clone())?;
        let (key, rest) = match *version {
            FIRST_KEY => (Sealer::FIRST_KEY, rest),
            NUMBERED_KEY => {
                let (number, rest) = rest.split_first_chunk::<NUMBER_LENGTH>().ok_or(short.clone())?;
                (u32::from_be_bytes(*number), rest)
            }
            _ => return Err(Error::Damaged("sealed by an unknown version")),
        };
        let (salt, rest) = rest.split_first_chunk::<SALT_LENGTH>().ok_or(short.clone())?;
        let (counter, rest) = rest.split_first_chunk::<COUNTER_LENGTH>().ok_or(short.clone())?;
        if rest.len() < TAG_LENGTH {
            return Err(short);
        }
        let length = sealed.len() - rest.len();
        Ok(Self { key, salt: *salt, counter: u64::from_be_bytes(*counter), length })
    }
}

/// What makes fingerprints.
fn marks(first: &DataKey) -> hmac::Key {
    let schedule = first.extract(b"tenon fingerprints");
    let material = schedule
        .expand(&[b"tenon fingerprint v1"], hmac::HMAC_SHA256)
        .expect("32 bytes are below HKDF's limit of 255 hashes");
    hmac::Key::from(material)
}

fn head(key: u32, salt: &Salt) -> Vec<u8> {
    let mut head = Vec::with_capacity(1 + NUMBER_LENGTH + SALT_LENGTH);
    if key == Sealer::FIRST_KEY {
        head.push(FIRST_KEY);
    } else {
        head.push(NUMBERED_KEY);
        head.extend_from_slice(&key.to_be_bytes());
    }
    head.extend_from_slice(salt);
    head
}

/// 2^64 values of the counter are out of reach, so none repeats under one subkey.
fn nonce(counter: u64) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[NONCE_LEN - 8..].copy_from_slice(&counter.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}
