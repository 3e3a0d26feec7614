//! A CloudEvent before it is captured, and how it is written down.
//!
//! Data that came as JSON text is spliced into the envelope without being turned into a tree.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use indexmap::IndexMap;
use serde_json::{Map, Value};
use tenon_expr::is_deeper;
use tenon_store::{EventId, Timestamp};

use crate::clock::{parse_rfc3339, rfc3339};
use crate::json_text::RESERVED;
use crate::{JsonText, MAX_JSON_DEPTH};

/// The extension attribute that counts how often an event was emitted by a job that an event started.
pub const HOPS: &str = "tenonhops";
/// The extension attribute that names the job which made an event of values that nobody may be shown
/// (`metadata.tenon.mask`). Only jobs give it: taken from outside it would hide whatever a sender likes.
pub const MASKED_BY: &str = "tenonmaskedby";
/// Events with more hops are refused: workflows that trigger each other would never end.
pub const MAX_HOPS: u64 = 32;
/// Longest attribute value, in bytes.
const MAX_ATTRIBUTE_BYTES: usize = 4096;
/// Most extension attributes.
const MAX_EXTENSIONS: usize = 64;

/// A CloudEvent 1.0 that is not captured yet.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Event {
    /// `id`, if it came with one; repeats of `(source, id)` are duplicates.
    pub id: Option<String>,
    /// `source`.
    pub source: String,
    /// `type`.
    pub r#type: String,
    /// `subject`.
    pub subject: Option<String>,
    /// `time`, RFC 3339; the time of capture if absent.
    pub time: Option<String>,
    /// `datacontenttype`.
    pub datacontenttype: Option<String>,
    /// `dataschema`.
    pub dataschema: Option<String>,
    /// All other attributes: text, whole numbers, booleans.
    pub extensions: IndexMap<String, Value>,
    /// `data` or `data_base64`.
    pub data: Data,
}

/// What an event carries.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Data {
    /// Nothing.
    #[default]
    None,
    /// JSON as text.
    Json(JsonText),
    /// JSON as a tree; text is a string.
    Value(Value),
    /// Bytes, written as `data_base64`.
    Binary(Bytes),
}

/// Why something is not a CloudEvent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidEvent {
    /// JSON Pointer to the attribute; empty for the event itself.
    pub pointer: String,
    /// What is wrong with it.
    pub message: String,
}

/// The hop count that an event emitted by a job started by `envelope` has.
pub fn hops_after(envelope: &Value) -> u64 {
    envelope.get(HOPS).and_then(Value::as_u64).unwrap_or(0).saturating_add(1)
}

// === impl Event ===

impl Event {
    /// Reads the JSON form: an object of attributes with `data` or `data_base64`. `id` may be absent.
    pub fn from_object(object: Map<String, Value>) -> Result<Self, InvalidEvent> {
        let mut event = Self::default();
        let mut version = None;
        for (name, value) in object {
            match (name.as_str(), value) {
                ("data", value) => set_data(&mut event.data, Data::Value(value))?,
                (_, Value::Null) => {}
                ("specversion", value) => version = Some(text("specversion", value)?),
                ("id", value) => event.id = Some(text("id", value)?),
                ("source", value) => event.source = text("source", value)?,
                ("type", value) => event.r#type = text("type", value)?,
                ("subject", value) => event.subject = Some(text("subject", value)?),
                ("time", value) => event.time = Some(text("time", value)?),
                ("datacontenttype", value) => event.datacontenttype = Some(text("datacontenttype", value)?),
                ("dataschema", value) => event.dataschema = Some(text("dataschema", value)?),
                ("data_base64", value) => {
                    let bytes = STANDARD.decode(text("data_base64", value)?).map_err(|error| {
                        invalid("data_base64", format!("`data_base64` is not base64: {error}"))
                    })?;
                    set_data(&mut event.data, Data::Binary(bytes.into()))?;
                }
                (_, value) => {
                    event.extensions.insert(name, value);
                }
            }
        }
        match version.as_deref() {
            Some("1.0") => event.check().map(|()| event),
            Some(other) => {
                Err(invalid("specversion", format!("`specversion` must be 1.0, not `{}`", short(other))))
            }
            None => Err(invalid("specversion", "`specversion` is missing; it must be 1.0".to_owned())),
        }
    }

