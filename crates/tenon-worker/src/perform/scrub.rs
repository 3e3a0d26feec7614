//! Takes secret values and access tokens out of what a call brings back, before anything of it is recorded: raw,
//! JSON-escaped, base64 in either alphabet at any offset, percent-encoded.
//!
//! Short texts are left alone where they would be found by chance: below six characters in answers, below four
//! in errors.

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;
use tenon_engine::Outcome;

/// The shortest text that is taken out of an answer, bytes.
const IN_ANSWERS: usize = 6;
/// The same in an error, where there is less to be found by chance.
const IN_ERRORS: usize = 4;
/// What stands for an access token.
const TOKEN: &str = "<token>";
/// All but RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What must not be seen.
#[derive(Default)]
pub(crate) struct Scrubber {
    /// A text, and what is shown in its place.
    known: Vec<(String, String)>,
}

/// Finds all forms of texts of at least some length.
struct Finder {
    forms: AhoCorasick,
    shown: Vec<String>,
}

// === impl Scrubber ===

impl Scrubber {
    /// Every text in the value of a secret.
    pub(crate) fn add_secret(&mut self, name: &str, value: &Value) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => self.add(&number.to_string(), &format!("<secret:{name}>")),
            Value::String(text) => self.add(text, &format!("<secret:{name}>")),
            Value::Array(items) => items.iter().for_each(|item| self.add_secret(name, item)),
            Value::Object(members) => members.values().for_each(|member| self.add_secret(name, member)),
        }
    }

    /// An access token, or what else a call was authenticated with.
    pub(crate) fn add_token(&mut self, token: &str) {
        self.add(token, TOKEN);
    }

    fn add(&mut self, text: &str, shown: &str) {
        for text in [text, text.trim()] {
            if text.len() >= IN_ERRORS && !self.known.iter().any(|(known, _)| known == text) {
                self.known.push((text.to_owned(), shown.to_owned()));
            }
        }
    }

    /// Whether there is nothing to be taken out.
    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Of an outcome.
    pub(crate) fn outcome(&self, outcome: &mut Outcome) {
        if self.is_empty() {
            return;
        }
        match outcome {
            Outcome::Failed(failure) => self.finder(IN_ERRORS).text(&mut failure.detail),
            Outcome::Answered(answer) => {
                let finder = self.finder(IN_ANSWERS);
                finder.value(&mut answer.content);
                for (name, value) in answer.headers.iter_mut().flatten() {
                    finder.text(name);
                    finder.text(value);
                }
            }
            _ => {}
        }
    }

    /// Of a body of which nothing but bytes is shown, in an answer or else an error.
    pub(crate) fn bytes(&self, body: &[u8], is_answer: bool) -> Vec<u8> {
        let finder = self.finder(if is_answer { IN_ANSWERS } else { IN_ERRORS });
        finder.forms.replace_all_bytes(body, &finder.shown)
    }

    fn finder(&self, shortest: usize) -> Finder {
        let (mut forms, mut shown) = (Vec::new(), Vec::new());
        for (text, instead) in self.known.iter().filter(|(text, _)| text.len() >= shortest) {
            for form in forms_of(text) {
                if form.len() >= shortest {
                    forms.push(form);
                    shown.push(instead.clone());
                }
            }
        }
        let forms = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(forms);
        Finder { forms: forms.expect("a few forms of texts of bounded length"), shown }
    }
}

// === impl Finder ===

impl Finder {
    fn value(&self, value: &mut Value) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => {
                let text = number.to_string();
                if let Some(found) = self.forms.find(&text)
                    && found.range() == (0..text.len())
                {
                    *value = Value::String(self.shown[found.pattern()].clone());
                }
            }
            Value::String(text) => self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(members) => {
                members.values_mut().for_each(|member| self.value(member));
                if members.keys().any(|name| self.is_in(name)) {
                    let renamed = std::mem::take(members).into_iter().map(|(mut name, member)| {
                        self.text(&mut name);
                        (name, member)
                    });
                    *members = renamed.collect();
                }
            }
        }
    }

    fn is_in(&self, text: &str) -> bool {
        self.forms.is_match(text) || decoded(text).is_some_and(|text| self.forms.is_match(&text))
    }

    fn text(&self, text: &mut String) {
        if self.forms.is_match(&*text) {
            *text = self.forms.replace_all(text, &self.shown);
        }
        // Encoders differ in what they leave as it is; the text is shown decoded then.
        if let Some(decoded) = decoded(text)
            && self.forms.is_match(&decoded)
        {
            *text = self.forms.replace_all(&decoded, &self.shown);
        }
    }
}

/// A text that has something percent-encoded in it, decoded.
fn decoded(text: &str) -> Option<String> {
    let is_encoded = text.contains('%');
    is_encoded.then(|| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned())
}

