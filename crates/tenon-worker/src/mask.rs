//! What nobody is shown of an event (`metadata.tenon.mask`): the values are looked up in the event, and taken out of
//! whatever is shown of it and of its jobs, in every form that `perform/scrub.rs` knows.
//!
//! Masking happens when something is shown. What is stored (encrypted), sent on and answered to whoever sent the event
//! is untouched: a mask must never change what a workflow does. Short values are left alone where they would be found
//! by chance: they are masked at the pointer itself, in events and in a job's input, and where an ordering key is one.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;

use serde_json::Value;
use tenon_engine::trace::Step;
use tenon_store::Origin;
use tenon_workflow::ReadAs;

use crate::perform::scrub::{Finder, Scrubber};

/// What is shown in place of a value.
pub const MASKED: &str = "<masked>";
/// The shortest value that is looked for everywhere, characters.
const EVERYWHERE: usize = 4;
/// Attributes that every event has and that are not sealed either: they are shown as they are.
const PLAIN: [&str; 7] = ["specversion", "id", "source", "type", "time", "datacontenttype", "dataschema"];

/// What is not shown. Empty where no workflow masks anything, and costs nothing then.
#[derive(Default)]
pub struct Mask {
    /// Values that are looked for everywhere; `None`: there are none.
    finder: Option<Finder>,
    /// Values that are too short for that.
    short: Vec<String>,
    /// Pointers into an event.
    in_event: Vec<String>,
    /// Pointers into the input of the job.
    in_input: Vec<String>,
    /// What is to be masked cannot be known any more, so nothing is shown.
    is_unknown: bool,
}

/// Gathers what a mask takes out.
#[derive(Default)]
pub(crate) struct Masking {
    /// Values that are looked for everywhere.
    texts: BTreeSet<String>,
    /// All else.
    mask: Mask,
}

/// How a job came to its input.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InputOf {
    pub(crate) origin: Origin,
    pub(crate) read: ReadAs,
}

// === impl Mask ===

impl Mask {
    /// Whether everything is shown.
    pub fn is_empty(&self) -> bool {
        self.finder.is_none() && self.in_event.is_empty() && self.in_input.is_empty() && !self.is_unknown
    }

    /// Whether there are values that are found at their pointers only: [`Mask::value`] and [`Mask::text`] leave them.
    pub fn has_short_values(&self) -> bool {
        !self.short.is_empty()
    }

    /// Of anything that came of the event.
    pub fn value(&self, value: &mut Value) {
        if self.is_unknown && !value.is_null() {
            *value = MASKED.into();
        } else if let Some(finder) = &self.finder {
            finder.value(value);
        }
    }

    /// Of a text that came of the event.
    pub fn text(&self, text: &mut String) {
        if self.is_unknown {
            MASKED.clone_into(text);
        } else if let Some(finder) = &self.finder {
            finder.text(text);
        }
    }

    /// Of an ordering key: it is shown as a name that tells it from others and says nothing of it. The same as long as
    /// the server runs; not a plain digest, because who knows what keys look like could try them all.
    pub fn ordering_key(&self, key: &mut Value) {
        static NAMES: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        let Some(text) = key.as_str() else { return };
        let mut shown = text.to_owned();
        self.text(&mut shown);
        if shown != text || self.short.iter().any(|short| short == text) {
            let name = NAMES.hash_one(text) >> 32;
            *key = format!("<masked:{name:08x}>").into();
        }
    }

    /// Of an entry of a job's journal.
    pub fn outcome(&self, outcome: &mut Value) {
        if let Some(envelope) = outcome.get_mut("envelope") {
            self.event(envelope);
        }
        self.value(outcome);
    }

    /// Of an error: all but its type and status, which say nothing of the event.
    pub fn error(&self, error: &mut Value) {
        for member in ["title", "detail", "instance"] {
            if let Some(value) = error.get_mut(member) {
                self.value(value);
            }
        }
    }

    /// Of an event's envelope.
    pub fn event(&self, envelope: &mut Value) {
        for pointer in &self.in_event {
            hide(envelope, pointer);
        }
        for (name, value) in envelope.as_object_mut().into_iter().flatten() {
            if !PLAIN.contains(&name.as_str()) {
                self.value(value);
            }
        }
    }

    /// Of what a job began with.
    pub fn input(&self, input: &mut Value) {
        for pointer in &self.in_input {
            hide(input, pointer);
        }
        self.value(input);
    }

    /// Of steps and all that is in them.
    pub(crate) fn steps(&self, steps: &mut [Step]) {
        if self.is_empty() {
            return;
        }
        for step in steps {
            for value in [&mut step.arguments, &mut step.input, &mut step.output].into_iter().flatten() {
                self.value(value);
            }
            let attempts = step.attempts.iter_mut().filter_map(|attempt| attempt.error.as_mut());
            for error in attempts.chain(step.error.as_mut()) {
                self.text(&mut error.title);
                error.detail.iter_mut().for_each(|detail| self.text(detail));
            }
            self.steps(&mut step.children);
        }
    }
}

