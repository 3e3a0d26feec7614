//! A webhook's request: its body checked, and as much of it as a value as the trigger's expressions read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use serde_json::{Map, Value};
use tenon_capture::trigger::{Needs, Webhook};
use tenon_capture::{Data, JsonText};

use crate::Problem;
use crate::body::{Content, parse_json};
use crate::codes;

/// Headers that carry credentials of the caller; they never enter the data flow.
const HIDDEN_HEADERS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// A request whose body is what it says it is and fits the trigger's schema.
pub(super) struct Received {
    /// What expressions see as `.`; only the members that they read.
    pub(super) view: Value,
    /// The body as an event carries it.
    pub(super) data: Data,
    /// What the body is, as the event says it.
    pub(super) content_type: Option<String>,
}

// === impl Received ===

impl Received {
    pub(super) fn read(webhook: &Webhook, parts: &Parts, raw: Bytes) -> Result<Self, Problem> {
        let content = Content::of(&parts.headers);
        if webhook.schema.is_some() && content != Content::Json {
            let detail = "this webhook has a schema, so its body must be JSON";
            return Err(Problem::new(&codes::CONTENT_TYPE, detail));
        }
        let needs = webhook.needs;
        let data = body_data(content, &raw)?;
        let mut body = None;
        if let Some(schema) = &webhook.schema {
            let value = body_value(&data);
            if let Err(violations) = schema.check(&value) {
                let detail = format!("the body breaks the schema in {} place(s)", violations.len());
                return Err(Problem::new(&codes::SCHEMA, detail).with_violations(&violations));
            }
            body = Some(value);
        }
        let mut view = Map::new();
        if needs.has(Needs::METHOD) {
            view.insert("method".to_owned(), parts.method.as_str().into());
        }
        if needs.has(Needs::PATH) {
            view.insert("path".to_owned(), webhook.path.as_str().into());
        }
        if needs.has(Needs::QUERY) {
            view.insert("query".to_owned(), query(parts.uri.query().unwrap_or_default()));
        }
        if needs.has(Needs::HEADERS) {
            view.insert("headers".to_owned(), headers(parts));
        }
        if needs.has(Needs::BODY) {
            view.insert("body".to_owned(), body.unwrap_or_else(|| body_value(&data)));
        }
        if needs.has(Needs::RAW) {
            view.insert("raw".to_owned(), raw_text(&raw));
        }
        let content_type = match (&data, content) {
            (Data::None, _) => None,
            (_, Content::Json | Content::Form) => Some("application/json".to_owned()),
            _ => parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned),
        };
        Ok(Self { view: Value::Object(view), data, content_type })
    }
}

fn body_data(content: Content, raw: &Bytes) -> Result<Data, Problem> {
    if raw.is_empty() && content != Content::Json {
        return Ok(Data::None);
    }
    match content {
        Content::Json => parse_json(raw.clone()).map(Data::Json),
        Content::Text => match std::str::from_utf8(raw) {
            Ok(text) => Ok(Data::Value(text.into())),
            Err(_) => Err(Problem::new(&codes::CONTENT_TYPE, "the text is not UTF-8")
                .with_hint("send UTF-8, or `Content-Type: application/octet-stream` to keep the bytes")),
        },
        Content::Form => Ok(Data::Value(form(raw))),
        Content::Other | Content::Unknown => Ok(Data::Binary(raw.clone())),
    }
}

fn body_value(data: &Data) -> Value {
    match data {
        Data::None => Value::Null,
        Data::Json(text) => JsonText::value(text),
        Data::Value(value) => value.clone(),
        Data::Binary(bytes) => STANDARD.encode(bytes).into(),
    }
}

/// The bytes as text if they are, else base64.
fn raw_text(raw: &Bytes) -> Value {
    match std::str::from_utf8(raw) {
        Ok(text) => text.into(),
        Err(_) => STANDARD.encode(raw).into(),
    }
}

fn query(query: &str) -> Value {
    form(query.as_bytes())
}

/// Names with their values; a name that comes several times has a list.
fn form(text: &[u8]) -> Value {
    let mut members = Map::new();
    for (name, value) in form_urlencoded::parse(text) {
        let value = Value::String(value.into_owned());
        match members.get_mut(name.as_ref()) {
            None => {
                members.insert(name.into_owned(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(members)
}

/// Names in lower case; several values of a name joined by `, `.
fn headers(parts: &Parts) -> Value {
    let mut members = Map::new();
    for (name, value) in &parts.headers {
        if HIDDEN_HEADERS.contains(&name.as_str()) {
            continue;
        }
        let value = String::from_utf8_lossy(value.as_bytes());
        match members.get_mut(name.as_str()) {
            Some(Value::String(text)) => {
                text.push_str(", ");
                text.push_str(&value);
            }
            _ => {
                members.insert(name.as_str().to_owned(), value.into_owned().into());
            }
        }
    }
    Value::Object(members)
}