/// A text in every form that it may come back in.
fn forms_of(text: &str) -> Vec<String> {
    let mut forms = vec![text.to_owned()];
    let json = Value::from(text).to_string();
    let json = json[1..json.len() - 1].to_owned();
    let escaped = |upper: bool| -> String {
        let mut units = [0; 2];
        let escape = |character: char| {
            if character.is_ascii() {
                return character.to_string();
            }
            character.encode_utf16(&mut units).iter().map(|unit| hexadecimal(*unit, upper)).collect()
        };
        json.chars().map(escape).collect()
    };
    forms.extend([json.replace('/', "\\/"), escaped(false), escaped(true)]);
    forms.push(json);
    let encoded = utf8_percent_encode(text, ENCODED).to_string();
    forms.push(encoded.replace("%20", "+"));
    forms.push(lower_hexadecimal(&encoded));
    forms.push(encoded);
    for offset in 0..3 {
        forms.extend(base64_at(text, offset));
    }
    forms.sort_unstable();
    forms.dedup();
    forms
}

fn hexadecimal(unit: u16, upper: bool) -> String {
    if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") }
}

/// `%2F` as `%2f`.
fn lower_hexadecimal(encoded: &str) -> String {
    let mut left = 0;
    let lower = |character: char| {
        left = if character == '%' { 2 } else { left };
        match character {
            '%' => character,
            _ if left > 0 => {
                left -= 1;
                character.to_ascii_lowercase()
            }
            _ => character,
        }
    };
    encoded.chars().map(lower).collect()
}

/// The digits of base64 that a text alone decides, when so many bytes modulo three come before it.
fn base64_at(text: &str, offset: usize) -> [String; 2] {
    let bytes: Vec<u8> = std::iter::repeat_n(0, offset).chain(text.bytes()).collect();
    let first = (offset * 8).div_ceil(6);
    let end = bytes.len() * 8 / 6;
    [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)]
        .map(|digits| digits.get(first..end).unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tenon_engine::{Answer, Outcome};

    use super::Scrubber;

    /// What is left of an answer's content after a call that used this secret.
    #[track_caller]
    fn check(secret: &Value, content: Value, expected: &Value) {
        let mut scrubber = Scrubber::default();
        scrubber.add_secret("s", secret);
        let mut outcome = Outcome::Answered(Answer { status: 200, headers: None, content, used: Vec::new() });
        scrubber.outcome(&mut outcome);
        let Outcome::Answered(answer) = outcome else { unreachable!("it was one") };
        assert_eq!(answer.content, *expected);
    }

    #[test]
    fn every_form_of_a_text_is_found() {
        let secret = json!("p4ß/w ord\"!");
        for form in [
            "p4ß/w ord\"!",
            "p4ß\\/w ord\\\"!",
            "p4\\u00df/w ord\\\"!",
            "p4\\u00DF/w ord\\\"!",
            "p4%C3%9F%2Fw%20ord%22%21",
            "p4%c3%9f%2fw%20ord%22%21",
            "p4%C3%9F%2Fw+ord%22%21",
            "cDTDny93IG9yZCIh",
        ] {
            check(&secret, json!(form), &json!("<secret:s>"));
        }
        check(&secret, json!("a=p4%C3%9F/w+ord%22!&b=1"), &json!("a=<secret:s>&b=1"));
    }

    #[test]
    fn base64_is_found_at_every_offset() {
        use base64::Engine as _;
        use base64::engine::general_purpose::{STANDARD, URL_SAFE};
        for before in ["", "a", "ab", "abc"] {
            for after in ["", "x", "xy"] {
                let text = format!("{before}hunter2?>hunter2{after}");
                for encoded in [STANDARD.encode(&text), URL_SAFE.encode(&text)] {
                    let mut scrubber = Scrubber::default();
                    scrubber.add_secret("s", &json!("hunter2?>hunter2"));
                    let mut outcome = Outcome::Answered(Answer {
                        status: 200,
                        headers: None,
                        content: json!(encoded),
                        used: Vec::new(),
                    });
                    scrubber.outcome(&mut outcome);
                    let Outcome::Answered(answer) = outcome else { unreachable!("it was one") };
                    let left = answer.content.as_str().expect("text").to_owned();
                    assert!(left.contains("<secret:s>") && left.len() < 20, "{text}: {left}");
                }
            }
        }
    }

    #[test]
    fn names_numbers_and_nested_values_are_looked_at() {
        check(
            &json!({"user": "operator", "pins": [123_456, "654321"]}),
            json!({"operator": {"n": 123_456, "m": 91_234_567, "list": ["is 654321!", true]}}),
            &json!({"<secret:s>": {"n": "<secret:s>", "m": 91_234_567, "list": ["is <secret:s>!", true]}}),
        );
    }

    #[test]
    fn short_texts_stay_in_answers_and_go_from_errors() {
        check(&json!("abcde"), json!("abcde"), &json!("abcde"));
        check(&json!("abcdef"), json!("abcdef"), &json!("<secret:s>"));
        let mut scrubber = Scrubber::default();
        scrubber.add_secret("short", &json!("abcd"));
        scrubber.add_secret("shorter", &json!("xyz"));
        scrubber.add_token("t0ken");
        let mut outcome = Outcome::Failed(tenon_engine::Failure {
            error: tenon_engine::FailureKind::Communication,
            status: 500,
            detail: "abcd xyz t0ken YWJjZA==".to_owned(),
            used: Vec::new(),
        });
        scrubber.outcome(&mut outcome);
        let Outcome::Failed(failure) = outcome else { unreachable!("it was one") };
        assert_eq!(failure.detail, "<secret:short> xyz <token> <secret:short>A==");
    }
}
