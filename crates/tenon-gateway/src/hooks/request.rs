//! A webhook's request: its body checked, and as much of it as a value as the trigger's expressions read.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use serde_json::{Map, Value};
use tenon_capture::trigger::{Auth, Needs, Webhook};
use tenon_capture::{Data, JsonText};

use super::lookup::segments;
use super::xml;
use crate::Problem;
use crate::body::{Content, parse_json};
use crate::codes;

/// Headers that carry credentials of the caller; they never enter the data flow.
const HIDDEN_HEADERS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// Fields of a form or query string.
const MAX_FIELDS: usize = 1_000;

/// A request whose body is what it says it is and fits the trigger's schema.
pub(super) struct Received {
    /// What expressions see as `.`; only the members that they read.
    pub(super) view: Value,
    /// The body as an event carries it.
    pub(super) data: Data,
    /// What the body is, as the event says it.
    pub(super) content_type: Option<String>,
    /// What was called, where the trigger has no address of its own.
    pub(super) address: String,
}

// === impl Received ===

impl Received {
    pub(super) fn read(webhook: &Webhook, parts: &Parts, raw: Bytes) -> Result<Self, Problem> {
        let content = Content::of(&parts.headers);
        let has_members = matches!(content, Content::Json | Content::Form | Content::Xml);
        if webhook.schema.is_some() && !has_members {
            let detail = "this webhook has a schema, so its body must be JSON, a form or XML";
            return Err(Problem::new(&codes::CONTENT_TYPE, detail));
        }
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
        let is_literal = webhook.path.is_literal();
        let view = view(webhook, parts, || body.unwrap_or_else(|| body_value(&data)), &raw)?;
        let address = if is_literal { String::new() } else { parts.uri.path().to_owned() };
        let content_type = match (&data, content) {
            (Data::None, _) => None,
            (_, Content::Json | Content::Form | Content::Xml) => Some("application/json".to_owned()),
            _ => parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned),
        };
        Ok(Self { view: Value::Object(view), data, content_type, address })
    }
}

/// The members of the request that the trigger's expressions read.
fn view(
    webhook: &Webhook,
    parts: &Parts,
    body: impl FnOnce() -> Value,
    raw: &Bytes,
) -> Result<Map<String, Value>, Problem> {
    let needs = webhook.needs;
    let is_literal = webhook.path.is_literal();
    let mut view = Map::new();
    if needs.has(Needs::METHOD) {
        view.insert("method".to_owned(), parts.method.as_str().into());
    }
    if needs.has(Needs::PATH) {
        let path = if is_literal { webhook.path.text().to_owned() } else { called(parts).join("/") };
        view.insert("path".to_owned(), path.into());
    }
    if needs.has(Needs::PARAMS) && !is_literal {
        view.insert("params".to_owned(), parameters(webhook, parts).into());
    }
    if needs.has(Needs::QUERY) {
        view.insert("query".to_owned(), form(parts.uri.query().unwrap_or_default().as_bytes())?);
    }
    if needs.has(Needs::HEADERS) {
        view.insert("headers".to_owned(), headers(parts, webhook));
    }
    if needs.has(Needs::BODY) {
        view.insert("body".to_owned(), body());
    }
    if needs.has(Needs::RAW) {
        view.insert("raw".to_owned(), raw_text(raw));
    }
    Ok(view)
}

/// What the parameters of the path are.
pub(super) fn parameters(webhook: &Webhook, parts: &Parts) -> Map<String, Value> {
    webhook.path.values(&called(parts))
}

/// The same as it was sent, without names.
pub(super) fn raw_parameters<'p>(webhook: &Webhook, parts: &'p Parts) -> Vec<&'p str> {
    let segments = behind_workspace(parts).split('/').zip(webhook.path.rank());
    segments.filter_map(|(segment, is_parameter)| is_parameter.then_some(segment)).collect()
}

/// The segments behind `/hooks/<workspace>/`, decoded.
fn called(parts: &Parts) -> Vec<Cow<'_, str>> {
    segments(behind_workspace(parts)).unwrap_or_default()
}

fn behind_workspace(parts: &Parts) -> &str {
    parts.uri.path().splitn(4, '/').nth(3).unwrap_or_default()
}

fn body_data(content: Content, raw: &Bytes) -> Result<Data, Problem> {
    if raw.is_empty() && content != Content::Json {
        return Ok(Data::None);
    }
    let text = || {
        std::str::from_utf8(raw).map_err(|_| {
            Problem::new(&codes::CONTENT_TYPE, "the text is not UTF-8")
                .with_hint("send UTF-8, or `Content-Type: application/octet-stream` to keep the bytes")
        })
    };
    match content {
        Content::Json => parse_json(raw.clone()).map(Data::Json),
        Content::Text => Ok(Data::Value(text()?.into())),
        Content::Form => form(raw).map(Data::Value),
        Content::Xml => xml::to_value(text()?).map(Data::Value).map_err(|reason| {
            Problem::new(&codes::XML, format!("the body is not XML that is taken: {reason}"))
        }),
        Content::Multipart => Err(Problem::new(&codes::CONTENT_TYPE, "`multipart/form-data` is not taken")
            .with_hint(
                "send JSON or `application/x-www-form-urlencoded`; send the address of a file, not the file",
            )),
        Content::Other | Content::Unknown => Ok(Data::Binary(raw.clone())),
    }
}

/// A body as whoever looks at it wants it; `None` if it is not what it says it is.
pub(super) fn body_for_people(headers: &HeaderMap, raw: &Bytes) -> Option<Value> {
    let content = Content::of(headers);
    // People send JSON without saying so.
    let content = if content == Content::Unknown { Content::Json } else { content };
    if raw.is_empty() {
        return Some(Value::Null);
    }
    body_data(content, raw).ok().map(|data| body_value(&data))
}

/// Whether a body says of itself what its members are, unlike a form, which anything can be read as.
pub(super) fn has_members(headers: &HeaderMap) -> bool {
    matches!(Content::of(headers), Content::Json | Content::Xml | Content::Unknown)
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

/// Names with their values; a name that comes several times has a list.
pub(super) fn form(text: &[u8]) -> Result<Value, Problem> {
    let mut members = Map::new();
    for (count, (name, value)) in form_urlencoded::parse(text).enumerate() {
        if count == MAX_FIELDS {
            return Err(Problem::new(&codes::FORM, format!("there are more than {MAX_FIELDS} fields")));
        }
        let value = Value::String(value.into_owned());
        match members.get_mut(name.as_ref()) {
            None => {
                members.insert(name.into_owned(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Ok(Value::Object(members))
}

/// Without what only the caller and this server may know.
fn headers(parts: &Parts, webhook: &Webhook) -> Value {
    let token = match &webhook.auth {
        Auth::Bearer { header, .. } => header.as_deref(),
        _ => None,
    };
    let is_hidden = |name: &str| HIDDEN_HEADERS.contains(&name) || token == Some(name);
    texts(parts.headers.iter().filter(|(name, _)| !is_hidden(name.as_str())))
}

/// All of them.
pub(super) fn header_texts(headers: &HeaderMap) -> Value {
    texts(headers.iter())
}

/// Names in lower case; several values of a name joined by `, `.
fn texts<'a>(headers: impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)>) -> Value {
    let mut members = Map::new();
    for (name, value) in headers {
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