impl std::fmt::Debug for Mask {
    /// Without the values, of course.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mask").field("in_event", &self.in_event).finish_non_exhaustive()
    }
}

// === impl Masking ===

impl Masking {
    /// The values that a workflow masks in one event.
    pub(crate) fn add_event(&mut self, pointers: &[String], envelope: &Value) {
        for pointer in pointers {
            if let Some(value) = envelope.pointer(pointer) {
                self.add(value);
            }
        }
        add_missing(&mut self.mask.in_event, pointers);
    }

    /// The values that a workflow masks in the input of its job, as far as it is made of events.
    pub(crate) fn add_input(&mut self, pointers: &[String], input: &Value, of: InputOf) {
        let count = input.as_array().map_or(0, Vec::len);
        for pointer in pointers {
            let in_data =
                pointer.strip_prefix("/data").filter(|rest| rest.is_empty() || rest.starts_with('/'));
            let rest = match (of.origin, of.read) {
                (Origin::Event, ReadAs::Envelope) => Some(pointer.as_str()),
                (Origin::Call, _) | (Origin::Event, ReadAs::Data | ReadAs::Raw) => in_data,
            };
            let Some(rest) = rest else { continue };
            let places = match of.origin {
                Origin::Call => vec![rest.to_owned()],
                Origin::Event => (0..count).map(|event| format!("/{event}{rest}")).collect(),
            };
            for place in places {
                if let Some(value) = input.pointer(&place) {
                    self.add(value);
                }
                self.mask.in_input.push(place);
            }
        }
    }

    /// There are values to be masked, but nobody knows them any more.
    pub(crate) fn add_unknown(&mut self) {
        self.mask.is_unknown = true;
    }

    /// All that was added to another one.
    pub(crate) fn merge(&mut self, other: &Self) {
        let Mask { finder: _, short, in_event, in_input, is_unknown } = &other.mask;
        let new = other.texts.difference(&self.texts).cloned().collect::<Vec<_>>();
        self.texts.extend(new);
        add_missing(&mut self.mask.short, short);
        add_missing(&mut self.mask.in_event, in_event);
        add_missing(&mut self.mask.in_input, in_input);
        self.mask.is_unknown |= is_unknown;
    }

    /// All that was added.
    pub(crate) fn finish(self) -> Mask {
        let Self { texts, mut mask } = self;
        let mut scrubber = Scrubber::default();
        for text in &texts {
            scrubber.add(text, MASKED);
        }
        mask.finder = (!scrubber.is_empty()).then(|| scrubber.for_people());
        mask
    }

    fn add(&mut self, value: &Value) {
        match value {
            Value::Null => {}
            Value::Bool(is) => self.add_short(&is.to_string()),
            Value::Number(number) => self.add_text(&number.to_string()),
            Value::String(text) => self.add_text(text),
            Value::Array(items) => items.iter().for_each(|item| self.add(item)),
            Value::Object(members) => members.values().for_each(|member| self.add(member)),
        }
    }

    fn add_text(&mut self, text: &str) {
        if text.chars().count() >= EVERYWHERE {
            self.texts.insert(text.to_owned());
        } else {
            self.add_short(text);
        }
    }

    fn add_short(&mut self, text: &str) {
        add_missing(&mut self.mask.short, &[text.to_owned()]);
    }
}

fn add_missing(known: &mut Vec<String>, texts: &[String]) {
    for text in texts {
        if !known.contains(text) {
            known.push(text.clone());
        }
    }
}

