//! From text to a checked trigger, with everything that is wrong with it.

use std::time::Duration;

use serde_json::{Map, Value};
use tenon_expr::{Expr, Template, runtime_expression};
use tenon_workflow::{Diagnostic, Document, Schema, Severity, parse_duration};

use super::codes::{
    COMBINATION, DURATION, EXPRESSION, LATER, MISSING_FIELD, NOT_ALLOWED, PATH, SCHEMA, UNKNOWN_FIELD,
    WRONG_TYPE,
};
use super::{Auth, EmitData, Emits, Needs, Respond, Trigger, WEBHOOK_TYPE, Webhook};

const FIELDS: &[&str] =
    &["kind", "path", "methods", "auth", "schema", "emits", "dedupKey", "dedupFor", "respond", "metadata"];
const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const DEFAULT_DEDUP: Duration = Duration::from_hours(24);
const MAX_PATH: usize = 512;

pub(super) fn read(source: &str) -> Result<Trigger, Vec<Diagnostic>> {
    let document = Document::parse(source)?;
    let mut reader = Reader { findings: Vec::new(), needs: Needs::default() };
    let webhook = reader.webhook(document.value());
    match webhook {
        Some(webhook) if reader.findings.is_empty() => Ok(Trigger::Webhook(Box::new(webhook))),
        _ => Err(reader.findings.into_iter().map(|finding| placed(&document, finding)).collect()),
    }
}

fn placed(document: &Document, finding: Diagnostic) -> Diagnostic {
    let (line, column) = document.place_of(&finding.pointer);
    Diagnostic { line, column, ..finding }
}

struct Reader {
    findings: Vec<Diagnostic>,
    needs: Needs,
}

impl Reader {
    /// `None` only with findings; with findings perhaps a webhook of no use.
    fn webhook(&mut self, value: Value) -> Option<Webhook> {
        let Value::Object(mut fields) = value else {
            self.find(WRONG_TYPE, "", "a trigger is an object of fields", Some("start with `kind: webhook`"));
            return None;
        };
        match fields.shift_remove("kind") {
            None => self.find(MISSING_FIELD, "/kind", "`kind` is missing", Some("add `kind: webhook`")),
            Some(kind) => self.choice("/kind", &kind, &["webhook"], &["schedule", "poll", "stream"])?,
        }
        self.unknown("", &fields, FIELDS);
        let path = self.path(fields.shift_remove("path"));
        let methods = self.methods(fields.shift_remove("methods"));
        let auth = self.auth(fields.shift_remove("auth"));
        let schema = fields.shift_remove("schema").and_then(|schema| self.schema(&schema));
        let emits = self.emits(fields.shift_remove("emits"));
        let has_key = fields.contains_key("dedupKey");
        let dedup_key = fields.shift_remove("dedupKey").and_then(|key| self.dedup_key(&key));
        let dedup_for = self.dedup_for(fields.shift_remove("dedupFor"), has_key);
        let respond = self.respond(fields.shift_remove("respond"));
        Some(Webhook {
            path: path?,
            methods: methods?,
            auth: auth?,
            schema,
            emits: emits?,
            dedup_key,
            dedup_for,
            respond: respond?,
            needs: self.needs,
        })
    }

    fn path(&mut self, value: Option<Value>) -> Option<String> {
        let Some(value) = value else {
            self.find(MISSING_FIELD, "/path", "`path` is missing", Some("add e.g. `path: shop/orders`"));
            return None;
        };
        let path = self.text("/path", value)?;
        let is_letter = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        let is_segment = |segment: &str| {
            !segment.is_empty() && segment != "." && segment != ".." && segment.chars().all(is_letter)
        };
        if path.len() <= MAX_PATH && path.split('/').all(is_segment) {
            return Some(path);
        }
        let trimmed = path.trim_matches('/');
        let hint = if trimmed.len() <= MAX_PATH && trimmed.split('/').all(is_segment) {
            format!("write `{trimmed}`, without slashes around it")
        } else {
            "use letters, digits and `-._~` in segments joined by `/`, e.g. `shop/orders`".to_owned()
        };
        self.find(PATH, "/path", "not a usable webhook path", Some(&hint));
        None
    }

