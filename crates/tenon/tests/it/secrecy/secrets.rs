//! The secrets of the hunt: their values, and what of them must be found nowhere.

use serde_json::{Value, json};

/// One secret of the workspace.
pub(crate) struct Secret {
    pub(crate) name: &'static str,
    pub(crate) value: Value,
}

/// Of many shapes: what needs escaping somewhere, short, one the beginning of another, objects, addresses.
pub(crate) fn secrets(home: &str) -> Vec<Secret> {
    let values = [
        ("plain", json!("s3cret/one+with=odd&signs%zz")),
        ("quotes", json!("quo\"te\\back'tick<p\u{e4}55w\u{f6}rd-\u{20ac}>")),
        ("lines", json!("first line of it\nsecond line of it\r\nthe third line of it")),
        ("spaces", json!("two words  and more")),
        ("percent", json!("100%25%2Fsure%zz")),
        (
            "db",
            json!({
                "user": "operator-7f", "password": "p@ss:w/rd\"x#9", "port": 54_321_789,
                "nested": {"keys": ["nested-Key-Value", true]},
            }),
        ),
        ("short", json!("q$7Z")),
        ("prefix", json!("prefix-key-abcdef")),
        ("prefixed", json!("prefix-key-abcdefghijk-tail")),
        ("token", json!("tok_LIVE-51Hxyz.ABC~def")),
        ("login", json!({"username": "basic-user-31", "password": "basic:pass w\u{f6}rd\"31"})),
        ("digestLogin", json!({"username": "digest-user-41", "password": "digest-pass/41"})),
        ("client", json!("client+secret/&=51")),
        ("refresh", json!("refresh.token-61")),
        ("hook", json!(format!("{home}/echo/services/T0AB/B1CD/xyzSecretPath"))),
        ("goneHook", json!(format!("{home}/refuse/404/services/T0EF/goneSecretPath"))),
        ("auth", json!("Bearer raw-Token-In-Secret-99")),
        ("host", json!("HiddenHostName")),
        ("number", json!(918_273_645)),
    ];
    values.into_iter().map(|(name, value)| Secret { name, value }).collect()
}

/// The texts that must not be found, each with the name of its secret: the values, their beginnings and ends, what
/// the workflows make of them, and the parts that a callee would quote.
pub(crate) fn hunted(secrets: &[Secret]) -> Vec<(String, String)> {
    let mut hunted = Vec::new();
    for secret in secrets {
        for text in texts(&secret.value) {
            hunted.extend(parts(&text).into_iter().map(|part| (secret.name.to_owned(), part)));
        }
    }
    for (name, part) in [
        ("hook", "/services/T0AB/B1CD/xyzSecretPath"),
        ("hook", "xyzSecretPath"),
        ("goneHook", "goneSecretPath"),
        ("auth", "raw-Token-In-Secret-99"),
        ("lines", "second line of it"),
        // Made by the workflow `transformed`.
        ("token reversed", "fed~CBA.zyxH15-EVIL_kot"),
        ("token cut", "51Hxyz.ABC"),
        ("spaces joined", "two-words--and-more"),
    ] {
        hunted.push((name.to_owned(), part.to_owned()));
    }
    hunted
}

/// Every text in a value, and every number as text.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Number(number) => vec![number.to_string()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) => Vec::new(),
    }
}

/// A text; of a longer one also its two ends, which are what cutting it off would leave.
fn parts(text: &str) -> Vec<String> {
    const END: usize = 10;
    let mut parts = vec![text.to_owned()];
    if text.len() >= 2 * END && !text.starts_with("http") {
        parts.push(text[..text.floor_char_boundary(END)].to_owned());
        parts.push(text[text.ceil_char_boundary(text.len() - END)..].to_owned());
    }
    parts
}