/// Whatever is there, however short.
fn hide(value: &mut Value, pointer: &str) {
    if let Some(found) = value.pointer_mut(pointer).filter(|found| !found.is_null()) {
        *found = MASKED.into();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tenon_store::Origin;
    use tenon_workflow::ReadAs;

    use super::{InputOf, Mask, Masking};

    fn mask(pointers: &[&str], envelope: &Value) -> Mask {
        let pointers: Vec<String> = pointers.iter().map(|pointer| (*pointer).to_owned()).collect();
        let mut masking = Masking::default();
        masking.add_event(&pointers, envelope);
        masking.finish()
    }

    /// What is shown of a value after an event whose `/data/secret` is this one.
    #[track_caller]
    fn check(secret: Value, mut shown: Value, expected: &Value) {
        mask(&["/data/secret"], &json!({ "data": { "secret": secret } })).value(&mut shown);
        assert_eq!(shown, *expected);
    }

    #[test]
    fn values_are_masked_wherever_they_are_shown() {
        check(json!("123-45-6789"), json!({"a": ["it is 123-45-6789!"]}), &json!({"a": ["it is <masked>!"]}));
        check(json!("123-45-6789"), json!({"123-45-6789": 1}), &json!({"<masked>": 1}));
        check(
            json!(4_111_111),
            json!([4_111_111, "4111111", 41_111_119]),
            &json!(["<masked>", "<masked>", 41_111_119]),
        );
        check(json!({"a": ["left", "rightmost"]}), json!("rightmost, left"), &json!("<masked>, <masked>"));
        check(json!("a b@c.d"), json!("?q=a%20b%40c.d"), &json!("?q=<masked>"));
    }

    #[test]
    fn short_values_are_masked_where_the_pointer_leads_only() {
        check(json!("abc"), json!({"x": "abc"}), &json!({"x": "abc"}));
        check(json!(true), json!(true), &json!(true));
        let envelope = json!({ "id": "1", "data": { "pin": "12", "ok": true, "none": null, "other": "12" } });
        let mask = mask(&["/data/pin", "/data/ok", "/data/none", "/data/missing"], &envelope);
        let mut shown = envelope;
        mask.event(&mut shown);
        let data = json!({ "pin": "<masked>", "ok": "<masked>", "none": null, "other": "12" });
        assert_eq!(shown, json!({ "id": "1", "data": data }));
    }

    #[test]
    fn inputs_are_masked_as_the_workflow_reads_them() {
        let pointers = ["/data/pin".to_owned(), "/tag".to_owned()];
        let check = |origin, read, mut input: Value, expected: &Value| {
            let mut masking = Masking::default();
            masking.add_input(&pointers, &input, InputOf { origin, read });
            masking.finish().input(&mut input);
            assert_eq!(input, *expected);
        };
        let (call, event) = (Origin::Call, Origin::Event);
        check(call, ReadAs::Data, json!({"pin": 1, "tag": 2}), &json!({"pin": "<masked>", "tag": 2}));
        check(event, ReadAs::Data, json!([{"pin": 1}, 7]), &json!([{"pin": "<masked>"}, 7]));
        let envelope = json!([{"data": {"pin": 1}, "tag": "x"}]);
        check(event, ReadAs::Envelope, envelope, &json!([{"data": {"pin": "<masked>"}, "tag": "<masked>"}]));
    }

    #[test]
    fn attributes_that_are_not_sealed_are_shown() {
        let envelope = json!({ "type": "com.acme.order", "source": "/shop", "subject": "com.acme.order", "data": "com.acme.order" });
        let mut shown = envelope.clone();
        mask(&["/data"], &envelope).event(&mut shown);
        let expected =
            json!({ "type": "com.acme.order", "source": "/shop", "subject": "<masked>", "data": "<masked>" });
        assert_eq!(shown, expected);
    }

    #[test]
    fn ordering_keys_get_names() {
        let mask = mask(&["/data"], &json!({ "data": { "ssn": "123-45-6789", "pin": 12, "ok": true } }));
        let shown = |key: &str| {
            let mut key = json!(key);
            mask.ordering_key(&mut key);
            key.as_str().expect("text").to_owned()
        };
        for key in ["123-45-6789", "shop/123-45-6789", "12", "true"] {
            let name = shown(key);
            let name_of_it = name.strip_prefix("<masked:").and_then(|name| name.strip_suffix('>'));
            let is_number = |name: &str| name.len() == 8 && u32::from_str_radix(name, 16).is_ok();
            assert!(name_of_it.is_some_and(is_number), "{name}");
            assert_eq!(name, shown(key), "the same each time");
        }
        assert_ne!(shown("123-45-6789"), shown("12"));
        assert_eq!([shown("123"), shown("a12")], ["123", "a12"]);
        let mut none = Value::Null;
        mask.ordering_key(&mut none);
        assert_eq!(none, Value::Null);
    }

    #[test]
    fn entries_of_a_journal_are_masked_like_events() {
        let envelope = json!({ "data": { "pin": "12" } });
        let mask = mask(&["/data/pin"], &envelope);
        let mut outcome = json!({ "kind": "received", "event": "ev_1", "envelope": envelope });
        mask.outcome(&mut outcome);
        assert_eq!(outcome["envelope"], json!({ "data": { "pin": "<masked>" } }));
    }

    #[test]
    fn what_cannot_be_known_is_not_shown() {
        let mut masking = Masking::default();
        masking.add_unknown();
        let mask = masking.finish();
        let (mut value, mut text) = (json!({ "a": 1 }), "text".to_owned());
        mask.value(&mut value);
        mask.text(&mut text);
        assert_eq!((value, text.as_str()), (json!("<masked>"), "<masked>"));
    }
}
