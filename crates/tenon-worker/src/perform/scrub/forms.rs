//! How texts are written down: the forms of a text that are looked for. Pure.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// All but RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Every form of a text, upper and lower case of ASCII being the same.
pub(super) fn of(text: &str) -> BTreeSet<String> {
    let json = json(text);
    let percent = utf8_percent_encode(text, ENCODED).to_string();
    let mut forms = BTreeSet::from([
        json.replace('/', "\\/"),
        ascii(&json),
        percent.replace("%20", "+"),
        percent,
        text.escape_debug().to_string(),
        hexadecimal(text.as_bytes()),
        text.to_owned(),
    ]);
    for offset in 0..3 {
        forms.extend(base64_at(text, offset));
        forms.extend(base64_at(&json, offset));
    }
    if !text.is_ascii() {
        forms.extend([text.to_uppercase(), text.to_lowercase()]);
    }
    forms.insert(json);
    forms
}

/// As JSON, without the quotes around it.
fn json(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// As JSON by those who write nothing but ASCII.
fn ascii(json: &str) -> String {
    let mut units = [0; 2];
    let mut written = String::new();
    for letter in json.chars() {
        if letter.is_ascii() {
            written.push(letter);
            continue;
        }
        for unit in letter.encode_utf16(&mut units) {
            written.push_str("\\u");
            written.push_str(&hexadecimal(&unit.to_be_bytes()));
        }
    }
    written
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.map(|half| char::from(DIGITS[usize::from(half)])).collect()
}

/// The digits of base64 that a text alone decides, when so many bytes modulo three come before it.
fn base64_at(text: &str, offset: usize) -> [String; 2] {
    let bytes: Vec<u8> = std::iter::repeat_n(0, offset).chain(text.bytes()).collect();
    let first = (offset * 8).div_ceil(6);
    let end = bytes.len() * 8 / 6;
    [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)]
        .map(|digits| digits.get(first..end).unwrap_or_default().to_owned())
}
