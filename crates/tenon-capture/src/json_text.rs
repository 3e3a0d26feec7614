//! JSON that was checked but not turned into a tree: it is spliced into an envelope as it came.

use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// How deep JSON from outside may nest: an envelope around it must still be readable by `serde_json` (128)
/// and by expressions (112).
pub const MAX_JSON_DEPTH: usize = 100;

/// One JSON value as text, known to be readable into a [`Value`]. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonText(Bytes);

/// Why a text is not JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidJson(String);

// === impl JsonText ===

impl JsonText {
    /// Checks the whole text: UTF-8, syntax, escapes, numbers that fit, depth. Nothing is copied.
    pub fn parse(text: Bytes) -> Result<Self, InvalidJson> {
        let broken = |error: serde_json::Error| InvalidJson(error.to_string());
        let source = std::str::from_utf8(&text)
            .map_err(|error| InvalidJson(format!("not UTF-8 at byte {}", error.valid_up_to())))?;
        let mut deserializer = serde_json::Deserializer::from_str(source);
        Check { left: MAX_JSON_DEPTH }.deserialize(&mut deserializer).map_err(broken)?;
        deserializer.end().map_err(broken)?;
        Ok(Self(text))
    }

    /// `null`.
    pub fn null() -> Self {
        Self(Bytes::from_static(b"null"))
    }

    /// The text.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// The text, taken out.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// The tree.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.0).expect("checked when it was made")
    }
}

impl From<&Value> for JsonText {
    /// The value must not nest deeper than [`MAX_JSON_DEPTH`] if it is to be read again inside something.
    fn from(value: &Value) -> Self {
        Self(Bytes::from(serde_json::to_vec(value).expect("a value of text keys and finite numbers is JSON")))
    }
}

/// What the JSON library reads as something else than the name of a member: such an object would become another
/// value each time that it is read, or could not be read at all.
pub(crate) const RESERVED: &str = "$serde_json::private::";

/// Reads a value completely and keeps nothing. (`IgnoredAny` would let through bad UTF-8, lone surrogates and
/// numbers out of range, which fail later.)
struct Check {
    left: usize,
}

impl<'de> DeserializeSeed<'de> for Check {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Check {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let left = self.left.checked_sub(1).ok_or_else(too_deep)?;
        while items.next_element_seed(Check { left })?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let left = self.left.checked_sub(1).ok_or_else(too_deep)?;
        while members.next_key_seed(Name)?.is_some() {
            members.next_value_seed(Check { left })?;
        }
        Ok(())
    }
}

/// Reads a member's name.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Name {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }
    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<(), E> {
        if name.starts_with(RESERVED) {
            return Err(E::custom(format!("members whose name begins with `{RESERVED}` are not taken")));
        }
        Ok(())
    }
}

fn too_deep<E: serde::de::Error>() -> E {
    E::custom(format!("nested more than {MAX_JSON_DEPTH} levels deep"))
}
