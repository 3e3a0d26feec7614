//! What a poller remembers, as JSON in the store.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenon_capture::{parse_rfc3339, rfc3339};
use tenon_store::Timestamp;

/// The largest cursor, bytes of JSON. Less than a state may have.
pub const MAX_CURSOR_BYTES: usize = 16 << 10;

/// Where a poller stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PollState {
    /// What the next call is asked with.
    pub cursor: Value,
    /// Answers that were captured to their end, ever.
    pub polls: u64,
    /// The revision of the trigger that wrote this; 0: none yet, or a person did.
    pub revision: u32,
    /// Failures since the last of them.
    pub failures: u32,
    /// The last failure, if there was one since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
    /// When the last answer was captured, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// When it asks again, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Why a cursor cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a cursor has at most {MAX_CURSOR_BYTES} bytes as JSON; this one has {0}")]
pub struct CursorTooLarge(pub usize);

// === impl PollState ===

impl PollState {
    /// From the store; the error says what is damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }

    /// As the store keeps it.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a state has only text, numbers and JSON")
    }

    /// The same with a cursor that somebody has chosen, asked with at once. How often it was polled stays: what was
    /// captured of an answer whose end is missing must still be known.
    pub fn with_cursor(self, cursor: Value, now: Timestamp) -> Result<Self, CursorTooLarge> {
        check_size(&cursor)?;
        Ok(Self { cursor, revision: 0, failures: 0, error: None, next: Some(rfc3339(now)), ..self })
    }

    /// When a revision asks again; `None`: at once, as a new one does, since it may be one that was mended.
    pub(super) fn due(&self, revision: u32) -> Option<Timestamp> {
        self.next.as_deref().filter(|_| self.revision == revision).and_then(|next| parse_rfc3339(next).ok())
    }
}

pub(super) fn check_size(cursor: &Value) -> Result<(), CursorTooLarge> {
    let size = cursor.to_string().len();
    if size > MAX_CURSOR_BYTES { Err(CursorTooLarge(size)) } else { Ok(()) }
}
