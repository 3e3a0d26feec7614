//! Identifiers. Events and jobs carry 63-bit, time-ordered numbers, shown as a prefix and 13 base-32 digits.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A workspace; part of every key that data is read by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WorkspaceId(pub i64);

/// A workflow or trigger, over all its revisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ResourceId(pub i64);

/// One immutable content of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RevisionId(pub i64);

/// A slice of all lanes, owned by one node at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Shard(pub u16);

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an id: expected `{1}_` and up to 13 characters of 0-9 a-z without i, l, o, u")]
pub struct ParseIdError(String, &'static str);

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: u32 = 13;

fn digits(mut number: u64) -> [u8; LENGTH as usize] {
    let mut text = [b'0'; LENGTH as usize];
    for place in text.iter_mut().rev() {
        *place = DIGITS[(number & 31) as usize];
        number >>= 5;
    }
    text
}

/// The numbers whose texts start with these digits.
fn range(text: &str) -> Option<RangeInclusive<u64>> {
    let length = u32::try_from(text.len()).ok().filter(|length| (1..=LENGTH).contains(length))?;
    let mut number: u64 = 0;
    for byte in text.bytes() {
        let digit = DIGITS.iter().position(|d| *d == byte.to_ascii_lowercase())? as u64;
        number = number.checked_mul(32)?.checked_add(digit)?;
    }
    let open_bits = 5 * (LENGTH - length);
    let first = number.checked_shl(open_bits).filter(|first| first >> open_bits == number)?;
    Some(first..=first | ((1u64 << open_bits) - 1))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u64);

        impl $name {
            /// What the shown form starts with.
            pub const PREFIX: &'static str = concat!($prefix, "_");

            /// All ids whose shown form starts with this text (the prefix itself may be left out).
            pub fn range(text: &str) -> Result<RangeInclusive<Self>, ParseIdError> {
                let digits = text.strip_prefix(Self::PREFIX).unwrap_or(text);
                let range = range(digits).ok_or_else(|| ParseIdError(text.to_owned(), $prefix))?;
                Ok(Self(*range.start())..=Self(*range.end()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(Self::PREFIX)?;
                f.write_str(std::str::from_utf8(&digits(self.0)).expect("digits are ASCII"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let range = Self::range(text)?;
                if range.start() != range.end() {
                    return Err(ParseIdError(text.to_owned(), $prefix));
                }
                Ok(*range.start())
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// A captured event, `ev_…`.
    EventId,
    "ev"
);
id!(
    /// One execution of one workflow revision for one event, `job_…`.
    JobId,
    "job"
);
