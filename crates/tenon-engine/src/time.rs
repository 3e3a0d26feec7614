//! Moments. The core reads no clock: every moment comes in with an input or a journal entry.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

// === impl Timestamp ===

impl Timestamp {
    /// Later by a duration; saturates.
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Seconds, with fractions: what `now` gives.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// RFC 3339 in UTC with microseconds; moments outside the years 1 to 9999 are clamped.
    pub fn rfc3339(self) -> String {
        let moment = jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::MAX);
        format!("{moment:.6}")
    }

    /// Reads RFC 3339.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|moment| Self(moment.as_microsecond()))
    }

    /// The specification's date time descriptor.
    pub fn descriptor(self) -> Value {
        json!({
            "iso8601": self.rfc3339(),
            "epoch": { "seconds": self.0.div_euclid(1_000_000), "milliseconds": self.0.div_euclid(1_000) },
        })
    }
}