    /// What all events must hold, whichever way they came.
    pub fn check(&self) -> Result<(), InvalidEvent> {
        let required =
            [("source", Some(&self.source)), ("type", Some(&self.r#type)), ("id", self.id.as_ref())];
        for (name, value) in required {
            if value.is_some_and(String::is_empty) {
                return Err(invalid(name, format!("`{name}` must be text that is not empty")));
            }
        }
        let optional = [
            ("subject", &self.subject),
            ("time", &self.time),
            ("datacontenttype", &self.datacontenttype),
            ("dataschema", &self.dataschema),
        ];
        let given = optional.into_iter().map(|(name, value)| (name, value.as_ref()));
        for (name, value) in required.into_iter().chain(given) {
            if value.is_some_and(|value| value.len() > MAX_ATTRIBUTE_BYTES) {
                return Err(invalid(name, format!("`{name}` is longer than {MAX_ATTRIBUTE_BYTES} bytes")));
            }
        }
        if let Some(time) = &self.time {
            parse_rfc3339(time).map_err(|error| invalid("time", error.to_string()))?;
        }
        if matches!(&self.data, Data::Value(value) if is_deeper(value, MAX_JSON_DEPTH)) {
            return Err(invalid("data", format!("`data` nests more than {MAX_JSON_DEPTH} levels")));
        }
        // Text was looked through when it was read.
        if matches!(&self.data, Data::Value(value) if has_reserved(value)) {
            let message = format!("members of `data` whose name begins with `{RESERVED}` are not taken");
            return Err(invalid("data", message));
        }
        self.check_extensions()
    }

    fn check_extensions(&self) -> Result<(), InvalidEvent> {
        if self.extensions.len() > MAX_EXTENSIONS {
            return Err(invalid("", format!("more than {MAX_EXTENSIONS} extension attributes")));
        }
        for (name, value) in &self.extensions {
            let well_formed = |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
            if name.is_empty() || name.len() > 64 || !well_formed(name) {
                let name = short(name);
                let message = format!("`{name}` is not an attribute name: only a-z and 0-9, at most 64");
                return Err(invalid(name, message));
            }
            let fits = match value {
                Value::String(text) => text.len() <= MAX_ATTRIBUTE_BYTES,
                Value::Number(number) => number.is_i64() || number.is_u64(),
                Value::Bool(_) => true,
                _ => false,
            };
            if !fits {
                let message = format!(
                    "`{name}` must be text of at most {MAX_ATTRIBUTE_BYTES} bytes, a whole number or a boolean"
                );
                return Err(invalid(name, message));
            }
        }
        Ok(())
    }

    /// How often it was emitted; [`None`] if the attribute is not a whole number.
    pub(crate) fn hops(&self) -> Option<u64> {
        match self.extensions.get(HOPS) {
            None => Some(0),
            Some(Value::String(text)) => text.parse().ok(),
            Some(value) => value.as_u64(),
        }
    }

    /// The envelope as JSON text. `id` and `time` are filled in where the event has none.
    pub(crate) fn envelope(&self, id: EventId, at: Timestamp) -> Bytes {
        let mut writer = Writer(Vec::with_capacity(256 + self.source.len() + self.data.size()));
        writer.0.extend_from_slice(br#"{"specversion":"1.0""#);
        match &self.id {
            Some(own) => writer.member("id", own),
            None => writer.member("id", &id.to_string()),
        }
        writer.member("source", &self.source);
        writer.member("type", &self.r#type);
        writer.optional("subject", self.subject.as_deref());
        match &self.time {
            Some(time) => writer.member("time", time),
            None => writer.member("time", &rfc3339(at)),
        }
        writer.optional("datacontenttype", self.datacontenttype.as_deref());
        writer.optional("dataschema", self.dataschema.as_deref());
        for (name, value) in &self.extensions {
            writer.key(name);
            writer.value(value);
        }
        match &self.data {
            Data::None => {}
            Data::Json(text) => {
                writer.key("data");
                writer.0.extend_from_slice(text.bytes());
            }
            Data::Value(value) => {
                writer.key("data");
                writer.value(value);
            }
            Data::Binary(bytes) => writer.member("data_base64", &STANDARD.encode(bytes)),
        }
        writer.0.push(b'}');
        writer.0.into()
    }
}

// === impl Data ===

impl Data {
    /// Bytes that it takes in the envelope, about.
    fn size(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Json(text) => text.bytes().len(),
            Self::Value(_) => 256,
            Self::Binary(bytes) => bytes.len() / 3 * 4 + 16,
        }
    }
}

/// Appends members to an object that has one already.
struct Writer(Vec<u8>);

impl Writer {
    fn key(&mut self, name: &str) {
        self.0.push(b',');
        self.text(name);
        self.0.push(b':');
    }

    fn member(&mut self, name: &str, text: &str) {
        self.key(name);
        self.text(text);
    }

    fn optional(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.member(name, text);
        }
    }

    fn text(&mut self, text: &str) {
        serde_json::to_writer(&mut self.0, text).expect("writing to memory cannot fail");
    }

    fn value(&mut self, value: &Value) {
        serde_json::to_writer(&mut self.0, value).expect("writing to memory cannot fail");
    }
}

fn set_data(data: &mut Data, new: Data) -> Result<(), InvalidEvent> {
    if *data != Data::None {
        return Err(invalid("data", "only one of `data` and `data_base64` may be given".to_owned()));
    }
    *data = new;
    Ok(())
}

fn text(name: &'static str, value: Value) -> Result<String, InvalidEvent> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(invalid(name, format!("`{name}` must be text"))),
    }
}

fn short(text: &str) -> &str {
    let end = (0..=text.len().min(80)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

/// Whether an object in it has a member that could not be read again. Not deeper than events may be.
fn has_reserved(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_reserved),
        Value::Object(members) => {
            members.iter().any(|(name, value)| name.starts_with(RESERVED) || has_reserved(value))
        }
        _ => false,
    }
}

fn invalid(name: &str, message: String) -> InvalidEvent {
    let pointer = if name.is_empty() { String::new() } else { format!("/{name}") };
    InvalidEvent { pointer, message }
}
