//! What a poller asks: `call` and `with`, as in a workflow.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tenon_workflow::{Diagnostic, Document, FileReference, Program};

use super::super::codes::{LATER, MISSING_FIELD, WRONG_TYPE};
use super::super::read::Reader;

/// What a poller asks.
#[derive(Debug)]
pub struct PollCall {
    /// Its input is the cursor, its output the answer.
    pub program: Arc<Program>,
    /// The files that it needs.
    pub references: Vec<FileReference>,
}

/// Where the call stands in the document around it.
const CALL: &str = "/do/0/poll/do/0/call";
const CALLS: [&str; 3] = ["http", "openapi", "grpc"];

// === impl Reader ===

impl Reader {
    pub(super) fn poll_call(&mut self, fields: &mut Map<String, Value>) -> Option<PollCall> {
        let (call, with) = (fields.shift_remove("call"), fields.shift_remove("with"));
        let r#use = self.poll_use(fields.shift_remove("use"));
        let name = match call {
            Some(Value::String(name)) => name,
            None => {
                let hint = "add e.g. `call: http` with `with: { method: get, endpoint: … }`";
                self.find(MISSING_FIELD, "/call", "`call` is missing", Some(hint));
                return None;
            }
            Some(_) => {
                let hint = "possible: `http`, `openapi`, `grpc`";
                self.find(WRONG_TYPE, "/call", "this must be text", Some(hint));
                return None;
            }
        };
        if !CALLS.contains(&name.as_str()) {
            let message = "functions of the catalog cannot be called in this version";
            self.find(LATER, "/call", message, Some("possible: `http`, `openapi`, `grpc`"));
            return None;
        }
        let mut task = json!({ "call": name });
        if let Some(with) = with {
            task["with"] = with;
        }
        let document = json!({
            "document": { "dsl": "1.0.3", "namespace": "tenon", "name": "poll", "version": "1.0.0" },
            "use": r#use?,
            "do": [{ "poll": {
                "for": { "each": "cursor", "at": "poll", "in": "${ [.] }" },
                "do": [{ "call": task }],
            } }],
        });
        self.poll_program(&document)
    }

    /// What the call refers to: secrets and ways to authenticate.
    fn poll_use(&mut self, value: Option<Value>) -> Option<Value> {
        match value {
            None => Some(json!({})),
            Some(Value::Object(fields)) => {
                self.unknown("/use", &fields, &["secrets", "authentications"]);
                Some(Value::Object(fields))
            }
            Some(_) => {
                let hint = "write e.g. `use: { secrets: [crm-token] }`";
                self.find(WRONG_TYPE, "/use", "`use` is an object", Some(hint));
                None
            }
        }
    }

    fn poll_program(&mut self, document: &Value) -> Option<PollCall> {
        let compiled = Document::parse(&document.to_string()).and_then(|document| {
            let program = tenon_workflow::compile_with(&document, self.files())?;
            Ok((program, tenon_workflow::references(&document)))
        });
        match compiled {
            Ok((program, references)) => {
                let moved = references
                    .into_iter()
                    .map(|reference| FileReference { pointer: in_trigger(&reference.pointer), ..reference });
                Some(PollCall { program: Arc::new(program), references: moved.collect() })
            }
            Err(findings) => {
                let moved = findings
                    .into_iter()
                    .map(|finding| Diagnostic { pointer: in_trigger(&finding.pointer), ..finding });
                self.take_over(moved);
                None
            }
        }
    }
}

/// The same place in the trigger's document.
fn in_trigger(pointer: &str) -> String {
    match pointer.strip_prefix(CALL) {
        Some(inside) => inside.to_owned(),
        None if pointer.starts_with("/use") => pointer.to_owned(),
        None => "/call".to_owned(),
    }
}
