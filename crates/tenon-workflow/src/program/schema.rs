//! JSON Schemas of inputs, outputs, exports and bodies.

use std::fmt;
use std::sync::Arc;

use jsonschema::PatternOptions;
use tenon_expr::Value;

use super::schema_cost::afford;

/// Largest compiled pattern of a schema.
const MAX_PATTERN_BYTES: usize = 128 << 10;
/// A pattern that tries more than this on one text does not match it.
const MAX_BACKTRACKS: usize = 100_000;
/// Longest message of a violation; it may quote the value.
const MAX_MESSAGE_CHARS: usize = 300;

/// A JSON Schema: compiled, or why it could not be had. Cheap to clone.
#[derive(Clone)]
pub struct Schema(Result<Arc<jsonschema::Validator>, Arc<str>>);

/// One place where a value breaks a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// JSON Pointer into the value.
    pub pointer: String,
    /// What is wrong there.
    pub message: String,
}

// === impl Schema ===

impl Schema {
    /// Compiles an inline schema; the error says what is wrong with the schema itself.
    pub fn compile(document: &Value) -> Result<Self, String> {
        afford(document)?;
        let patterns =
            PatternOptions::fancy_regex().size_limit(MAX_PATTERN_BYTES).backtrack_limit(MAX_BACKTRACKS);
        let options = jsonschema::options().with_pattern_options(patterns).with_retriever(Offline);
        let validator = options.build(document).map_err(|error| error.to_string())?;
        Ok(Self(Ok(Arc::new(validator))))
    }

    /// Compiles the text of a schema, JSON or YAML.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document = crate::Document::parse(text);
        let document =
            document.map_err(|found| found.first().map_or_else(String::new, ToString::to_string))?;
        Self::compile(&document.value())
    }

    /// A schema that could not be had: no value passes it.
    pub fn unavailable(reason: &str) -> Self {
        Self(Err(reason.into()))
    }

    /// Why it could not be had.
    pub fn reason(&self) -> Option<&str> {
        self.0.as_ref().err().map(|reason| &**reason)
    }

    /// At most ten violations, in document order.
    pub fn check(&self, value: &Value) -> Result<(), Vec<Violation>> {
        let validator = match &self.0 {
            Ok(validator) => validator,
            Err(reason) => {
                return Err(vec![Violation { pointer: String::new(), message: reason.to_string() }]);
            }
        };
        if validator.is_valid(value) {
            return Ok(());
        }
        Err(validator
            .iter_errors(value)
            .take(10)
            .map(|error| Violation {
                pointer: error.instance_path().to_string(),
                message: shorten(error.to_string()),
            })
            .collect())
    }
}

/// Nothing is fetched: whoever checks a value must not depend on what another server says today.
struct Offline;

impl jsonschema::Retrieve for Offline {
    fn retrieve(
        &self,
        _: &jsonschema::Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err("schemas cannot refer to other addresses; copy what is needed below `$defs`".into())
    }
}

fn shorten(message: String) -> String {
    match message.char_indices().nth(MAX_MESSAGE_CHARS) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message,
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Schema")
    }
}
