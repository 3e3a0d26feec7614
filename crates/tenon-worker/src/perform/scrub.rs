//! Takes secret values and access tokens out of what a call brings back, before anything of it is recorded: in upper
//! or lower case, raw, escaped, in base64 at any offset, in hexadecimal, percent-encoded (`forms.rs`), and also
//! where an answer has encoded what was encoded already (`decode.rs`).
//!
//! Short texts are left alone where they would be found by chance: below six characters in answers (unless they are
//! a whole value), below four in errors. What was compressed, cut into lines or hashed is not found.

mod decode;
mod forms;
mod parts;

use std::collections::BTreeMap;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use serde_json::Value;
use tenon_engine::Outcome;

use decode::{DECODERS, Layer};

/// The shortest text that is taken out of an answer, bytes.
const IN_ANSWERS: usize = 6;
/// The same in an error, where there is less to be found by chance.
const IN_ERRORS: usize = 4;
/// How often an answer may have encoded the same text for it to be found.
const MAX_LAYERS: usize = 3;
/// Of longer forms only the beginning is searched for, and the rest compared: the search would grow too large, bytes.
const BEGINNING: usize = 64;
/// Longer texts are decoded once only, bytes.
const DEEPLY_DECODED: usize = 1 << 20;
/// Longer texts are not decoded, bytes.
const DECODED: usize = 8 << 20;
/// What stands for an access token.
const TOKEN: &str = "<token>";

/// What must not be seen.
#[derive(Default)]
pub(crate) struct Scrubber {
    /// A text, and what is shown in its place.
    known: Vec<(String, String)>,
}

/// Finds all forms of texts of at least some length.
pub(crate) struct Finder {
    beginnings: AhoCorasick,
    /// For each beginning.
    forms: Vec<Vec<Form>>,
    /// Texts that are shorter, and what is shown where they are a whole value.
    short: Vec<(String, String)>,
}

/// What follows a beginning.
struct Form {
    rest: Vec<u8>,
    shown: String,
}

/// Where something was found, and what is shown in its place.
type Found<'a> = (Range<usize>, &'a str);

// === impl Scrubber ===

impl Scrubber {
    /// Every text in the value of a secret.
    pub(crate) fn add_secret(&mut self, name: &str, value: &Value) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => self.add(&number.to_string(), &secret(name)),
            Value::String(text) => {
                self.add(text, &secret(name));
                for part in parts::of(text) {
                    self.add(part, &secret(name));
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.add_secret(name, item)),
            Value::Object(members) => members.values().for_each(|member| self.add_secret(name, member)),
        }
    }

    /// A text that a call made of secrets: of this one, if it read no other.
    pub(crate) fn add_derived(&mut self, text: &str, of: Option<&str>) {
        self.add(text, &of.map_or_else(|| "<secret>".to_owned(), secret));
    }

    /// An access token, or what else a call was authenticated with.
    pub(crate) fn add_token(&mut self, token: &str) {
        self.add(token, TOKEN);
    }

    /// Any other text, and what is shown in its place.
    pub(crate) fn add(&mut self, text: &str, shown: &str) {
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

    /// Of a body that is shown encoded or cut off, in an answer or else an error.
    pub(crate) fn bytes(&self, body: &[u8], is_answer: bool) -> Option<Vec<u8>> {
        self.finder(if is_answer { IN_ANSWERS } else { IN_ERRORS }).cleaned(body)
    }

    /// What takes all of it out of what people are shown.
    pub(crate) fn for_people(&self) -> Finder {
        self.finder(IN_ERRORS)
    }

    fn finder(&self, shortest: usize) -> Finder {
        let (long, short): (Vec<_>, Vec<_>) = self.known.iter().partition(|(text, _)| text.len() >= shortest);
        let mut forms: BTreeMap<Vec<u8>, Vec<Form>> = BTreeMap::new();
        for (text, shown) in long {
            for form in forms::of(text).into_iter().filter(|form| form.len() >= shortest) {
                let mut beginning = form.into_bytes();
                let rest = beginning.split_off(beginning.len().min(BEGINNING));
                forms.entry(beginning).or_default().push(Form { rest, shown: shown.clone() });
            }
        }
        let beginnings = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .ascii_case_insensitive(true)
            .build(forms.keys())
            .expect("a few forms of texts of bounded length");
        Finder {
            beginnings,
            forms: forms.into_values().collect(),
            short: short.into_iter().cloned().collect(),
        }
    }
}

fn secret(name: &str) -> String {
    format!("<secret:{name}>")
}

// === impl Finder ===

