//! Errors of the workflow language: RFC 7807, what `catch` sees and what a faulted job ends with.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenon_workflow::ErrorType;

/// A raised error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// A URI.
    pub r#type: String,
    /// An HTTP status.
    pub status: u16,
    /// A short summary.
    pub title: String,
    /// What happened this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// JSON Pointer, with indexes, of the task it comes from.
    pub instance: String,
}

// === impl Error ===

impl Error {
    /// A standard error at a task.
    pub fn standard(kind: ErrorType, instance: &str, detail: impl Into<String>) -> Self {
        Self {
            r#type: kind.uri().to_owned(),
            status: kind.status(),
            title: kind.title().to_owned(),
            detail: Some(detail.into()),
            instance: instance.to_owned(),
        }
    }

    /// The same with another status.
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// As expressions see it.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("an error has only text and numbers")
    }
}
