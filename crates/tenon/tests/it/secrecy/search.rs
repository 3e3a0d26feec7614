//! Looks for texts in every form in which they could be written down. Knows nothing of how Tenon masks.

use std::collections::BTreeSet;
use std::path::Path;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// The shortest form that is looked for in bytes that look random.
const IN_BYTES: usize = 6;
/// The shortest run of base64 that cannot be chance, upper and lower case being the same.
const BASE64_DIGITS: usize = 10;
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// All forms of all texts.
pub(crate) struct Search {
    in_text: Patterns,
    in_bytes: Patterns,
}

struct Patterns {
    automaton: AhoCorasick,
    /// What each pattern is a form of.
    names: Vec<String>,
}

// === impl Search ===

impl Search {
    /// Each text has a name.
    pub(crate) fn new(hunted: &[(String, String)]) -> Self {
        let forms = hunted
            .iter()
            .flat_map(|(name, text)| forms(text).into_iter().map(move |form| (name.clone(), form)));
        let mut forms: Vec<(String, String)> = forms.collect();
        let in_text = Patterns::new(&forms);
        forms.retain(|(_, form)| form.len() >= IN_BYTES);
        Self { in_text, in_bytes: Patterns::new(&forms) }
    }

    /// What is found in a text.
    pub(crate) fn text(&self, text: &str, place: &str) -> Vec<String> {
        self.in_text.find(text.as_bytes(), place)
    }

    /// What is found in all files below, but in these files and directories.
    pub(crate) fn files(&self, directory: &Path, but: &[&str]) -> Vec<String> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(directory).expect("readable") {
            let path = entry.expect("readable").path();
            if but.iter().any(|name| path.ends_with(name)) {
                continue;
            }
            if path.is_dir() {
                found.extend(self.files(&path, but));
            } else {
                // A file may go away while the server runs.
                let bytes = std::fs::read(&path).unwrap_or_default();
                found.extend(self.in_bytes.find(&bytes, &path.display().to_string()));
            }
        }
        found
    }
}

// === impl Patterns ===

impl Patterns {
    fn new(forms: &[(String, String)]) -> Self {
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(forms.iter().map(|(_, form)| form))
            .expect("a few thousand forms");
        Self { automaton, names: forms.iter().map(|(name, form)| format!("{name} as `{form}`")).collect() }
    }

    fn find(&self, bytes: &[u8], place: &str) -> Vec<String> {
        const AROUND: usize = 60;
        let found = self.automaton.find_iter(bytes).map(|found| {
            let start = found.start().saturating_sub(AROUND);
            let end = (found.end() + AROUND).min(bytes.len());
            let around = String::from_utf8_lossy(&bytes[start..end]).into_owned();
            format!("{} in {place}: …{around}…", self.names[found.pattern()])
        });
        found.collect()
    }
}

/// Every form of a text: escaped, encoded, and one inside of the other.
pub(crate) fn forms(text: &str) -> BTreeSet<String> {
    let written = [
        text.to_owned(),
        json(text),
        json(&json(text)),
        utf8_percent_encode(text, UNRESERVED).to_string(),
        utf8_percent_encode(text, NON_ALPHANUMERIC).to_string(),
        utf8_percent_encode(text, UNRESERVED).to_string().replace("%20", "+"),
        utf8_percent_encode(&json(text), UNRESERVED).to_string(),
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"),
        text.escape_debug().to_string(),
    ];
    let mut forms = BTreeSet::new();
    for written in written {
        for offset in 0..3 {
            let bytes = [&b"xx"[..offset], written.as_bytes()].concat();
            forms.insert(base64(&STANDARD_NO_PAD.encode(&bytes), offset, bytes.len()));
            forms.insert(base64(&URL_SAFE_NO_PAD.encode(&bytes), offset, bytes.len()));
        }
        forms.insert(hexadecimal(written.as_bytes()));
        forms.insert(utf8_percent_encode(&written, UNRESERVED).to_string());
        forms.insert(json(&written));
        forms.insert(json(&json(&written)));
        forms.insert(ascii(&written));
        forms.insert(written);
    }
    forms.retain(|form| !form.is_empty());
    forms
}

/// As JSON, without the quotes around it.
fn json(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// As JSON by those who write nothing but ASCII.
fn ascii(text: &str) -> String {
    let mut units = [0; 2];
    let mut escaped = String::new();
    for letter in json(text).chars() {
        if letter.is_ascii() {
            escaped.push(letter);
            continue;
        }
        for unit in letter.encode_utf16(&mut units) {
            escaped.push_str("\\u");
            escaped.push_str(&hexadecimal(&unit.to_be_bytes()));
        }
    }
    escaped
}

/// In lower case.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// The digits that the text alone decides.
fn base64(digits: &str, before: usize, bytes: usize) -> String {
    let own = digits.get((before * 8).div_ceil(6)..bytes * 8 / 6).unwrap_or_default();
    if own.len() < BASE64_DIGITS { String::new() } else { own.to_owned() }
}
