//! What can be wrong with a document, an operation, or what it is called with.

/// Why there is no API or no request. No message contains the value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is longer than any document that is read.
    #[error("the document has {bytes} bytes, more than {limit}")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The longest.
        limit: usize,
    },
    /// More operations or parameters than any real document has.
    #[error("the document describes more than {limit} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The most.
        limit: usize,
    },
    /// Neither JSON nor YAML.
    #[error("the document is not readable as {format}: {reason}")]
    Syntax {
        /// JSON or YAML.
        format: &'static str,
        /// Where and why.
        reason: String,
    },
    /// JSON or YAML, but not of OpenAPI, or of a version that is not read.
    #[error("{found}: a document says `openapi: 3.0.x`, `openapi: 3.1.x` or `swagger: \"2.0\"`")]
    Version {
        /// What it says instead.
        found: String,
    },
    /// The document describes the operation in a way that cannot be called.
    #[error("the operation `{operation}` cannot be called: {reason}")]
    Operation {
        /// Its id.
        operation: String,
        /// What is in the way.
        reason: String,
    },
    /// Required parameters were not given.
    #[error("the operation `{operation}` needs the {}", list(.names))]
    Missing {
        /// Its id.
        operation: String,
        /// Which.
        names: Vec<String>,
    },
    /// Parameters that the operation has not, and no body to put them into.
    #[error("the operation `{operation}` has no {}; it has {known}", list(.names))]
    Unknown {
        /// Its id.
        operation: String,
        /// Which.
        names: Vec<String>,
        /// What could be given.
        known: String,
    },
    /// A parameter's value cannot be sent the way the operation wants it.
    #[error("the parameter `{name}` {reason}")]
    Parameter {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The body cannot be made of what was given.
    #[error("the body of `{operation}` {reason}")]
    Body {
        /// The operation's id.
        operation: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// "parameter `a`", "parameters `a` and `b`".
fn list(names: &[String]) -> String {
    let plural = if names.len() == 1 { "" } else { "s" };
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => {
            format!("parameter{plural} {} and {last}", rest.join(", "))
        }
        Some((last, _)) => format!("parameter{plural} {last}"),
        None => "nothing".to_owned(),
    }
}