impl Finder {
    /// Of a value and all that is in it, names included.
    pub(crate) fn value(&self, value: &mut Value) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => {
                let text = number.to_string();
                let found = self.find(text.as_bytes()).find(|(range, _)| *range == (0..text.len()));
                if let Some((_, shown)) = found {
                    *value = Value::String(shown.to_owned());
                }
            }
            Value::String(text) => match self.short.iter().find(|(short, _)| short == text) {
                Some((_, shown)) => text.clone_from(shown),
                None => self.text(text),
            },
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(members) => {
                members.values_mut().for_each(|member| self.value(member));
                if members.keys().any(|name| self.cleaned(name.as_bytes()).is_some()) {
                    let renamed = std::mem::take(members).into_iter().map(|(mut name, member)| {
                        self.text(&mut name);
                        (name, member)
                    });
                    *members = renamed.collect();
                }
            }
        }
    }

    /// Of a text.
    pub(crate) fn text(&self, text: &mut String) {
        if let Some(cleaned) = self.cleaned(text.as_bytes()) {
            *text = String::from_utf8_lossy(&cleaned).into_owned();
        }
    }

    /// The bytes without what must not be seen; nothing if they have none of it.
    fn cleaned(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut found = Vec::new();
        self.look(bytes, &mut Vec::new(), &mut found);
        found.sort_unstable_by_key(|(range, _)| (range.start, usize::MAX - range.end));
        let mut cleaned = Vec::with_capacity(bytes.len());
        let mut end = 0;
        for (range, shown) in &found {
            if range.start >= end {
                cleaned.extend_from_slice(&bytes[end..range.start]);
                cleaned.extend_from_slice(shown.as_bytes());
            }
            end = end.max(range.end);
        }
        cleaned.extend_from_slice(&bytes[end..]);
        (!found.is_empty()).then_some(cleaned)
    }

    /// Where forms are, as far as they are there; they may overlap.
    fn find(&self, bytes: &[u8]) -> impl Iterator<Item = Found<'_>> {
        let mut covered = 0;
        self.beginnings.find_iter(bytes).filter_map(move |found| {
            if found.end() <= covered {
                return None;
            }
            let after = &bytes[found.end()..];
            let as_long = |form: &Form| {
                let both = form.rest.iter().zip(after);
                both.take_while(|(one, other)| one.eq_ignore_ascii_case(other)).count()
            };
            let forms = self.forms[found.pattern()].iter();
            let (length, form) = forms.map(|form| (as_long(form), form)).max_by_key(|(length, _)| *length)?;
            covered = found.end() + length;
            Some((found.start()..covered, form.shown.as_str()))
        })
    }

    /// Where forms are in bytes that were decoded by these layers, and in what can be decoded from them.
    fn look<'a>(&'a self, bytes: &[u8], layers: &mut Vec<Layer>, found: &mut Vec<Found<'a>>) {
        for (range, shown) in self.find(bytes) {
            let origin = |range: Range<usize>, layer: &Layer| layer.origin(&range);
            found.push((layers.iter().rev().fold(range, origin), shown));
        }
        let most = match bytes.len() {
            length if length <= DEEPLY_DECODED => MAX_LAYERS,
            length if length <= DECODED => 1,
            _ => 0,
        };
        if layers.len() >= most {
            return;
        }
        for decode in DECODERS {
            if let Some(mut layer) = decode(bytes) {
                let decoded = std::mem::take(&mut layer.bytes);
                layers.push(layer);
                self.look(&decoded, layers, found);
                layers.pop();
            }
        }
    }
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
        check(&secret, json!("a=p4%C3%9F/w+ord%22!&b=%20+1"), &json!("a=<secret:s>&b=%20+1"));
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
    fn encoders_that_follow_one_another_are_undone() {
        let secret = json!("p4ß/w+ord\"!");
        for answer in [
            "PGI+cDTDny93JTJib3JkJTIyJTIxPC9iPg==",
            "0170 3A7034C39F2F772B6F72642221".trim_start_matches("0170 "),
            "say \\\"p4ß/w+ord\\\\\\\"!\\\"",
            "next=%2Fa%3Fkey%3Dp4%25C3%259F%252Fw%252Bord%2522%2521",
            "<p>No p4ß/w+ord&quot;!</p>",
            "<p>No p4&#xdf;&#47;w+ord&#34;!</p>",
            "a p4\\xdf p4\\u00df/w+ord\\\"!",
            "63: 7034c39f2f772b6f72642221.",
            "P4ß/W+ORD\"!",
        ] {
            let mut scrubber = Scrubber::default();
            scrubber.add_secret("s", &secret);
            let left = scrubber.bytes(answer.as_bytes(), true).expect("it is found");
            let left = String::from_utf8(left).expect("text");
            assert!(left.contains("<secret:s>") && !left.contains("ord"), "{left}");
        }
        check(&secret, json!("50 % of & all \\ that"), &json!("50 % of & all \\ that"));
    }

    #[test]
    fn parts_that_a_callee_says_alone_are_found() {
        for (secret, part) in [
            ("Bearer abc-def-123", "abc-def-123"),
            ("https://user:pass-word@x.example/services/T0/AbCdEfGh?token=12345678", "pass-word"),
            ("https://x.example/services/T0/AbCdEfGh?token=12345678", "/services/T0/AbCdEfGh"),
            ("https://x.example/services/T0/AbCdEfGh?token=12345678", "AbCdEfGh"),
            ("https://x.example/services/T0/AbCdEfGh?token=12345678", "12345678"),
            (
                "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n-----END KEY-----\n",
                "MIIEvQIBADANBgkqhkiG9w0B",
            ),
        ] {
            check(&json!(secret), json!(format!("no `{part}`")), &json!("no `<secret:s>`"));
        }
        check(
            &json!("https://x.example/api"),
            json!("x.example has no /api"),
            &json!("x.example has no /api"),
        );
    }

    #[test]
    fn short_texts_go_from_errors_and_where_they_are_a_whole_value() {
        check(&json!("abcde"), json!("an abcde"), &json!("an abcde"));
        check(&json!("abcde"), json!(["abcde", "abcdef"]), &json!(["<secret:s>", "abcdef"]));
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

    #[test]
    fn long_texts_are_found_as_far_as_they_are_there() {
        let long = (0..9_000).fold(String::new(), |text, number| text + &number.to_string());
        let other = format!("{}-and-more-of-it", &long[..100]);
        let secret = json!([long, other]);
        check(&secret, json!(format!("a {long} b")), &json!("a <secret:s> b"));
        check(&secret, json!(format!("a {other} b")), &json!("a <secret:s> b"));
        check(&secret, json!(format!("a {}… b", &long[..500])), &json!("a <secret:s>… b"));
        check(&secret, json!(format!("a {}… b", &long[..20])), &json!(format!("a {}… b", &long[..20])));
    }
}
