//! Keys that expressions choose (for order and for dedup), and the shard that a key falls into.

use std::borrow::Cow;
use std::fmt::Write as _;

use ring::digest::{SHA256, digest};
use serde_json::Value;
use tenon_store::{JobId, ResourceId, Shard};

/// Longer keys are replaced by their hash.
pub const MAX_KEY_BYTES: usize = 1024;

/// The key that a value stands for: text as it is, null none, all else as JSON text.
pub fn key_text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(bounded_key(Cow::Owned(text)).into_owned()),
        other => Some(bounded_key(Cow::Owned(other.to_string())).into_owned()),
    }
}

/// The key itself, or `sha256:…` of it where it is longer than [`MAX_KEY_BYTES`].
pub fn bounded_key(key: Cow<'_, str>) -> Cow<'_, str> {
    if key.len() <= MAX_KEY_BYTES {
        return key;
    }
    let mut text = String::from("sha256:");
    for byte in digest(&SHA256, key.as_bytes()).as_ref() {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
    }
    Cow::Owned(text)
}

/// What decides the shard of a job.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    /// All jobs of the workflow together: it has a limit that one owner must count.
    Workflow,
    /// All jobs of one ordering key together.
    Key(&'a str),
    /// Anywhere.
    Job(JobId),
}

/// Stable across processes, versions and machines: open jobs of one key must meet in one shard.
pub(crate) fn shard(workflow: ResourceId, place: Place<'_>, shards: u16) -> Shard {
    let mut hash = Fnv::default();
    hash.feed(&workflow.0.to_le_bytes());
    match place {
        Place::Workflow => {}
        Place::Key(key) => hash.feed(key.as_bytes()),
        Place::Job(job) => hash.feed(&job.0.to_le_bytes()),
    }
    Shard((hash.finish() % u64::from(shards.max(1))) as u16)
}

/// FNV-1a, 64 bits, with a last mix because its low bits alone are weak.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        mixed ^ (mixed >> 33)
    }
}
