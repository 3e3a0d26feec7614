//! JSON Schemas of inputs, outputs, exports and bodies.

use std::fmt;

use tenon_expr::Value;

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
        let validator = jsonschema::validator_for(document).map_err(|error| error.to_string())?;
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
            .map(|error| Violation { pointer: error.instance_path().to_string(), message: error.to_string() })
            .collect())
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Schema")
    }
}
