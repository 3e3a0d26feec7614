//! What secrets and configuration variables are worth at the moment of use. Whoever performs an effect asks
//! here each time, and no answer may be older than the question: a new value works at the next call.

use std::fmt;

use async_trait::async_trait;
use serde_json::Value;
use tenon_store::WorkspaceId;

/// Gives values by name.
#[async_trait]
pub trait Variables: Send + Sync + 'static {
    /// The current values of these secrets and of these configuration variables. A name that there is not, or
    /// that is of the other kind, is missing in the answer.
    async fn resolve(
        &self,
        workspace: WorkspaceId,
        secrets: &[String],
        variables: &[String],
    ) -> Result<Values, tenon_store::Error>;
}

/// What was found.
#[derive(Debug, Default)]
pub struct Values {
    /// Of kind `secret`.
    pub secrets: Vec<Variable>,
    /// Of kind `config`.
    pub variables: Vec<Variable>,
}

/// A variable's value.
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Counts its values, from 1.
    pub version: u32,
    /// Any JSON.
    pub value: Value,
}

// === impl Variable ===

/// Shows no value: it may be a secret's.
impl fmt::Debug for Variable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Variable")
            .field("name", &self.name)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
