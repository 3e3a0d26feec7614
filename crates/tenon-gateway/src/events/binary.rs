//! Binary mode: attributes are `ce-…` headers, the body is the data.

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::CONTENT_TYPE;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use tenon_capture::{Data, Event};

use super::structured;
use crate::Problem;
use crate::body::{Content, parse_json};
use crate::codes;

pub(super) fn event(headers: &HeaderMap, body: Bytes) -> Result<Event, Problem> {
    let mut attributes = Map::new();
    for (name, value) in headers {
        let Some(name) = name.as_str().strip_prefix("ce-") else { continue };
        let broken = || Problem::new(&codes::CLOUD_EVENT, format!("the header `ce-{name}` is not text"));
        let value = value.to_str().map_err(|_| broken())?;
        let value = percent_decode_str(value).decode_utf8().map_err(|_| broken())?;
        if matches!(name, "data" | "data_base64" | "datacontenttype") {
            let detail =
                format!("`ce-{name}` is not an attribute: data is the body, its type `Content-Type`");
            return Err(Problem::new(&codes::CLOUD_EVENT, detail));
        }
        if attributes.insert(name.to_owned(), value.into_owned().into()).is_some() {
            return Err(Problem::new(&codes::CLOUD_EVENT, format!("the header `ce-{name}` is given twice")));
        }
    }
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if let Some(content_type) = content_type {
        attributes.insert("datacontenttype".to_owned(), content_type.into());
    }
    let mut event = structured(Value::Object(attributes), "")?;
    event.data = data(Content::of(headers), body)?;
    Ok(event)
}

fn data(content: Content, body: Bytes) -> Result<Data, Problem> {
    if body.is_empty() {
        return Ok(Data::None);
    }
    match content {
        Content::Json => parse_json(body).map(Data::Json),
        Content::Text | Content::Xml => match std::str::from_utf8(&body) {
            Ok(text) => Ok(Data::Value(text.into())),
            Err(_) => Ok(Data::Binary(body)),
        },
        Content::Form | Content::Multipart | Content::Other | Content::Unknown => Ok(Data::Binary(body)),
    }
}