    fn methods(&mut self, value: Option<Value>) -> Option<Vec<String>> {
        let items = match value {
            None => return Some(vec!["POST".to_owned()]),
            Some(Value::Array(items)) if !items.is_empty() => items,
            Some(_) => {
                self.find(
                    WRONG_TYPE,
                    "/methods",
                    "`methods` is a list of methods",
                    Some("write e.g. `[POST]`"),
                );
                return None;
            }
        };
        let mut methods: Vec<String> = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let pointer = format!("/methods/{index}");
            self.choice(&pointer, &item, METHODS, &[])?;
            if let Value::String(method) = item
                && !methods.contains(&method)
            {
                methods.push(method);
            }
        }
        Some(methods)
    }

    fn auth(&mut self, value: Option<Value>) -> Option<Auth> {
        let (pointer, kind) = match value {
            None => {
                let hint =
                    "say who may call it: `auth: { kind: key }`, or `auth: { kind: none }` for everybody";
                self.find(MISSING_FIELD, "/auth", "`auth` is missing", Some(hint));
                return None;
            }
            Some(Value::Object(mut fields)) => {
                let kind = fields.shift_remove("kind");
                if !matches!(kind.as_ref().and_then(Value::as_str), Some("basic" | "bearer" | "signature")) {
                    self.unknown("/auth", &fields, &["kind"]);
                }
                ("/auth/kind", kind)
            }
            Some(kind) => ("/auth", Some(kind)),
        };
        let Some(kind) = kind else {
            self.find(MISSING_FIELD, "/auth/kind", "`kind` is missing", Some("`none` or `key`"));
            return None;
        };
        self.choice(pointer, &kind, &["none", "key"], &["basic", "bearer", "signature"])?;
        Some(if kind == "key" { Auth::Key } else { Auth::None })
    }

    fn schema(&mut self, value: &Value) -> Option<Schema> {
        match Schema::compile(value) {
            Ok(schema) => Some(schema),
            Err(reason) => {
                self.find(SCHEMA, "/schema", &format!("not a valid JSON Schema: {reason}"), None);
                None
            }
        }
    }

    fn emits(&mut self, value: Option<Value>) -> Option<Emits> {
        let mut fields = match value {
            None => Map::new(),
            Some(Value::Object(fields)) => fields,
            Some(_) => {
                let hint = "write e.g. `emits: { type: com.acme.order.created }`";
                self.find(WRONG_TYPE, "/emits", "`emits` is an object", Some(hint));
                return None;
            }
        };
        self.unknown("/emits", &fields, &["type", "source", "subject", "data"]);
        let r#type = fields.shift_remove("type").unwrap_or_else(|| WEBHOOK_TYPE.into());
        let r#type = self.text_template("/emits/type", &r#type);
        let source = fields.shift_remove("source").map(|source| self.text_template("/emits/source", &source));
        let subject =
            fields.shift_remove("subject").map(|subject| self.text_template("/emits/subject", &subject));
        let data = match fields.shift_remove("data") {
            None => Some(EmitData::Body),
            Some(Value::String(text)) if runtime_expression(&text) == Some(".body") => Some(EmitData::Body),
            Some(data) => self.template("/emits/data", &data).map(EmitData::Template),
        };
        let given = |part: Option<Option<Template>>| part.map_or(Some(None), |part| part.map(Some));
        Some(Emits { r#type: r#type?, source: given(source)?, subject: given(subject)?, data: data? })
    }

    /// Text, literal or computed; literal text must not be empty.
    fn text_template(&mut self, pointer: &str, value: &Value) -> Option<Template> {
        match value {
            Value::String(text) if !text.is_empty() => self.template(pointer, value),
            _ => {
                self.find(WRONG_TYPE, pointer, "this must be text that is not empty, or `${ … }`", None);
                None
            }
        }
    }

    fn template(&mut self, pointer: &str, value: &Value) -> Option<Template> {
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

    fn dedup_key(&mut self, value: &Value) -> Option<Expr> {
        let Some(source) = value.as_str().and_then(runtime_expression) else {
            let hint = "write e.g. `dedupKey: ${ .headers[\"x-delivery\"] }`";
            self.find(COMBINATION, "/dedupKey", "`dedupKey` must be an expression", Some(hint));
            return None;
        };
        self.needs = self.needs.with_expression(source);
        match Expr::compile(source, &[]) {
            Ok(expression) => Some(expression),
            Err(error) => {
                self.find(EXPRESSION, "/dedupKey", &error.message, error.hint.as_deref());
                None
            }
        }
    }

    fn dedup_for(&mut self, value: Option<Value>, has_key: bool) -> Duration {
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

    fn respond(&mut self, value: Option<Value>) -> Option<Respond> {
        let Some(value) = value else { return Some(Respond::Accepted) };
        self.choice("/respond", &value, &["accepted", "wait"], &[])?;
        Some(if value == "wait" { Respond::Wait } else { Respond::Accepted })
    }

    // --- parts

    fn text(&mut self, pointer: &str, value: Value) -> Option<String> {
        let Value::String(text) = value else {
            self.find(WRONG_TYPE, pointer, "this must be text", None);
            return None;
        };
        Some(text)
    }

    fn choice(&mut self, pointer: &str, value: &Value, now: &[&str], later: &[&str]) -> Option<()> {
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

    fn unknown(&mut self, pointer: &str, fields: &Map<String, Value>, known: &[&str]) {
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

    fn find(&mut self, code: &'static str, pointer: &str, message: &str, hint: Option<&str>) {
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
