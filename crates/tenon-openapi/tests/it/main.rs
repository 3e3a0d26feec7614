//! What requests documents make of parameters.

#![expect(clippy::unwrap_used, reason = "what fails here is the test")]

mod bodies;
mod documents;
mod limits;
mod published;
mod servers;
mod styles;

use serde_json::{Map, Value};
use tenon_openapi::{Api, Call};

const ADDRESS: &str = "https://docs.example:8443/v1/openapi.yaml";

fn parameters(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).unwrap()
}

/// The request, or the error, as one text.
fn outcome(document: &str, operation: &str, json: &str) -> String {
    let api = match Api::parse(document) {
        Ok(api) => api,
        Err(error) => return format!("document: {error}"),
    };
    let Some(operation) = api.operation(operation) else {
        return format!("no such operation; nearest: {:?}", api.nearest(operation));
    };
    match operation.request(&parameters(json), ADDRESS) {
        Ok(call) => shown(&call),
        Err(error) => error.to_string(),
    }
}

fn shown(call: &Call) -> String {
    let mut parts = vec![call.method.clone(), call.url.clone()];
    parts.extend(call.query.iter().map(|(name, value)| format!("?{name}={value}")));
    parts.extend(call.headers.iter().map(|(name, value)| format!("{name}: {value}")));
    parts.extend(call.content_type.iter().map(|content_type| format!("[{content_type}]")));
    parts.extend(call.body.iter().map(|body| body.as_str().map_or_else(|| body.to_string(), str::to_owned)));
    parts.join(" ")
}
