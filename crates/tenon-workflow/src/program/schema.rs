//! JSON Schemas of inputs, outputs, exports and bodies.

use std::fmt;

use jsonschema::PatternOptions;
use tenon_expr::Value;

/// Largest compiled pattern of a schema.
const MAX_PATTERN_BYTES: usize = 128 << 10;
/// A pattern that tries more than this on one text does not match it.
const MAX_BACKTRACKS: usize = 100_000;
/// Longest message of a violation; it may quote the value.
const MAX_MESSAGE_CHARS: usize = 300;

/// A compiled JSON Schema.
pub struct Schema {
    validator: jsonschema::Validator,
}

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
        let patterns =
            PatternOptions::fancy_regex().size_limit(MAX_PATTERN_BYTES).backtrack_limit(MAX_BACKTRACKS);
        let options = jsonschema::options().with_pattern_options(patterns);
        let validator = options.build(document).map_err(|error| error.to_string())?;
        Ok(Self { validator })
    }

    /// At most ten violations, in document order.
    pub fn check(&self, value: &Value) -> Result<(), Vec<Violation>> {
        if self.validator.is_valid(value) {
            return Ok(());
        }
        Err(self
            .validator
            .iter_errors(value)
            .take(10)
            .map(|error| Violation {
                pointer: error.instance_path().to_string(),
                message: shorten(error.to_string()),
            })
            .collect())
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
