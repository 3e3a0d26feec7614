//! From text to a checked trigger, with everything that is wrong with it.

use std::time::Duration;

use serde_json::{Map, Value};
use tenon_expr::Template;
use tenon_workflow::{Diagnostic, Document, Files, Schema, Severity, parse_duration};

use super::codes::{
    COMBINATION, DURATION, EXPRESSION, LATER, MISSING_FIELD, NOT_ALLOWED, SCHEMA, UNKNOWN_FIELD, WRONG_TYPE,
};
use super::{Needs, Trigger};

const DEFAULT_DEDUP: Duration = Duration::from_hours(24);

pub(super) fn read(source: &str, files: &Files) -> Result<Trigger, Vec<Diagnostic>> {
    let document = Document::parse(source)?;
    let mut reader = Reader { findings: Vec::new(), needs: Needs::default(), files: files.clone() };
    let trigger = reader.trigger(document.value());
    match trigger {
        Some(trigger) if reader.findings.is_empty() => Ok(trigger),
        _ => Err(reader.findings.into_iter().map(|finding| placed(&document, finding)).collect()),
    }
}

fn placed(document: &Document, finding: Diagnostic) -> Diagnostic {
    let (line, column) = document.place_of(&finding.pointer);
    Diagnostic { line, column, ..finding }
}

/// Reads the parts of a trigger and collects what is wrong with them. Each kind of trigger has its own file.
pub(super) struct Reader {
    findings: Vec<Diagnostic>,
    /// What the expressions that were read so far read of a request.
    pub(super) needs: Needs,
    /// What its calls refer to, as pinned.
    files: Files,
}

impl Reader {
    /// `None` only with findings; with findings perhaps a trigger of no use.
    fn trigger(&mut self, value: Value) -> Option<Trigger> {
        let Value::Object(mut fields) = value else {
            self.find(WRONG_TYPE, "", "a trigger is an object of fields", Some("start with `kind: webhook`"));
            return None;
        };
        match fields.shift_remove("kind") {
            None => {
                let hint = "add e.g. `kind: webhook` (or `schedule`, `poll`)";
                self.find(MISSING_FIELD, "/kind", "`kind` is missing", Some(hint));
            }
            Some(kind) => {
                self.choice("/kind", &kind, &["webhook", "schedule", "poll"], &["stream"])?;
                match kind.as_str() {
                    Some("schedule") => {
                        return self.schedule(fields).map(|read| Trigger::Schedule(Box::new(read)));
                    }
                    Some("poll") => return self.poll(fields).map(|read| Trigger::Poll(Box::new(read))),
                    _ => {}
                }
            }
        }
        self.webhook(fields).map(|read| Trigger::Webhook(Box::new(read)))
    }

    pub(super) fn schema(&mut self, value: &Value) -> Option<Schema> {
        match Schema::compile(value) {
            Ok(schema) => Some(schema),
            Err(reason) => {
                self.find(SCHEMA, "/schema", &format!("not a valid JSON Schema: {reason}"), None);
                None
            }
        }
    }

    /// Text, literal or computed; literal text must not be empty.
    pub(super) fn text_template(&mut self, pointer: &str, value: &Value) -> Option<Template> {
        match value {
            Value::String(text) if !text.is_empty() => self.template(pointer, value),
            _ => {
                self.find(WRONG_TYPE, pointer, "this must be text that is not empty, or `${ … }`", None);
                None
            }
        }
    }

    pub(super) fn template(&mut self, pointer: &str, value: &Value) -> Option<Template> {
        self.needs = self.needs.with_template(value);
        match Template::compile(value, &[]) {
            Ok(template) => Some(template),
            Err(error) => {
                let pointer = format!("{pointer}{}", error.pointer);
                self.find(EXPRESSION, &pointer, &error.error.message, error.error.hint.as_deref());
                None
            }
        }
    }

    pub(super) fn dedup_for(&mut self, value: Option<Value>, has_key: bool) -> Duration {
        let Some(value) = value else { return DEFAULT_DEDUP };
        if !has_key {
            let message = "`dedupFor` has no effect without `dedupKey`";
            self.find(COMBINATION, "/dedupFor", message, Some("add a `dedupKey`, or remove `dedupFor`"));
        }
        match parse_duration(&value) {
            Ok(duration) if !duration.is_zero() => return duration,
            Ok(_) => {
                self.find(DURATION, "/dedupFor", "the duration is zero", Some("remove `dedupKey` instead"));
            }
            Err(error) => self.find(DURATION, "/dedupFor", &error.to_string(), None),
        }
        DEFAULT_DEDUP
    }

    // --- parts

    pub(super) fn text(&mut self, pointer: &str, value: Value) -> Option<String> {
        let Value::String(text) = value else {
            self.find(WRONG_TYPE, pointer, "this must be text", None);
            return None;
        };
        Some(text)
    }

    pub(super) fn choice(
        &mut self,
        pointer: &str,
        value: &Value,
        now: &[&str],
        later: &[&str],
    ) -> Option<()> {
        let all = now.iter().map(|choice| format!("`{choice}`")).collect::<Vec<_>>().join(", ");
        match value.as_str() {
            Some(text) if now.contains(&text) => return Some(()),
            Some(text) if later.contains(&text) => {
                let message = format!("`{text}` is not in this version");
                self.find(LATER, pointer, &message, Some(&format!("possible: {all}")));
            }
            Some(text) => {
                let hint = nearest(text, now)
                    .map_or_else(|| format!("possible: {all}"), |near| format!("did you mean `{near}`?"));
                self.find(
                    NOT_ALLOWED,
                    pointer,
                    &format!("`{}` is not possible here", quote(text)),
                    Some(&hint),
                );
            }
            None => self.find(WRONG_TYPE, pointer, "this must be text", Some(&format!("possible: {all}"))),
        }
        None
    }

    pub(super) fn unknown(&mut self, pointer: &str, fields: &Map<String, Value>, known: &[&str]) {
        for name in fields.keys().filter(|name| !known.contains(&name.as_str())) {
            let hint = if let Some(near) = nearest(name, known) {
                format!("did you mean `{near}`?")
            } else {
                let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
                format!("possible: {}", known.join(", "))
            };
            let escaped = name.replace('~', "~0").replace('/', "~1");
            let message = format!("unknown field `{}`", quote(name));
            self.find(UNKNOWN_FIELD, &format!("{pointer}/{escaped}"), &message, Some(&hint));
        }
    }

    pub(super) fn files(&self) -> &Files {
        &self.files
    }

    /// How many findings there are.
    pub(super) fn findings(&self) -> usize {
        self.findings.len()
    }

    /// What somebody else has found in a part.
    pub(super) fn take_over(&mut self, findings: impl Iterator<Item = Diagnostic>) {
        self.findings.extend(findings);
    }

    pub(super) fn find(&mut self, code: &'static str, pointer: &str, message: &str, hint: Option<&str>) {
        self.findings.push(Diagnostic {
            code,
            severity: Severity::Error,
            pointer: pointer.to_owned(),
            line: 0,
            column: 0,
            message: message.to_owned(),
            hint: hint.map(str::to_owned),
        });
    }
}

fn quote(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_debug).collect()
}

fn nearest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    if written.len() > 60 {
        return None;
    }
    let distance = |name: &str| {
        if name.eq_ignore_ascii_case(written) { 0 } else { strsim::damerau_levenshtein(written, name) }
    };
    let (near, distance) = known.iter().map(|name| (*name, distance(name))).min_by_key(|(_, d)| *d)?;
    (distance <= 1 + written.chars().count() / 4).then_some(near)
}
