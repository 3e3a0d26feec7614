//! `kind: webhook`: events that come by HTTP.

use serde_json::{Map, Value};
use tenon_expr::{Expr, Template, runtime_expression};

use super::codes::{COMBINATION, EXPRESSION, WRONG_TYPE};
use super::read::Reader;
use super::{EmitData, Emits, Respond, WEBHOOK_TYPE, Webhook};

const FIELDS: &[&str] = &[
    "kind",
    "path",
    "methods",
    "auth",
    "challenge",
    "schema",
    "emits",
    "dedupKey",
    "dedupFor",
    "respond",
    "cors",
    "rateLimit",
    "captures",
    "mask",
    "metadata",
];
const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

// === impl Reader ===

impl Reader {
    pub(super) fn webhook(&mut self, mut fields: Map<String, Value>) -> Option<Webhook> {
        self.unknown("", &fields, FIELDS);
        let path = self.path(fields.shift_remove("path"));
        if let Some(path) = &path {
            for name in ["emits", "dedupKey"] {
                if let Some(value) = fields.get(name) {
                    self.known_parameters(&format!("/{name}"), value, path);
                }
            }
        }
        let methods = self.methods(fields.shift_remove("methods"));
        let auth = self.auth(fields.shift_remove("auth"));
        let challenge = self.challenge(fields.shift_remove("challenge"));
        let schema = fields.shift_remove("schema").and_then(|schema| self.schema(&schema));
        let has_emits = fields.contains_key("emits");
        let emits = self.emits(fields.shift_remove("emits"));
        let has_key = fields.contains_key("dedupKey");
        let dedup_key = fields.shift_remove("dedupKey").and_then(|key| self.dedup_key(&key));
        let dedup_for = self.dedup_for(fields.shift_remove("dedupFor"), has_key);
        let respond = self.respond(fields.shift_remove("respond"));
        let cors = self.cors(fields.shift_remove("cors"));
        let rate_limit = self.rate_limit(fields.shift_remove("rateLimit"));
        let captures = self.captures(fields.shift_remove("captures"));
        let mask = self.mask(fields.shift_remove("mask"));
        Some(Webhook {
            path: path?,
            methods: methods?,
            auth: auth?,
            challenge,
            schema,
            emits: emits?,
            has_emits,
            dedup_key,
            dedup_for,
            respond: respond?,
            cors,
            rate_limit,
            captures: captures?,
            mask: mask?,
            needs: self.needs,
        })
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

    fn respond(&mut self, value: Option<Value>) -> Option<Respond> {
        let Some(value) = value else { return Some(Respond::Accepted) };
        self.choice("/respond", &value, &["accepted", "wait"], &[])?;
        Some(if value == "wait" { Respond::Wait } else { Respond::Accepted })
    }
}
