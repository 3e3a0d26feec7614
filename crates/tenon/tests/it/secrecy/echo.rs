//! What the callee saw, said back in every way that a careless callee could.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, Method};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};

use super::search::hexadecimal;

/// A request as it came in.
#[derive(Clone)]
pub(crate) struct Seen {
    /// At the second address, which none of the secrets is meant for.
    pub(crate) is_away: bool,
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

// === impl Seen ===

impl Seen {
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> String {
        let value = self.headers.get(name).map(http::HeaderValue::as_bytes).unwrap_or_default();
        String::from_utf8_lossy(value).into_owned()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// `Bearer abc` as `abc`.
    pub(crate) fn credentials(&self, scheme: &str) -> Option<String> {
        let header = self.header("authorization");
        header.strip_prefix(scheme).and_then(|rest| rest.strip_prefix(' ')).map(str::to_owned)
    }

    /// All of it.
    pub(crate) fn whole(&self) -> String {
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
        let headers: String = headers.collect();
        format!("{} {}\n{headers}\n{}", self.method, self.target, self.text())
    }

    /// All of it, as whoever wanted to know would read it.
    pub(crate) fn understood(&self) -> String {
        let basic = self.credentials("Basic").and_then(|digits| STANDARD.decode(digits).ok());
        let basic = basic.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        let decoded = percent_decode_str(&self.target).decode_utf8_lossy().into_owned();
        let is_form = self.header("content-type") == "application/x-www-form-urlencoded";
        let form = is_form
            .then(|| percent_decode_str(&self.text().replace('+', " ")).decode_utf8_lossy().into_owned());
        let form = form.unwrap_or_default();
        let json: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let mut texts = String::new();
        gather(&json, &mut texts);
        format!("{}\n{basic}\n{decoded}\n{form}\n{texts}", self.whole())
    }

    /// As JSON.
    pub(crate) fn echo(&self) -> Value {
        let whole = self.whole();
        let headers: serde_json::Map<String, Value> = self
            .headers
            .keys()
            .map(|name| (name.to_string(), Value::from(self.header(name.as_str()))))
            .collect();
        json!({
            "target": self.target, "headers": headers, "body": self.text(),
            "parsed": serde_json::from_slice::<Value>(&self.body).ok(),
            "named": { self.text(): 1 },
            "base64": STANDARD.encode(&whole),
            "base64url": URL_SAFE_NO_PAD.encode(format!("x{whole}")),
            "body64": STANDARD.encode(&self.body),
            "hex": hexadecimal(whole.as_bytes()).to_uppercase(),
            "percent": utf8_percent_encode(&whole, NON_ALPHANUMERIC).to_string(),
            "twice": utf8_percent_encode(&self.target, NON_ALPHANUMERIC).to_string(),
            "form": form_urlencoded(&whole),
            "quoted": Value::from(whole.as_str()).to_string(),
            "deep": [[{ "quoted": json!([Value::from(whole.as_str()).to_string()]).to_string() }]],
            "html": html(&whole),
            "upper": whole.to_uppercase(),
        })
    }

    /// As text, for those who answer errors; after so many bytes of something else.
    pub(crate) fn complaint(&self) -> String {
        let query =
            self.target.split_once("before=").map(|(_, rest)| rest.split('&').next().unwrap_or_default());
        let before = query.and_then(|number| number.parse().ok()).unwrap_or(0);
        format!("{}{}\n{}\n{}", ".".repeat(before), self.text(), self.understood(), self.echo())
    }
}

fn gather(value: &Value, texts: &mut String) {
    match value {
        Value::String(text) => {
            texts.push_str(text);
            texts.push('\n');
        }
        Value::Number(number) => {
            texts.push_str(&number.to_string());
            texts.push('\n');
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, texts)),
        Value::Object(members) => members.values().for_each(|member| gather(member, texts)),
        Value::Null | Value::Bool(_) => {}
    }
}

fn form_urlencoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string().replace("%20", "+")
}

pub(crate) fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
