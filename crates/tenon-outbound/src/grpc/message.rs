//! Messages between JSON and the wire.

use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::{Map, Value};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use crate::Failure;

/// How deep an answer may nest as JSON.
const MAX_DEPTH: usize = 100;

/// Reads answers of one kind.
pub(super) struct JsonCodec(MessageDescriptor);

/// The message that JSON describes. Members that the message has not are errors that name them.
pub(super) fn read(kind: MessageDescriptor, arguments: &Value) -> Result<DynamicMessage, Failure> {
    let empty = Value::Object(Map::new());
    let arguments = if arguments.is_null() { &empty } else { arguments };
    DynamicMessage::deserialize(kind.clone(), arguments).map_err(|error| {
        let fields: Vec<String> =
            kind.fields().take(20).map(|field| format!("`{}`", field.json_name())).collect();
        let fields = if fields.is_empty() { "no fields".to_owned() } else { fields.join(", ") };
        let place = culprit(&kind, arguments).map_or_else(String::new, |name| format!("in `{name}`: "));
        let problem = without_values(&error.to_string());
        Failure::InvalidRequest(format!(
            "the arguments do not fit `{}`: {place}{problem}; it has {fields}",
            kind.full_name()
        ))
    })
}

/// Which argument does not fit.
fn culprit(kind: &MessageDescriptor, arguments: &Value) -> Option<String> {
    let does_not_fit = |(name, value): &(&String, &Value)| {
        let alone = Value::Object(Map::from_iter([((*name).clone(), (*value).clone())]));
        DynamicMessage::deserialize(kind.clone(), &alone).is_err()
    };
    let (name, _) = arguments.as_object()?.iter().find(does_not_fit)?;
    Some(name.chars().filter(|letter| !letter.is_control()).take(120).collect())
}

/// serde says `invalid type: string "…", expected …`: what was expected is enough, what was there may be secret.
fn without_values(message: &str) -> String {
    let names_a_field = message.starts_with("unrecognized field name");
    match message.rsplit_once("expected ") {
        Some((_, expected)) if !names_a_field => format!("expected {expected}"),
        _ if names_a_field => message.to_owned(),
        _ => "its value is not of that kind".to_owned(),
    }
}

/// The message as JSON. Fields that have their default value are there: for who reads `.paid`, `false` is not
/// `null`.
pub(super) fn write(message: &DynamicMessage, host: &str) -> Result<Value, Failure> {
    let unreadable = |problem: &str| Failure::communication(format!("the answer of `{host}` {problem}"));
    let options = SerializeOptions::new().skip_default_fields(false);
    let value = message.serialize_with_options(serde_json::value::Serializer, &options);
    let value = value.map_err(|_| unreadable("cannot be written as JSON"))?;
    if is_deeper(&value, MAX_DEPTH) {
        return Err(unreadable(&format!("nests more than {MAX_DEPTH} levels")));
    }
    Ok(value)
}

fn is_deeper(value: &Value, limit: usize) -> bool {
    let mut open = vec![(value, 1)];
    while let Some((value, depth)) = open.pop() {
        let inside: Box<dyn Iterator<Item = &Value>> = match value {
            Value::Array(items) => Box::new(items.iter()),
            Value::Object(members) => Box::new(members.values()),
            _ => continue,
        };
        if depth > limit {
            return true;
        }
        open.extend(inside.map(|value| (value, depth + 1)));
    }
    false
}

// === impl Codec ===

impl JsonCodec {
    pub(super) fn new(answer: MessageDescriptor) -> Self {
        Self(answer)
    }
}

impl Codec for JsonCodec {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Out;
    type Decoder = In;

    fn encoder(&mut self) -> Out {
        Out
    }

    fn decoder(&mut self) -> In {
        In(self.0.clone())
    }
}

pub(super) struct Out;

impl Encoder for Out {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, item: DynamicMessage, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(buffer).map_err(|error| Status::internal(error.to_string()))
    }
}

pub(super) struct In(MessageDescriptor);

impl Decoder for In {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let message = DynamicMessage::decode(self.0.clone(), buffer);
        message.map(Some).map_err(|error| Status::internal(format!("the answer is not of its kind: {error}")))
    }
}
