//! Stable hashes: of effect arguments, long keys, and for numbers that look random but are the same in a replay.

use ring::digest::{SHA256, digest};

/// The first 64 bits of SHA-256.
pub(crate) fn hash64(bytes: &[u8]) -> u64 {
    let digest = digest(&SHA256, bytes);
    let first = digest.as_ref()[..8].try_into().expect("SHA-256 has 32 bytes");
    u64::from_be_bytes(first)
}

/// SHA-256 in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in digest(&SHA256, bytes).as_ref() {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(nibble), 16).expect("a nibble is a hexadecimal digit"));
        }
    }
    text
}

/// A number in `0.0..1.0` that depends on nothing but its arguments.
pub(crate) fn uniform(job: &str, effect: &str, attempt: u32) -> f64 {
    let hash = hash64(format!("{job}\n{effect}\n{attempt}").as_bytes());
    (hash >> 11) as f64 / (1u64 << 53) as f64
}
